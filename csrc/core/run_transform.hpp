// One transform over the pool: contiguous blocks first, then tiles across them (see TransformCut).
#pragma once

#include "arena.hpp"
#include "kernels.hpp"
#include "threads.hpp"

namespace harsanyi {

// scratch: aligned(cut.scratch) bytes for each of `threads` workers.
inline void run_transform(const KernelTable& table, const TransformCut& cut, const Transform& job, int64_t batch,
                          char* scratch, int threads) noexcept {
  const int64_t blocks = batch << (job.n - cut.low);
  const int64_t block_bytes = static_cast<int64_t>(size_of(job.dtype) << cut.low);
  const auto run_blocks = [&](int64_t first, int64_t count, int) {
    table.transform_blocks(job, cut.low, static_cast<size_t>(first), static_cast<size_t>(count));
  };
  parallel_ranges(blocks, block_bytes, run_blocks, threads);
  if (cut.columns == 0) return;
  const int64_t tiles = static_cast<int64_t>((size_t{1} << cut.low) / cut.columns);
  const int64_t tile_bytes = static_cast<int64_t>((cut.columns * size_of(job.dtype)) << (job.n - cut.low));
  const auto run_tiles = [&](int64_t first, int64_t count, int worker) {
    for (int64_t i = first; i < first + count; ++i) {
      table.transform_tile(job, cut, static_cast<size_t>(i / tiles), static_cast<size_t>(i % tiles),
                           scratch + static_cast<size_t>(worker) * aligned(cut.scratch));
    }
  };
  parallel_ranges(batch * tiles, tile_bytes, run_tiles, threads);
}

}  // namespace harsanyi
