// Sums by order over the sets that contain given players: none in particular, one, or two. And the adjoint.
//
// Entry S = 8 h + l: players 0..2 are the eight lanes l, the others the group h. Bins of g group players hold a row for
// all sets (row 0) and one for each i <= j, row_of(i, j), for the sets with i and j (one player where i = j); a row has
// eight lanes for every |h| = 0..g. The inner loop thus adds whole vectors of lanes: no order is looked up, and the
// lanes become players only once, at the end. Leaves of 2**9 entries keep their bins, 11 KiB, in the first-level cache;
// merging a leaf into the bins of more players costs as much as filling it. One pass, about 13 additions of a vector of
// lanes for eight entries.
//
// Everything is linear with coefficients 0 and 1, so the adjoint is the same loops with source and target exchanged.
// Sums in f64, always in the same sequence.
#pragma once

#include "../lattice/bits.hpp"
#include "kernels.hpp"
#include "vector.inl.hpp"

namespace harsanyi {
namespace HARSANYI_ISA {

constexpr int pair_lane_players = 3;
constexpr size_t pair_lanes = 8;

constexpr size_t row_of(int low, int high) {
  return 1 + static_cast<size_t>(high) * static_cast<size_t>(high + 1) / 2 + static_cast<size_t>(low);
}
constexpr size_t rows_of(int players) { return row_of(0, players); }
constexpr size_t row_length(int group) { return static_cast<size_t>(group + 1) * pair_lanes; }
constexpr int group_of(int players) { return players < pair_lane_players ? 0 : players - pair_lane_players; }
constexpr size_t lanes_of(int players) { return players < pair_lane_players ? size_t{1} << players : pair_lanes; }

// from -> to, or back for the adjoint.
template <bool Adjoint>
HARSANYI_INLINE void pass(double* from, double* to) {
  if (Adjoint) {
    *from += *to;
  } else {
    *to += *from;
  }
}

// The members of a set, ascending.
template <class F>
HARSANYI_INLINE void for_each(uint64_t set, const F& f) {
  for (; set != 0; set &= set - 1) f(__builtin_ctzll(set));
}

// f(row) for every row to which a set with group h belongs.
template <class F>
HARSANYI_INLINE void for_each_row(uint64_t h, const F& f) {
  f(size_t{0});
  for_each(h, [&](int high) { for_each(h & full_set(high + 1), [&](int low) { f(row_of(low, high)); }); });
}

// Bins of the 2**players entries of x; x from bins for the adjoint.
template <class T>
void fill_pair_leaf(const T* x, int players, double* bins) {
  const int group = group_of(players);
  const size_t length = row_length(group), lanes = lanes_of(players), size = rows_of(group) * length;
  for (size_t i = 0; i < size; ++i) bins[i] = 0;
  for (size_t h = 0; h < size_t{1} << group; ++h, x += pair_lanes) {
    double value[pair_lanes] = {};
    for (size_t l = 0; l < lanes; ++l) value[l] = static_cast<double>(x[l]);
    double* const first = bins + static_cast<size_t>(order(h)) * pair_lanes;
    for_each_row(h, [&](size_t row) {
      double* const to = first + row * length;
      for (size_t l = 0; l < pair_lanes; ++l) to[l] += value[l];
    });
  }
}

inline void read_pair_leaf(const double* bins, int players, double* x) {
  const int group = group_of(players);
  const size_t length = row_length(group), lanes = lanes_of(players);
  for (size_t h = 0; h < size_t{1} << group; ++h, x += pair_lanes) {
    double value[pair_lanes] = {};
    const double* const first = bins + static_cast<size_t>(order(h)) * pair_lanes;
    for_each_row(h, [&](size_t row) {
      const double* const from = first + row * length;
      for (size_t l = 0; l < pair_lanes; ++l) value[l] += from[l];
    });
    for (size_t l = 0; l < lanes; ++l) x[l] = value[l];
  }
}

// Adds the bins of a block, whose sets all contain exactly `upper` of the players group, group + 1, ..., to those of
// all `to_group` players.
template <bool Adjoint>
void merge_pairs(int group, int to_group, uint64_t upper, double* from, double* to) {
  const size_t length = row_length(group), to_length = row_length(to_group);
  to += static_cast<size_t>(order(upper)) * pair_lanes;
  const auto add = [&](size_t row, size_t to_row) {
    double* const a = from + row * length;
    double* const b = to + to_row * to_length;
    for (size_t i = 0; i < length; ++i) pass<Adjoint>(a + i, b + i);
  };
  for (size_t row = 0; row < rows_of(group); ++row) add(row, row);
  for_each(upper, [&](int j) {
    const int high = group + j;
    for (int low = 0; low < group; ++low) add(row_of(low, low), row_of(low, high));
    for_each(upper & full_set(j + 1), [&](int i) { add(0, row_of(group + i, high)); });
  });
}

// From bins to sums [rows_of(players), players + 1]: the lanes become players 0..2, the group the players above.
template <bool Adjoint>
void close_pairs(int players, double* bins, double* sums) {
  const int group = group_of(players);
  const size_t length = row_length(group), to_length = static_cast<size_t>(players) + 1;
  for (uint64_t lane = 0; lane < lanes_of(players); ++lane) {
    const auto add = [&](size_t row, size_t to_row) {
      double* const a = bins + row * length + lane;
      double* const b = sums + to_row * to_length + order(lane);
      for (size_t k = 0; k <= static_cast<size_t>(group); ++k) pass<Adjoint>(a + k * pair_lanes, b + k);
    };
    for_each_row(lane, [&](size_t to_row) { add(0, to_row); });
    for (int high = 0; high < group; ++high) {
      for (int low = 0; low <= high; ++low) {
        add(row_of(low, high), row_of(low + pair_lane_players, high + pair_lane_players));
      }
      for_each(lane, [&](int low) { add(row_of(high, high), row_of(low, high + pair_lane_players)); });
    }
  }
}

inline void fill_pair_leaf_of(Dtype dtype, const void* x, int players, double* bins) {
  if (dtype == Dtype::f32) return fill_pair_leaf(static_cast<const float*>(x), players, bins);
  return fill_pair_leaf(static_cast<const double*>(x), players, bins);
}

}  // namespace HARSANYI_ISA
}  // namespace harsanyi
