// Lattice transforms: y = (K (x) ... (x) K) x for a 2x2 matrix K. The twin of csrc/cpu/transform.inl.hpp, to the bit.
//
// Bits ascend, as there. The first pass reads the batch as one array in chunks that fit shared memory, whether a chunk
// holds many small vectors or a vector many chunks: bits inside a 16-byte pack in registers, the next 5 between lanes,
// the rest three at a time in registers again, exchanged through shared memory. A column pass does up to 12 bits more:
// a block takes the same few packs of every one of the rows, into shared memory and back.
// Bytes: each pass reads and writes every entry once; 2 passes up to n = 26 where a block may have 128 KiB.
// Shared memory is free of bank conflicts: chunks are always reached along adjacent entries, and rows narrower than
// 128 bytes are padded after every eighth.
#include "butterfly.cuh"
#include "launch.cuh"

namespace harsanyi {
namespace cuda {
namespace {

constexpr int kRadix = 3;        // bits that one exchange applies
constexpr int kLaneBits = 5;     // of a warp
constexpr int kThreadPacks = 8;  // packs of a chunk that a thread works on,
constexpr int kHeldPacks = 4;    // and how many of them at a time: 1024 threads leave 64 registers each
constexpr int kMaxThreads = 1024;
constexpr int kChunkThreads = 256;
constexpr int kMostRowBits = 12;  // of a column pass: rows of 32 bytes, a sector of memory, in 128 KiB

// `bits` over as few exchanges as possible, as evenly as possible: how many the next one takes.
__host__ __device__ constexpr int next_radix(int bits) {
  const int exchanges = (bits + kRadix - 1) / kRadix;
  return (bits + exchanges - 1) / exchanges;
}

// The pack from entry `first` on in a chunk of `count` entries; Whole: there are enough, and they are aligned.
template <bool Whole, class T>
__device__ __forceinline__ Pack<T> load_part(const T* src, unsigned first, unsigned count) {
  constexpr unsigned lanes = Pack<T>::lanes;
  Pack<T> pack;
  if constexpr (Whole) {
    pack = load_pack(src + first);
  } else {
#pragma unroll
    for (unsigned j = 0; j < lanes; ++j) pack.lane[j] = first + j < count ? src[first + j] : T(0);
  }
  return pack;
}

// Flipped, its lanes change places as the complement says, all of them if it is whole.
template <bool Whole, bool Flip, class T>
__device__ __forceinline__ void store_part(T* dst, unsigned first, unsigned count, unsigned complement,
                                           const Pack<T>& pack) {
  constexpr unsigned lanes = Pack<T>::lanes;
  if constexpr (Whole) {
    Pack<T> turned;
#pragma unroll
    for (unsigned j = 0; j < lanes; ++j) turned.lane[j] = pack.lane[Flip ? lanes - 1 - j : j];
    store_pack(dst + first, turned);
  } else {
#pragma unroll
    for (unsigned j = 0; j < lanes; ++j) {
      const unsigned to = first + (Flip ? j ^ (complement & (lanes - 1)) : j);
      if (to < count) dst[to] = pack.lane[j];
    }
  }
}

// Bits [bit, bit + R) of a chunk in shared memory, in place or, the last time, on to the `count` entries of `dst`.
template <int R, bool Whole, class T, class Op>
__device__ __forceinline__ void chunk_exchange(const Shared<T>& chunk, int bit, bool last, T* dst, unsigned count,
                                               unsigned complement, const Op& op) {
  constexpr unsigned columns = (kThreadPacks * Pack<T>::lanes) >> R;  // of a thread
#pragma unroll
  for (unsigned i = 0; i < columns; ++i) {
    const unsigned column = threadIdx.x + i * blockDim.x;
    const unsigned low = column & ((1u << bit) - 1), at = (column >> bit) << (bit + R) | low;
    T x[1 << R];
#pragma unroll
    for (unsigned j = 0; j < 1u << R; ++j) x[j] = chunk.get(at + (j << bit));
    register_bits<R>(x, op);
#pragma unroll
    for (unsigned j = 0; j < 1u << R; ++j) {
      const unsigned to = (at + (j << bit)) ^ complement;
      if (!last) {
        chunk.put(at + (j << bit), x[j]);
      } else if (Whole || to < count) {
        dst[to] = x[j];
      }
    }
  }
}

// Bits 0..bits-1 of one chunk; `entries` in all. Whole: full chunks of aligned packs; else the last chunk may be short.
template <class T, class Op, bool Negate, bool Flip, bool Whole>
__global__ void __launch_bounds__(Whole ? kMaxThreads : kChunkThreads)
    chunk_bits(const T* src, T* dst, int64_t entries, int bits, Op op) {
  constexpr int lanes = Pack<T>::lanes;
  constexpr int pack_bits = kPackBits<T>, low_bits = pack_bits + kLaneBits;
  const unsigned chunk_entries = blockDim.x * (kThreadPacks * lanes);
  const int64_t base = static_cast<int64_t>(blockIdx.x) * chunk_entries, left = entries - base;
  const unsigned count = left < chunk_entries ? static_cast<unsigned>(left) : chunk_entries;
  src += base;
  dst += base;
  // Flipped, every entry is written to where its complement was. In place too: nothing is written before the lanes or
  // the threads that take part have met.
  const unsigned complement = Flip ? (1u << bits) - 1 : 0;
  const Shared<T> chunk;
#pragma unroll 1
  for (int from = 0; from < kThreadPacks; from += kHeldPacks) {
    const unsigned first = threadIdx.x + static_cast<unsigned>(from) * blockDim.x;
    Pack<T> x[kHeldPacks];
#pragma unroll
    for (int i = 0; i < kHeldPacks; ++i) {
      x[i] = load_part<Whole>(src, (first + static_cast<unsigned>(i) * blockDim.x) * lanes, count);
#pragma unroll
      for (int j = 0; Negate && j < lanes; ++j) x[i].lane[j] = -x[i].lane[j];
    }
#pragma unroll
    for (int bit = 0; bit < pack_bits; ++bit) {
#pragma unroll
      for (int i = 0; bit < bits && i < kHeldPacks; ++i) {
#pragma unroll
        for (int j = 0; j < lanes; ++j) {
          if (!(j >> bit & 1)) op.pair(x[i].lane[j], x[i].lane[j | 1 << bit]);
        }
      }
    }
#pragma unroll
    for (int bit = 0; bit < kLaneBits; ++bit) {
      const bool high = threadIdx.x >> bit & 1;
#pragma unroll
      for (int i = 0; pack_bits + bit < bits && i < kHeldPacks; ++i) {
#pragma unroll
        for (int j = 0; j < lanes; ++j) {
          const T partner = __shfl_xor_sync(kAllLanes, x[i].lane[j], 1 << bit);
          x[i].lane[j] = op.lane(x[i].lane[j], partner, high);
        }
      }
    }
#pragma unroll
    for (int i = 0; i < kHeldPacks; ++i) {
      const unsigned pack = first + static_cast<unsigned>(i) * blockDim.x;
      if (bits > low_bits) {
        chunk.put_pack(pack * lanes, x[i]);
      } else {
        store_part<Whole, Flip>(dst, (pack ^ (complement >> pack_bits)) * lanes, count, complement, x[i]);
      }
    }
  }
  for (int bit = low_bits; bit < bits;) {
    const int radix = next_radix(bits - bit);
    const bool last = bit + radix == bits;
    __syncthreads();
    if (radix == 1) chunk_exchange<1, Whole>(chunk, bit, last, dst, count, complement, op);
    if (radix == 2) chunk_exchange<2, Whole>(chunk, bit, last, dst, count, complement, op);
    if (radix == 3) chunk_exchange<3, Whole>(chunk, bit, last, dst, count, complement, op);
    bit += radix;
  }
}

// A tile of 2**row_bits rows, 2**low entries apart, of 2**width_bits packs each.
template <class T>
struct Tile {
  T* data;  // of row 0
  int low, row_bits, width_bits;
  bool aligned;

  __device__ __forceinline__ unsigned slot(unsigned row, unsigned column) const {
    const unsigned padded = width_bits < 3 ? row + (row >> 3) : row;
    return (padded << width_bits | column) * Pack<T>::lanes;
  }
  __device__ __forceinline__ T* global(unsigned row, unsigned column) const {
    return data + (static_cast<int64_t>(row) << low) + column * Pack<T>::lanes;
  }
  __device__ __forceinline__ Pack<T> load(unsigned row, unsigned column) const {
    const T* const from = global(row, column);
    if (aligned) return load_pack(from);
    Pack<T> pack;
#pragma unroll
    for (int j = 0; j < Pack<T>::lanes; ++j) pack.lane[j] = from[j];
    return pack;
  }
  __device__ __forceinline__ void store(unsigned row, unsigned column, const Pack<T>& pack) const {
    T* const to = global(row, column);
    if (aligned) return store_pack(to, pack);
#pragma unroll
    for (int j = 0; j < Pack<T>::lanes; ++j) to[j] = pack.lane[j];
  }
};

// Bits [bit, bit + R) of the row number.
template <int R, class T, class Op>
__device__ __forceinline__ void column_exchange(const Tile<T>& tile, const Shared<T>& rows, int bit, const Op& op) {
  constexpr int lanes = Pack<T>::lanes;
  const bool first = bit == 0, last = bit + R == tile.row_bits;
  for (unsigned i = threadIdx.x; i < 1u << (tile.row_bits - R + tile.width_bits); i += blockDim.x) {
    const unsigned column = i & ((1u << tile.width_bits) - 1), other = i >> tile.width_bits;
    const unsigned row = (other >> bit) << (bit + R) | (other & ((1u << bit) - 1));
    Pack<T> x[1 << R];
#pragma unroll
    for (unsigned j = 0; j < 1u << R; ++j) {
      x[j] = first ? tile.load(row + (j << bit), column) : rows.get_pack(tile.slot(row + (j << bit), column));
    }
#pragma unroll
    for (int l = 0; l < lanes; ++l) {
#pragma unroll
      for (int b = 0; b < R; ++b) {
#pragma unroll
        for (int j = 0; j < 1 << R; ++j) {
          if (!(j >> b & 1)) op.pair(x[j].lane[l], x[j | 1 << b].lane[l]);
        }
      }
    }
#pragma unroll
    for (unsigned j = 0; j < 1u << R; ++j) {
      if (last) {
        tile.store(row + (j << bit), column, x[j]);
      } else {
        rows.put_pack(tile.slot(row + (j << bit), column), x[j]);
      }
    }
  }
}

// Bits [low, low + row_bits), in place.
template <class T, class Op>
__global__ void __launch_bounds__(kMaxThreads)
    column_bits(T* data, int low, int row_bits, int width_bits, bool aligned, Op op) {
  const int tiles_bits = low - kPackBits<T> - width_bits;  // log2 of the tiles side by side
  const int64_t index = blockIdx.x, high = index >> tiles_bits, beside = index & ((int64_t{1} << tiles_bits) - 1);
  T* const corner = data + (high << (low + row_bits)) + beside * (Pack<T>::lanes << width_bits);
  const Tile<T> tile{corner, low, row_bits, width_bits, aligned};
  const Shared<T> rows;
  for (int bit = 0; bit < row_bits;) {
    const int radix = next_radix(row_bits - bit);
    if (bit > 0) __syncthreads();
    if (radix == 1) column_exchange<1>(tile, rows, bit, op);
    if (radix == 2) column_exchange<2>(tile, rows, bit, op);
    if (radix == 3) column_exchange<3>(tile, rows, bit, op);
    bit += radix;
  }
}

// How n bits are spread over passes, given the shared memory of a block.
struct Cut {
  int threads, chunk_bits, first_bits;
};

template <class T>
Cut cut_bits(int n, int shared_bytes, int most_threads) {
  constexpr int thread_bits = kPackBits<T> + 3;  // entries of a thread
  Cut cut = {kChunkThreads, thread_bits + 8, 0};
  while (cut.threads > 32 && (cut.threads * kThreadPacks * 16) > shared_bytes) cut.threads /= 2, --cut.chunk_bits;
  const auto widen = [&] {
    cut.threads *= 2;
    ++cut.chunk_bits;
  };
  const auto may_widen = [&] {
    return cut.threads < most_threads && cut.threads * 2 * kThreadPacks * 16 <= shared_bytes;
  };
  while (n > cut.chunk_bits && n <= thread_bits + 10 && may_widen()) widen();  // all in one pass
  if (n <= cut.chunk_bits) {
    cut.first_bits = n;
    return cut;
  }
  while (n - cut.chunk_bits > 9 && may_widen()) widen();  // rows of 128 bytes stay below 64 KiB
  cut.first_bits = cut.chunk_bits;
  return cut;
}

int column_bytes(int row_bits, int width_bits) {
  const int bytes = 16 << (row_bits + width_bits);
  return width_bits < 3 && row_bits > kRadix ? bytes + bytes / 8 : bytes;
}

template <class Op>
typename UnflippedOf<Op>::type unflip(const Op& op) {
  if constexpr (Op::flip) {
    return {};
  } else {
    return op;
  }
}

template <class T, class Op>
cudaError_t run(const CudaPlace& place, const Transform& job, int64_t batch, const Op& op) {
  const int limit = shared_limit(place.device);
  const bool aligned =
      is_aligned(job.src) && is_aligned(job.dst) && (!Op::flip || job.n >= kPackBits<T>);  // packs are flipped whole
  const Cut cut = cut_bits<T>(job.n, limit, aligned ? kMaxThreads : kChunkThreads);
  const int64_t entries = batch << job.n, chunk = int64_t{1} << cut.chunk_bits;
  const int64_t whole = aligned ? entries >> cut.chunk_bits : 0, rest = entries - whole * chunk;
  const T* const src = static_cast<const T*>(job.src);
  T* const dst = static_cast<T*>(job.dst);
  const bool exchanges = cut.first_bits > kPackBits<T> + kLaneBits;
  Grid grid{whole, static_cast<unsigned>(cut.threads), exchanges ? sizeof(T) << cut.chunk_bits : 0};
  using First = typename UnflippedOf<Op>::type;
  cudaError_t status = launch(chunk_bits<T, First, Op::negate, Op::flip, true>, grid, place.stream, src, dst, entries,
                              cut.first_bits, unflip(op));
  grid.blocks = (rest + chunk - 1) / chunk;
  if (status == cudaSuccess) {
    status = launch(chunk_bits<T, First, Op::negate, Op::flip, false>, grid, place.stream, src + whole * chunk,
                    dst + whole * chunk, rest, cut.first_bits, unflip(op));
  }
  // The bits above: as many rows as fit with a whole sector of each, in as few passes as possible.
  int most = kMostRowBits;
  while (most > kRadix && column_bytes(most, 1) > limit) --most;
  for (int low = cut.first_bits; low < job.n && status == cudaSuccess;) {
    const int left = job.n - low, passes = (left + most - 1) / most, row_bits = (left + passes - 1) / passes;
    int width_bits = 3;
    while (width_bits > 1 && column_bytes(row_bits, width_bits) > limit) --width_bits;
    const int packs_bits = row_bits + width_bits;
    const unsigned threads =
        1u << (packs_bits - kRadix < 5 ? 5 : (packs_bits - kRadix > 10 ? 10 : packs_bits - kRadix));
    const Grid tiles{entries >> (row_bits + width_bits + kPackBits<T>), threads,
                     row_bits > kRadix ? static_cast<size_t>(column_bytes(row_bits, width_bits)) : 0};
    status = launch(column_bits<T, Op>, tiles, place.stream, dst, low, row_bits, width_bits, is_aligned(dst), op);
    low += row_bits;
  }
  return status;
}

template <class T>
cudaError_t run_kind(const CudaPlace& place, const Transform& job, int64_t batch) {
  switch (job.kind) {
    case Kind::zeta: return run<T>(place, job, batch, Zeta{});
    case Kind::mobius: return run<T>(place, job, batch, Mobius{});
    case Kind::superset_zeta: return run<T>(place, job, batch, SupersetZeta{});
    case Kind::superset_mobius: return run<T>(place, job, batch, SupersetMobius{});
    case Kind::or_transform: return run<T>(place, job, batch, Or{});
    case Kind::or_inverse: return run<T>(place, job, batch, OrInverse{});
    case Kind::walsh_hadamard: return run<T>(place, job, batch, WalshHadamard{});
    case Kind::general:
      if constexpr (T(0.5) != 0) {
        return run<T>(place, job, batch,
                      General<T>{static_cast<T>(job.matrix[0]), static_cast<T>(job.matrix[1]),
                                 static_cast<T>(job.matrix[2]), static_cast<T>(job.matrix[3])});
      }
      break;
    default: break;  // the rotations are steps of the decomposition alone
  }
  return cudaErrorInvalidValue;
}

}  // namespace

int run_transform(const CudaPlace& place, const Transform& job, int64_t batch) {
  const OnDevice current(place.device);
  if (current.status() != cudaSuccess) return current.status();
  switch (job.dtype) {
    case Dtype::f32: return run_kind<float>(place, job, batch);
    case Dtype::f64: return run_kind<double>(place, job, batch);
    case Dtype::i64: return run_kind<uint64_t>(place, job, batch);
  }
  return cudaErrorInvalidValue;
}

}  // namespace cuda
}  // namespace harsanyi
