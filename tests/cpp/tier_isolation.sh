# tier_isolation.sh OBJDUMP LIBRARY: fails if an instruction beyond baseline x86-64 stands outside harsanyi::avx2 and
# harsanyi::avx512. Every AVX mnemonic begins with v; the others are what BMI2 and popcnt allow the compiler to emit.
"$1" --disassemble --demangle --no-show-raw-insn "$2" | awk '
  /^[0-9a-f]+ <.*>:$/ { function_name = $0; tier = /harsanyi::avx(2|512)::/; seen += tier; next }
  !tier && $2 ~ /^(v[a-z]|popcnt|pdep|pext|bzhi|mulx|rorx|sarx|shlx|shrx)/ { print function_name; print; found = 1 }
  END { if (!seen) print "no tier found: is the library stripped?"; exit found || !seen }'
