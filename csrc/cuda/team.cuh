// Blocks that work on one problem together: their threads, barriers and sums; vectors on chip or in global memory; and
// lattice transforms of such vectors.
#pragma once

#include "butterfly.cuh"
#include "launch.cuh"

namespace harsanyi {
namespace cuda {

// One block, or several resident ones that share a counter (0 at the start) and room for partial results.
class Team {
 public:
  static constexpr int kMostValues = 4;
  static constexpr unsigned kMostWarps = 16;
  // Shared memory at offset 0, twice: a reduction is read while the next is written.
  static constexpr unsigned kSharedBytes = 2 * kMostValues * kMostWarps * sizeof(double);
  static constexpr size_t kPartialBytes = 2 * kMostValues * sizeof(double);  // a block, global memory

  __device__ Team(unsigned blocks, unsigned rank, unsigned* counter, double* partials)
      : blocks_(blocks), rank_(rank), counter_(counter), partials_(partials) {}

  __device__ __forceinline__ unsigned thread() const { return rank_ * blockDim.x + threadIdx.x; }
  __device__ __forceinline__ unsigned size() const { return blocks_ * blockDim.x; }

  // All that any thread wrote before, every thread sees after.
  __device__ __forceinline__ void sync() {
    __syncthreads();
    if (blocks_ == 1) return;
    if (threadIdx.x == 0) {
      __threadfence();
      target_ += blocks_;
      atomicAdd(counter_, 1u);
      // The counter may wrap around; the distance tells.
      while (static_cast<int>(*static_cast<volatile unsigned*>(counter_) - target_) < 0) yield_to_others();
      __threadfence();
    }
    __syncthreads();
  }

  // values[k] of all threads merged, in every thread, in an order that depends on the team's shape alone.
  template <int K, class Merge>
  __device__ __forceinline__ void reduce(double (&values)[K], const Merge& merge) {
    static_assert(K <= kMostValues, "room for this many");
    const Shared<double> of_warps(turn_ * (kSharedBytes / 2));
    const unsigned warps = blockDim.x / 32, warp = threadIdx.x / 32;
#pragma unroll
    for (int k = 0; k < K; ++k) {
      for (int step = 16; step > 0; step /= 2) {
        values[k] = merge(values[k], __shfl_xor_sync(kAllLanes, values[k], step));
      }
      if (threadIdx.x % 32 == 0) of_warps.put(static_cast<unsigned>(k) * kMostWarps + warp, values[k]);
    }
    __syncthreads();
#pragma unroll
    for (int k = 0; k < K; ++k) {
      values[k] = of_warps.get(static_cast<unsigned>(k) * kMostWarps);
      for (unsigned w = 1; w < warps; ++w) {
        values[k] = merge(values[k], of_warps.get(static_cast<unsigned>(k) * kMostWarps + w));
      }
    }
    if (blocks_ > 1) {
      double* const mine = partials_ + (turn_ * blocks_ + rank_) * kMostValues;
      if (threadIdx.x == 0) {
#pragma unroll
        for (int k = 0; k < K; ++k) mine[k] = values[k];
      }
      sync();
      const double* const all = partials_ + turn_ * blocks_ * kMostValues;
#pragma unroll
      for (int k = 0; k < K; ++k) values[k] = all[k];
      for (unsigned b = 1; b < blocks_; ++b) {
#pragma unroll
        for (int k = 0; k < K; ++k) values[k] = merge(values[k], all[b * kMostValues + static_cast<unsigned>(k)]);
      }
    }
    turn_ ^= 1;
  }
  template <int K>
  __device__ __forceinline__ void sum(double (&values)[K]) {
    reduce(values, [](double a, double b) { return a + b; });
  }
  __device__ __forceinline__ double sum(double value) {
    double values[1] = {value};
    sum(values);
    return values[0];
  }
  __device__ __forceinline__ double maximum(double value) {
    double values[1] = {value};
    reduce(values, [](double a, double b) { return a > b ? a : b; });
    return values[0];
  }

 private:
  unsigned blocks_, rank_;
  unsigned* counter_;
  double* partials_;
  unsigned target_ = 0, turn_ = 0;
};

// A vector in the block's shared memory, or in global memory. On the device a plain pointer reaches both.
template <class T>
class Vec {
 public:
  __device__ Vec() {}
#if defined(HARSANYI_SIMT)
  static Vec on_chip(unsigned offset) { return Vec(nullptr, offset); }
  static Vec in_memory(T* data) { return Vec(data, 0); }
  // What lies so many bytes on.
  template <class U>
  Vec<U> beyond(unsigned bytes) const {
    return data_ == nullptr ? Vec<U>::on_chip(offset_ + bytes)
                            : Vec<U>::in_memory(reinterpret_cast<U*>(reinterpret_cast<uintptr_t>(data_) + bytes));
  }
  T get(unsigned i) const { return data_ != nullptr ? data_[i] : chip_.get(i); }
  Pack<T> get_pack(unsigned i) const { return data_ != nullptr ? load_pack(data_ + i) : chip_.get_pack(i); }
  void put(unsigned i, T value) const {
    if (data_ != nullptr) {
      data_[i] = value;
    } else {
      chip_.put(i, value);
    }
  }

 private:
  Vec(T* data, unsigned offset) : data_(data), offset_(offset), chip_(offset) {}
  T* data_ = nullptr;
  unsigned offset_ = 0;
  Shared<T> chip_{0};
#else
  static __device__ __forceinline__ Vec on_chip(unsigned offset) {
    return Vec(reinterpret_cast<T*>(harsanyi_shared + offset));
  }
  static __device__ __forceinline__ Vec in_memory(T* data) { return Vec(data); }
  template <class U>
  __device__ __forceinline__ Vec<U> beyond(unsigned bytes) const {
    return Vec<U>::in_memory(reinterpret_cast<U*>(reinterpret_cast<uintptr_t>(data_) + bytes));
  }
  __device__ __forceinline__ T get(unsigned i) const { return data_[i]; }
  __device__ __forceinline__ Pack<T> get_pack(unsigned i) const { return load_pack(data_ + i); }
  __device__ __forceinline__ void put(unsigned i, T value) const { data_[i] = value; }

 private:
  __device__ explicit Vec(T* data) : data_(data) {}
  T* data_ = nullptr;
#endif
};

// Bits 0..7 of a vector of 2**n entries: five between lanes, three in registers. Not for the negated matrices.
template <class Op, class T>
__device__ __forceinline__ void low_bits(const Team& team, int n, const Op& op, const Vec<T>& src, const Vec<T>& dst) {
  static_assert(!Op::negate, "the solver has the matrices themselves");
  const unsigned count = 1u << n, lane = threadIdx.x % 32, tiles = n > 8 ? count >> 8 : 1;
  for (unsigned tile = team.thread() / 32; tile < tiles; tile += team.size() / 32) {
    const unsigned first = tile << 8 | lane;
    T x[8];
#pragma unroll
    for (unsigned j = 0; j < 8; ++j) {
      x[j] = first + 32 * j < count ? src.get(first + 32 * j) : T(0);
    }
#pragma unroll
    for (int bit = 0; bit < 5; ++bit) {
      const bool high = lane >> bit & 1;
#pragma unroll
      for (unsigned j = 0; bit < n && j < 8; ++j) {
        x[j] = op.lane(x[j], __shfl_xor_sync(kAllLanes, x[j], 1 << bit), high);
      }
    }
#pragma unroll
    for (int bit = 0; bit < 3; ++bit) {
#pragma unroll
      for (int j = 0; bit + 5 < n && j < 8; ++j) {
        if (!(j >> bit & 1)) op.pair(x[j], x[j | 1 << bit]);
      }
    }
#pragma unroll
    for (unsigned j = 0; j < 8; ++j) {
      if (first + 32 * j < count) dst.put(first + 32 * j, x[j]);
    }
  }
}

// Bits [bit, bit + R), in place.
template <int R, class Op, class T>
__device__ __forceinline__ void high_bits(const Team& team, int n, int bit, const Op& op, const Vec<T>& x) {
  for (unsigned column = team.thread(); column < 1u << (n - R); column += team.size()) {
    const unsigned at = (column >> bit) << (bit + R) | (column & ((1u << bit) - 1));
    T values[1 << R];
#pragma unroll
    for (unsigned j = 0; j < 1u << R; ++j) values[j] = x.get(at + (j << bit));
    register_bits<R>(values, op);
#pragma unroll
    for (unsigned j = 0; j < 1u << R; ++j) x.put(at + (j << bit), values[j]);
  }
}

// Calls each(low) for the low bits and each(bit, radix) for the ones above, with barriers between and around.
template <class Low, class High>
__device__ __forceinline__ void by_bits(Team& team, int n, const Low& low, const High& high) {
  team.sync();
  low();
  for (int bit = 8; bit < n;) {
    const int passes = (n - bit + 2) / 3, radix = (n - bit + passes - 1) / passes;
    team.sync();
    high(bit, radix);
    bit += radix;
  }
  team.sync();
}

template <class Op, class T>
__device__ __forceinline__ void some_bits(const Team& team, int n, int bit, int radix, const Op& op, const Vec<T>& x) {
  if (radix == 1) high_bits<1>(team, n, bit, op, x);
  if (radix == 2) high_bits<2>(team, n, bit, op, x);
  if (radix == 3) high_bits<3>(team, n, bit, op, x);
}

template <class Op, class T>
__device__ __forceinline__ void transform(Team& team, int n, const Op& op, const Vec<T>& src, const Vec<T>& dst) {
  by_bits(
      team, n, [&] { low_bits(team, n, op, src, dst); },
      [&](int bit, int radix) { some_bits(team, n, bit, radix, op, dst); });
}

// Two transforms with the barriers of one. A source may be the other's, or its own, destination: a thread reads what it
// writes for both.
template <class A, class B, class T>
__device__ __forceinline__ void transform(Team& team, int n, const A& a, const Vec<T>& a_src, const Vec<T>& a_dst,
                                          const B& b, const Vec<T>& b_src, const Vec<T>& b_dst) {
  by_bits(
      team, n,
      [&] {
        low_bits(team, n, a, a_src, a_dst);
        low_bits(team, n, b, b_src, b_dst);
      },
      [&](int bit, int radix) {
        some_bits(team, n, bit, radix, a, a_dst);
        some_bits(team, n, bit, radix, b, b_dst);
      });
}

}  // namespace cuda
}  // namespace harsanyi
