# HARSANYI_SANITIZE: address and undefined behaviour, or what HARSANYI_SANITIZERS names ("thread" in its own build).
if(HARSANYI_SANITIZE)
  set(HARSANYI_SANITIZERS "address,undefined" CACHE STRING "The sanitizers of HARSANYI_SANITIZE")
  # At -O1: instrumented kernels take five times as long to compile at -O3.
  add_compile_options(-O1 -fsanitize=${HARSANYI_SANITIZERS} -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${HARSANYI_SANITIZERS})
endif()
