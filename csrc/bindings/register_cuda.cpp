// The CUDA plugin, and its functions of subsets, masked batches and reductions. Buffers are addresses on `device`, a
// stream is that of a cudaStream_t.
#include "bound.hpp"
#include "harsanyi/cuda.h"

namespace harsanyi_bindings {
namespace {

harsanyi_status reduce_orders(int device, void* stream, harsanyi_dtype dtype, int n, int64_t batch, const void* src,
                              const double* thresholds, bool salient_only, double* sum, double* absolute,
                              double* positive, double* negative, int64_t* count, void* workspace, size_t bytes) {
  const harsanyi_order_sums out{sum, absolute, positive, negative, count};
  return harsanyi_cuda_reduce_orders(device, stream, dtype, n, batch, src, thresholds, salient_only ? 1 : 0, &out,
                                     workspace, bytes);
}

}  // namespace

void register_cuda(py::module_& module) {
  module.def("cuda_available", [] {
    py::gil_scoped_release release;  // the first call loads a library and starts a device
    return harsanyi_cuda_available() != 0;
  });
  module.def("cuda_absence", []() -> const char* {
    py::gil_scoped_release release;
    return harsanyi_cuda_available() != 0 ? "" : harsanyi_last_error();
  });
  module.def("cuda_subsets_of_order", bound(harsanyi_cuda_subsets_of_order));
  module.def("cuda_rank_subsets", bound(harsanyi_cuda_rank_subsets));
  module.def("cuda_unrank_subsets", bound(harsanyi_cuda_unrank_subsets));
  module.def("cuda_orders", bound(harsanyi_cuda_orders));
  module.def("cuda_sample_masks", bound(harsanyi_cuda_sample_masks));
  module.def("cuda_sample_subsets", bound(harsanyi_cuda_sample_subsets));
  module.def("cuda_masks_from_subsets", bound(harsanyi_cuda_masks_from_subsets));
  module.def("cuda_subsets_from_masks", bound(harsanyi_cuda_subsets_from_masks));
  module.def("cuda_masked_batch", bound(harsanyi_cuda_masked_batch));
  module.def("cuda_masked_batch_from_masks", bound(harsanyi_cuda_masked_batch_from_masks));
  module.def("cuda_reduce_orders_workspace", bound(harsanyi_cuda_reduce_orders_workspace));
  module.def("cuda_reduce_orders", bound(reduce_orders));
  module.def("cuda_player_sums_workspace", bound(harsanyi_cuda_player_sums_workspace));
  module.def("cuda_player_sums", bound(harsanyi_cuda_player_sums));
}

}  // namespace harsanyi_bindings
