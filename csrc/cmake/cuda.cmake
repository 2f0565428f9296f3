# HARSANYI_CUDA=AUTO|ON|OFF: whether the plugin libharsanyi_cuda.so is built. Sets HARSANYI_CUDA_FOUND.
# CMAKE_CUDA_ARCHITECTURES: by default all that the compiler knows from sm_75 on.
set(HARSANYI_CUDA_FOUND OFF)
set(HARSANYI_CUDA_SOURCES transform.cu pairs.cu subsets.cu masking.cu reduce.cu sparse.cu)
list(TRANSFORM HARSANYI_CUDA_SOURCES PREPEND "${PROJECT_SOURCE_DIR}/csrc/cuda/")
set(HARSANYI_CUDA_PLUGIN_SOURCE "${PROJECT_SOURCE_DIR}/csrc/cuda/plugin.cpp")

if(NOT HARSANYI_CUDA MATCHES "^(AUTO|ON|OFF)$")
  message(FATAL_ERROR "HARSANYI_CUDA is '${HARSANYI_CUDA}'; it may be AUTO, ON or OFF")
endif()
if(HARSANYI_CUDA STREQUAL "OFF")
  return()
endif()

include(CheckLanguage)
check_language(CUDA)
set(runs no)
if(CMAKE_CUDA_COMPILER)  # check_language takes whatever name a user gives
  execute_process(COMMAND "${CMAKE_CUDA_COMPILER}" --version RESULT_VARIABLE runs OUTPUT_QUIET ERROR_QUIET)
endif()
if(NOT runs EQUAL 0)
  if(HARSANYI_CUDA STREQUAL "ON")
    message(FATAL_ERROR "HARSANYI_CUDA=ON, but no CUDA compiler was found: put nvcc on the PATH or name it with "
      "CUDACXX or -DCMAKE_CUDA_COMPILER=...; -DHARSANYI_CUDA=OFF builds without it")
  endif()
  message(STATUS "No CUDA compiler: the plugin is not built")
  return()
endif()
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  execute_process(COMMAND "${CMAKE_CUDA_COMPILER}" --list-gpu-arch OUTPUT_VARIABLE known)
  string(REGEX MATCHALL "[0-9]+" known "${known}")
  set(CMAKE_CUDA_ARCHITECTURES "")
  foreach(architecture IN LISTS known)
    if(architecture GREATER_EQUAL 75)
      list(APPEND CMAKE_CUDA_ARCHITECTURES ${architecture}-real)
      set(newest ${architecture})
    endif()
  endforeach()
  list(APPEND CMAKE_CUDA_ARCHITECTURES ${newest}-virtual)  # for devices that come later
endif()
enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)
set(CMAKE_CUDA_STANDARD 17)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(HARSANYI_CUDA_FOUND ON)
message(STATUS "CUDA plugin for ${CMAKE_CUDA_ARCHITECTURES}")

function(harsanyi_add_cuda_plugin)
  add_library(harsanyi_cuda MODULE ${HARSANYI_CUDA_SOURCES} ${HARSANYI_CUDA_PLUGIN_SOURCE})
  # No contraction to fused multiply-adds: the CPU's bits. A source's architectures side by side, on all processors.
  target_compile_options(harsanyi_cuda PRIVATE
    $<$<COMPILE_LANGUAGE:CUDA>:-fmad=false --threads=0 -Xcompiler=-Wall,-Wextra>)
  if(HARSANYI_WERROR)
    target_compile_options(harsanyi_cuda PRIVATE
      $<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings -Xcompiler=-Werror> $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
  endif()
  target_include_directories(harsanyi_cuda PRIVATE $<TARGET_PROPERTY:harsanyi,INCLUDE_DIRECTORIES>)
  set_target_properties(harsanyi_cuda PROPERTIES CUDA_RUNTIME_LIBRARY Static CUDA_VISIBILITY_PRESET hidden
    CUDA_SEPARABLE_COMPILATION OFF)
  target_link_libraries(harsanyi_cuda PRIVATE CUDA::cudart_static)
  install(TARGETS harsanyi_cuda COMPONENT core LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endfunction()
