# harsanyi_add_tiers(TARGET): compiles cpu/tier.cpp into TARGET once per instruction-set tier, in its own namespace.
function(harsanyi_add_tiers target)
  if(NOT HARSANYI_SANITIZE)
    set(optimise -O3)
  endif()
  # Contraction to fused multiply-adds would round differently from tier to tier.
  set(common ${optimise} -ffp-contract=off -fno-exceptions -fno-rtti -fno-math-errno)
  _harsanyi_add_tier(${target} baseline 16 "${common}")
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    add_compile_definitions(HARSANYI_X86_64)
    target_compile_definitions(${target} PRIVATE HARSANYI_X86_64)
    _harsanyi_add_tier(${target} avx2 32 "${common};-mavx2;-mfma;-mbmi2;-mpopcnt")
    _harsanyi_add_tier(${target} avx512 64
      "${common};-mavx512f;-mavx512dq;-mavx512bw;-mavx512vl;-mfma;-mbmi2;-mpopcnt;-mprefer-vector-width=512")
  endif()
endfunction()

function(_harsanyi_add_tier target isa vector_bytes options)
  add_library(harsanyi_tier_${isa} OBJECT cpu/tier.cpp)
  target_compile_definitions(harsanyi_tier_${isa} PRIVATE HARSANYI_ISA=${isa} HARSANYI_VECTOR_BYTES=${vector_bytes})
  target_compile_options(harsanyi_tier_${isa} PRIVATE ${options})
  target_link_libraries(harsanyi_tier_${isa} PRIVATE harsanyi_warnings)
  target_sources(${target} PRIVATE $<TARGET_OBJECTS:harsanyi_tier_${isa}>)
endfunction()
