// Lattice functions on device memory: buffers are addresses on `device`, a stream is that of a cudaStream_t.
#include <array>

#include <pybind11/stl.h>

#include "bound.hpp"
#include "harsanyi/cuda.h"

namespace harsanyi_bindings {

void register_cuda_lattice(py::module_& module) {
  module.def("cuda_transform", bound(harsanyi_cuda_transform));
  module.def("cuda_kronecker", [](int device, const py::object& stream, const std::array<double, 4>& matrix, int dtype,
                                  int n, int64_t batch, const py::object& src, const py::object& dst) {
    void* queue = address_of(stream);
    const void* from = readable(src);
    void* to = writable(dst);
    py::gil_scoped_release release;
    check(
        harsanyi_cuda_kronecker(device, queue, matrix.data(), static_cast<harsanyi_dtype>(dtype), n, batch, from, to));
  });
  module.def("cuda_pair_sums_workspace", bound(harsanyi_cuda_pair_sums_workspace));
  module.def("cuda_pair_sums", bound(harsanyi_cuda_pair_sums));
  module.def("cuda_pair_sums_adjoint", bound(harsanyi_cuda_pair_sums_adjoint));
}

}  // namespace harsanyi_bindings
