// Lattice functions on device memory: pointers are addresses on `device`, `stream` is that of a cudaStream_t.
#include <array>

#include <pybind11/stl.h>

#include "borrow.hpp"
#include "harsanyi/cuda.h"

namespace harsanyi_bindings {

void register_cuda_lattice(py::module_& module) {
  module.def("cuda_transform", [](int device, const py::object& stream, int kind, int dtype, int n, int64_t batch,
                                  const py::object& src, const py::object& dst) {
    void* queue = address_of(stream);
    const void* from = readable(src);
    void* to = writable(dst);
    py::gil_scoped_release release;
    check(harsanyi_cuda_transform(device, queue, static_cast<harsanyi_kind>(kind), static_cast<harsanyi_dtype>(dtype),
                                  n, batch, from, to));
  });
  module.def("cuda_kronecker", [](int device, const py::object& stream, const std::array<double, 4>& matrix, int dtype,
                                  int n, int64_t batch, const py::object& src, const py::object& dst) {
    void* queue = address_of(stream);
    const void* from = readable(src);
    void* to = writable(dst);
    py::gil_scoped_release release;
    check(
        harsanyi_cuda_kronecker(device, queue, matrix.data(), static_cast<harsanyi_dtype>(dtype), n, batch, from, to));
  });
  module.def("cuda_pair_sums_workspace", &harsanyi_cuda_pair_sums_workspace);
  module.def("cuda_pair_sums", [](int device, const py::object& stream, int dtype, int n, int64_t batch,
                                  const py::object& src, const py::object& out, const py::object& workspace,
                                  size_t bytes) {
    void* queue = address_of(stream);
    const void* from = readable(src);
    double* to = writable<double>(out);
    void* space = writable(workspace);
    py::gil_scoped_release release;
    check(harsanyi_cuda_pair_sums(device, queue, static_cast<harsanyi_dtype>(dtype), n, batch, from, to, space, bytes));
  });
  module.def("cuda_pair_sums_adjoint", [](int device, const py::object& stream, int n, int64_t batch,
                                          const py::object& src, const py::object& out) {
    void* queue = address_of(stream);
    const double* from = readable<double>(src);
    double* to = writable<double>(out);
    py::gil_scoped_release release;
    check(harsanyi_cuda_pair_sums_adjoint(device, queue, n, batch, from, to));
  });
}

}  // namespace harsanyi_bindings
