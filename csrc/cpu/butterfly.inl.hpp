// The 2x2 matrices of the lattice transforms, as butterflies on values (scalars or vectors).
//
// Each has pair(lo, hi), the matrix on two registers, and lane<Stride>(x), the same matrix on the lane pairs
// (i, i ^ Stride) of one register. `negate` multiplies the whole transform by -1. The two forms do the same
// floating-point operations, so a result does not depend on the vector width, to the bit; that of Reflect and Rotate
// does depend on whether the tier has fused operations. Only General, Reflect and Rotate multiply: in the others a NaN
// or inf reaches just the entries whose sum contains it.
#pragma once

#include "vector.inl.hpp"

namespace harsanyi {
namespace HARSANYI_ISA {

struct Zeta {  // [[1,0],[1,1]]
  static constexpr bool negate = false;
  template <class X>
  HARSANYI_INLINE void pair(X& lo, X& hi) const {
    hi = hi + lo;
  }
  template <class T, int S, class V>
  HARSANYI_INLINE V lane(V x) const {
    return sum_lanes<T, S, true, false>(x, Lane<T>::template partner<S>(x));
  }
};

struct Mobius {  // [[1,0],[-1,1]]
  static constexpr bool negate = false;
  template <class X>
  HARSANYI_INLINE void pair(X& lo, X& hi) const {
    hi = hi - lo;
  }
  template <class T, int S, class V>
  HARSANYI_INLINE V lane(V x) const {
    return sum_lanes<T, S, true, true>(x, Lane<T>::template partner<S>(x));
  }
};

struct SupersetZeta {  // [[1,1],[0,1]]
  static constexpr bool negate = false;
  template <class X>
  HARSANYI_INLINE void pair(X& lo, X& hi) const {
    lo = lo + hi;
  }
  template <class T, int S, class V>
  HARSANYI_INLINE V lane(V x) const {
    return sum_lanes<T, S, false, false>(x, Lane<T>::template partner<S>(x));
  }
};

struct SupersetMobius {  // [[1,-1],[0,1]]
  static constexpr bool negate = false;
  template <class X>
  HARSANYI_INLINE void pair(X& lo, X& hi) const {
    lo = lo - hi;
  }
  template <class T, int S, class V>
  HARSANYI_INLINE V lane(V x) const {
    return sum_lanes<T, S, false, true>(x, Lane<T>::template partner<S>(x));
  }
};

struct Or {  // - kron([[0,1],[1,-1]])
  static constexpr bool negate = true;
  template <class X>
  HARSANYI_INLINE void pair(X& lo, X& hi) const {
    const X old = lo;
    lo = hi;
    hi = old - hi;
  }
  template <class T, int S, class V>
  HARSANYI_INLINE V lane(V x) const {
    return sum_lanes<T, S, true, true>(Lane<T>::template partner<S>(x), x);
  }
};

struct OrInverse {  // - kron([[1,1],[1,0]])
  static constexpr bool negate = true;
  template <class X>
  HARSANYI_INLINE void pair(X& lo, X& hi) const {
    const X old = lo;
    lo = lo + hi;
    hi = old;
  }
  template <class T, int S, class V>
  HARSANYI_INLINE V lane(V x) const {
    return sum_lanes<T, S, false, false>(Lane<T>::template partner<S>(x), x);
  }
};

struct WalshHadamard {  // [[1,1],[1,-1]]
  static constexpr bool negate = false;
  template <class X>
  HARSANYI_INLINE void pair(X& lo, X& hi) const {
    const X old = lo;
    lo = lo + hi;
    hi = old - hi;
  }
  template <class T, int S, class V>
  HARSANYI_INLINE V lane(V x) const {
    const V partner = Lane<T>::template partner<S>(x);
    return Lane<T>::template merge<S>(x + partner, partner - x);
  }
};

template <class C>
struct General {  // [[a,b],[c,d]]
  static constexpr bool negate = false;
  C a, b, c, d;
  template <class X>
  HARSANYI_INLINE void pair(X& lo, X& hi) const {
    const X old = lo;
    lo = a * lo + b * hi;
    hi = c * old + d * hi;
  }
  template <class T, int S, class V>
  HARSANYI_INLINE V lane(V x) const {
    const V diagonal = Lane<T>::template merge<S>(broadcast<T>(a), broadcast<T>(d));
    const V across = Lane<T>::template merge<S>(broadcast<T>(b), broadcast<T>(c));
    return diagonal * x + across * Lane<T>::template partner<S>(x);
  }
};

// The maps of the golden pencil (core/decompose.hpp), sqrt(1 + t^2) times orthogonal: one fused operation an entry.
template <class C>
struct Reflect {  // [[t,1],[1,-t]]
  static constexpr bool negate = false;
  C t;
  template <class X>
  HARSANYI_INLINE void pair(X& lo, X& hi) const {
    const X old = lo;
    lo = fused(t, old, hi);
    hi = fused(-t, hi, old);
  }
  template <class T, int S, class V>
  HARSANYI_INLINE V lane(V x) const {
    const V signs = Lane<T>::template merge<S>(broadcast<T>(t), broadcast<T>(-t));
    return fused(signs, x, Lane<T>::template partner<S>(x));
  }
};

template <class C>
struct Rotate {  // [[1,-t],[t,1]]
  static constexpr bool negate = false;
  C t;
  template <class X>
  HARSANYI_INLINE void pair(X& lo, X& hi) const {
    const X old = lo;
    lo = fused(-t, hi, old);
    hi = fused(t, old, hi);
  }
  template <class T, int S, class V>
  HARSANYI_INLINE V lane(V x) const {
    const V signs = Lane<T>::template merge<S>(broadcast<T>(-t), broadcast<T>(t));
    return fused(signs, Lane<T>::template partner<S>(x), x);
  }
};

// The same matrix, bits in descending order: with the inverse's butterfly it undoes a transform bit by bit.
template <class Op>
struct Descending : Op {};
template <class Op>
constexpr bool is_descending = false;
template <class Op>
constexpr bool is_descending<Descending<Op>> = true;

}  // namespace HARSANYI_ISA
}  // namespace harsanyi
