// The plugin's one exported symbol.
#include "launch.cuh"

#include "harsanyi/version.h"

namespace harsanyi {
namespace cuda {
namespace {

const char* error_text(int code) { return cudaGetErrorString(static_cast<cudaError_t>(code)); }
int count_devices(int* count) { return cudaGetDeviceCount(count); }

const CudaTable table = {
    HARSANYI_VERSION, sizeof(CudaTable), error_text, count_devices, run_transform, decompose_workspace, run_decompose,
};

}  // namespace
}  // namespace cuda
}  // namespace harsanyi

const harsanyi::CudaTable* harsanyi_cuda_table(void) { return &harsanyi::cuda::table; }
