// Masked batches: out[r, e] = keep(r, player[e]) ? sample[e] : baseline[e], written once, straight into the batch.
//
// The select is bitwise, baseline ^ (m & (sample ^ baseline)) with m = 0 or ~0, so every bit pattern (NaN, -0,
// integers, half precision) is copied exactly. Cost: one write of the batch; sample, baseline and player stay in cache.
// Rows of masks in which one player changes after another, as in a Gray code, cost little more than a copy.
#pragma once

#include "../lattice/bits.hpp"
#include "kernels.hpp"
#include "vector.inl.hpp"

namespace harsanyi {
namespace HARSANYI_ISA {

// Where the subset fits the element's width its bit is shifted down, lane by lane; player -1 is never masked.
template <class U>
void masked_row_by_shift(const U* sample, const U* baseline, const int32_t* player, int64_t elements, U subset,
                         U* out) {
  constexpr U last = 8 * sizeof(U) - 1;
  for (int64_t e = 0; e < elements; ++e) {
    const U index = static_cast<U>(player[e]);
    const U keep = ((subset >> (index & last)) | (index >> last)) & 1;
    out[e] = baseline[e] ^ ((0 - keep) & (sample[e] ^ baseline[e]));
  }
}

template <class U>
void masked_row_by_table(const U* sample, const U* baseline, const int32_t* player, int64_t elements,
                         const uint8_t* keep, U* out) {
  for (int64_t e = 0; e < elements; ++e) {
    const bool kept = player[e] < 0 || keep[player[e]] != 0;
    out[e] = kept ? sample[e] : baseline[e];
  }
}

// Up to this many players a row's masks are widened to the elements' type first, on the stack: then an element costs
// one look-up, which the compiler gathers a vector at a time, and no branch that nobody can predict.
constexpr int widened_players = 2048;

template <class U>
void masked_row_by_widened(const U* sample, const U* baseline, const int32_t* player, int64_t elements,
                           const uint8_t* keep, int n, U* out) {
  U wide[widened_players + 1];
  wide[0] = static_cast<U>(~U{0});  // of elements without a player, never masked
  for (int i = 0; i < n; ++i) wide[i + 1] = static_cast<U>(keep[i] != 0 ? ~U{0} : U{0});
  for (int64_t e = 0; e < elements; ++e) {
    const int32_t owner = player[e] < 0 ? -1 : player[e];
    out[e] = baseline[e] ^ (wide[owner + 1] & (sample[e] ^ baseline[e]));
  }
}

// The player in which two rows of masks differ, n if they are the same, -1 if they differ in several.
inline int32_t changed_player(const uint8_t* before, const uint8_t* keep, int n) {
  int32_t changes = 0, sum = 0;
  for (int first = 0; first < n; first += 64) {
    const int last = n - first < 64 ? n : first + 64;
    for (int i = first; i < last; ++i) {
      const int32_t differs = (before[i] != 0) != (keep[i] != 0);
      changes += differs;
      sum += differs * i;
    }
    if (changes > 1) return -1;
  }
  return changes == 0 ? n : sum;
}

// A row that differs from the one before in one player is that row but for its elements: no look-up at all.
template <class U>
void masked_row_by_change(const U* value, const int32_t* player, int64_t elements, int32_t changed, const U* before,
                          U* out) {
  for (int64_t e = 0; e < elements; ++e) out[e] = player[e] == changed ? value[e] : before[e];
}

// `before`: whether the row above has been written by this call.
template <class U>
void masked_row(const MaskedBatch& job, int64_t row, bool before) {
  const U* sample = static_cast<const U*>(job.sample);
  const U* baseline = static_cast<const U*>(job.baseline);
  U* out = static_cast<U*>(job.out) + row * job.elements;
  if (job.masks != nullptr && before) {
    const uint8_t* keep = job.masks + row * job.n;
    const int32_t changed = changed_player(keep - job.n, keep, job.n);
    if (changed >= 0) {
      const bool kept = changed < job.n && keep[changed] != 0;
      return masked_row_by_change(kept ? sample : baseline, job.player, job.elements, changed, out - job.elements, out);
    }
  }
  if (job.masks != nullptr && job.n <= widened_players) {
    return masked_row_by_widened(sample, baseline, job.player, job.elements, job.masks + row * job.n, job.n, out);
  }
  if (job.masks != nullptr) {
    return masked_row_by_table(sample, baseline, job.player, job.elements, job.masks + row * job.n, out);
  }
  const uint64_t subset = static_cast<uint64_t>(job.subsets[row]);
  if constexpr (sizeof(U) >= 4) {
    if (job.n <= static_cast<int>(8 * sizeof(U))) {
      return masked_row_by_shift(sample, baseline, job.player, job.elements, static_cast<U>(subset), out);
    }
  }
  uint8_t keep[64];
  for (int i = 0; i < 64; ++i) keep[i] = subset >> i & 1;
  masked_row_by_widened(sample, baseline, job.player, job.elements, keep, job.n, out);
}

inline void masked_rows(const MaskedBatch& job, int64_t first, int64_t count) {
  for (int64_t row = first; row < first + count; ++row) {
    switch (job.element_bytes) {
      case 1: masked_row<uint8_t>(job, row, row > first); break;
      case 2: masked_row<uint16_t>(job, row, row > first); break;
      case 4: masked_row<uint32_t>(job, row, row > first); break;
      default: masked_row<uint64_t>(job, row, row > first); break;
    }
  }
}

}  // namespace HARSANYI_ISA
}  // namespace harsanyi
