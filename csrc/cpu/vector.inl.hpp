// Fixed-width vectors for one instruction-set tier, written with GCC/Clang vector extensions.
//
// Every translation unit of a tier defines HARSANYI_ISA (its namespace) and HARSANYI_VECTOR_BYTES and is compiled with
// that tier's flags. Nothing here may leave the namespace: an inline function shared by two tiers would be merged into
// one copy by the linker, and a baseline machine would run AVX code.
#pragma once

#include <stddef.h>
#include <stdint.h>
#if defined(__FMA__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#ifndef HARSANYI_ISA
#error "compile this file through a tier: define HARSANYI_ISA and HARSANYI_VECTOR_BYTES"
#endif

#define HARSANYI_INLINE inline __attribute__((always_inline))

namespace harsanyi {
namespace HARSANYI_ISA {

template <size_t Bytes>
struct UnsignedOf;
template <>
struct UnsignedOf<1> {
  using type = uint8_t;
};
template <>
struct UnsignedOf<2> {
  using type = uint16_t;
};
template <>
struct UnsignedOf<4> {
  using type = uint32_t;
};
template <>
struct UnsignedOf<8> {
  using type = uint64_t;
};

template <class T, int Bytes = HARSANYI_VECTOR_BYTES>
struct Vector {
  static constexpr int lanes = Bytes / static_cast<int>(sizeof(T));
  using Bits = typename UnsignedOf<sizeof(T)>::type;
  typedef T type __attribute__((vector_size(Bytes)));
  typedef Bits mask __attribute__((vector_size(Bytes)));
  typedef T unaligned __attribute__((vector_size(Bytes), aligned(sizeof(T)), may_alias));
};

constexpr int log2_floor(int value) { return value <= 1 ? 0 : 1 + log2_floor(value / 2); }

template <int... I>
struct Indices {};
template <int N, int... I>
struct MakeIndices : MakeIndices<N - 1, N - 1, I...> {};
template <int... I>
struct MakeIndices<0, I...> {
  using type = Indices<I...>;
};

// Lane operations: partner<S>(x) holds x[i ^ S] in lane i; merge<S>(low, high) takes the lanes whose bit S is clear
// from `low` and the others from `high`. swap<S> exchanges the high half of each 2 S lanes of `low` with the low half
// of those of `high`.
template <class T, int Bytes = HARSANYI_VECTOR_BYTES>
struct Lane {
  using V = typename Vector<T, Bytes>::type;
  static constexpr int lanes = Vector<T, Bytes>::lanes;

  template <int S>
  static HARSANYI_INLINE V partner(V x) {
    return partner_of<S>(x, typename MakeIndices<lanes>::type{});
  }
  template <int S>
  static HARSANYI_INLINE V merge(V low, V high) {
    return merge_of<S>(low, high, typename MakeIndices<lanes>::type{});
  }
  template <int S>
  static HARSANYI_INLINE void swap(V& low, V& high) {
    swap_of<S>(low, high, typename MakeIndices<lanes>::type{});
  }

 private:
#if defined(__clang__) || __GNUC__ >= 12
  template <int S, int... I>
  static HARSANYI_INLINE V partner_of(V x, Indices<I...>) {
    return __builtin_shufflevector(x, x, (I ^ S)...);
  }
  template <int S, int... I>
  static HARSANYI_INLINE V merge_of(V low, V high, Indices<I...>) {
    return __builtin_shufflevector(low, high, (I & S ? I + lanes : I)...);
  }
  template <int S, int... I>
  static HARSANYI_INLINE void swap_of(V& low, V& high, Indices<I...>) {
    const V first = low;
    low = __builtin_shufflevector(first, high, (I & S ? (I ^ S) + lanes : I)...);
    high = __builtin_shufflevector(first, high, (I & S ? I + lanes : I ^ S)...);
  }
#else  // GCC before 12 knows only the older spelling
  using M = typename Vector<T, Bytes>::mask;
  using Bits = typename Vector<T, Bytes>::Bits;
  template <int S, int... I>
  static HARSANYI_INLINE V partner_of(V x, Indices<I...>) {
    return __builtin_shuffle(x, M{static_cast<Bits>(I ^ S)...});
  }
  template <int S, int... I>
  static HARSANYI_INLINE V merge_of(V low, V high, Indices<I...>) {
    return __builtin_shuffle(low, high, M{static_cast<Bits>(I & S ? I + lanes : I)...});
  }
  template <int S, int... I>
  static HARSANYI_INLINE void swap_of(V& low, V& high, Indices<I...>) {
    const V first = low;
    low = __builtin_shuffle(first, high, M{static_cast<Bits>(I & S ? (I ^ S) + lanes : I)...});
    high = __builtin_shuffle(first, high, M{static_cast<Bits>(I & S ? I + lanes : I ^ S)...});
  }
#endif
};

template <class T>
HARSANYI_INLINE typename Vector<T>::type load(const T* p) {
  return *reinterpret_cast<const typename Vector<T>::unaligned*>(p);
}
template <class T>
HARSANYI_INLINE void store(T* p, typename Vector<T>::type x) {
  *reinterpret_cast<typename Vector<T>::unaligned*>(p) = x;
}
// Stores past the caches, to an address aligned to the vector, and the fence that makes them visible in order. No
// vector extension says this: the one place with an intrinsic, on the tier where it was measured to pay.
template <class T>
HARSANYI_INLINE void stream(T* p, typename Vector<T>::type x) {
#if HARSANYI_VECTOR_BYTES == 64
  typedef long long V __attribute__((vector_size(64), may_alias));
#if defined(__clang__)
  __builtin_nontemporal_store((V)x, reinterpret_cast<V*>(p));
#else
  __builtin_ia32_movntdq512(reinterpret_cast<V*>(p), (V)x);
#endif
#else
  store(p, x);
#endif
}
HARSANYI_INLINE void store_fence() {
#if HARSANYI_VECTOR_BYTES == 64
  __builtin_ia32_sfence();
#endif
}

// load and store for X = T as well as for X = vector of T.
template <class X, class T>
HARSANYI_INLINE X get(const T* p) {
  if constexpr (sizeof(X) == sizeof(T)) {
    return *p;
  } else {
    return load(p);
  }
}
template <class X, bool Stream, class T>
HARSANYI_INLINE void put(T* p, X x) {
  if constexpr (sizeof(X) == sizeof(T)) {
    *p = x;
  } else if constexpr (Stream) {
    stream(p, x);
  } else {
    store(p, x);
  }
}
template <class T>
HARSANYI_INLINE typename Vector<T>::type broadcast(T x) {
  return typename Vector<T>::type{} + x;
}

// a b + c, rounded once where the tier has an instruction for it: all but the baseline of x86-64. Nothing else is ever
// contracted, so no result depends on a compiler's choice. No vector extension says this either.
using Doubles = Vector<double>::type;
using Floats = Vector<float>::type;
#if defined(__FMA__) && HARSANYI_VECTOR_BYTES == 64
HARSANYI_INLINE Doubles fused(Doubles a, Doubles b, Doubles c) { return (Doubles)_mm512_fmadd_pd(a, b, c); }
HARSANYI_INLINE Floats fused(Floats a, Floats b, Floats c) { return (Floats)_mm512_fmadd_ps(a, b, c); }
#elif defined(__FMA__) && HARSANYI_VECTOR_BYTES == 32
HARSANYI_INLINE Doubles fused(Doubles a, Doubles b, Doubles c) { return (Doubles)_mm256_fmadd_pd(a, b, c); }
HARSANYI_INLINE Floats fused(Floats a, Floats b, Floats c) { return (Floats)_mm256_fmadd_ps(a, b, c); }
#elif defined(__aarch64__) && HARSANYI_VECTOR_BYTES == 16
HARSANYI_INLINE Doubles fused(Doubles a, Doubles b, Doubles c) { return (Doubles)vfmaq_f64(c, a, b); }
HARSANYI_INLINE Floats fused(Floats a, Floats b, Floats c) { return (Floats)vfmaq_f32(c, a, b); }
#else
#define HARSANYI_NOT_FUSED
HARSANYI_INLINE Doubles fused(Doubles a, Doubles b, Doubles c) { return a * b + c; }
HARSANYI_INLINE Floats fused(Floats a, Floats b, Floats c) { return a * b + c; }
#endif
#if defined(HARSANYI_NOT_FUSED)
HARSANYI_INLINE double fused(double a, double b, double c) { return a * b + c; }
HARSANYI_INLINE float fused(float a, float b, float c) { return a * b + c; }
#undef HARSANYI_NOT_FUSED
#else
HARSANYI_INLINE double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }
HARSANYI_INLINE float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
#endif
HARSANYI_INLINE Doubles fused(double a, Doubles b, Doubles c) { return fused(broadcast(a), b, c); }
HARSANYI_INLINE Floats fused(float a, Floats b, Floats c) { return fused(broadcast(a), b, c); }
#if HARSANYI_VECTOR_BYTES == 64
using HalfFloats = Vector<float, 32>::type;
HARSANYI_INLINE HalfFloats fused(HalfFloats a, HalfFloats b, HalfFloats c) {
  return (HalfFloats)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
#endif

// x, plus or minus y in the lanes whose bit S is set (High) or clear. With masks that is one instruction, where
// compilers take a sum and a blend, or even a shuffle.
template <class T, int S, bool High>
constexpr unsigned lanes_of() {
  unsigned mask = 0;
  for (int i = 0; i < Vector<T>::lanes; ++i) mask |= ((i & S) != 0) == High ? 1u << i : 0;
  return mask;
}
template <class T, int S, bool High, bool Minus, class V>
HARSANYI_INLINE V sum_lanes(V x, V y) {
  const V sum = Minus ? x - y : x + y;
  return High ? Lane<T>::template merge<S>(x, sum) : Lane<T>::template merge<S>(sum, x);
}
#if defined(__AVX512F__) && HARSANYI_VECTOR_BYTES == 64
template <class T, int S, bool High, bool Minus>
HARSANYI_INLINE Doubles sum_lanes(Doubles x, Doubles y) {
  constexpr unsigned lanes = lanes_of<T, S, High>();
  return (Doubles)(Minus ? _mm512_mask_sub_pd(x, lanes, x, y) : _mm512_mask_add_pd(x, lanes, x, y));
}
template <class T, int S, bool High, bool Minus>
HARSANYI_INLINE Floats sum_lanes(Floats x, Floats y) {
  constexpr unsigned lanes = lanes_of<T, S, High>();
  return (Floats)(Minus ? _mm512_mask_sub_ps(x, lanes, x, y) : _mm512_mask_add_ps(x, lanes, x, y));
}
#endif

}  // namespace HARSANYI_ISA
}  // namespace harsanyi
