#include "borrow.hpp"
#include "harsanyi/cuda.h"

namespace harsanyi_bindings {

// Addresses are device memory; the stream is the address of a cudaStream_t.
void register_cuda(py::module_& module) {
  module.def("cuda_available", [] {
    py::gil_scoped_release release;  // the first call loads a library and starts a device
    return harsanyi_cuda_available() != 0;
  });
  module.def("cuda_absence", []() -> const char* {
    py::gil_scoped_release release;
    return harsanyi_cuda_available() != 0 ? "" : harsanyi_last_error();
  });
}

}  // namespace harsanyi_bindings
