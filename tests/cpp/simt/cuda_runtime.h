// The part of CUDA's runtime and language that the kernels of csrc/cuda use, on the host: their sources compile as C++
// against this header, and simt.cpp runs them, one fiber a thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#define HARSANYI_SIMT 1
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};

enum cudaError_t { cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorNoDevice = 100, cudaErrorLaunchFailure = 719 };
enum cudaDeviceAttr { cudaDevAttrMultiProcessorCount = 16, cudaDevAttrMaxSharedMemoryPerBlockOptin = 97 };
struct CUstream_st;
using cudaStream_t = CUstream_st*;

cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaGetDevice(int* device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device);
cudaError_t cudaGetLastError();
const char* cudaGetErrorString(cudaError_t error);
cudaError_t cudaMemsetAsync(void* data, int value, std::size_t bytes, cudaStream_t stream);

namespace simt {

// ---- what a test sets and reads ----

enum class Order { forward, backward, shuffled };  // in which threads and blocks run
struct Device {
  Order order = Order::forward;
  int shared_limit = 227 << 10;  // bytes a block
  int multiprocessors = 3;
  int devices = 2, current = 0;
};
Device& device();
// The first fault of the launches since the last call: a race, a divergent barrier, an access out of bounds; or "".
const char* take_fault();

// ---- what the kernels' macros and launch.cuh call ----

struct Thread {
  dim3 thread_index, block_index;
};
const Thread& self();
const dim3& block_dim();
const dim3& grid_dim();

cudaError_t launch(dim3 grid, dim3 block, std::size_t shared_bytes, bool cooperative,
                   const std::function<void()>& body);
void barrier(const char* file, int line);
void warp_barrier(std::uint32_t lanes, const char* file, int line);
// Gives `in` to the warp and takes what lane `from` gave; `ballot` gathers a bit of each lane.
std::uint64_t exchange(std::uint32_t lanes, std::uint64_t in, int from, const char* file, int line);
std::uint32_t ballot(std::uint32_t lanes, bool bit, const char* file, int line);
int lane();
// Lets other threads run: a loop that waits for another block must call it.
void pause();
// Checks an access to shared memory for its bounds and against those of other threads since the last barrier.
void* access(std::size_t offset, std::size_t bytes, bool write);
[[noreturn]] void fault(const char* format, ...) __attribute__((format(printf, 1, 2)));

template <class T>
std::uint64_t to_bits(T value) {
  static_assert(sizeof(T) <= 8);
  std::uint64_t bits = 0;
  __builtin_memcpy(&bits, &value, sizeof(T));
  return bits;
}
template <class T>
T from_bits(std::uint64_t bits) {
  T value;
  __builtin_memcpy(&value, &bits, sizeof(T));
  return value;
}
template <class T>
T shuffle(std::uint32_t lanes, T value, int from, const char* file, int line) {
  return from_bits<T>(exchange(lanes, to_bits(value), from, file, line));
}

}  // namespace simt

#define threadIdx (::simt::self().thread_index)
#define blockIdx (::simt::self().block_index)
#define blockDim (::simt::block_dim())
#define gridDim (::simt::grid_dim())
#define __syncthreads() ::simt::barrier(__FILE__, __LINE__)
#define __syncwarp(...) ::simt::warp_barrier(0xffffffffu, __FILE__, __LINE__)
#define __shfl_sync(lanes, value, from) ::simt::shuffle(lanes, value, (from) & 31, __FILE__, __LINE__)
#define __shfl_xor_sync(lanes, value, mask) ::simt::shuffle(lanes, value, ::simt::lane() ^ (mask), __FILE__, __LINE__)
// As on the device, a lane without a partner keeps its own value.
#define __shfl_down_sync(lanes, value, delta)                                                                    \
  ::simt::shuffle(                                                                                               \
      lanes, value,                                                                                              \
      ::simt::lane() + static_cast<int>(delta) < 32 ? ::simt::lane() + static_cast<int>(delta) : ::simt::lane(), \
      __FILE__, __LINE__)
#define __ballot_sync(lanes, bit) ::simt::ballot(lanes, (bit) != 0, __FILE__, __LINE__)

inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x)); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>((static_cast<std::uint64_t>(a) * b) >> 32);
}
template <class T>
T __ldg(const T* p) {
  return *p;
}
// Fibers run one at a time, so a plain addition is atomic.
template <class T>
T atomicAdd(T* p, T value) {
  const T old = *p;
  *p = old + value;
  return old;
}
inline void __threadfence() {}
