// How the CUDA reductions cut a lattice vector: the plugin launches by it, and the core knows the workspace from it.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../lattice/bits.hpp"

namespace harsanyi {

// The bits of a subset, from the lowest: entries of one load, threads that share a vector, loads of a thread one after
// another, blocks that share a vector.
struct ReductionCut {
  int lane_bits, thread_bits, row_bits, segment_bits;
  HARSANYI_HD constexpr int block_bits() const { return lane_bits + thread_bits + row_bits; }
};

constexpr int kReductionThreadBits = 7;  // of a block; short vectors share it
constexpr int kMostRowBits = 6;          // loads of a thread
constexpr int kMergeBits = 6;            // segments that one merge takes, at most

// lane_bits: at most n. It depends on nothing but n, so a vector's sums do not depend on the batch.
constexpr ReductionCut cut_reduction(int n, int lane_bits) {
  const int rest = n - lane_bits;
  if (rest <= 8) {  // a warp a vector
    const int thread_bits = rest < 5 ? rest : 5;
    return {lane_bits, thread_bits, rest - thread_bits, 0};
  }
  const int left = rest - kReductionThreadBits;  // 16 loads a thread, up to 64 for vectors of many blocks
  const int enough = left < 12 ? 4 : left - 8, most = enough < kMostRowBits ? enough : kMostRowBits;
  const int row_bits = left < most ? left : most;
  return {lane_bits, kReductionThreadBits, row_bits, left - row_bits};
}

// Segments are merged in as few launches as possible, as evenly as possible: the bits of the next one.
constexpr int next_merge(int segment_bits) {
  const int merges = (segment_bits + kMergeBits - 1) / kMergeBits;
  return (segment_bits + merges - 1) / merges;
}

// Doubles of a vector's partial sums: `quantities` a bit that is summed already and one more, for each segment; first
// those of the blocks, then those of the first merge, and so on in turn.
struct ReductionScratch {
  int64_t blocks, merged;
};
constexpr ReductionScratch reduction_scratch(const ReductionCut& cut, int quantities) {
  if (cut.segment_bits == 0) return {0, 0};
  const int merge = next_merge(cut.segment_bits), left = cut.segment_bits - merge;
  const int64_t each = int64_t{quantities} * (cut.block_bits() + 1);
  return {each << cut.segment_bits, left == 0 ? 0 : (each + int64_t{quantities} * merge) << left};
}

// Bytes for loads of 2**lane_bits entries as well as of one, which serve memory that is not aligned.
constexpr size_t reduction_workspace(int n, int lane_bits, int quantities, int64_t batch) {
  const ReductionScratch narrow = reduction_scratch(cut_reduction(n, 0), quantities),
                         wide = reduction_scratch(cut_reduction(n, lane_bits < n ? lane_bits : n), quantities);
  const int64_t most = narrow.blocks + narrow.merged, other = wide.blocks + wide.merged;
  return static_cast<size_t>((most > other ? most : other) * batch) * sizeof(double);
}

}  // namespace harsanyi
