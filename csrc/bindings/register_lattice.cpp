#include <array>
#include <memory>

#include <pybind11/stl.h>

#include "borrow.hpp"

namespace harsanyi_bindings {
namespace {

// Uninitialised scratch memory; most calls need none.
std::unique_ptr<char[]> workspace_of(size_t bytes) {
  return std::unique_ptr<char[]>(bytes ? new char[bytes] : nullptr);
}

void transform(int kind, int dtype, int n, int64_t batch, const py::object& src, const py::object& dst) {
  const void* from = readable(src);
  void* to = writable(dst);
  py::gil_scoped_release release;
  const size_t bytes = harsanyi_transform_workspace(static_cast<harsanyi_dtype>(dtype), n);
  const auto workspace = workspace_of(bytes);
  check(harsanyi_transform(static_cast<harsanyi_kind>(kind), static_cast<harsanyi_dtype>(dtype), n, batch, from, to,
                           workspace.get(), bytes));
}

void kronecker(const std::array<double, 4>& matrix, int dtype, int n, int64_t batch, const py::object& src,
               const py::object& dst) {
  const void* from = readable(src);
  void* to = writable(dst);
  py::gil_scoped_release release;
  const size_t bytes = harsanyi_transform_workspace(static_cast<harsanyi_dtype>(dtype), n);
  const auto workspace = workspace_of(bytes);
  check(harsanyi_kronecker(matrix.data(), static_cast<harsanyi_dtype>(dtype), n, batch, from, to, workspace.get(),
                           bytes));
}

void reduce_orders(int dtype, int n, int64_t batch, const py::object& src, const py::object& thresholds,
                   bool salient_only, const py::object& sum, const py::object& absolute, const py::object& positive,
                   const py::object& negative, const py::object& count) {
  const void* from = readable(src);
  const double* limits = readable<double>(thresholds);
  const harsanyi_order_sums out{writable<double>(sum), writable<double>(absolute), writable<double>(positive),
                                writable<double>(negative), writable<int64_t>(count)};
  py::gil_scoped_release release;
  check(harsanyi_reduce_orders(static_cast<harsanyi_dtype>(dtype), n, batch, from, limits, salient_only, &out));
}

void player_sums(int dtype, int n, int64_t batch, const py::object& src, const py::object& weights,
                 const py::object& out) {
  const void* from = readable(src);
  const double* by_order = readable<double>(weights);
  double* to = writable<double>(out);
  py::gil_scoped_release release;
  const size_t bytes = harsanyi_player_sums_workspace(n);
  const auto workspace = workspace_of(bytes);
  check(harsanyi_player_sums(static_cast<harsanyi_dtype>(dtype), n, batch, from, by_order, to, workspace.get(), bytes));
}

void pair_sums(int dtype, int n, int64_t batch, const py::object& src, const py::object& out) {
  const void* from = readable(src);
  double* to = writable<double>(out);
  py::gil_scoped_release release;
  const size_t bytes = harsanyi_pair_sums_workspace(n);
  const auto workspace = workspace_of(bytes);
  check(harsanyi_pair_sums(static_cast<harsanyi_dtype>(dtype), n, batch, from, to, workspace.get(), bytes));
}

void pair_sums_adjoint(int n, int64_t batch, const py::object& src, const py::object& out) {
  const double* from = readable<double>(src);
  double* to = writable<double>(out);
  py::gil_scoped_release release;
  const size_t bytes = harsanyi_pair_sums_workspace(n);
  const auto workspace = workspace_of(bytes);
  check(harsanyi_pair_sums_adjoint(n, batch, from, to, workspace.get(), bytes));
}

}  // namespace

void register_lattice(py::module_& module) {
  module.def("transform", &transform);
  module.def("kronecker", &kronecker);
  module.def("reduce_orders", &reduce_orders);
  module.def("player_sums", &player_sums);
  module.def("pair_sums", &pair_sums);
  module.def("pair_sums_adjoint", &pair_sums_adjoint);
}

}  // namespace harsanyi_bindings
