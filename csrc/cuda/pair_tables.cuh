// Tables of sums by order for the rows of none, one or two of some players, and what merges them (pairs.cu).
#pragma once

#include "../core/cuda_pairs.hpp"
#include "launch.cuh"

namespace harsanyi {
namespace cuda {

__host__ __device__ constexpr int pairs_among(int players) { return players * (players - 1) / 2; }

// The row of `size` players: none, i, or i < j.
struct Row {
  int size, i, j;
};

__host__ __device__ constexpr Row row_of_none() { return {0, 0, 0}; }
__host__ __device__ constexpr Row row_of_one(int i) { return {1, i, i}; }
__host__ __device__ constexpr Row row_of_two(int i, int j) { return {2, i, j}; }

// With the players of b, each `shift` higher, besides those of a.
__device__ __forceinline__ Row join(const Row& a, const Row& b, int shift) {
  if (b.size == 0) return a;
  if (a.size == 0) return {b.size, b.i + shift, b.j + shift};
  return row_of_two(a.i, b.i + shift);
}

// The p-th pair of players, and the row with number r in the output.
__device__ __forceinline__ Row numbered_pair(int p) {
  int j = 1;
  for (; p >= j; ++j) p -= j;
  return row_of_two(p, j);
}
__device__ __forceinline__ Row numbered_row(int r) {
  if (r == 0) return row_of_none();
  const Row pair = numbered_pair(r - 1);
  return pair.i == pair.j - 1 ? row_of_one(pair.i) : row_of_two(pair.i, pair.j - 1);
}

__device__ __forceinline__ int number_of(const Row& row) { return row.size == 0 ? 0 : pair_row_of(row.i, row.j); }

// Where the merge to a row takes it from: a row of the tables of the `low` lowest players, in the sets above that have
// the players `needed`.
struct Source {
  Row row;
  unsigned needed;
};

__device__ __forceinline__ Source source_of(const Row& row, int low) {
  if (row.size == 0 || row.j < low) return {row, 0};
  const unsigned high = 1u << (row.j - low);
  if (row.i < low) return {row_of_one(row.i), high};
  return {row_of_none(), high | 1u << (row.i - low)};
}

// A table without the orders below a row's size: place of row and order.
template <int Players>
struct Compact {
  static constexpr int twos = (Players + 1) + Players * Players;  // where the rows of two begin
  __device__ static __forceinline__ int at(int k, const Row& row) {
    if (row.size == 0) return k;
    if (row.size == 1) return Players + 1 + (k - 1) * Players + row.i;
    return twos + (k - 2) * pairs_among(Players) + row.j * (row.j - 1) / 2 + row.i;
  }
};

constexpr double kNoTerm = -0.0;  // plus x is x whatever x is, so that compilers spare the first addition

// Sums in registers over the sets of `Bits` players, by order and for the rows of at most Depth of them.
template <int Bits, int Depth>
struct Held {
  double none[Bits + 1];
  double one[Bits][Bits];                   // [order - 1][j]
  double two[Bits - 1][pairs_among(Bits)];  // [order - 2][pair]

  // f(order, row, its sum) for every sum, in order of the rows' places.
  template <class F>
  __device__ __forceinline__ void each(const F& f) {
#pragma unroll
    for (int q = 0; q <= Bits; ++q) f(q, row_of_none(), none[q]);
#pragma unroll
    for (int q = 1; q <= Bits; ++q) {
#pragma unroll
      for (int j = 0; j < Bits; ++j) {
        if constexpr (Depth >= 1) f(q, row_of_one(j), one[q - 1][j]);
      }
    }
#pragma unroll
    for (int q = 2; q <= Bits; ++q) {
#pragma unroll
      for (int j = 1; j < Bits; ++j) {
#pragma unroll
        for (int i = 0; i < j; ++i) {
          if constexpr (Depth >= 2) f(q, row_of_two(i, j), two[q - 2][j * (j - 1) / 2 + i]);
        }
      }
    }
  }
  // f(sum) for every sum that the set m belongs to.
  template <class F>
  __device__ __forceinline__ void each_of(int m, const F& f) {
    const int q = order(static_cast<uint64_t>(m));
    f(none[q]);
#pragma unroll
    for (int j = 0; j < Bits; ++j) {
      if (!(m >> j & 1)) continue;
      if constexpr (Depth >= 1) f(one[q - 1][j]);
#pragma unroll
      for (int i = 0; i < j; ++i) {
        if constexpr (Depth >= 2) {
          if (m >> i & 1) f(two[q - 2][j * (j - 1) / 2 + i]);
        }
      }
    }
  }
  __device__ __forceinline__ void clear() {
    each([](int, const Row&, double& sum) { sum = kNoTerm; });
  }
  __device__ __forceinline__ void add(int m, double value) {
    each_of(m, [&](double& sum) { sum += value; });
  }
  // The sums of every order become those of the one below.
  __device__ __forceinline__ void next() {
#pragma unroll
    for (int q = 0; q < Bits; ++q) none[q] = none[q + 1];
    none[Bits] = kNoTerm;
#pragma unroll
    for (int j = 0; Depth >= 1 && j < Bits; ++j) {
#pragma unroll
      for (int q = 0; q + 1 < Bits; ++q) one[q][j] = one[q + 1][j];
      one[Bits - 1][j] = kNoTerm;
    }
#pragma unroll
    for (int p = 0; Depth >= 2 && p < pairs_among(Bits); ++p) {
#pragma unroll
      for (int q = 0; q + 2 < Bits; ++q) two[q][p] = two[q + 1][p];
      two[Bits - 2][p] = kNoTerm;
    }
  }
};

// Merges the tables of `Players` players above which the sets m of Bits new players lie, as far as the row `from` and
// those of Least to Most new players besides are concerned: read(order, m) is the entry of the row, write(order, new
// players, sum) an outcome.
template <int Players, int Bits, int Least, int Most, class Read, class Write>
__device__ __forceinline__ void merge_row(const Row& from, const Read& read, const Write& write) {
  Held<Bits, Most> held;
  held.clear();
#pragma unroll 1
  for (int k = from.size; k <= Players; ++k) {
#pragma unroll
    for (int m = 0; m < 1 << Bits; ++m) held.add(m, read(k, m));
    held.each([&](int q, const Row& row, double sum) {
      if (row.size >= Least && q == row.size) write(k + q, row, sum);
    });
    held.next();
  }
  held.each([&](int q, const Row& row, double sum) {
    if (row.size >= Least && q < Bits) write(Players + 1 + q, row, sum);
  });
}

// The adjoint of that merge: what the rows to which a set with `set` above the `low` lowest players belongs add to one
// of theirs. read(number) is the entry of a row.
template <class Read>
__device__ __forceinline__ double fold_row(const Row& row, unsigned set, int low, const Read& read) {
  double sum = read(number_of(row));
  if (row.size == 2) return sum;
  for (unsigned left = set; left != 0; left &= left - 1) {
    const int j = low + __ffs(static_cast<int>(left)) - 1;
    sum += read(pair_row_of(row.size == 1 ? row.i : j, j));
    if (row.size == 1) continue;
    for (unsigned below = set & ((left & (0 - left)) - 1); below != 0; below &= below - 1) {
      sum += read(pair_row_of(low + __ffs(static_cast<int>(below)) - 1, j));
    }
  }
  return sum;
}

}  // namespace cuda
}  // namespace harsanyi
