// Subsets as integers and as masks: enumeration, rank, sampling. The twin of csrc/cpu/subsets.cpp, to the bit.
//
// Bytes that must move: 8 a subset out or in, 1 an order, n a mask row; 16-byte loads and stores for bytes, adjacent
// threads on adjacent entries for all. No floating point.
// Binomials come from a table of 32 KiB, which stays in the first-level cache: threads of a warp look at the same row.
// Masks are bits on chip: 16 bytes are made of 16 bits by four multiplications, and the other way round.
#include "../lattice/philox.hpp"
#include "launch.cuh"

namespace harsanyi {
namespace cuda {
namespace {

constexpr unsigned kThreads = 256;
constexpr unsigned kRunThreads = 128;  // of the enumeration, and the sets that one of them steps through
constexpr unsigned kRun = 32;
constexpr unsigned kMaskRows = 256;  // that a block turns into integers, or makes of them
constexpr unsigned kDrawThreads = 128;

// C(n, k) in row n, column k.
struct Binomials {
  uint64_t row[kMaxSubsetPlayers][kMaxSubsetPlayers + 1];
  constexpr Binomials() : row{} {
    for (int n = 0; n < kMaxSubsetPlayers; ++n) {
      row[n][0] = 1;
      for (int k = 1; k <= n; ++k) row[n][k] = row[n - 1][k - 1] + row[n - 1][k];
    }
  }
};
__device__ constexpr Binomials binomials;

// As rank_in_order, unrank_in_order and next_same_order of lattice/bits.hpp.
__device__ __forceinline__ uint64_t rank_of(uint64_t subset) {
  uint64_t rank = 0;
  for (int player = 0, position = 1; subset != 0; ++player, subset >>= 1) {
    if (subset & 1) rank += binomials.row[player][position++];
  }
  return rank;
}
__device__ __forceinline__ uint64_t subset_of(int n, int k, uint64_t rank) {
  uint64_t subset = 0;
  for (int player = n - 1; k > 0; --player) {
    const uint64_t below = binomials.row[player][k];
    if (rank >= below) {
      subset |= uint64_t{1} << player;
      rank -= below;
      --k;
    }
  }
  return subset;
}
__device__ __forceinline__ uint64_t next_subset(uint64_t subset) {  // not of the empty set
  const uint64_t lowest = subset & (0 - subset), ripple = subset + lowest;
  return ripple | (subset ^ ripple) >> (2 + __popcll(lowest - 1));
}

// Four bits as four bytes 0 or 1, and which of four bytes are not 0.
__device__ __forceinline__ uint32_t bytes_of(uint32_t bits) { return (bits & 15) * 0x00204081u & 0x01010101u; }
__device__ __forceinline__ uint32_t bits_of(uint32_t bytes) {
  const uint32_t set = (bytes | ((bytes & 0x7f7f7f7fu) + 0x7f7f7f7fu)) & 0x80808080u;
  return (set >> 7) * 0x01020408u >> 24 & 15;
}

// Bits 0..15 as bytes at `to`, of which `room` are left.
__device__ __forceinline__ void store_bits(uint8_t* to, unsigned room, bool aligned, uint32_t bits) {
  Pack<uint32_t> pack;
#pragma unroll
  for (int i = 0; i < 4; ++i) pack.lane[i] = bytes_of(bits >> 4 * i);
  if (aligned && room >= 16) {
    store_pack(reinterpret_cast<uint32_t*>(to), pack);
  } else {
#pragma unroll
    for (unsigned i = 0; i < 16; ++i) {
      if (i < room) to[i] = static_cast<uint8_t>(bits >> i & 1);
    }
  }
}

// A thread unranks the first set of its run and steps through the others; shared memory turns runs into rows of
// adjacent entries. Its slots are padded to an odd run, free of bank conflicts.
__global__ void __launch_bounds__(kRunThreads) enumerate(int n, int k, int64_t count, int64_t* out) {
  const Shared<int64_t> slots;
  const int64_t base = static_cast<int64_t>(blockIdx.x) * (kRunThreads * kRun);
  const int64_t first = base + threadIdx.x * kRun;
  if (first < count) {
    uint64_t subset = subset_of(n, k, static_cast<uint64_t>(first));
    for (unsigned i = 0;; ++i) {
      slots.put(threadIdx.x * (kRun + 1) + i, static_cast<int64_t>(subset));
      if (i + 1 == kRun || first + i + 1 == count) break;
      subset = next_subset(subset);
    }
  }
  __syncthreads();
  for (unsigned i = threadIdx.x; i < kRunThreads * kRun; i += kRunThreads) {
    if (base + i < count) out[base + i] = slots.get(i / kRun * (kRun + 1) + i % kRun);
  }
}

__global__ void __launch_bounds__(kThreads) rank_each(int64_t count, const int64_t* subsets, int64_t* ranks) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i < count) ranks[i] = subsets[i] < 0 ? -1 : static_cast<int64_t>(rank_of(static_cast<uint64_t>(subsets[i])));
}

__global__ void __launch_bounds__(kThreads)
    unrank_each(int n, int k, uint64_t total, int64_t count, const int64_t* ranks, int64_t* subsets) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= count) return;
  const uint64_t rank = static_cast<uint64_t>(ranks[i]);  // huge where negative
  subsets[i] = rank < total ? static_cast<int64_t>(subset_of(n, k, rank)) : -1;
}

__global__ void __launch_bounds__(kThreads) order_each(uint32_t count, bool aligned, uint8_t* out) {
  const uint32_t first = (blockIdx.x * kThreads + threadIdx.x) * 16;
  if (first >= count) return;
  const uint32_t order = static_cast<uint32_t>(__popc(first));
  if (aligned && count >= 16) {
    const uint32_t all = order * 0x01010101u;
    store_pack(reinterpret_cast<uint32_t*>(out + first),
               Pack<uint32_t>{{all + 0x02010100u, all + 0x03020201u, all + 0x03020201u, all + 0x04030302u}});
  } else {
    for (uint32_t s = first; s < first + 16 && s < count; ++s) out[s] = static_cast<uint8_t>(__popc(s));
  }
}

// A block's rows laid end to end, 16 bytes a thread: bits of one row after another.
__global__ void __launch_bounds__(kThreads)
    expand_each(int n, int64_t count, const int64_t* subsets, bool aligned, uint8_t* masks) {
  const int64_t base = static_cast<int64_t>(blockIdx.x) * kMaskRows;
  const unsigned rows = count - base < kMaskRows ? static_cast<unsigned>(count - base) : kMaskRows;
  const unsigned players = static_cast<unsigned>(n), bytes = rows * players;
  subsets += base;
  masks += base * n;
  for (unsigned at = threadIdx.x * 16; at < bytes; at += kThreads * 16) {
    unsigned row = at / players, player = at % players;
    uint32_t bits = 0;
    for (unsigned filled = 0; filled < 16 && row < rows; ++row, player = 0) {
      bits |= static_cast<uint32_t>((static_cast<uint64_t>(subsets[row]) & full_set(n)) >> player) << filled;
      filled += players - player;
    }
    store_bits(masks + at, bytes - at, aligned, bits);
  }
}

// A block's rows become one string of bits in shared memory, 32 bytes to a word, of which each thread takes its n.
__global__ void __launch_bounds__(kThreads)
    gather_each(int n, int64_t count, const uint8_t* masks, bool aligned, int64_t* subsets) {
  const Shared<uint32_t> string;
  const int64_t base = static_cast<int64_t>(blockIdx.x) * kMaskRows, left = (count - base) * n;
  masks += base * n;
  const unsigned words = kMaskRows / 32 * static_cast<unsigned>(n);
  for (unsigned w = threadIdx.x; w < words; w += kThreads) {
    uint32_t bits = 0;
    if (aligned && (w + 1) * 32 <= left) {
#pragma unroll
      for (unsigned half = 0; half < 2; ++half) {
        const Pack<uint32_t> pack = load_pack(reinterpret_cast<const uint32_t*>(masks + w * 32 + half * 16));
#pragma unroll
        for (unsigned i = 0; i < 4; ++i) bits |= bits_of(pack.lane[i]) << (half * 16 + 4 * i);
      }
    } else {
      for (unsigned i = 0; i < 32 && w * 32 + i < left; ++i) bits |= (masks[w * 32 + i] != 0 ? 1u : 0u) << i;
    }
    string.put(w, bits);
  }
  __syncthreads();
  const int64_t row = base + threadIdx.x;
  if (row >= count) return;
  const unsigned bit = threadIdx.x * static_cast<unsigned>(n), word = bit / 32, shift = bit % 32;
  uint64_t subset = string.get(word);
  if (shift + n > 32) subset |= static_cast<uint64_t>(string.get(word + 1)) << 32;
  subset >>= shift;
  if (shift + n > 64) subset |= static_cast<uint64_t>(string.get(word + 2)) << (64 - shift);
  subsets[row] = static_cast<int64_t>(subset & full_set(n));
}

// One draw: contains(player) and insert(player) on the caller's set. A player outside 0..n-1 never gets into it.
template <class Contains, class Insert>
__device__ __forceinline__ void draw_set(const SubsetDraw& draw, int64_t row, const Contains& contains,
                                         const Insert& insert) {
  Philox random(draw.seed, draw.first + static_cast<uint64_t>(row));
  const unsigned n = static_cast<unsigned>(draw.n);
  sample_without_replacement(
      random, draw.candidates, draw.size,
      [&](int item) {
        const unsigned player = static_cast<unsigned>(draw.players[item]);
        return player < n && contains(player);
      },
      [&](int item) {
        const unsigned player = static_cast<unsigned>(draw.players[item]);
        if (player < n) insert(player);
      });
}

__global__ void __launch_bounds__(kThreads) draw_subsets(SubsetDraw draw, int64_t count, int64_t* subsets) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (row >= count) return;
  uint64_t subset = 0;
  draw_set(
      draw, row, [&](unsigned player) { return (subset >> player & 1) != 0; },
      [&](unsigned player) { subset |= uint64_t{1} << player; });
  subsets[row] = static_cast<int64_t>(subset);
}

// A thread draws into its own column of words, in its own bank; then the block writes its rows 16 bytes at a time.
__global__ void __launch_bounds__(kDrawThreads)
    draw_masks(SubsetDraw draw, int64_t count, bool aligned, uint8_t* masks) {
  const Shared<uint32_t> words;
  const unsigned n = static_cast<unsigned>(draw.n), rows = blockDim.x;
  const int64_t base = static_cast<int64_t>(blockIdx.x) * rows, row = base + threadIdx.x;
  for (unsigned w = 0; w < (n + 31) / 32; ++w) words.put(w * rows + threadIdx.x, 0);
  if (row < count) {
    draw_set(
        draw, row,
        [&](unsigned player) { return (words.get(player / 32 * rows + threadIdx.x) >> player % 32 & 1) != 0; },
        [&](unsigned player) {
          const unsigned at = player / 32 * rows + threadIdx.x;
          words.put(at, words.get(at) | 1u << player % 32);
        });
  }
  __syncthreads();
  masks += base * n;
  const int64_t left = (count - base) * n;
  const unsigned bytes = left < int64_t{rows} * n ? static_cast<unsigned>(left) : rows * n;
  for (unsigned at = threadIdx.x * 16; at < bytes; at += rows * 16) {
    uint32_t bits = 0;
    unsigned of = at / n, player = at % n;
    for (unsigned filled = 0; filled < 16 && of < rows;) {
      const unsigned in_word = 32 - player % 32, in_row = n - player, taken = in_row < in_word ? in_row : in_word;
      bits |= words.get(player / 32 * rows + of) >> player % 32 << filled;
      filled += taken;
      player = taken == in_row ? 0 : player + taken;
      of += taken == in_row;
    }
    store_bits(masks + at, bytes - at, aligned, bits);
  }
}

// For rows that fit no shared memory: into masks that are zero.
__global__ void __launch_bounds__(kThreads) draw_long_masks(SubsetDraw draw, int64_t count, uint8_t* masks) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (row >= count) return;
  uint8_t* const mask = masks + row * draw.n;
  draw_set(draw, row, [&](unsigned player) { return mask[player] != 0; }, [&](unsigned player) { mask[player] = 1; });
}

int64_t blocks_for(int64_t items, int64_t each) { return (items + each - 1) / each; }

// run() with the device current.
template <class F>
int on(const CudaPlace& place, const F& run) {
  const OnDevice current(place.device);
  return current.status() != cudaSuccess ? current.status() : run();
}

}  // namespace

int run_subsets_of_order(const CudaPlace& place, int n, int k, int64_t* out) {
  return on(place, [&] {
    const int64_t count = static_cast<int64_t>(binomial(n, k));
    const Grid grid{blocks_for(count, kRunThreads * kRun), kRunThreads, kRunThreads * (kRun + 1) * sizeof(int64_t)};
    return launch(enumerate, grid, place.stream, n, k, count, out);
  });
}

int run_rank_subsets(const CudaPlace& place, int64_t count, const int64_t* subsets, int64_t* ranks) {
  return on(place, [&] {
    return launch(rank_each, {blocks_for(count, kThreads), kThreads}, place.stream, count, subsets, ranks);
  });
}

int run_unrank_subsets(const CudaPlace& place, int n, int k, int64_t count, const int64_t* ranks, int64_t* subsets) {
  return on(place, [&] {
    return launch(unrank_each, {blocks_for(count, kThreads), kThreads}, place.stream, n, k, binomial(n, k), count,
                  ranks, subsets);
  });
}

int run_orders(const CudaPlace& place, int n, uint8_t* out) {
  return on(place, [&] {
    const int64_t count = int64_t{1} << n;
    return launch(order_each, {blocks_for(count, kThreads * 16), kThreads}, place.stream, static_cast<uint32_t>(count),
                  is_aligned(out), out);
  });
}

int run_sample_masks(const CudaPlace& place, const SubsetDraw& draw, int64_t count, uint8_t* masks) {
  return on(place, [&]() -> int {
    const int64_t words = (int64_t{draw.n} + 31) / 32;
    unsigned threads = kDrawThreads;
    while (threads > 32 && words * threads * 4 > shared_limit(place.device)) threads /= 2;
    if (words * threads * 4 <= shared_limit(place.device)) {
      const Grid grid{blocks_for(count, threads), threads, static_cast<size_t>(words * threads * 4)};
      return launch(draw_masks, grid, place.stream, draw, count, is_aligned(masks), masks);
    }
    const cudaError_t status = cudaMemsetAsync(masks, 0, static_cast<size_t>(count) * static_cast<size_t>(draw.n),
                                               static_cast<cudaStream_t>(place.stream));
    if (status != cudaSuccess) return status;
    return launch(draw_long_masks, {blocks_for(count, kThreads), kThreads}, place.stream, draw, count, masks);
  });
}

int run_sample_subsets(const CudaPlace& place, const SubsetDraw& draw, int64_t count, int64_t* subsets) {
  return on(place, [&] {
    return launch(draw_subsets, {blocks_for(count, kThreads), kThreads}, place.stream, draw, count, subsets);
  });
}

int run_masks_from_subsets(const CudaPlace& place, int n, int64_t count, const int64_t* subsets, uint8_t* masks) {
  return on(place, [&] {
    return launch(expand_each, {blocks_for(count, kMaskRows), kThreads}, place.stream, n, count, subsets,
                  is_aligned(masks), masks);
  });
}

int run_subsets_from_masks(const CudaPlace& place, int n, int64_t count, const uint8_t* masks, int64_t* subsets) {
  return on(place, [&] {
    if (n == 0) {
      return cudaMemsetAsync(subsets, 0, static_cast<size_t>(count) * sizeof(int64_t),
                             static_cast<cudaStream_t>(place.stream));
    }
    const Grid grid{blocks_for(count, kMaskRows), kThreads, kMaskRows / 8 * static_cast<size_t>(n)};
    return launch(gather_each, grid, place.stream, n, count, masks, is_aligned(masks), subsets);
  });
}

}  // namespace cuda
}  // namespace harsanyi
