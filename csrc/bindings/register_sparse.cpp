#include <memory>

#include "borrow.hpp"

namespace harsanyi_bindings {
namespace {

// reports: batch x 4 eight-byte fields, as in harsanyi_decompose_report.
void decompose(int n, int64_t batch, double gap, int64_t max_steps, bool merge_singletons, const py::object& weights,
               const py::object& v, const py::object& zetas, const py::object& and_, const py::object& or_,
               const py::object& delta, const py::object& dual, const py::object& reports) {
  const harsanyi_decompose_options options{gap, max_steps, 20, 1.6, 0, merge_singletons, readable<double>(weights)};
  const double* from = readable<double>(v);
  const double* boxes = readable<double>(zetas);
  double* a = writable<double>(and_);
  double* o = writable<double>(or_);
  double* d = writable<double>(delta);
  double* y = writable<double>(dual);
  auto* to = writable<harsanyi_decompose_report>(reports);
  py::gil_scoped_release release;
  const size_t bytes = harsanyi_decompose_workspace(n, batch, boxes != nullptr);
  const std::unique_ptr<char[]> workspace(bytes ? new char[bytes] : nullptr);
  check(harsanyi_decompose(&options, n, batch, from, boxes, a, o, d, y, to, workspace.get(), bytes));
}

}  // namespace

void register_sparse(py::module_& module) {
  module.def("decompose", &decompose);
  module.def("decompose_workspace", &harsanyi_decompose_workspace);
}

}  // namespace harsanyi_bindings
