// Rotations and block products of the exact projection with a noise term (core/spin.hpp has the method). Additions come
// in the order of the rows: every tier that has fused operations gives the same bits.
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
      lo[i] = fused(c, low, s * high);
      hi[i] = fused(s, low, -(c * high));
    }
  }
}

// Paths that share what is loaded of a block, as far as there are registers for their sums.
constexpr int kPathsTogether = HARSANYI_VECTOR_BYTES >= 64 ? 4 : 2;

// out[rows] = block * x[rows] for a symmetric block and several paths, `count` rows of Width entries each, their
// numbers one path after the other: the Together rows from i on.
template <class T, int Width, int Together, int Paths>
HARSANYI_INLINE void apply_rows(int i, int count, const T* block, const int32_t* rows, const T* x, T* out) {
  constexpr int lanes = Width < Vector<T>::lanes ? Width : Vector<T>::lanes;
  typedef T V __attribute__((vector_size(lanes * sizeof(T)), aligned(sizeof(T)), may_alias));
  constexpr int each = Width / lanes, parts = each * Together;
  const size_t side = static_cast<size_t>(count) * Width;
  V sums[Paths][parts] = {};
  const T* column = block + i * Width;
  for (int j = 0; j < count; ++j) {
    const T* row[Paths];
#pragma GCC unroll 4
    for (int a = 0; a < Paths; ++a) row[a] = x + static_cast<size_t>(rows[a * count + j]) * Width;
#pragma GCC unroll 8
    for (int q = 0; q < Width; ++q, column += side) {
#pragma GCC unroll 4
      for (int a = 0; a < Paths; ++a) {
#pragma GCC unroll 16
        for (int p = 0; p < parts; ++p) {
          const V factors = *reinterpret_cast<const V*>(column + p * lanes);
          if constexpr (lanes == Vector<T>::lanes) {
            sums[a][p] = fused(row[a][q], factors, sums[a][p]);
          } else {
            for (int l = 0; l < lanes; ++l) sums[a][p][l] = fused(row[a][q], factors[l], sums[a][p][l]);
          }
        }
      }
    }
  }
#pragma GCC unroll 4
  for (int a = 0; a < Paths; ++a) {
#pragma GCC unroll 16
    for (int p = 0; p < parts; ++p) {
      T* to = out + static_cast<size_t>(rows[a * count + i + p / each]) * Width;
      *reinterpret_cast<V*>(to + p % each * lanes) = sums[a][p];
    }
  }
}

template <class T, int Width, int Paths>
void apply_to_paths(int count, const T* block, const int32_t* rows, const T* x, T* out) {
  constexpr int fit = 4 * HARSANYI_VECTOR_BYTES / (Width * static_cast<int>(sizeof(T)));
  constexpr int together = fit < 1 ? 1 : (fit > 4 ? 4 : fit);
  int i = 0;
  for (; i + together <= count; i += together) apply_rows<T, Width, together, Paths>(i, count, block, rows, x, out);
  for (; i < count; ++i) apply_rows<T, Width, 1, Paths>(i, count, block, rows, x, out);
}

template <class T, int Width>
void apply_block_of(int count, int paths, const T* block, const int32_t* rows, const T* x, T* out) {
  int path = 0;
  for (; path + kPathsTogether <= paths; path += kPathsTogether) {
    apply_to_paths<T, Width, kPathsTogether>(count, block, rows + path * count, x, out);
  }
  for (; path < paths; ++path) apply_to_paths<T, Width, 1>(count, block, rows + path * count, x, out);
}

template <class T>
void apply_block(int dense, int count, int paths, const T* block, const int32_t* rows, const T* x, T* out) {
  switch (dense) {
    case 0: return apply_block_of<T, 1>(count, paths, block, rows, x, out);
    case 1: return apply_block_of<T, 2>(count, paths, block, rows, x, out);
    case 2: return apply_block_of<T, 4>(count, paths, block, rows, x, out);
    default: return apply_block_of<T, 8>(count, paths, block, rows, x, out);
  }
}

}  // namespace HARSANYI_ISA
}  // namespace harsanyi
