// Rotations and block products of the exact projection with a noise term (core/spin.hpp has the method). Additions come
// in the order of the rows: every tier gives the same bits.
#pragma once

#include "kernels.hpp"
#include "vector.inl.hpp"

namespace harsanyi {
namespace HARSANYI_ISA {

// Clebsch-Gordan couplings of pairs of rows: (lo, hi) <- (c lo + s hi, s lo - c hi), each its own inverse.
template <class T>
void couple_rows(const SpinPair* pairs, int64_t count, size_t stride, size_t columns, T* x) {
  for (int64_t p = 0; p < count; ++p) {
    const T c = static_cast<T>(pairs[p].c), s = static_cast<T>(pairs[p].s);
    T* __restrict lo = x + static_cast<size_t>(pairs[p].low) * stride;
    T* __restrict hi = x + static_cast<size_t>(pairs[p].high) * stride;
    for (size_t i = 0; i < columns; ++i) {
      const T low = lo[i], high = hi[i];
      lo[i] = c * low + s * high;
      hi[i] = s * low - c * high;
    }
  }
}

// out[rows] = block * x[rows] for `count` rows of Width entries and a symmetric block: the Together rows from i on. One
// row alone would wait for each of its additions.
template <class T, int Width, int Together>
HARSANYI_INLINE void apply_rows(int i, int count, const T* block, const int32_t* rows, const T* x, T* out) {
  constexpr int lanes = Width < Vector<T>::lanes ? Width : Vector<T>::lanes;
  typedef T V __attribute__((vector_size(lanes * sizeof(T)), aligned(sizeof(T)), may_alias));
  constexpr int parts = Width / lanes * Together;
  const size_t side = static_cast<size_t>(count) * Width;
  V sums[parts] = {};
  const T* column = block + i * Width;
  for (int j = 0; j < count; ++j) {
    const T* row = x + static_cast<size_t>(rows[j]) * Width;
#pragma GCC unroll 8
    for (int q = 0; q < Width; ++q, column += side) {
#pragma GCC unroll 16
      for (int p = 0; p < parts; ++p) sums[p] += row[q] * *reinterpret_cast<const V*>(column + p * lanes);
    }
  }
#pragma GCC unroll 16
  for (int p = 0; p < parts; ++p) {
    T* to = out + static_cast<size_t>(rows[i + p / (parts / Together)]) * Width;
    *reinterpret_cast<V*>(to + p % (parts / Together) * lanes) = sums[p];
  }
}

template <class T, int Width>
void apply_block_of(int count, const T* block, const int32_t* rows, const T* x, T* out) {
  constexpr int together = Width * static_cast<int>(sizeof(T)) > 2 * HARSANYI_VECTOR_BYTES ? 2 : 4;
  int i = 0;
  for (; i + together <= count; i += together) apply_rows<T, Width, together>(i, count, block, rows, x, out);
  for (; i + 2 <= count; i += 2) apply_rows<T, Width, 2>(i, count, block, rows, x, out);
  for (; i < count; ++i) apply_rows<T, Width, 1>(i, count, block, rows, x, out);
}

template <class T>
void apply_block(int dense, int count, const T* block, const int32_t* rows, const T* x, T* out) {
  switch (dense) {
    case 0: return apply_block_of<T, 1>(count, block, rows, x, out);
    case 1: return apply_block_of<T, 2>(count, block, rows, x, out);
    case 2: return apply_block_of<T, 4>(count, block, rows, x, out);
    default: return apply_block_of<T, 8>(count, block, rows, x, out);
  }
}

}  // namespace HARSANYI_ISA
}  // namespace harsanyi
