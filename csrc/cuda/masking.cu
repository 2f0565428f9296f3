// Masked batches: out[r, e] = keep(r, player[e]) ? sample[e] : baseline[e]. The twin of csrc/cpu/masking.inl.hpp, to
// the bit: baseline ^ (m & (sample ^ baseline)) with m = 0 or ~0.
//
// Bytes that must move: the batch, written once; sample, baseline and players come from the second-level cache, once
// for every 32 rows, and a row's subset or mask from the first. No floating point.
// A thread keeps the sample, the difference and the players of its 16 bytes in registers and goes down the rows. Where
// rows are not a multiple of 16 bytes it has 4 bytes or one element; a block then writes adjacent entries all the same.
#include <type_traits>

#include "launch.cuh"

namespace harsanyi {
namespace cuda {
namespace {

constexpr unsigned kThreads = 256;
constexpr int kMostRows = 32;       // of a thread, one after another
constexpr int kBlocksEach = 16;     // that a multiprocessor should get before a thread does several rows
constexpr unsigned kNoPlayer = 63;  // above every player of a subset

// Whether a row keeps the player whose index is at(player, n): never masked if it is none of 0..n-1.
struct BySubset {
  const int64_t* subsets;
  __device__ __forceinline__ uint64_t row(int64_t r, int) const {
    return static_cast<uint64_t>(subsets[r]) | uint64_t{1} << kNoPlayer;
  }
  __device__ __forceinline__ static uint8_t at(int32_t player, int n) {
    return static_cast<uint8_t>(player < 0 || player >= n ? kNoPlayer : static_cast<unsigned>(player));
  }
  __device__ __forceinline__ static unsigned keeps(uint64_t subset, uint8_t at) {
    return static_cast<unsigned>(subset >> at) & 1;
  }
};
struct ByMask {
  const uint8_t* masks;
  __device__ __forceinline__ const uint8_t* row(int64_t r, int n) const { return masks + r * n; }
  __device__ __forceinline__ static int32_t at(int32_t player, int n) { return player >= n ? -1 : player; }
  __device__ __forceinline__ static unsigned keeps(const uint8_t* mask, int32_t at) {
    return at < 0 || mask[at] != 0 ? 1 : 0;
  }
};

template <class Word, int Words>
__device__ __forceinline__ void store_words(Word* to, const Word (&words)[Words]) {
  if constexpr (Words == 1) {
    *to = words[0];
  } else {
    Pack<Word> pack;
#pragma unroll
    for (int i = 0; i < Words; ++i) pack.lane[i] = words[i];
    store_pack(to, pack);
  }
}

// Units of `Words` words, each of a few elements U. A block covers `across` units of `below` rows at a time, and that
// `times` times.
template <class U, class Word, int Words, class Keep>
__global__ void __launch_bounds__(kThreads)
    select_rows(MaskedBatch job, Keep keep, int64_t rows, unsigned across, unsigned below, int times) {
  constexpr int elements = sizeof(Word) / sizeof(U);  // of a word
  constexpr int bits = 8 * sizeof(U);
  const int64_t units = job.elements / (elements * Words), beside = (units + across - 1) / across;
  const int64_t block = blockIdx.x, down = block / beside;
  const int64_t unit = (block - down * beside) * across + threadIdx.x % across;
  const unsigned row_of_thread = threadIdx.x / across;
  if (unit >= units || row_of_thread >= below) return;
  const U* const sample = static_cast<const U*>(job.sample) + unit * (elements * Words);
  const U* const baseline = static_cast<const U*>(job.baseline) + unit * (elements * Words);
  const int32_t* const player = job.player + unit * (elements * Words);
  Word base[Words], change[Words];
  decltype(Keep::at(0, 0)) at[Words * elements];
#pragma unroll
  for (int w = 0; w < Words; ++w) {
    base[w] = change[w] = 0;
#pragma unroll
    for (int e = 0; e < elements; ++e) {
      const int i = w * elements + e;
      base[w] = static_cast<Word>(base[w] | static_cast<Word>(baseline[i]) << (e * bits));
      change[w] = static_cast<Word>(change[w] | static_cast<Word>(sample[i] ^ baseline[i]) << (e * bits));
      at[i] = Keep::at(player[i], job.n);
    }
  }
  Word* const out = static_cast<Word*>(job.out) + unit * Words;
  int64_t row = down * (static_cast<int64_t>(below) * times) + row_of_thread;
#pragma unroll 2
  for (int i = 0; i < times; ++i, row += below) {
    if (row >= rows) return;
    const auto kept = keep.row(row, job.n);
    Word made[Words];
#pragma unroll
    for (int w = 0; w < Words; ++w) {
      Word chosen = 0;
#pragma unroll
      for (int e = 0; e < elements; ++e) {
        const Word yes = static_cast<Word>(Keep::keeps(kept, at[w * elements + e]));
        chosen = static_cast<Word>(chosen | yes << (e * bits));
      }
      const Word mask = static_cast<Word>(chosen * static_cast<U>(~U{0}));
      made[w] = static_cast<Word>(base[w] ^ (mask & change[w]));
    }
    store_words<Word, Words>(out + row * (units * Words), made);
  }
}

template <class U, class Word, int Words, class Keep>
cudaError_t run(const CudaPlace& place, const MaskedBatch& job, const Keep& keep, int64_t rows) {
  const int64_t units = job.elements * static_cast<int64_t>(sizeof(U)) / static_cast<int64_t>(sizeof(Word) * Words);
  const unsigned across = units < kThreads ? static_cast<unsigned>(units) : kThreads, below = kThreads / across;
  const int64_t beside = (units + across - 1) / across, passes = (rows + below - 1) / below;
  int processors = 1;
  const cudaError_t status = cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, place.device);
  if (status != cudaSuccess) return status;
  const int64_t room = beside * passes / (int64_t{processors} * kBlocksEach);
  const int times = room < 1 ? 1 : (room > kMostRows ? kMostRows : static_cast<int>(room));
  const Grid grid{beside * ((passes + times - 1) / times), kThreads};
  return launch(select_rows<U, Word, Words, Keep>, grid, place.stream, job, keep, rows, across, below, times);
}

// The widest stores that the rows' length and address allow.
template <class U, class Keep>
cudaError_t run_width(const CudaPlace& place, const MaskedBatch& job, const Keep& keep, int64_t rows) {
  const uintptr_t odd = reinterpret_cast<uintptr_t>(job.out) | (static_cast<uintptr_t>(job.elements) * sizeof(U));
  using Word = typename std::conditional<sizeof(U) == 8, uint64_t, uint32_t>::type;
  if (odd % 16 == 0) return run<U, Word, 16 / sizeof(Word)>(place, job, keep, rows);
  if (odd % sizeof(Word) == 0) return run<U, Word, 1>(place, job, keep, rows);
  return run<U, U, 1>(place, job, keep, rows);
}

template <class Keep>
cudaError_t run_element(const CudaPlace& place, const MaskedBatch& job, const Keep& keep, int64_t rows) {
  switch (job.element_bytes) {
    case 1: return run_width<uint8_t>(place, job, keep, rows);
    case 2: return run_width<uint16_t>(place, job, keep, rows);
    case 4: return run_width<uint32_t>(place, job, keep, rows);
    default: return run_width<uint64_t>(place, job, keep, rows);
  }
}

}  // namespace

int run_masked_batch(const CudaPlace& place, const MaskedBatch& job, int64_t rows) {
  const OnDevice current(place.device);
  if (current.status() != cudaSuccess) return current.status();
  return job.masks != nullptr ? run_element(place, job, ByMask{job.masks}, rows)
                              : run_element(place, job, BySubset{job.subsets}, rows);
}

}  // namespace cuda
}  // namespace harsanyi
