// Sums by order and by player of lattice vectors, one pass over each. The twins of csrc/cpu/reduce.inl.hpp.
//
// Bytes that must move: every entry is read once. Floating point, all in f64: two additions and a comparison an entry
// (by order), or a product and two additions an entry and three a load of one or four (by player).
// A vector's bits from the lowest: lanes of a 16-byte load, threads, loads of a thread, blocks
// (core/reduction_cut.hpp). A thread visits its loads by ascending order, so sums and weights of the lanes' orders
// are in registers, and leaves its sums as a column in shared memory. Columns are then folded bit by bit from the
// top: the sums by order are polynomials, p + z q, one coefficient an order; those by player get a row, what the
// upper half holds. The blocks of a long vector leave theirs in the workspace, where up to 64 at a time are folded
// likewise.
// The tree of additions is fixed by n: the same bits on every run and in every batch. An entry passes 64 additions in a
// thread at most, then one a bit: the error is below (64 + n) eps sum|x|.
#include <type_traits>

#include "../core/reduction_cut.hpp"
#include "launch.cuh"

namespace harsanyi {
namespace cuda {
namespace {

constexpr unsigned kThreads = 1u << kReductionThreadBits;

// A matrix of columns in shared memory, 2**width_bits of them, for each of a few quantities.
struct Columns {
  int width_bits, rows;
  Shared<double> data;

  __device__ Columns(int bits, int count) : width_bits(bits), rows(count) {}
  __device__ __forceinline__ unsigned slot(int quantity, unsigned row, unsigned column) const {
    return (static_cast<unsigned>(quantity * rows) + row) << width_bits | column;
  }
  __device__ __forceinline__ double get(int quantity, unsigned row, unsigned column) const {
    return data.get(slot(quantity, row, column));
  }
  __device__ __forceinline__ void put(int quantity, unsigned row, unsigned column, double value) const {
    data.put(slot(quantity, row, column), value);
  }
};

// Sums of positive and of negative parts, and counts: rows are orders. `lead` rows before the first bit.
struct ByOrder {
  static constexpr int quantities = 3;
  OrderReduction job;

  __device__ __forceinline__ static unsigned rows_at(const Columns&, unsigned lead, int bits, int bit) {
    return lead + static_cast<unsigned>(bits - bit);
  }
  __device__ __forceinline__ static void fold(const Columns& columns, unsigned lead, int bits, int bit, unsigned row,
                                              unsigned low, unsigned high) {
#pragma unroll
    for (int q = 0; q < quantities; ++q) {
      const double kept = row < lead + static_cast<unsigned>(bits - bit) - 1 ? columns.get(q, row, low) : 0.0;
      columns.put(q, row, low, row > 0 ? kept + columns.get(q, row - 1, high) : kept);
    }
  }
  // Entry `i` of a vector's n + 1 results.
  __device__ __forceinline__ unsigned results() const { return static_cast<unsigned>(job.n) + 1; }
  __device__ __forceinline__ void write(const Columns& columns, unsigned column, int64_t vector, unsigned i) const {
    const double positive = columns.get(0, i, column), negative = columns.get(1, i, column);
    const int64_t at = vector * results() + i;
    if (job.sum) job.sum[at] = positive - negative;
    if (job.absolute) job.absolute[at] = positive + negative;
    if (job.positive) job.positive[at] = positive;
    if (job.negative) job.negative[at] = negative;
    if (job.count) job.count[at] = static_cast<int64_t>(columns.get(2, i, column));
  }
};

// Row 0 is the sum of all, row 1 + i that of the sets with player i; the bit folded is player lead - 1 + bit.
struct ByPlayer {
  static constexpr int quantities = 1;
  PlayerReduction job;

  __device__ __forceinline__ static unsigned rows_at(const Columns& columns, unsigned, int, int) {
    return static_cast<unsigned>(columns.rows);
  }
  __device__ __forceinline__ static void fold(const Columns& columns, unsigned lead, int, int bit, unsigned row,
                                              unsigned low, unsigned high) {
    const unsigned fresh = lead + static_cast<unsigned>(bit);
    if (row == fresh) columns.put(0, row, low, columns.get(0, 0, high));
    if (row < lead || row > fresh) columns.put(0, row, low, columns.get(0, row, low) + columns.get(0, row, high));
  }
  __device__ __forceinline__ unsigned results() const { return static_cast<unsigned>(job.n); }
  __device__ __forceinline__ void write(const Columns& columns, unsigned column, int64_t vector, unsigned i) const {
    job.out[vector * results() + i] = columns.get(0, i + 1, column);
  }
};

// Folds the lowest `bits` bits of the column number: the results are in the columns that are multiples of 2**bits.
template <class Kind>
__device__ __forceinline__ void fold_columns(const Columns& columns, unsigned lead, int bits) {
  const unsigned groups = 1u << (columns.width_bits - bits);
  for (int bit = bits - 1; bit >= 0; --bit) {
    __syncthreads();
    const unsigned items = Kind::rows_at(columns, lead, bits, bit) * (groups << bit);
    for (unsigned i = threadIdx.x; i < items; i += blockDim.x) {
      const unsigned kept = i & ((groups << bit) - 1), row = i >> (columns.width_bits - bits + bit);
      const unsigned low = kept >> bit << bits | (kept & ((1u << bit) - 1));
      Kind::fold(columns, lead, bits, bit, row, low, low + (1u << bit));
    }
  }
  __syncthreads();
}

// What a block holds in the columns after the fold: results of `vectors` vectors from `first` on, or a partial sum.
template <class Kind>
__device__ __forceinline__ void write_columns(const Kind& kind, const Columns& columns, int bits, int64_t first,
                                              unsigned vectors, double* partial) {
  if (partial == nullptr) {
    for (unsigned i = threadIdx.x; i < vectors * kind.results(); i += blockDim.x) {
      const unsigned vector = i / kind.results();
      kind.write(columns, vector << bits, first + vector, i % kind.results());
    }
  } else {
    const unsigned values = static_cast<unsigned>(Kind::quantities * columns.rows);
    for (unsigned i = threadIdx.x; i < values; i += blockDim.x) {
      partial[static_cast<int64_t>(blockIdx.x) * values + i] = columns.get(0, i, 0);
    }
  }
}

// The part of a vector that a thread sums up.
template <class T, int LaneBits>
struct Part {
  int64_t first_vector, vector;
  unsigned vectors;  // of the block
  unsigned thread, segment;
  int row_shift;
  const T* from;

  __device__ Part(const T* x, int n, const ReductionCut& cut, int64_t batch) {
    const int64_t block = blockIdx.x;
    const unsigned most = kThreads >> cut.thread_bits;
    first_vector = (block >> cut.segment_bits) * most;
    vectors = batch - first_vector < most ? static_cast<unsigned>(batch - first_vector) : most;
    const unsigned which =
        threadIdx.x >> cut.thread_bits;  // threads without a vector repeat the last; nobody reads them
    vector = first_vector + (which < vectors ? which : vectors - 1);
    thread = threadIdx.x & ((1u << cut.thread_bits) - 1);
    segment = static_cast<unsigned>(block & ((int64_t{1} << cut.segment_bits) - 1));
    row_shift = cut.thread_bits + LaneBits;
    from = x + (vector << n) + (static_cast<int64_t>(segment) << cut.block_bits()) + (thread << LaneBits);
  }
  __device__ __forceinline__ void load(unsigned row, T (&x)[1 << LaneBits]) const {
    const T* const at = from + (static_cast<int64_t>(row) << row_shift);
    if constexpr (LaneBits == 0) {
      x[0] = *at;
    } else {
      const Pack<T> pack = load_pack(at);
#pragma unroll
      for (int j = 0; j < 1 << LaneBits; ++j) x[j] = pack.lane[j];
    }
  }
};

// visit(row) for the C(row_bits, m) rows of order m, m ascending, and close(m) after each order.
template <class Visit, class Close>
__device__ __forceinline__ void each_row(int row_bits, const Visit& visit, const Close& close) {
  int rows = 1;
  for (int m = 0; m <= row_bits; ++m) {
    unsigned row = (1u << m) - 1;
#pragma unroll 4
    for (int i = 0; i < rows; ++i) {
      visit(row);
      const unsigned ripple = row + (row & (0 - row));  // next_same_order; harmless for the empty set
      row = ripple | (row ^ ripple) >> (__ffs(static_cast<int>(row)) + 1);
    }
    close(m);
    rows = rows * (row_bits - m) / (m + 1);
  }
}

template <class T, int LaneBits>
__global__ void __launch_bounds__(kThreads) sum_orders(ByOrder kind, ReductionCut cut, int64_t batch, double* partial) {
  const Part<T, LaneBits> part(static_cast<const T*>(kind.job.src), kind.job.n, cut, batch);
  const Columns columns(kReductionThreadBits, cut.block_bits() + 1);
  const bool salient_only = kind.job.salient_only;
  const double threshold = kind.job.thresholds != nullptr ? kind.job.thresholds[part.vector] : 0.0;
  // Of the order that is visited and those of its lanes, which are up to LaneBits higher.
  double positive[LaneBits + 1] = {}, negative[LaneBits + 1] = {};
  int count[LaneBits + 1] = {};
  const auto close = [&](int m) {
    columns.put(0, static_cast<unsigned>(m), threadIdx.x, positive[0]);
    columns.put(1, static_cast<unsigned>(m), threadIdx.x, negative[0]);
    columns.put(2, static_cast<unsigned>(m), threadIdx.x, count[0]);
#pragma unroll
    for (int k = 0; k <= LaneBits; ++k) {
      positive[k] = k < LaneBits ? positive[k < LaneBits ? k + 1 : 0] : 0.0;
      negative[k] = k < LaneBits ? negative[k < LaneBits ? k + 1 : 0] : 0.0;
      count[k] = k < LaneBits ? count[k < LaneBits ? k + 1 : 0] : 0;
    }
  };
  const auto visit = [&](unsigned row) {
    T x[1 << LaneBits];
    part.load(row, x);
#pragma unroll
    for (unsigned j = 0; j < 1u << LaneBits; ++j) {
      const int k = order(j);
      const bool above = x[j] > T(0);  // a NaN goes to the negative part
      const double value = static_cast<double>(x[j]), size = above ? value : -value;
      const bool small = size <= threshold, left_out = salient_only && small;
      positive[k] += above && !left_out ? size : 0.0;
      negative[k] += above || left_out ? 0.0 : size;
      count[k] += small ? 0 : 1;
    }
  };
  each_row(cut.row_bits, visit, close);
#pragma unroll
  for (int k = 1; k <= LaneBits; ++k) close(cut.row_bits + k);
  fold_columns<ByOrder>(columns, static_cast<unsigned>(LaneBits + cut.row_bits) + 1, cut.thread_bits);
  write_columns(kind, columns, cut.thread_bits, part.first_vector, part.vectors, partial);
}

template <class T, int LaneBits>
__global__ void __launch_bounds__(kThreads)
    sum_players(ByPlayer kind, ReductionCut cut, int64_t batch, double* partial) {
  constexpr int lanes = 1 << LaneBits;
  const Part<T, LaneBits> part(static_cast<const T*>(kind.job.src), kind.job.n, cut, batch);
  const Columns columns(kReductionThreadBits, cut.block_bits() + 1);
  const double* const weights = kind.job.weights + __popc(part.segment) + __popc(part.thread);
  double weight[LaneBits + 1], of_lane[lanes] = {}, of_row[kMostRowBits] = {};
#pragma unroll
  for (int k = 0; k <= LaneBits; ++k) weight[k] = weights[k];
  const auto close = [&](int m) {
#pragma unroll
    for (int k = 0; k < LaneBits; ++k) weight[k] = weight[k + 1];
    if (m < cut.row_bits) weight[LaneBits] = weights[m + 1 + LaneBits];
  };
  const auto visit = [&](unsigned row) {
    T x[lanes];
    part.load(row, x);
    double total = 0;
#pragma unroll
    for (unsigned j = 0; j < lanes; ++j) {
      const double weighted = weight[order(j)] * static_cast<double>(x[j]);
      of_lane[j] += weighted;
      total = j == 0 ? weighted : total + weighted;
    }
#pragma unroll
    for (int b = 0; b < kMostRowBits; ++b) {
      if (row >> b & 1) of_row[b] += total;
    }
  };
  each_row(cut.row_bits, visit, close);
  const unsigned lead = LaneBits + 1;
#pragma unroll
  for (int player = -1; player < LaneBits; ++player) {
    double total = 0;
#pragma unroll
    for (int j = 0; j < lanes; ++j) {
      if (player < 0 || (j >> (player < 0 ? 0 : player) & 1)) total += of_lane[j];
    }
    columns.put(0, static_cast<unsigned>(player + 1), threadIdx.x, total);
  }
#pragma unroll
  for (int b = 0; b < kMostRowBits; ++b) {
    if (b < cut.row_bits) columns.put(0, lead + static_cast<unsigned>(cut.thread_bits + b), threadIdx.x, of_row[b]);
  }
  fold_columns<ByPlayer>(columns, lead, cut.thread_bits);
  write_columns(kind, columns, cut.thread_bits, part.first_vector, part.vectors, partial);
}

// 2**bits partial sums, each of `done` bits, become one, or a vector's results.
template <class Kind>
__global__ void __launch_bounds__(kThreads) merge(Kind kind, int done, int bits, const double* from, double* partial) {
  const unsigned each = static_cast<unsigned>(done) + 1, values = Kind::quantities * each;
  const Columns columns(bits, done + bits + 1);
  from += (static_cast<int64_t>(blockIdx.x) << bits) * values;
  for (unsigned i = threadIdx.x; i < values << bits; i += kThreads) {
    const unsigned value = i % values;
    columns.put(static_cast<int>(value / each), value % each, i / values, from[i]);
  }
  fold_columns<Kind>(columns, each, bits);
  write_columns(kind, columns, bits, blockIdx.x, 1, partial);
}

template <class Kind>
size_t columns_bytes(int width_bits, int bits) {
  return sizeof(double) * Kind::quantities * static_cast<size_t>(bits + 1) << width_bits;
}

template <class Kind>
cudaError_t run(const CudaPlace& place, const Kind& kind, const ReductionCut& cut, int64_t batch, double* workspace,
                void (*kernel)(Kind, ReductionCut, int64_t, double*)) {
  double* area[2] = {workspace, workspace + reduction_scratch(cut, Kind::quantities).blocks * batch};
  const int64_t vectors = kThreads >> cut.thread_bits;
  const Grid grid{((batch + vectors - 1) / vectors) << cut.segment_bits, kThreads,
                  columns_bytes<Kind>(kReductionThreadBits, cut.block_bits())};
  cudaError_t status = launch(kernel, grid, place.stream, kind, cut, batch, cut.segment_bits > 0 ? area[0] : nullptr);
  for (int left = cut.segment_bits, at = 0; left > 0 && status == cudaSuccess; at = 1 - at) {
    const int bits = next_merge(left), done = kind.job.n - left;
    left -= bits;
    const Grid merges{batch << left, kThreads, columns_bytes<Kind>(bits, done + bits)};
    status = launch(merge<Kind>, merges, place.stream, kind, done, bits, area[at], left > 0 ? area[1 - at] : nullptr);
  }
  return status;
}

template <class T, class Kind>
cudaError_t run_lanes(const CudaPlace& place, const Kind& kind, int64_t batch, double* workspace) {
  constexpr int lane_bits = kPackBits<T>;
  constexpr bool by_order = std::is_same<Kind, ByOrder>::value;
  const bool packs = kind.job.n >= lane_bits && is_aligned(kind.job.src);
  const ReductionCut cut = cut_reduction(kind.job.n, packs ? lane_bits : 0);
  if constexpr (by_order) {
    return run(place, kind, cut, batch, workspace, packs ? sum_orders<T, lane_bits> : sum_orders<T, 0>);
  } else {
    return run(place, kind, cut, batch, workspace, packs ? sum_players<T, lane_bits> : sum_players<T, 0>);
  }
}

template <class Kind>
int run_dtype(const CudaPlace& place, const Kind& kind, int64_t batch, double* workspace) {
  const OnDevice current(place.device);
  if (current.status() != cudaSuccess) return current.status();
  return kind.job.dtype == Dtype::f32 ? run_lanes<float>(place, kind, batch, workspace)
                                      : run_lanes<double>(place, kind, batch, workspace);
}

}  // namespace

int run_reduce_orders(const CudaPlace& place, const OrderReduction& job, int64_t batch, double* workspace) {
  return run_dtype(place, ByOrder{job}, batch, workspace);
}

int run_player_sums(const CudaPlace& place, const PlayerReduction& job, int64_t batch, double* workspace) {
  return run_dtype(place, ByPlayer{job}, batch, workspace);
}

}  // namespace cuda
}  // namespace harsanyi
