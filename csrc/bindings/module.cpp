// The Python module harsanyi._core: converts arguments, releases the GIL, calls the C ABI. Nothing else happens here.
#include <string>
#include <vector>

#include <pybind11/stl.h>

#include "borrow.hpp"
#include "harsanyi/version.h"

PYBIND11_MODULE(_core, module) {
  using namespace harsanyi_bindings;
  module.doc() = "Compiled kernels of harsanyi; call them through the Python functions, which check their arguments.";
  module.def("version", &harsanyi_version);
  module.def("compiler", [] { return HARSANYI_COMPILER; });
  module.def("build_type", [] { return HARSANYI_BUILD_TYPE; });
  module.def("isa", &harsanyi_isa);
  module.def("isas", [] {
    std::vector<std::string> names;
    for (int i = 0; i < harsanyi_isa_count(); ++i) names.emplace_back(harsanyi_isa_name(i));
    return names;
  });
  module.def("set_isa", [](const std::string& name) { check(harsanyi_set_isa(name.c_str())); });
  module.def("num_threads", &harsanyi_get_num_threads);
  module.def("set_num_threads", [](int count) { check(harsanyi_set_num_threads(count)); });
  register_lattice(module);
  register_subsets(module);
  register_masking(module);
  register_sparse(module);
  register_cuda(module);
  register_cuda_lattice(module);
}
