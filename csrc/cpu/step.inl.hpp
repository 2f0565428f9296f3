// A step of the decomposition without noise in two passes over memory.
//
// The projection rotates both kinds' points, works entry by entry, and rotates back. In between steps they are kept
// folded: rotated on the bits of one leaf, 2**fold_bits adjacent entries that stand in registers. Then a step is
//   - project_folded: the bits above the leaf, the projection, and back, one column of cache lines at a time, and
//   - advance_folded: a leaf rotated back, corrected by the affine block, thresholded, and rotated on again.
// Bits are applied in ascending order and undone in descending order, whatever the tier: the leaf's size is no part of
// the result.
#pragma once

#include "pencil.inl.hpp"
#include "sparse.inl.hpp"
#include "transform.inl.hpp"

namespace harsanyi {
namespace HARSANYI_ISA {

template <class T>
constexpr int kFoldBits = kLaneBits<T> + 3;

template <class T>
constexpr size_t kLeafRows = kFoldBits<T> > 6 ? (size_t{1} << kFoldBits<T>) / kTableRow : 1;
template <class T>
using Leaf = typename Vector<T>::type[8];

template <class T>
HARSANYI_INLINE void load_leaf(const T* from, Leaf<T>& x) {
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) x[i] = load(from + i * Vector<T>::lanes);
}
template <class T>
HARSANYI_INLINE void store_leaf(const Leaf<T>& x, T* to) {
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) store(to + i * Vector<T>::lanes, x[i]);
}
template <class T, class Op>
HARSANYI_INLINE void fold_leaf(Leaf<T>& x, const Op& op) {
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) x[i] = lane_stages<T, kLaneBits<T>>(x[i], op);
  register_stages<3>(x, op);
}
template <class T, class Op>
HARSANYI_INLINE void unfold_leaf(Leaf<T>& x, const Op& back) {
  register_stages<3>(x, back);
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) x[i] = lane_stages<T, kLaneBits<T>>(x[i], back);
}

// The rotation of AND (kind 0) or OR, and what undoes it up to the scale.
template <class T, int Kind>
struct Rotation {
  static constexpr T tangent = static_cast<T>(0.61803398874989484820);
  using There = std::conditional_t<Kind == 0, Reflect<T>, Rotate<T>>;
  static constexpr There there = {tangent};
  static constexpr Descending<There> back = {{Kind == 0 ? tangent : -tangent}};
};

template <class T, int Kind>
void fold_leaves(size_t count, T* x) {
  constexpr size_t lanes = static_cast<size_t>(Vector<T>::lanes);
  for (; count > 0; count -= 8 * lanes, x += 8 * lanes) {
    Leaf<T> y;
    load_leaf(x, y);
    fold_leaf<T>(y, Rotation<T, Kind>::there);
    store_leaf(y, x);
  }
}
template <class T>
void fold(int kind, size_t count, T* x) {
  kind == 0 ? fold_leaves<T, 0>(count, x) : fold_leaves<T, 1>(count, x);
}

template <class T, int Kind>
void unfold_leaves(size_t count, const T* x, T* out) {
  constexpr size_t lanes = static_cast<size_t>(Vector<T>::lanes);
  for (; count > 0; count -= 8 * lanes, x += 8 * lanes, out += 8 * lanes) {
    Leaf<T> y;
    load_leaf(x, y);
    unfold_leaf<T>(y, Rotation<T, Kind>::back);
    store_leaf(y, out);
  }
}
template <class T>
void unfold(int kind, size_t count, const T* x, T* out) {
  kind == 0 ? unfold_leaves<T, 0>(count, x, out) : unfold_leaves<T, 1>(count, x, out);
}

// Entry 0 of a leaf of AND, unfolded: what the others would need is left out by the compiler.
template <class T>
T unfold_corner(const T* x) {
  Leaf<T> y;
  load_leaf(x, y);
  unfold_leaf<T>(y, Rotation<T, 0>::back);
  return y[0][0];
}

// unfold, add_affine, advance and fold. With c = clip(q) and p the projected point: prox(q) = q - c, so half a step is
// p - q + c, and the reflected point is q - 2 c.
template <class T, int Kind>
double advance_leaves(const AffineTables<T> tables, const AffineTerm<T>& term, const Step<T>& step, const T unit,
                      const T* __restrict weight, size_t first, size_t count, T* __restrict q, T* __restrict x,
                      const T* __restrict anchor) {
  using V = typename Vector<T>::type;
  constexpr size_t lanes = static_cast<size_t>(Vector<T>::lanes), parts = kSumLanes<T> / lanes;
  const T* __restrict constant = tables.constant;
  const T* __restrict all = tables.total;
  const T* __restrict members = tables.members;
  const V by_constant = broadcast(term.constant), by_total = broadcast(Kind == 0 ? term.total : -term.total);
  const V keep = broadcast(step.keep), pull = broadcast(step.pull), units = broadcast(unit);
  V sums[parts] = {};
  for (size_t i = 0; i < count; i += 8 * lanes) {
    T high[kLeafRows<T>] = {};  // the players' sum that a row of the tables shares
    for (size_t row = 0; row < kLeafRows<T>; ++row) {
      for (size_t set = ((first + i) / kTableRow + row) * kTableRow; set != 0; set &= set - 1) {
        high[row] += term.player[__builtin_ctzll(set)];
      }
    }
    Leaf<T> y;
    load_leaf(x + i, y);
    unfold_leaf<T>(y, Rotation<T, Kind>::back);
#pragma GCC unroll 8
    for (size_t r = 0; r < 8; ++r) {
      const size_t at = i + r * lanes, low = (first + at) % kTableRow;
      const size_t entry = static_cast<size_t>(__builtin_popcountll((first + at) / kTableRow)) * kTableRow + low;
      const V set = broadcast(high[r * lanes / kTableRow]) + load(term.low + low);
      const V shift = fused(by_constant, load(constant + entry), fused(by_total, load(all + entry), y[r]));
      const V point = fused(load(members + entry), Kind == 0 ? set : -set, shift);
      const V from = load(q + at), bound = units * load(weight + entry);
      const V half = (point - from) + clip(from, bound);
      const V next = fused(keep, fused(broadcast(T{2}), half, from), pull * load(anchor + at));
      store(q + at, next);
      y[r] = fused(broadcast(T{-2}), clip(next, bound), next);
      sums[r % parts] = fused(half, half, sums[r % parts]);
    }
    fold_leaf<T>(y, Rotation<T, Kind>::there);
    store_leaf(y, x + i);
  }
  T lanes_of[kSumLanes<T>];
  for (size_t p = 0; p < parts; ++p) store(lanes_of + p * lanes, sums[p]);
  return 4 * total<T>(lanes_of);
}
template <class T>
double advance_folded(int kind, const AffineTables<T>& tables, const AffineTerm<T>& term, const Step<T>& step,
                      const Prox<T>& prox, size_t first, size_t count, T* q, T* x, const T* anchor) {
  const auto run = kind == 0 ? advance_leaves<T, 0> : advance_leaves<T, 1>;
  return run(tables, term, step, prox.unit, prox.weight, first, count, q, x, anchor);
}

// The last 2**R rows of project_folded, in registers: row r of a and o stands at r * stride, and is the set
// (r << kFoldBits) + column.
template <class T, int R>
void project_rows(T* __restrict a, T* __restrict o, size_t stride, int bit, size_t column, const T* __restrict ratio,
                  const T* __restrict inverse, T scale, const T* __restrict v) {
  using V = typename Vector<T>::type;
  constexpr size_t lanes = static_cast<size_t>(Vector<T>::lanes), rows = size_t{1} << R;
  const size_t step = stride << bit;
  for (size_t low = 0; low < size_t{1} << bit; ++low) {
    for (size_t c = 0; c < kSumLanes<T>; c += lanes) {
      T* const left = a + low * stride + c;
      T* const right = o + low * stride + c;
      const size_t set = column + c + (low << kFoldBits<T>);
      V x[rows], y[rows];
#pragma GCC unroll 16
      for (size_t i = 0; i < rows; ++i) x[i] = load(left + i * step);
      register_stages<R>(x, Rotation<T, 0>::there);
#pragma GCC unroll 16
      for (size_t i = 0; i < rows; ++i) y[i] = load(right + i * step);
      register_stages<R>(y, Rotation<T, 1>::there);
#pragma GCC unroll 16
      for (size_t i = 0; i < rows; ++i) {
        const size_t at = set + (i << (bit + kFoldBits<T>)), row = at / kTableRow;
        const size_t entry = static_cast<size_t>(__builtin_popcountll(row)) * kTableRow + at % kTableRow;
        const V root = load(ratio + entry), miss = (fused(root, y[i], x[i]) - load(v + at)) * load(inverse + entry);
        x[i] = scale * (x[i] - miss);
        y[i] = scale * fused(-root, miss, y[i]);
      }
      register_stages<R>(x, Rotation<T, 0>::back);
#pragma GCC unroll 16
      for (size_t i = 0; i < rows; ++i) store(left + i * step, x[i]);
      register_stages<R>(y, Rotation<T, 1>::back);
#pragma GCC unroll 16
      for (size_t i = 0; i < rows; ++i) store(right + i * step, y[i]);
    }
  }
}

// Rows `from_stride` apart to rows `to_stride` apart, 64 bytes wide: bits [bit, bit + radix) of their number.
template <class T, class Op>
void sweep_tile(int radix, const T* from, size_t from_stride, T* to, size_t to_stride, int rows, int bit,
                const Op& op) {
  sweep_radix(radix, from, from_stride, to, to_stride, rows, bit, kSumLanes<T>, op);
}

// Folded points a and o of n > kFoldBits players: the rotations of the bits above the leaf, project_pairs, and back, on
// the 64 bytes from `tile` on of every leaf. scratch: two such tiles.
template <class T>
void project_folded(int n, size_t tile, const T* ratio, const T* inverse, T scale, const T* v, T* a, T* o, T* scratch) {
  constexpr size_t width = kSumLanes<T>, leaf = size_t{1} << kFoldBits<T>;
  const int rows = n - kFoldBits<T>;
  const size_t column = tile * width;
  a += column;
  o += column;
  T* const left = scratch;
  T* const right = scratch + (width << rows);
  int radix[8], sweeps = 0, bit = 0;
  for (; rows - bit > kRadix; bit += radix[sweeps++]) {
    const int now = radix[sweeps] = next_radix(rows - bit);
    const bool in = bit == 0;
    sweep_tile(now, in ? a : left, in ? leaf : width, left, width, rows, bit, Rotation<T, 0>::there);
    sweep_tile(now, in ? o : right, in ? leaf : width, right, width, rows, bit, Rotation<T, 1>::there);
  }
  const auto middle = [&](auto rows_of) {
    rows_of(sweeps > 0 ? left : a, sweeps > 0 ? right : o, sweeps > 0 ? width : leaf, bit, column, ratio, inverse,
            scale, v);
  };
  switch (rows - bit) {
    case 1: middle(project_rows<T, 1>); break;
    case 2: middle(project_rows<T, 2>); break;
    case 3: middle(project_rows<T, 3>); break;
    default: middle(project_rows<T, kRadix>);
  }
  while (sweeps > 0) {
    const int now = radix[--sweeps];
    bit -= now;
    const bool out = bit == 0;
    sweep_tile(now, left, width, out ? a : left, out ? leaf : width, rows, bit, Rotation<T, 0>::back);
    sweep_tile(now, right, width, out ? o : right, out ? leaf : width, rows, bit, Rotation<T, 1>::back);
  }
}

template <class T>
constexpr SparseKernels<T> sparse_kernels = {
    advance<T>,
    reflect<T>,
    apply_prox<T>,
    excess<T>,
    relax<T>,
    moved<T>,
    restart<T>,
    advance_from<T>,
    joint_prox<T>,
    joint_cost<T>,
    joint_max<T>,
    kFoldBits<T>,
    fold<T>,
    unfold<T>,
    unfold_corner<T>,
    advance_folded<T>,
    project_folded<T>,
    residual<T>,
    add<T>,
    split_noise<T>,
    project_pairs<T>,
    weigh_pairs<T>,
    fit_pairs<T>,
    kRowBits,
    couple_rows<false, T>,
    couple_rows<true, T>,
    kPathBits<T>,
    solve_paths<T>,
    add_affine<T>,
    sum<T>,
    weighted_l1<T>,
    dual_sums<T>,
    normalised_max<T>,
};

}  // namespace HARSANYI_ISA
}  // namespace harsanyi
