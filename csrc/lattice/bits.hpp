// Mask arithmetic of the lattice, usable on host and device.
//
// A subset of the players {0..n-1} is an unsigned integer: bit i set <=> player i in the subset. Every function here
// is constexpr, branch-free or O(n), and free of the standard library, so the CUDA twins share it.
#pragma once

#include <stdint.h>

#if defined(__CUDACC__)
#define HARSANYI_HD __host__ __device__
#else
#define HARSANYI_HD
#endif

namespace harsanyi {

constexpr int kMaxLatticePlayers = 30;  // a lattice vector has 2**n entries
constexpr int kMaxSubsetPlayers = 63;   // a subset fits a non-negative int64

// popcount without a CPU requirement: constant evaluation, baseline x86-64 and device code agree.
HARSANYI_HD constexpr int order(uint64_t subset) {
#if defined(__GNUC__) && !defined(__CUDA_ARCH__)
  return __builtin_popcountll(subset);
#else
  subset = subset - ((subset >> 1) & 0x5555555555555555ull);
  subset = (subset & 0x3333333333333333ull) + ((subset >> 2) & 0x3333333333333333ull);
  subset = (subset + (subset >> 4)) & 0x0f0f0f0f0f0f0f0full;
  return static_cast<int>((subset * 0x0101010101010101ull) >> 56);
#endif
}

HARSANYI_HD constexpr uint64_t full_set(int n) { return n >= 64 ? ~0ull : (1ull << n) - 1; }

// C(n, k), exact for every n <= 63 (the largest, C(63, 31), is below 2**60); 0 outside 0 <= k <= n.
// The running product stays exact: after step i it is C(n, i), and each factor is divided out before it can overflow.
HARSANYI_HD constexpr uint64_t binomial(int n, int k) {
  if (k < 0 || k > n) return 0;
  if (k > n - k) k = n - k;
  uint64_t result = 1;
  for (int i = 1; i <= k; ++i) {
    const uint64_t factor = static_cast<uint64_t>(n - k + i);
    const uint64_t quotient = result / static_cast<uint64_t>(i);
    const uint64_t remainder = result % static_cast<uint64_t>(i);
    result = quotient * factor + remainder * factor / static_cast<uint64_t>(i);
  }
  return result;
}

// The next larger integer with the same popcount (Gosper). Undefined for 0; the caller bounds the count.
HARSANYI_HD constexpr uint64_t next_same_order(uint64_t subset) {
  const uint64_t lowest = subset & (0 - subset);
  const uint64_t ripple = subset + lowest;
  return ripple | (((subset ^ ripple) >> 2) / lowest);
}

// Position of `subset` among the sets of its order in increasing integer order (combinatorial number system):
// with members c_1 < c_2 < ... < c_k the rank is sum_i C(c_i, i).
HARSANYI_HD constexpr uint64_t rank_in_order(uint64_t subset) {
  uint64_t rank = 0;
  int position = 1;
  for (int player = 0; subset != 0; ++player, subset >>= 1) {
    if (subset & 1) rank += binomial(player, position++);
  }
  return rank;
}

// The inverse: the `rank`-th set of order k among n players; the caller guarantees rank < C(n, k).
HARSANYI_HD constexpr uint64_t unrank_in_order(int n, int k, uint64_t rank) {
  uint64_t subset = 0;
  for (int player = n - 1; k > 0; --player) {
    const uint64_t below = binomial(player, k);
    if (rank >= below) {
      subset |= 1ull << player;
      rank -= below;
      --k;
    }
  }
  return subset;
}

}  // namespace harsanyi
