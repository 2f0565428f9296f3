#include "borrow.hpp"

namespace harsanyi_bindings {

void register_subsets(py::module_& module) {
  module.def("binomial", &harsanyi_binomial);
  module.def("subsets_of_order", [](int n, int k, const py::object& out) {
    int64_t* to = writable<int64_t>(out);
    py::gil_scoped_release release;
    check(harsanyi_subsets_of_order(n, k, to));
  });
  module.def("rank_subsets", [](int64_t count, const py::object& subsets, const py::object& ranks) {
    check(harsanyi_rank_subsets(count, readable<int64_t>(subsets), writable<int64_t>(ranks)));
  });
  module.def("unrank_subsets", [](int n, int k, int64_t count, const py::object& ranks, const py::object& subsets) {
    check(harsanyi_unrank_subsets(n, k, count, readable<int64_t>(ranks), writable<int64_t>(subsets)));
  });
  module.def("orders", [](int n, const py::object& out) { check(harsanyi_orders(n, writable<uint8_t>(out))); });
  module.def("sample_masks", [](int n, const py::object& players, int candidates, int size, int64_t count,
                                uint64_t seed, uint64_t first, const py::object& masks) {
    const int32_t* drawn_from = readable<int32_t>(players);
    uint8_t* to = writable<uint8_t>(masks);
    py::gil_scoped_release release;
    check(harsanyi_sample_masks(n, drawn_from, candidates, size, count, seed, first, to));
  });
  module.def("sample_subsets", [](int n, const py::object& players, int candidates, int size, int64_t count,
                                  uint64_t seed, uint64_t first, const py::object& subsets) {
    const int32_t* drawn_from = readable<int32_t>(players);
    int64_t* to = writable<int64_t>(subsets);
    py::gil_scoped_release release;
    check(harsanyi_sample_subsets(n, drawn_from, candidates, size, count, seed, first, to));
  });
  module.def("masks_from_subsets", [](int n, int64_t count, const py::object& subsets, const py::object& masks) {
    check(harsanyi_masks_from_subsets(n, count, readable<int64_t>(subsets), writable<uint8_t>(masks)));
  });
  module.def("subsets_from_masks", [](int n, int64_t count, const py::object& masks, const py::object& subsets) {
    check(harsanyi_subsets_from_masks(n, count, readable<uint8_t>(masks), writable<int64_t>(subsets)));
  });
}

}  // namespace harsanyi_bindings
