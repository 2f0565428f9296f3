add_library(harsanyi_warnings INTERFACE)
target_compile_options(harsanyi_warnings INTERFACE -Wall -Wextra -Wshadow -Wpointer-arith -Wcast-qual
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Woverloaded-virtual>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Vector types are passed between inlined functions of one translation unit only, never across an ABI.
  target_compile_options(harsanyi_warnings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-psabi>)
endif()
if(HARSANYI_WERROR)
  target_compile_options(harsanyi_warnings INTERFACE -Werror)
endif()
