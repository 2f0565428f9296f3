// Sums by order over the sets that contain given players: none in particular, one, or two. And the adjoint. The twin of
// csrc/cpu/pairs.inl.hpp, within rounding: the additions come in another, fixed sequence, all in f64.
//
//   row of none [m] = sum over |T| = m of x[T],   row of {i, j} [m] = the same over the T that contain i and j (i <= j)
//
// A table holds these rows for some players; tables of the sets above merge to one of more players: a new player's row
// is that of none in the tables whose set has it, the row of a new and an old player the old one's, and orders move up
// by the size of the set. A block makes the table of a segment, 2**11 entries, in three such steps: a thread of its 16
// entries, bits 7..10; four bits of the lanes; the last three. Segments are merged to the table of a part, up to 2**14
// entries, and a second kernel merges the parts of a vector.
//
// The adjoint goes the other way: a block folds the players that all its sets contain into the rows of the others, for
// its part and then for a segment; what the players of a lane add is summed once a part.
//
// Floor: one read of the vector (the adjoint: one write). From n = 15 on parts write and read tables of 16% (n <= 22)
// or 10% of an f64 vector, twice that for f32: 16 MiB at a time, which a large second-level cache holds. About 9
// additions an entry and 9 doubles through shared memory; the adjoint 6 and 5.
// Sums of q terms are off by less than q 2**-53 times the sum of their magnitudes.
#include "pair_tables.cuh"

namespace harsanyi {
namespace cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kHeldPlayers = 4;  // of a thread's entries: bits 7..10
constexpr int kHeld = 1 << kHeldPlayers;
constexpr int kMidPlayers = 4;   // lane bits 3..6
constexpr int kLastPlayers = 3;  // lane bits 0..2: the groups
constexpr int kGroups = 1 << kLastPlayers;
constexpr int kLanePlayers = kMidPlayers + kLastPlayers;
constexpr int kMidTable = kHeldPlayers + kMidPlayers;  // players of a group's table
constexpr int kMostCombineWarps = 32;

// A block's shared memory: the lanes' tables, read in two rounds, and later the segment's; the groups'; the part's.
constexpr int kHeldTwos = Compact<kHeldPlayers>::twos;  // sums of the first round
constexpr int kLaneStride = kThreads + 8;               // rows that a warp reads together lie in different banks
constexpr int kSegmentRows = pair_rows_of(kSegmentPlayers);
constexpr unsigned kGroupsOffset = kHeldTwos * kLaneStride * sizeof(double);
constexpr int kGroupSums = Compact<kMidTable>::twos + (kMidTable - 1) * pairs_among(kMidTable);
constexpr unsigned kPartOffset = kGroupsOffset + kGroupSums * kGroups * sizeof(double);
static_assert(kSegmentRows * (kSegmentPlayers + 1) <= kHeldTwos * kLaneStride, "the segment's table fits");
static_assert(pair_rows_of(kSegmentPlayers + kMostLoopPlayers) <= kThreads, "a thread a row of a part");

__host__ __device__ constexpr int table_players(int players) {
  return players < kSegmentPlayers ? kSegmentPlayers : players;
}
// Odd: rows that a warp reads together lie in different banks.
__host__ __device__ constexpr int part_stride(int players) { return (table_players(players) + 1) | 1; }
__host__ __device__ constexpr size_t part_bytes(int players) {
  return sizeof(double) * static_cast<size_t>(pair_rows_of(table_players(players)) * part_stride(players));
}

// Neither the groups of a place nor the places of a group share a bank.
__device__ __forceinline__ unsigned group_at(int place, int group) {
  return static_cast<unsigned>(place * kGroups + ((group ^ place >> 1) & (kGroups - 1)));
}

// The player of the segment whose bit is the p-th in the order of the steps, and the row in the output's numbering.
__device__ __forceinline__ int segment_player(int p) {
  return p < kHeldPlayers ? p + kLanePlayers : (p < kMidTable ? p - kHeldPlayers + kLastPlayers : p - kMidTable);
}
__device__ __forceinline__ int segment_row(const Row& row) {
  if (row.size == 0) return 0;
  const int a = segment_player(row.i), b = segment_player(row.j);
  return a < b ? pair_row_of(a, b) : pair_row_of(b, a);
}

// From the lanes' tables to the groups': one row of one group.
template <int Least, int Most>
__device__ __forceinline__ void merge_lanes(const Row& from, int group, int first_place) {
  const Shared<double> lanes, groups(kGroupsOffset);
  merge_row<kHeldPlayers, kMidPlayers, Least, Most>(
      from,
      [&](int k, int m) {
        const int place = Compact<kHeldPlayers>::at(k, from) - first_place;
        return lanes.get(static_cast<unsigned>(place * kLaneStride + m * kGroups + group));
      },
      [&](int k, const Row& row, double sum) {
        groups.put(group_at(Compact<kMidTable>::at(k, join(from, row, kHeldPlayers)), group), sum);
      });
}

// From the groups' tables to the segment's.
template <int Most>
__device__ __forceinline__ void merge_groups(const Row& from) {
  const Shared<double> groups(kGroupsOffset), segment;
  merge_row<kMidTable, kLastPlayers, 0, Most>(
      from, [&](int k, int m) { return groups.get(group_at(Compact<kMidTable>::at(k, from), m)); },
      [&](int k, const Row& row, double sum) {
        segment.put(static_cast<unsigned>(k * kSegmentRows + segment_row(join(from, row, kMidTable))), sum);
      });
}

template <class T>
__device__ __forceinline__ void load_held(const T* src, int64_t entries, T (&x)[kHeld]) {
#pragma unroll
  for (int m = 0; m < kHeld; ++m) {
    const int at = m * kThreads + static_cast<int>(threadIdx.x);
    x[m] = at < entries ? src[at] : T(0);
  }
}

template <int Depth, class T>
__device__ __forceinline__ Held<kHeldPlayers, Depth> sum_held(const T (&x)[kHeld]) {
  Held<kHeldPlayers, Depth> held;
  held.clear();
#pragma unroll
  for (int m = 0; m < kHeld; ++m) held.add(m, static_cast<double>(x[m]));
  return held;
}

// The table of each part of 2**players entries. Fewer than 11 players are filled up with such that no set contains.
template <class T>
__global__ void __launch_bounds__(kThreads, 4) sum_parts(const T* src, double* tables, int players) {
  const int t = static_cast<int>(threadIdx.x), group = t & (kGroups - 1), work = t >> kLastPlayers;
  const int held_players = table_players(players), stride = part_stride(players);
  const Shared<double> lanes, segment, part(kPartOffset);
  const int64_t entries = int64_t{1} << players;
  src += static_cast<int64_t>(blockIdx.x) * entries;
  const auto put_lane = [&](int place, double sum) { lanes.put(static_cast<unsigned>(place * kLaneStride + t), sum); };
  const bool owner = t < pair_rows_of(held_players);  // of a row of the part
  const Source source = source_of(numbered_row(t), kSegmentPlayers);
  const int source_row = number_of(source.row);
  if (owner) {
    for (int k = 0; k <= held_players; ++k) part.put(static_cast<unsigned>(t * stride + k), 0);
  }
  T x[kHeld];
  load_held(src, entries, x);
  for (unsigned set = 0; set < 1u << (held_players - kSegmentPlayers); ++set) {
    // In two rounds: all at once take more registers and shared memory.
    sum_held<2>(x).each([&](int q, const Row& row, double sum) {
      if (row.size == 2) put_lane(Compact<kHeldPlayers>::at(q, row) - kHeldTwos, sum);
    });
    __syncthreads();
    if (work < pairs_among(kHeldPlayers)) merge_lanes<0, 0>(numbered_pair(work), group, kHeldTwos);
    __syncthreads();
    sum_held<1>(x).each([&](int q, const Row& row, double sum) { put_lane(Compact<kHeldPlayers>::at(q, row), sum); });
    __syncthreads();
    // A warp for the rows of one, and two for that of none.
    if (work < kHeldPlayers) merge_lanes<0, 1>(row_of_one(work), group, 0);
    if (work == kHeldPlayers) merge_lanes<0, 1>(row_of_none(), group, 0);
    if (work == 2 * kHeldPlayers) merge_lanes<2, 2>(row_of_none(), group, 0);
    __syncthreads();
    if (set + 1 < 1u << (held_players - kSegmentPlayers)) {  // the next entries come while these are merged
      src += int64_t{1} << kSegmentPlayers;
      load_held(src, entries, x);
    }
    // A warp for the rows of two, of one, of none.
    if (t < pairs_among(kMidTable)) merge_groups<0>(numbered_pair(t));
    if (t >= 32 && t < 32 + kMidTable) merge_groups<1>(row_of_one(t - 32));
    if (t == 64) merge_groups<2>(row_of_none());
    __syncthreads();
    if (owner && (source.needed & ~set) == 0) {
      const unsigned to = static_cast<unsigned>(t * stride + __popc(set));
      for (unsigned k = static_cast<unsigned>(source.row.size); k <= kSegmentPlayers; ++k) {
        part.put(to + k, part.get(to + k) + segment.get(k * kSegmentRows + static_cast<unsigned>(source_row)));
      }
    }
    __syncthreads();
  }
  const int orders = players + 1, size = pair_table_size(players);
  tables += static_cast<int64_t>(blockIdx.x) * size;
  for (int i = t; i < size; i += kThreads) {
    tables[i] = part.get(static_cast<unsigned>(i / orders * stride + i % orders));
  }
}

// Row blockIdx.x % rows of a vector from the tables of its parts first, ..., first + count - 1: a lane an order. Later
// parts add to what earlier ones gave.
__global__ void __launch_bounds__(32 * kMostCombineWarps)
    combine_parts(const double* tables, double* out, int n, int players, int first, int count) {
  const int rows = pair_rows_of(n), vector = static_cast<int>(blockIdx.x) / rows;
  const int row = static_cast<int>(blockIdx.x) % rows;
  const int k = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int warps = static_cast<int>(blockDim.x) / 32;
  const Source source = source_of(numbered_row(row), players);
  const int size = pair_table_size(players);
  const double* const from =
      tables + static_cast<int64_t>(vector) * count * size + number_of(source.row) * (players + 1);
  double sum = 0;
#pragma unroll 4
  for (int i = warp; i < count; i += warps) {
    const unsigned set = static_cast<unsigned>(first + i);
    const int at = k - __popc(set);
    if ((source.needed & ~set) == 0 && at >= 0 && at <= players) sum += from[static_cast<int64_t>(i) * size + at];
  }
  const Shared<double> sums;
  sums.put(threadIdx.x, sum);
  __syncthreads();
  if (warp > 0 || k > n) return;
  for (int w = 1; w < warps; ++w) sum += sums.get(static_cast<unsigned>(w * 32 + k));
  double& to = out[static_cast<int64_t>(blockIdx.x) * (n + 1) + k];
  to = first == 0 ? sum : to + sum;
}

// A block's shared memory in the adjoint: the rows of the part's players; what the players of each lane add to the rows
// of none and of the held players, at orders from the lane's own on; the segment's rows of none and of one.
constexpr int kLaneSums = 1 + kHeldPlayers;
constexpr int kSegmentOrders = kSegmentPlayers + 1;
__host__ __device__ constexpr int window_of(int players) {
  return table_players(players) - kSegmentPlayers + kHeldPlayers + 1;
}
__host__ __device__ constexpr unsigned lanes_offset(int players) {
  return static_cast<unsigned>((part_bytes(players) + 15) / 16 * 16);
}
__host__ __device__ constexpr unsigned segment_offset(int players) {
  return lanes_offset(players) + static_cast<unsigned>(window_of(players) * kLaneSums * kThreads) * 8;
}
constexpr size_t adjoint_bytes(int players) {
  return segment_offset(players) + kSegmentOrders * kSegmentOrders * sizeof(double);
}

// The 2**players entries of each part of vectors of 2**n.
__global__ void __launch_bounds__(kThreads, 4) expand_parts(const double* src, double* out, int n, int players) {
  const int t = static_cast<int>(threadIdx.x), held_players = table_players(players), stride = part_stride(players);
  const int window = window_of(players), parts_bits = n - players, orders = held_players + 1;
  const Shared<double> part, lanes(lanes_offset(players)), segment(segment_offset(players));
  const unsigned above = blockIdx.x & ((1u << parts_bits) - 1);
  src += static_cast<int64_t>(blockIdx.x >> parts_bits) * pair_table_size(n) + __popc(above);
  out += static_cast<int64_t>(blockIdx.x) << players;
  for (int i = t; i < pair_rows_of(held_players) * orders; i += kThreads) {
    const Row row = numbered_row(i / orders);
    const double* const from = src + i % orders;
    const bool there = i % orders <= players && (row.size == 0 || row.j < players);
    part.put(static_cast<unsigned>(i / orders * stride + i % orders),
             there ? fold_row(row, above, players, [&](int r) { return from[r * (n + 1)]; }) : 0);
  }
  __syncthreads();
  const auto part_entry = [&](int row, int k) { return part.get(static_cast<unsigned>(row * stride + k)); };
  const auto lane_at = [&](int q, int sum) { return static_cast<unsigned>((q * kLaneSums + sum) * kThreads + t); };
  const auto segment_entry = [&](int row, int k) {
    return segment.get(static_cast<unsigned>(row * kSegmentOrders + k));
  };
  const int lane_size = __popc(threadIdx.x);
  for (int q = 0; q < window; ++q) {
    for (int held = 0; held <= kHeldPlayers; ++held) {  // 0: the pairs among the lane's own players
      double sum = 0;
      for (int j = 0; j < kLanePlayers; ++j) {
        if (!(t >> j & 1)) continue;
        if (held > 0) sum += part_entry(pair_row_of(j, kLanePlayers + held - 1), lane_size + q);
        for (int i = 0; held == 0 && i < j; ++i) {
          if (t >> i & 1) sum += part_entry(pair_row_of(i, j), lane_size + q);
        }
      }
      lanes.put(lane_at(q, held), sum);
    }
  }
  for (unsigned set = 0; set < 1u << (held_players - kSegmentPlayers); ++set) {
    const int set_size = __popc(set);
    for (int i = t; i < kSegmentOrders * kSegmentOrders; i += kThreads) {
      const int row = i / kSegmentOrders, k = i % kSegmentOrders + set_size;
      segment.put(static_cast<unsigned>(i), fold_row(row == 0 ? row_of_none() : row_of_one(row - 1), set,
                                                     kSegmentPlayers, [&](int r) { return part_entry(r, k); }));
    }
    __syncthreads();
    Held<kHeldPlayers, 2> held;
    held.each([&](int q, const Row& row, double& sum) {
      const int k = lane_size + q;
      if (row.size == 2) {
        sum = part_entry(pair_row_of(kLanePlayers + row.i, kLanePlayers + row.j), k + set_size);
      } else if (row.size == 1) {
        sum = segment_entry(1 + kLanePlayers + row.i, k) + lanes.get(lane_at(q + set_size, 1 + row.i));
      } else {
        sum = segment_entry(0, k) + lanes.get(lane_at(q + set_size, 0));
      }
    });
#pragma unroll
    for (int j = 0; j < kLanePlayers; ++j) {
      if (!(t >> j & 1)) continue;
#pragma unroll
      for (int q = 0; q <= kHeldPlayers; ++q) held.none[q] += segment_entry(1 + j, lane_size + q);
    }
#pragma unroll
    for (int m = 0; m < kHeld; ++m) {
      double value = kNoTerm;
      held.each_of(m, [&](double& sum) { value += sum; });
      const int at = m * kThreads + t;
      if (at < 1 << players) out[at] = value;
    }
    out += 1 << kSegmentPlayers;
    __syncthreads();
  }
}

template <class T>
cudaError_t run(const CudaPlace& place, const CudaPairSums& job) {
  const int n = job.n, players = pair_part_players(n), parts_bits = n - players;
  const int64_t parts = int64_t{1} << parts_bits;
  // Whole vectors at a time, or some parts of one.
  int64_t vectors = parts_bits == 0 ? kMostPairBlocks : job.table_count >> parts_bits;
  const int64_t some = vectors > 0 ? parts : job.table_count;
  if (vectors == 0) vectors = 1;
  const T* const src = static_cast<const T*>(job.src);
  const int64_t size = pair_table_size(n);
  cudaError_t status = cudaSuccess;
  for (int64_t b = 0; b < job.batch && status == cudaSuccess; b += vectors) {
    const int64_t some_vectors = job.batch - b < vectors ? job.batch - b : vectors;
    double* const out = job.out + b * size;
    for (int64_t first = 0; first < parts && status == cudaSuccess; first += some) {
      const int64_t count = parts - first < some ? parts - first : some;
      double* const tables = parts_bits == 0 ? out : job.tables;
      const Grid grid{some_vectors * count, kThreads, kPartOffset + part_bytes(players)};
      status = launch(sum_parts<T>, grid, place.stream, src + (b << n) + (first << players), tables, players);
      if (parts_bits == 0 || status != cudaSuccess) continue;
      const unsigned warps = static_cast<unsigned>(count < 8 * kMostCombineWarps ? (count + 7) / 8 : kMostCombineWarps);
      const Grid rows{some_vectors * pair_rows_of(n), 32 * warps, 32 * warps * sizeof(double)};
      status = launch(combine_parts, rows, place.stream, tables, out, n, players, static_cast<int>(first),
                      static_cast<int>(count));
    }
  }
  return status;
}

}  // namespace

int run_pair_sums(const CudaPlace& place, const CudaPairSums& job) {
  const OnDevice current(place.device);
  if (current.status() != cudaSuccess) return current.status();
  switch (job.dtype) {
    case Dtype::f32: return run<float>(place, job);
    case Dtype::f64: return run<double>(place, job);
    default: return cudaErrorInvalidValue;
  }
}

int run_pair_sums_adjoint(const CudaPlace& place, int n, int64_t batch, const double* src, double* out) {
  const OnDevice current(place.device);
  if (current.status() != cudaSuccess) return current.status();
  const int players = pair_part_players(n), parts_bits = n - players;
  const int64_t vectors = kMostPairBlocks >> parts_bits;
  cudaError_t status = cudaSuccess;
  for (int64_t b = 0; b < batch && status == cudaSuccess; b += vectors) {
    const int64_t count = batch - b < vectors ? batch - b : vectors;
    const Grid grid{count << parts_bits, kThreads, adjoint_bytes(players)};
    status = launch(expand_parts, grid, place.stream, src + b * pair_table_size(n), out + (b << n), n, players);
  }
  return status;
}

}  // namespace cuda
}  // namespace harsanyi
