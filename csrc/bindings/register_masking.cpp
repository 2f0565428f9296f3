#include "borrow.hpp"

namespace harsanyi_bindings {

void register_masking(py::module_& module) {
  module.def("masked_batch",
             [](size_t element_bytes, int64_t elements, const py::object& sample, const py::object& baseline,
                const py::object& player, int n, int64_t rows, const py::object& subsets, const py::object& out) {
               const void* x = readable(sample);
               const void* base = readable(baseline);
               const int32_t* owner = readable<int32_t>(player);
               const int64_t* sets = readable<int64_t>(subsets);
               void* to = writable(out);
               py::gil_scoped_release release;
               check(harsanyi_masked_batch(element_bytes, elements, x, base, owner, n, rows, sets, to));
             });
  module.def("masked_batch_from_masks",
             [](size_t element_bytes, int64_t elements, const py::object& sample, const py::object& baseline,
                const py::object& player, int n, int64_t rows, const py::object& masks, const py::object& out) {
               const void* x = readable(sample);
               const void* base = readable(baseline);
               const int32_t* owner = readable<int32_t>(player);
               const uint8_t* keep = readable<uint8_t>(masks);
               void* to = writable(out);
               py::gil_scoped_release release;
               check(harsanyi_masked_batch_from_masks(element_bytes, elements, x, base, owner, n, rows, keep, to));
             });
}

}  // namespace harsanyi_bindings
