// The decomposition's constraint in the common basis of the pencil, where it is a + s o = v, entry by entry, with s by
// order: what stands between two rotations.
#pragma once

#include "sparse.inl.hpp"

namespace harsanyi {
namespace HARSANYI_ISA {

// The nearest point on it, `scale` times; ratio and inverse: s and 1 / (1 + s^2).
template <class T>
void project_pairs(size_t first, size_t count, const T* ratio, const T* inverse, T scale, const T* v, T* a, T* o) {
  constexpr size_t lanes = static_cast<size_t>(Vector<T>::lanes);
  by_rows(first, count, ratio, [&](size_t begin, size_t m, const T* s) {
    const T* const d = inverse + (s - ratio);
    T* const left = a + begin;
    T* const right = o + begin;
    size_t i = 0;
    for (; i + lanes <= m; i += lanes) {
      const auto root = load(s + i), x = load(left + i), y = load(right + i);
      const auto miss = (x + root * y - load(v + begin + i)) * load(d + i);
      store(left + i, scale * (x - miss));
      store(right + i, scale * (y - root * miss));
    }
    for (; i < m; ++i) {
      const T miss = (left[i] + s[i] * right[i] - v[begin + i]) * d[i];
      left[i] = scale * (left[i] - miss);
      right[i] = scale * (right[i] - s[i] * miss);
    }
  });
}

// The multiplier that explains (a, o) best: a <- (a + s o) / (1 + s^2); without o: a <- a * inverse.
template <class T>
void weigh_pairs(size_t first, size_t count, const T* ratio, const T* inverse, const T* o, T* a) {
  by_rows(first, count, inverse, [&](size_t begin, size_t m, const T* __restrict d) {
    T* __restrict left = a + begin;
    if (o == nullptr) {
      for (size_t i = 0; i < m; ++i) left[i] *= d[i];
      return;
    }
    const T* __restrict s = ratio + (d - inverse);
    const T* __restrict right = o + begin;
    for (size_t i = 0; i < m; ++i) left[i] = (left[i] + s[i] * right[i]) * d[i];
  });
}

// (a, o) as that multiplier explains it, `scale` times; returns its sum with v.
template <class T>
double fit_pairs(size_t first, size_t count, const T* ratio, const T* inverse, T scale, const T* v, T* a, T* o) {
  constexpr size_t lanes = static_cast<size_t>(Vector<T>::lanes), parts = kSumLanes<T> / lanes;
  typename Vector<T>::type sums[parts] = {};
  T rest[kSumLanes<T>] = {};
  by_rows(first, count, ratio, [&](size_t begin, size_t m, const T* s) {
    const T* const d = inverse + (s - ratio);
    T* const left = a + begin;
    T* const right = o + begin;
    size_t i = 0;
    for (; i + kSumLanes<T> <= m; i += kSumLanes<T>) {
#pragma GCC unroll 4
      for (size_t p = 0; p < parts; ++p) {
        const size_t at = i + p * lanes;
        const auto root = load(s + at), multiplier = (load(left + at) + root * load(right + at)) * load(d + at);
        store(left + at, scale * multiplier);
        store(right + at, scale * (root * multiplier));
        sums[p] = sums[p] + multiplier * load(v + begin + at);
      }
    }
    for (; i < m; ++i) {
      const T multiplier = (left[i] + s[i] * right[i]) * d[i];
      left[i] = scale * multiplier;
      right[i] = scale * (s[i] * multiplier);
      rest[i] += multiplier * v[begin + i];
    }
  });
  T lanes_of[kSumLanes<T>];
  for (size_t p = 0; p < parts; ++p) store(lanes_of + p * lanes, sums[p]);
  return total<T>(lanes_of) + total<T>(rest);
}

}  // namespace HARSANYI_ISA
}  // namespace harsanyi
