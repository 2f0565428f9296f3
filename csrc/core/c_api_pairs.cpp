// The C ABI of the sums by order, player and pair: cuts a vector into leaves and blocks of leaves.
//
// Leaves are summed one by one into the bins of their block, blocks into those of the vector, always in ascending
// order. The cut depends on n alone, so a result does not depend on the number of threads.
#include "../lattice/bits.hpp"
#include "arena.hpp"
#include "checks.hpp"
#include "dispatch.hpp"
#include "harsanyi/harsanyi.h"
#include "threads.hpp"

namespace harsanyi {
namespace {

constexpr int kLanePlayers = 3;     // as in pairs.inl.hpp
constexpr int kLeafPlayers = 9;     // a leaf's bins fit the first-level cache
constexpr int kSharedPlayers = 16;  // from here on the threads share one vector
constexpr int kBlockBits = 6;       // ... as 64 blocks

// Players of the parts of a vector, and the doubles of their bins.
struct PairCut {
  int n, leaf, block;
  bool shared;

  explicit PairCut(int players)
      : n(players),
        leaf(players < kLeafPlayers ? players : kLeafPlayers),
        block(players < kSharedPlayers ? players : players - kBlockBits),
        shared(players >= kSharedPlayers) {}

  static int group(int players) { return players < kLanePlayers ? 0 : players - kLanePlayers; }
  static size_t bins(int players) {
    const size_t g = static_cast<size_t>(group(players));
    return (1 + g * (g + 1) / 2) * (g + 1) * 8;
  }
  static size_t rows(int players) {
    const size_t n = static_cast<size_t>(players);
    return 1 + n * (n + 1) / 2;
  }
  size_t sums() const { return rows(n) * static_cast<size_t>(n + 1); }
  int64_t blocks() const { return int64_t{1} << (n - block); }
};

// One vector's bins; with shared vectors those of every block, too; leaves by worker.
struct PairScratch {
  double *leaf, *block, *total;
  size_t leaf_step, block_step, total_step;
  size_t bytes;

  PairScratch(const PairCut& cut, int threads, char* memory) {
    Arena arena{memory, 0};
    const auto take = [&](size_t count, size_t doubles, size_t& step) {
      step = aligned(doubles * sizeof(double)) / sizeof(double);
      return arena.take<double>(step * count);
    };
    const size_t workers = static_cast<size_t>(threads);
    leaf = take(workers, PairCut::bins(cut.leaf), leaf_step);
    total = take(cut.shared ? 1 : workers, PairCut::bins(cut.n), total_step);
    block = take(cut.shared ? size_t{1} << kBlockBits : 0, PairCut::bins(cut.block), block_step);
    bytes = arena.used;
  }
};

void zero(double* x, size_t count) {
  for (size_t i = 0; i < count; ++i) x[i] = 0;
}

// Bins of the block that begins at x.
void sum_block(const KernelTable& table, const PairCut& cut, Dtype dtype, const char* x, double* leaf, double* block) {
  zero(block, PairCut::bins(cut.block));
  for (uint64_t part = 0; part < uint64_t{1} << (cut.block - cut.leaf); ++part) {
    table.fill_pair_leaf(dtype, x + ((part * size_of(dtype)) << cut.leaf), cut.leaf, leaf);
    table.merge_pairs(PairCut::group(cut.leaf), PairCut::group(cut.block), part, leaf, block);
  }
}

// The leaves first, ..., first + count - 1 of the vector x, from its bins.
void write_leaves(const KernelTable& table, const PairCut& cut, uint64_t first, uint64_t count, double* leaf,
                  double* total, double* x) {
  for (uint64_t part = first; part < first + count; ++part) {
    zero(leaf, PairCut::bins(cut.leaf));
    table.split_pairs(PairCut::group(cut.leaf), PairCut::group(cut.n), part, leaf, total);
    table.read_pair_leaf(leaf, cut.leaf, x + (part << cut.leaf));
  }
}

}  // namespace
}  // namespace harsanyi

using namespace harsanyi;

extern "C" {

size_t harsanyi_pair_sums_workspace(int n) {
  return is_lattice(n) ? 64 + PairScratch(PairCut(n), num_threads(), nullptr).bytes : 0;
}

harsanyi_status harsanyi_pair_sums(harsanyi_dtype dtype, int n, int64_t batch, const void* src, double* out,
                                   void* workspace, size_t workspace_bytes) {
  if (const harsanyi_status status = check_lattice(dtype, n, batch)) return status;
  if (dtype == HARSANYI_I64) return fail(HARSANYI_ERROR_UNSUPPORTED, "dtype: pair sums take f32 or f64");
  if (batch == 0) return HARSANYI_OK;
  if (src == nullptr || out == nullptr) return fail(bad, "src, out: null pointer");
  const int threads = num_threads();
  const PairCut cut(n);
  const PairScratch scratch(cut, threads, aligned(workspace));
  if (const harsanyi_status status = check_workspace(64 + scratch.bytes, workspace, workspace_bytes)) return status;
  const KernelTable& table = kernels();
  const Dtype kind = static_cast<Dtype>(dtype);
  const size_t bytes = size_of(kind) << n, block_bytes = size_of(kind) << cut.block;
  const char* const x = static_cast<const char*>(src);
  const auto close = [&](int64_t vector, double* total) {
    double* const sums = out + static_cast<size_t>(vector) * cut.sums();
    zero(sums, cut.sums());
    table.close_pairs(n, total, sums);
  };
  if (!cut.shared) {
    const auto sum_vectors = [&](int64_t first, int64_t vectors, int worker) {
      const size_t w = static_cast<size_t>(worker);
      double* const total = scratch.total + w * scratch.total_step;
      for (int64_t b = first; b < first + vectors; ++b) {
        sum_block(table, cut, kind, x + static_cast<size_t>(b) * bytes, scratch.leaf + w * scratch.leaf_step, total);
        close(b, total);
      }
    };
    parallel_ranges(batch, static_cast<int64_t>(bytes), sum_vectors, threads);
    return HARSANYI_OK;
  }
  for (int64_t b = 0; b < batch; ++b) {
    const char* const vector = x + static_cast<size_t>(b) * bytes;
    parallel_for(cut.blocks(), threads, [&](int64_t block, int worker) {
      const size_t at = static_cast<size_t>(block);
      sum_block(table, cut, kind, vector + at * block_bytes,
                scratch.leaf + static_cast<size_t>(worker) * scratch.leaf_step,
                scratch.block + at * scratch.block_step);
    });
    zero(scratch.total, PairCut::bins(n));
    for (uint64_t block = 0; block < static_cast<uint64_t>(cut.blocks()); ++block) {
      table.merge_pairs(PairCut::group(cut.block), PairCut::group(n), block, scratch.block + block * scratch.block_step,
                        scratch.total);
    }
    close(b, scratch.total);
  }
  return HARSANYI_OK;
}

harsanyi_status harsanyi_pair_sums_adjoint(int n, int64_t batch, const double* src, double* out, void* workspace,
                                           size_t workspace_bytes) {
  if (const harsanyi_status status = check_lattice(HARSANYI_F64, n, batch)) return status;
  if (batch == 0) return HARSANYI_OK;
  if (src == nullptr || out == nullptr) return fail(bad, "src, out: null pointer");
  const int threads = num_threads();
  const PairCut cut(n);
  const PairScratch scratch(cut, threads, aligned(workspace));
  if (const harsanyi_status status = check_workspace(64 + scratch.bytes, workspace, workspace_bytes)) return status;
  const KernelTable& table = kernels();
  const uint64_t leaves = uint64_t{1} << (n - cut.leaf);
  const auto open = [&](int64_t vector, double* total) {
    zero(total, PairCut::bins(n));
    table.open_pairs(n, total, const_cast<double*>(src + static_cast<size_t>(vector) * cut.sums()));  // only read
  };
  if (!cut.shared) {
    const auto write_vectors = [&](int64_t first, int64_t vectors, int worker) {
      const size_t w = static_cast<size_t>(worker);
      double* const total = scratch.total + w * scratch.total_step;
      for (int64_t b = first; b < first + vectors; ++b) {
        open(b, total);
        write_leaves(table, cut, 0, leaves, scratch.leaf + w * scratch.leaf_step, total,
                     out + (static_cast<size_t>(b) << n));
      }
    };
    parallel_ranges(batch, static_cast<int64_t>(sizeof(double) << n), write_vectors, threads);
    return HARSANYI_OK;
  }
  const uint64_t together = leaves / static_cast<uint64_t>(cut.blocks());
  for (int64_t b = 0; b < batch; ++b) {
    open(b, scratch.total);
    parallel_for(cut.blocks(), threads, [&](int64_t block, int worker) {
      write_leaves(table, cut, static_cast<uint64_t>(block) * together, together,
                   scratch.leaf + static_cast<size_t>(worker) * scratch.leaf_step, scratch.total,
                   out + (static_cast<size_t>(b) << n));
    });
  }
  return HARSANYI_OK;
}

}  // extern "C"
