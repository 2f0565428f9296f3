// Subsets as integers and as masks: enumeration, rank, sampling. Portable code; these are far from any hot path's
// limit.
#include "../core/checks.hpp"
#include "../core/threads.hpp"
#include "../lattice/philox.hpp"
#include "harsanyi/harsanyi.h"

namespace harsanyi {
namespace {

harsanyi_status check_drawn_players(int n, const int32_t* players, int candidates, int64_t count) {
  for (int i = 0; i < candidates && count > 0; ++i) {
    if (players[i] < 0 || players[i] >= n) return fail(bad, "players[%d]: %d is outside 0..%d", i, players[i], n - 1);
  }
  return HARSANYI_OK;
}

}  // namespace
}  // namespace harsanyi

using namespace harsanyi;

extern "C" {

uint64_t harsanyi_binomial(int n, int k) { return n >= 0 && n <= kMaxSubsetPlayers ? binomial(n, k) : 0; }

harsanyi_status harsanyi_subsets_of_order(int n, int k, int64_t* out) {
  if (const harsanyi_status status = check_order(n, k)) return status;
  if (out == nullptr) return fail(bad, "out: null pointer");
  uint64_t subset = full_set(k);
  const uint64_t count = binomial(n, k);
  for (uint64_t i = 0; i < count; ++i) {
    out[i] = static_cast<int64_t>(subset);
    if (i + 1 < count) subset = next_same_order(subset);
  }
  return HARSANYI_OK;
}

harsanyi_status harsanyi_rank_subsets(int64_t count, const int64_t* subsets, int64_t* ranks) {
  if (const harsanyi_status status = check_each(count, subsets, ranks, "subsets, ranks")) return status;
  for (int64_t i = 0; i < count; ++i) {
    if (subsets[i] < 0) return fail(bad, "subsets[%lld]: negative", static_cast<long long>(i));
    ranks[i] = static_cast<int64_t>(rank_in_order(static_cast<uint64_t>(subsets[i])));
  }
  return HARSANYI_OK;
}

harsanyi_status harsanyi_unrank_subsets(int n, int k, int64_t count, const int64_t* ranks, int64_t* subsets) {
  if (const harsanyi_status status = check_order(n, k)) return status;
  if (const harsanyi_status status = check_each(count, ranks, subsets, "ranks, subsets")) return status;
  const uint64_t total = binomial(n, k);
  for (int64_t i = 0; i < count; ++i) {
    if (ranks[i] < 0 || static_cast<uint64_t>(ranks[i]) >= total) {
      return fail(bad, "ranks[%lld]: %lld is outside 0..%llu", static_cast<long long>(i),
                  static_cast<long long>(ranks[i]), static_cast<unsigned long long>(total - 1));
    }
    subsets[i] = static_cast<int64_t>(unrank_in_order(n, k, static_cast<uint64_t>(ranks[i])));
  }
  return HARSANYI_OK;
}

harsanyi_status harsanyi_orders(int n, uint8_t* out) {
  if (n < 0 || n > kMaxLatticePlayers) return fail(bad, "n: %d is outside 0..%d", n, kMaxLatticePlayers);
  if (out == nullptr) return fail(bad, "out: null pointer");
  out[0] = 0;
  for (size_t half = 1; half < size_t{1} << n; half <<= 1) {
    for (size_t s = 0; s < half; ++s) out[half + s] = static_cast<uint8_t>(out[s] + 1);
  }
  return HARSANYI_OK;
}

harsanyi_status harsanyi_sample_masks(int n, const int32_t* players, int candidates, int size, int64_t count,
                                      uint64_t seed, uint64_t first, uint8_t* masks) {
  if (const harsanyi_status status = check_draw(n, players, candidates, size, count, masks)) return status;
  if (const harsanyi_status status = check_drawn_players(n, players, candidates, count)) return status;
  parallel_ranges(count, n, [&](int64_t begin, int64_t rows, int) {
    for (int64_t row = begin; row < begin + rows; ++row) {
      uint8_t* mask = masks + row * n;
      for (int i = 0; i < n; ++i) mask[i] = 0;
      Philox random(seed, first + static_cast<uint64_t>(row));
      sample_without_replacement(
          random, candidates, size, [&](int item) { return mask[players[item]] != 0; },
          [&](int item) { mask[players[item]] = 1; });
    }
  });
  return HARSANYI_OK;
}

harsanyi_status harsanyi_sample_subsets(int n, const int32_t* players, int candidates, int size, int64_t count,
                                        uint64_t seed, uint64_t first, int64_t* subsets) {
  if (const harsanyi_status status = check_players(n)) return status;
  if (const harsanyi_status status = check_draw(n, players, candidates, size, count, subsets)) return status;
  if (const harsanyi_status status = check_drawn_players(n, players, candidates, count)) return status;
  parallel_ranges(count, 8 * (size + 1), [&](int64_t begin, int64_t rows, int) {
    for (int64_t row = begin; row < begin + rows; ++row) {
      uint64_t subset = 0;
      Philox random(seed, first + static_cast<uint64_t>(row));
      sample_without_replacement(
          random, candidates, size, [&](int item) { return (subset >> players[item] & 1) != 0; },
          [&](int item) { subset |= 1ull << players[item]; });
      subsets[row] = static_cast<int64_t>(subset);
    }
  });
  return HARSANYI_OK;
}

harsanyi_status harsanyi_masks_from_subsets(int n, int64_t count, const int64_t* subsets, uint8_t* masks) {
  if (const harsanyi_status status = check_masks(n, count, subsets, masks, "subsets, masks")) return status;
  for (int64_t row = 0; row < count; ++row) {
    if (static_cast<uint64_t>(subsets[row]) > full_set(n)) {
      return fail(bad, "subsets[%lld]: %lld is outside 0..2**%d-1", static_cast<long long>(row),
                  static_cast<long long>(subsets[row]), n);
    }
    for (int i = 0; i < n; ++i) masks[row * n + i] = static_cast<uint64_t>(subsets[row]) >> i & 1;
  }
  return HARSANYI_OK;
}

harsanyi_status harsanyi_subsets_from_masks(int n, int64_t count, const uint8_t* masks, int64_t* subsets) {
  if (const harsanyi_status status = check_masks(n, count, subsets, masks, "masks, subsets")) return status;
  for (int64_t row = 0; row < count; ++row) {
    uint64_t subset = 0;
    for (int i = 0; i < n; ++i) subset |= static_cast<uint64_t>(masks[row * n + i] != 0) << i;
    subsets[row] = static_cast<int64_t>(subset);
  }
  return HARSANYI_OK;
}

}  // extern "C"
