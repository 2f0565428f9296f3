// What every CUDA kernel is written with: shared memory, 16-byte packs, lane exchange, launches on the caller's stream.
//
// The same sources compile as C++ against tests/cpp/simt, which runs them on the host and reports races, divergent
// barriers and accesses out of bounds. So shared memory is reached through Shared alone.
#pragma once

#include <cuda_runtime.h>
#include <stdint.h>

#include "../core/plugin.h"

namespace harsanyi {
namespace cuda {

constexpr unsigned kAllLanes = 0xffffffffu;

// 16 bytes, the widest load and store.
template <class T>
struct alignas(16) Pack {
  static constexpr int lanes = 16 / static_cast<int>(sizeof(T));
  T lane[lanes];
};
template <class T>
constexpr int kPackBits = sizeof(T) == 8 ? 1 : 2;

template <class T>
__device__ __forceinline__ Pack<T> load_pack(const T* from) {
  return *reinterpret_cast<const Pack<T>*>(from);
}
template <class T>
__device__ __forceinline__ void store_pack(T* to, const Pack<T>& pack) {
  *reinterpret_cast<Pack<T>*>(to) = pack;
}

#if !defined(HARSANYI_SIMT)
extern __shared__ __align__(16) unsigned char harsanyi_shared[];
#endif

// An array in the block's dynamic shared memory, `offset` bytes from its start (a multiple of 16).
template <class T>
class Shared {
 public:
  __device__ explicit Shared(unsigned offset = 0) : offset_(offset) {}
#if defined(HARSANYI_SIMT)
  T get(unsigned i) const { return *static_cast<const T*>(at(i, sizeof(T), false)); }
  void put(unsigned i, T value) const { *static_cast<T*>(at(i, sizeof(T), true)) = value; }
  // Entries i..i+lanes-1, i a multiple of the lanes of a pack.
  Pack<T> get_pack(unsigned i) const {
    Pack<T> pack;
    __builtin_memcpy(&pack, at(i, sizeof pack, false), sizeof pack);
    return pack;
  }
  void put_pack(unsigned i, const Pack<T>& pack) const {
    __builtin_memcpy(at(i, sizeof pack, true), &pack, sizeof pack);
  }

 private:
  void* at(unsigned i, size_t bytes, bool write) const {
    const size_t offset = offset_ + static_cast<size_t>(i) * sizeof(T);
    if (offset % bytes != 0) simt::fault("shared memory: %zu bytes at %zu are not aligned", bytes, offset);
    return simt::access(offset, bytes, write);
  }
#else
  __device__ __forceinline__ T get(unsigned i) const { return data()[i]; }
  __device__ __forceinline__ void put(unsigned i, T value) const { data()[i] = value; }
  __device__ __forceinline__ Pack<T> get_pack(unsigned i) const { return load_pack(data() + i); }
  __device__ __forceinline__ void put_pack(unsigned i, const Pack<T>& pack) const { store_pack(data() + i, pack); }

 private:
  __device__ __forceinline__ T* data() const { return reinterpret_cast<T*>(harsanyi_shared + offset_); }
#endif
  unsigned offset_;
};

// Lets other blocks run while this one waits for them.
__device__ __forceinline__ void yield_to_others() {
#if defined(HARSANYI_SIMT)
  simt::pause();
#elif defined(__CUDACC__)  // the plugin's table is compiled as C++
  __nanosleep(32);
#endif
}

// ---- host side ----

// Makes a device current, and the former one again at the end.
class OnDevice {
 public:
  explicit OnDevice(int device) noexcept {
    status_ = cudaGetDevice(&before_);
    if (status_ == cudaSuccess && device != before_) {
      status_ = cudaSetDevice(device);
      changed_ = status_ == cudaSuccess;
    }
  }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;
  ~OnDevice() {
    if (changed_) cudaSetDevice(before_);
  }
  cudaError_t status() const noexcept { return status_; }

 private:
  int before_ = 0;
  bool changed_ = false;
  cudaError_t status_ = cudaSuccess;
};

struct Grid {
  int64_t blocks;
  unsigned threads;
  size_t shared_bytes = 0;
  bool cooperative = false;  // all blocks are resident together and may wait for each other
};

template <class T>
struct Same {
  using type = T;
};

// kernel(arguments...) on the stream; no block, no launch.
template <class... P>
cudaError_t launch(void (*kernel)(P...), const Grid& grid, void* stream, typename Same<P>::type... arguments) {
  if (grid.blocks == 0) return cudaSuccess;
  if (grid.blocks > INT32_MAX) return cudaErrorInvalidValue;
#if defined(HARSANYI_SIMT)
  (void)stream;
  return simt::launch({static_cast<unsigned>(grid.blocks)}, {grid.threads}, grid.shared_bytes, grid.cooperative,
                      [=] { kernel(arguments...); });
#else
  const void* const function = reinterpret_cast<const void*>(kernel);
  if (grid.shared_bytes > (48 << 10)) {  // more than every device gives unasked
    const cudaError_t status = cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                    static_cast<int>(grid.shared_bytes));
    if (status != cudaSuccess) return status;
  }
  void* pointers[] = {&arguments...};
  const dim3 blocks(static_cast<unsigned>(grid.blocks)), threads(grid.threads);
  const cudaStream_t on = static_cast<cudaStream_t>(stream);
  return grid.cooperative ? cudaLaunchCooperativeKernel(function, blocks, threads, pointers, grid.shared_bytes, on)
                          : cudaLaunchKernel(function, blocks, threads, pointers, grid.shared_bytes, on);
#endif
}

inline bool is_aligned(const void* p) { return reinterpret_cast<uintptr_t>(p) % 16 == 0; }

// Bytes of shared memory that a block of the current device may have.
inline int shared_limit(int device) {
  int bytes = 0;
  return cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device) == cudaSuccess ? bytes
                                                                                                        : 48 << 10;
}

// ---- what the files of this folder give to the plugin's table (core/plugin.h) ----

int run_transform(const CudaPlace& place, const Transform& job, int64_t batch);
int run_pair_sums(const CudaPlace& place, const CudaPairSums& job);
int run_pair_sums_adjoint(const CudaPlace& place, int n, int64_t batch, const double* src, double* out);
int run_subsets_of_order(const CudaPlace& place, int n, int k, int64_t* out);
int run_rank_subsets(const CudaPlace& place, int64_t count, const int64_t* subsets, int64_t* ranks);
int run_unrank_subsets(const CudaPlace& place, int n, int k, int64_t count, const int64_t* ranks, int64_t* subsets);
int run_orders(const CudaPlace& place, int n, uint8_t* out);
int run_sample_masks(const CudaPlace& place, const SubsetDraw& draw, int64_t count, uint8_t* masks);
int run_sample_subsets(const CudaPlace& place, const SubsetDraw& draw, int64_t count, int64_t* subsets);
int run_masks_from_subsets(const CudaPlace& place, int n, int64_t count, const int64_t* subsets, uint8_t* masks);
int run_subsets_from_masks(const CudaPlace& place, int n, int64_t count, const uint8_t* masks, int64_t* subsets);
int run_masked_batch(const CudaPlace& place, const MaskedBatch& job, int64_t rows);
int run_reduce_orders(const CudaPlace& place, const OrderReduction& job, int64_t batch, double* workspace);
int run_player_sums(const CudaPlace& place, const PlayerReduction& job, int64_t batch, double* workspace);
size_t decompose_workspace(const CudaPlace& place, const CudaDecompose& given, bool noise);
int run_decompose(const CudaPlace& place, const CudaDecompose& given);

}  // namespace cuda
}  // namespace harsanyi
