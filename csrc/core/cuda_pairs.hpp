// How the CUDA twin of the pair sums cuts a vector: into parts, one a block, whose sums lie in the workspace as tables.
#pragma once

#include <stdint.h>

#include "../lattice/bits.hpp"

namespace harsanyi {

constexpr int kSegmentPlayers = 11;           // of what a block holds at a time
constexpr int kMostLoopPlayers = 3;           // of the segments of a part
constexpr int64_t kMostPairTables = 1024;     // at a time
constexpr int64_t kMostPairBlocks = 1 << 30;  // of a launch

HARSANYI_HD constexpr int pair_row_of(int low, int high) { return 1 + high * (high + 1) / 2 + low; }
HARSANYI_HD constexpr int pair_rows_of(int players) { return pair_row_of(0, players); }
HARSANYI_HD constexpr int pair_table_size(int players) { return pair_rows_of(players) * (players + 1); }

// Players of a part. Small vectors are one part; larger ones have enough parts to keep a device busy, and the largest
// few enough to make little of reading their tables.
constexpr int pair_part_players(int n) {
  if (n <= kSegmentPlayers + kMostLoopPlayers) return n;
  return kSegmentPlayers + (n < 23 ? kMostLoopPlayers - 1 : kMostLoopPlayers);
}

// Tables that fill the workspace.
constexpr int64_t pair_tables(int n, int64_t batch) {
  const int parts_bits = n - pair_part_players(n);
  if (parts_bits == 0) return 0;
  return batch > (kMostPairTables >> parts_bits) ? kMostPairTables : batch << parts_bits;
}

}  // namespace harsanyi
