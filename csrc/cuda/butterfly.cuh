// The 2x2 matrices of the lattice transforms on the device: pair() on two registers, lane() on the value of a lane and
// its partner's. The operations, and so the bits, of csrc/cpu/butterfly.inl.hpp. With flip set, the matrix is that of
// Unflipped with the rows exchanged: applying that one and writing the vector backwards, from the full set down, gives
// the same without moving registers.
#pragma once

#include "launch.cuh"

namespace harsanyi {
namespace cuda {

struct Zeta {  // [[1,0],[1,1]]
  static constexpr bool negate = false, flip = false;
  template <class T>
  __device__ __forceinline__ void pair(T& lo, T& hi) const {
    hi = hi + lo;
  }
  template <class T>
  __device__ __forceinline__ T lane(T x, T partner, bool high) const {
    return high ? x + partner : x;
  }
};

struct Mobius {  // [[1,0],[-1,1]]
  static constexpr bool negate = false, flip = false;
  template <class T>
  __device__ __forceinline__ void pair(T& lo, T& hi) const {
    hi = hi - lo;
  }
  template <class T>
  __device__ __forceinline__ T lane(T x, T partner, bool high) const {
    return high ? x - partner : x;
  }
};

struct SupersetZeta {  // [[1,1],[0,1]]
  static constexpr bool negate = false, flip = false;
  template <class T>
  __device__ __forceinline__ void pair(T& lo, T& hi) const {
    lo = lo + hi;
  }
  template <class T>
  __device__ __forceinline__ T lane(T x, T partner, bool high) const {
    return high ? x : x + partner;
  }
};

struct SupersetMobius {  // [[1,-1],[0,1]]
  static constexpr bool negate = false, flip = false;
  template <class T>
  __device__ __forceinline__ void pair(T& lo, T& hi) const {
    lo = lo - hi;
  }
  template <class T>
  __device__ __forceinline__ T lane(T x, T partner, bool high) const {
    return high ? x : x - partner;
  }
};

struct Or {  // - kron([[0,1],[1,-1]])
  static constexpr bool negate = true, flip = true;
  using Unflipped = SupersetMobius;
  template <class T>
  __device__ __forceinline__ void pair(T& lo, T& hi) const {
    const T old = lo;
    lo = hi;
    hi = old - hi;
  }
};

struct OrInverse {  // - kron([[1,1],[1,0]])
  static constexpr bool negate = true, flip = true;
  using Unflipped = Zeta;
  template <class T>
  __device__ __forceinline__ void pair(T& lo, T& hi) const {
    const T old = lo;
    lo = lo + hi;
    hi = old;
  }
};

struct WalshHadamard {  // [[1,1],[1,-1]]
  static constexpr bool negate = false, flip = false;
  template <class T>
  __device__ __forceinline__ void pair(T& lo, T& hi) const {
    const T old = lo;
    lo = lo + hi;
    hi = old - hi;
  }
  template <class T>
  __device__ __forceinline__ T lane(T x, T partner, bool high) const {
    return high ? partner - x : x + partner;
  }
};

// The decomposition's OR synthesis, of the opposite sign of OrInverse, and its inverse.
struct OrSynthesis {  // [[1,1],[1,0]]
  static constexpr bool negate = false, flip = false;
  template <class T>
  __device__ __forceinline__ void pair(T& lo, T& hi) const {
    const T old = lo;
    lo = lo + hi;
    hi = old;
  }
  template <class T>
  __device__ __forceinline__ T lane(T x, T partner, bool high) const {
    return high ? partner : x + partner;
  }
};

struct OrAnalysis {  // [[0,1],[1,-1]]
  static constexpr bool negate = false, flip = false;
  template <class T>
  __device__ __forceinline__ void pair(T& lo, T& hi) const {
    const T old = lo;
    lo = hi;
    hi = old - hi;
  }
  template <class T>
  __device__ __forceinline__ T lane(T x, T partner, bool high) const {
    return high ? partner - x : partner;
  }
};

template <class C>
struct General {  // [[a,b],[c,d]]
  static constexpr bool negate = false, flip = false;
  C a, b, c, d;
  __device__ __forceinline__ void pair(C& lo, C& hi) const {
    const C old = lo;
    lo = a * lo + b * hi;
    hi = c * old + d * hi;
  }
  __device__ __forceinline__ C lane(C x, C partner, bool high) const {
    const C own = high ? d : a, other = high ? c : b;  // chosen once for many x
    return own * x + other * partner;
  }
};

// The maps of the golden pencil (core/decompose.hpp), each sqrt(1 + t^2) times orthogonal. Steps of the decomposition
// alone, with fused operations as the CPU's.
template <class C>
struct Reflect {  // [[t,1],[1,-t]]
  static constexpr bool negate = false, flip = false;
  C t;
  __device__ __forceinline__ void pair(C& lo, C& hi) const {
    const C old = lo;
    lo = fma(t, lo, hi);
    hi = fma(-t, hi, old);
  }
  __device__ __forceinline__ C lane(C x, C partner, bool high) const { return fma(high ? -t : t, x, partner); }
};

template <class C>
struct Rotate {  // [[1,-t],[t,1]]
  static constexpr bool negate = false, flip = false;
  C t;
  __device__ __forceinline__ void pair(C& lo, C& hi) const {
    const C old = lo;
    lo = fma(-t, hi, lo);
    hi = fma(t, old, hi);
  }
  __device__ __forceinline__ C lane(C x, C partner, bool high) const { return fma(high ? t : -t, partner, x); }
};

template <class Op, bool Flip = Op::flip>
struct UnflippedOf {
  using type = Op;
};
template <class Op>
struct UnflippedOf<Op, true> {
  using type = typename Op::Unflipped;
};

// All butterflies of R bits among 2**R registers, ascending.
template <int R, class T, class Op>
__device__ __forceinline__ void register_bits(T (&x)[1 << R], const Op& op) {
#pragma unroll
  for (int bit = 0; bit < R; ++bit) {
#pragma unroll
    for (int i = 0; i < (1 << R); ++i) {
      if (!(i >> bit & 1)) op.pair(x[i], x[i | 1 << bit]);
    }
  }
}

}  // namespace cuda
}  // namespace harsanyi
