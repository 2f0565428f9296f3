#include <memory>
#include <vector>

#include "bound.hpp"
#include "harsanyi/cuda.h"

namespace harsanyi_bindings {
namespace {

harsanyi_decompose_options options_of(const py::dict& named) {
  harsanyi_decompose_options options;
  harsanyi_decompose_defaults(&options);
  options.dtype = named["single"].cast<bool>() ? HARSANYI_F32 : HARSANYI_F64;
  options.single_first = named["single_first"].cast<bool>();
  options.simplex_first = named["simplex_first"].cast<bool>();
  options.gap = named["gap"].cast<double>();
  options.max_steps = named["max_steps"].cast<int64_t>();
  options.merge_singletons = named["merge_singletons"].cast<bool>();
  options.weights = readable<double>(named["weights"]);
  options.and_only = named["and_only"].cast<bool>();
  options.share = named["share"].cast<double>();
  options.networks = named["networks"].cast<int>();
  options.alpha = named["alpha"].cast<double>();
  options.warm_start = named["warm_start"].cast<bool>();
  return options;
}

}  // namespace

// Options come as a dict, which the caller holds, with their weights.
template <>
struct Argument<harsanyi_decompose_options> {
  using type = const py::dict&;
  static harsanyi_decompose_options from(const py::dict& named) { return options_of(named); }
};

namespace {

struct Watch {
  py::object progress;
  std::unique_ptr<py::error_already_set> error;  // raised on whatever thread asked
};

// Ctrl-C, and progress(finished) if there is one.
int poll(void* context, int64_t finished) {
  py::gil_scoped_acquire hold;
  auto& watch = *static_cast<Watch*>(context);
  try {
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (!watch.progress.is_none()) watch.progress(finished);
  } catch (py::error_already_set& error) {
    watch.error = std::make_unique<py::error_already_set>(error);
  }
  return watch.error != nullptr;
}

size_t workspace(int n, int64_t batch, bool noise, harsanyi_decompose_options options) {
  return harsanyi_decompose_workspace(&options, n, batch, noise);
}

// reports: batch x 4 eight-byte fields, as in harsanyi_decompose_report.
void decompose(int n, int64_t batch, const py::dict& named, const py::object& progress, const py::object& v,
               const py::object& zetas, const py::object& and_, const py::object& or_, const py::object& delta,
               const py::object& dual, const py::object& reports, const py::object& memory, size_t bytes) {
  harsanyi_decompose_options options = options_of(named);
  Watch watch{progress, nullptr};
  options.poll = poll;
  options.poll_context = &watch;
  const double* from = readable<double>(v);
  const double* boxes = readable<double>(zetas);
  double* a = writable<double>(and_);
  double* o = writable<double>(or_);
  double* d = writable<double>(delta);
  double* y = writable<double>(dual);
  auto* to = writable<harsanyi_decompose_report>(reports);
  void* space = writable(memory);
  harsanyi_status status;
  {
    py::gil_scoped_release release;
    status = harsanyi_decompose(&options, n, batch, from, boxes, a, o, d, y, to, space, bytes);
  }
  if (watch.error != nullptr) throw py::error_already_set(*watch.error);
  check(status);
}

// weights: n + 1 numbers by order.
py::bytes cuda_plan(int n, bool noise, const py::object& weights) {
  harsanyi_decompose_options options;
  harsanyi_decompose_defaults(&options);
  options.weights = readable<double>(weights);
  std::vector<double> plan(harsanyi_cuda_decompose_plan_bytes(n, noise) / sizeof(double) + 1);
  size_t used = 0;
  {
    py::gil_scoped_release release;
    check(harsanyi_cuda_decompose_plan(&options, n, noise, plan.data(), plan.size() * sizeof(double), &used));
  }
  return py::bytes(reinterpret_cast<const char*>(plan.data()), used);
}

size_t cuda_workspace(int device, int n, int64_t batch, bool noise, harsanyi_decompose_options options) {
  return harsanyi_cuda_decompose_workspace(device, &options, n, batch, noise);
}

harsanyi_status cuda_decompose(int device, void* stream, int n, int64_t batch, harsanyi_decompose_options options,
                               const double* v, const double* zetas, double* and_, double* or_, double* delta,
                               double* dual, harsanyi_decompose_report* reports, const void* plan, void* memory,
                               size_t bytes) {
  return harsanyi_cuda_decompose(device, stream, &options, n, batch, v, zetas, and_, or_, delta, dual, reports, plan,
                                 memory, bytes);
}

}  // namespace

void register_sparse(py::module_& module) {
  module.def("decompose", &decompose);
  module.def("decompose_workspace", bound(workspace));
  module.def("cuda_decompose_plan", &cuda_plan);
  module.def("cuda_decompose_workspace", bound(cuda_workspace));
  module.def("cuda_decompose", bound(cuda_decompose));
}

}  // namespace harsanyi_bindings
