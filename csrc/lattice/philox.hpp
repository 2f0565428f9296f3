// Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): random words as a pure
// function of a key and a counter, so a draw is the same on every thread, on every device and in every batch.
#pragma once

#include <stdint.h>

#include "bits.hpp"

namespace harsanyi {

// The stream of one draw: key = seed, counter = (draw, block).
class Philox {
 public:
  HARSANYI_HD Philox(uint64_t seed, uint64_t draw) : seed_(seed), draw_(draw) {}

  HARSANYI_HD uint32_t next() {
    if (left_ == 0) refill();
    --left_;
    const uint32_t word = words_[0];  // no index that is known only at run time: a device keeps them in registers
    words_[0] = words_[1];
    words_[1] = words_[2];
    words_[2] = words_[3];
    return word;
  }

  // Uniform in 0..bound-1, bound >= 1 (Lemire's multiplication with rejection: exact, one division in rare cases).
  HARSANYI_HD uint32_t below(uint32_t bound) {
    uint64_t product = static_cast<uint64_t>(next()) * bound;
    if (static_cast<uint32_t>(product) < bound) {
      const uint32_t threshold = (0u - bound) % bound;
      while (static_cast<uint32_t>(product) < threshold) product = static_cast<uint64_t>(next()) * bound;
    }
    return static_cast<uint32_t>(product >> 32);
  }

 private:
  HARSANYI_HD void refill() {
    uint32_t c0 = static_cast<uint32_t>(draw_), c1 = static_cast<uint32_t>(draw_ >> 32), c2 = block_++, c3 = 0;
    uint32_t k0 = static_cast<uint32_t>(seed_), k1 = static_cast<uint32_t>(seed_ >> 32);
    for (int round = 0; round < 10; ++round) {
      const uint64_t left = 0xD2511F53ull * c0, right = 0xCD9E8D57ull * c2;
      const uint32_t n0 = static_cast<uint32_t>(right >> 32) ^ c1 ^ k0;
      const uint32_t n2 = static_cast<uint32_t>(left >> 32) ^ c3 ^ k1;
      c1 = static_cast<uint32_t>(right);
      c3 = static_cast<uint32_t>(left);
      c0 = n0;
      c2 = n2;
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    words_[0] = c0;
    words_[1] = c1;
    words_[2] = c2;
    words_[3] = c3;
    left_ = 4;
  }

  uint64_t seed_, draw_;
  uint32_t block_ = 0;
  uint32_t words_[4] = {};
  int left_ = 0;
};

// Floyd's algorithm: a uniform set of `size` of `candidates` items in `size` draws. contains(i) and insert(i) act on
// the caller's set, which starts empty.
template <class Contains, class Insert>
HARSANYI_HD void sample_without_replacement(Philox& random, int candidates, int size, const Contains& contains,
                                            const Insert& insert) {
  for (int last = candidates - size; last < candidates; ++last) {
    const int item = static_cast<int>(random.below(static_cast<uint32_t>(last) + 1));
    insert(contains(item) ? last : item);
  }
}

}  // namespace harsanyi
