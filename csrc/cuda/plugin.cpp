// The plugin's one exported symbol.
#include "launch.cuh"

#include "harsanyi/version.h"

namespace harsanyi {
namespace cuda {
namespace {

const char* error_text(int code) { return cudaGetErrorString(static_cast<cudaError_t>(code)); }
int count_devices(int* count) { return cudaGetDeviceCount(count); }

const CudaTable table = {
    HARSANYI_VERSION, sizeof(CudaTable),     error_text,           count_devices,          run_transform,
    run_pair_sums,    run_pair_sums_adjoint, run_subsets_of_order, run_rank_subsets,       run_unrank_subsets,
    run_orders,       run_sample_masks,      run_sample_subsets,   run_masks_from_subsets, run_subsets_from_masks,
    run_masked_batch, run_reduce_orders,     run_player_sums,      decompose_workspace,    run_decompose,
};

}  // namespace
}  // namespace cuda
}  // namespace harsanyi

const harsanyi::CudaTable* harsanyi_cuda_table(void) { return &harsanyi::cuda::table; }
