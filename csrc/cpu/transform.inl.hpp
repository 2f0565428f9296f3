// Lattice transforms: y = (K (x) ... (x) K) x for a 2x2 matrix K, in O(n 2**n) operations.
//
// Bit order: bit i of the index is player i; every bit is one butterfly between entries S and S | 1 << i, and bits are
// applied in ascending order whatever the vector width, the blocking or the number of threads: same input, same bits
// out. Cost: at most two read-write passes over memory. Blocks of 2**low entries that fit L2 are finished first,
// themselves built from blocks that fit L1; the bits above go through a tile of whole cache lines from each of the
// 2**(n-low) rows, copied to a scratch buffer on the way in and back on the way out, since rows a power of two apart
// share one cache set. A sweep applies 2**radix rows at a time in registers.
// Stability: n additions an entry, error <= n eps sum|x| (for K with entries in {-1, 0, 1}).
#pragma once

#include "butterfly.inl.hpp"
#include "kernels.hpp"

namespace harsanyi {
namespace HARSANYI_ISA {

// Bits that one sweep applies: 2**kRadix live registers, out of 32 (AVX-512) or 16.
constexpr int kRadix = HARSANYI_VECTOR_BYTES >= 64 ? 4 : 3;
// Block sizes in bytes: half of the usual L1; about the usual L2, and a share of it for tiles. Measured at n = 20..26
// with an L2 of 1 MiB: smaller blocks leave more rows, whose chunks in a tile get too narrow for the prefetchers.
constexpr int kL1Bytes = 16 << 10;
constexpr int kL2Bytes = 1024 << 10;
constexpr int kTileBytes = 256 << 10;

// Tiles of this many row bits are written past the caches. Their lines, a power of two apart, have left the cache again
// by then, and an ordinary store would read them a second time. Pays only where one store fills a line.
constexpr int kStreamRows = HARSANYI_VECTOR_BYTES == 64 ? 9 : 64;

template <class T>
constexpr int kLaneBits = log2_floor(Vector<T>::lanes);
template <class T>
constexpr int kL1Bits = log2_floor(kL1Bytes / static_cast<int>(sizeof(T)));
template <class T>
constexpr int kL2Bits = log2_floor(kL2Bytes / static_cast<int>(sizeof(T)));

// Entries from p to the next multiple of `bytes` (p is aligned to T).
template <class T>
HARSANYI_INLINE size_t entries_to_alignment(const T* p, size_t bytes) {
  return ((0 - reinterpret_cast<uintptr_t>(p)) & (bytes - 1)) / sizeof(T);
}

// Bits 0..Bits-1 inside one register, in the operation's order.
template <class T, int Bits, int Done = 0, class Op>
HARSANYI_INLINE typename Vector<T>::type lane_stages(typename Vector<T>::type x, const Op& op) {
  if constexpr (Done < Bits) {
    constexpr int bit = is_descending<Op> ? Bits - 1 - Done : Done;
    return lane_stages<T, Bits, Done + 1>(op.template lane<T, (1 << bit)>(x), op);
  } else {
    return x;
  }
}

// Log2 bits across 2**R registers, in the operation's order.
template <int R, class X, class Op>
HARSANYI_INLINE void register_stages(X (&x)[1 << R], const Op& op) {
#pragma GCC unroll 8
  for (int done = 0; done < R; ++done) {
    const int bit = is_descending<Op> ? R - 1 - done : done;
#pragma GCC unroll 16
    for (int i = 0; i < (1 << R); ++i) {
      if (!(i >> bit & 1)) op.pair(x[i], x[i | 1 << bit]);
    }
  }
}

// Lowest bits of contiguous data: L bits inside a register, then R across 2**R adjacent registers.
template <class T, int L, int R, class Op>
void leaf(const T* src, T* dst, size_t groups, const Op& op) {
  constexpr int lanes = Vector<T>::lanes;
  for (size_t g = 0; g < groups; ++g) {
    typename Vector<T>::type x[1 << R];
#pragma GCC unroll 16
    for (int i = 0; i < (1 << R); ++i) {
      x[i] = load(src + i * lanes);
      if constexpr (Op::negate) x[i] = -x[i];
      x[i] = lane_stages<T, L>(x[i], op);
    }
    register_stages<R>(x, op);
#pragma GCC unroll 16
    for (int i = 0; i < (1 << R); ++i) store(dst + i * lanes, x[i]);
    src += lanes << R;
    dst += lanes << R;
  }
}

// One column of a sweep: 2**R values, `step` rows apart; X is a vector of T or T itself. Stream: store past the caches.
template <class X, class T, int R, bool Stream, class Op>
HARSANYI_INLINE void sweep_column(const T* from, size_t from_step, T* to, size_t to_step, const Op& op) {
  X x[1 << R];
#pragma GCC unroll 16
  for (int i = 0; i < (1 << R); ++i) x[i] = get<X>(from + i * from_step);
  register_stages<R>(x, op);
#pragma GCC unroll 16
  for (int i = 0; i < (1 << R); ++i) put<X, Stream>(to + i * to_step, x[i]);
}

// Rows of `width` entries, `stride` apart: bits [bit, bit + R) of the row number, for all 2**rows rows. Vectors start
// at the first aligned entry of the destination (strides keep the alignment from row to row): numpy's arrays begin 16
// bytes past a cache line, and loads that straddle two lines cost up to twice as much.
template <class T, int R, bool Stream, class Op>
void sweep(const T* src, size_t src_stride, T* dst, size_t dst_stride, int rows, int bit, size_t width, const Op& op) {
  using V = typename Vector<T>::type;
  constexpr int lanes = Vector<T>::lanes;
  const size_t step = size_t{1} << bit;
  const size_t ahead = entries_to_alignment(dst, HARSANYI_VECTOR_BYTES);
  const size_t head = ahead < width ? ahead : width;
  for (size_t high = 0; high < size_t{1} << rows; high += step << R) {
    for (size_t row = high; row < high + step; ++row) {
      const T* from = src + row * src_stride;
      T* to = dst + row * dst_stride;
      size_t column = 0;
      for (; column < head; ++column) {
        sweep_column<T, T, R, Stream>(from + column, step * src_stride, to + column, step * dst_stride, op);
      }
      for (; column + lanes <= width; column += lanes) {
        sweep_column<V, T, R, Stream>(from + column, step * src_stride, to + column, step * dst_stride, op);
      }
      for (; column < width; ++column) {
        sweep_column<T, T, R, Stream>(from + column, step * src_stride, to + column, step * dst_stride, op);
      }
    }
  }
}

template <class T, bool Stream = false, class Op>
void sweep_radix(int radix, const T* src, size_t src_stride, T* dst, size_t dst_stride, int rows, int bit, size_t width,
                 const Op& op) {
  switch (radix) {
    case 1: return sweep<T, 1, Stream>(src, src_stride, dst, dst_stride, rows, bit, width, op);
    case 2: return sweep<T, 2, Stream>(src, src_stride, dst, dst_stride, rows, bit, width, op);
    case 3: return sweep<T, 3, Stream>(src, src_stride, dst, dst_stride, rows, bit, width, op);
    default: return sweep<T, kRadix, Stream>(src, src_stride, dst, dst_stride, rows, bit, width, op);
  }
}

// `bits` spread over as few sweeps as the registers allow, as evenly as possible: the radix of the next one.
constexpr int next_radix(int bits) {
  const int sweeps = (bits + kRadix - 1) / kRadix;
  return (bits + sweeps - 1) / sweeps;
}

// Bits [from, to) of contiguous blocks of 2**to entries, in place in `data`; the last sweep writes to `result`.
template <class T, class Op>
void contiguous_sweeps(T* data, T* result, int from, int to, size_t blocks, const Op& op) {
  for (int bit = from; bit < to;) {
    const int radix = next_radix(to - bit);
    const size_t width = size_t{1} << bit;
    T* target = bit + radix == to ? result : data;
    for (size_t b = 0; b < blocks; ++b) {
      sweep_radix(radix, data + (b << to), width, target + (b << to), width, to - bit, 0, width, op);
    }
    bit += radix;
  }
}

template <class T, class Op>
void leaf_bits(const T* src, T* dst, int bits, size_t entries, const Op& op) {
  constexpr int lane_bits = kLaneBits<T>;
  const size_t groups = entries >> bits;
  switch (bits - lane_bits) {
    case 0: return leaf<T, lane_bits, 0>(src, dst, groups, op);
    case 1: return leaf<T, lane_bits, 1>(src, dst, groups, op);
    case 2: return leaf<T, lane_bits, 2>(src, dst, groups, op);
    default: return leaf<T, lane_bits, 3>(src, dst, groups, op);
  }
}

// Vectors shorter than a register: 2**bits entries each, `entries` in all; the rest that fills no register is padded.
template <class T, class Op>
void tiny(const T* src, T* dst, int bits, size_t entries, const Op& op) {
  constexpr int lanes = Vector<T>::lanes;
  const size_t whole = entries / lanes;
  const auto run = [&](const T* from, T* to, size_t groups) {
    switch (bits) {
      case 0: return leaf<T, 0, 0>(from, to, groups, op);
      case 1: return leaf<T, (kLaneBits<T> < 1 ? kLaneBits<T> : 1), 0>(from, to, groups, op);
      case 2: return leaf<T, (kLaneBits<T> < 2 ? kLaneBits<T> : 2), 0>(from, to, groups, op);
      default: return leaf<T, (kLaneBits<T> < 3 ? kLaneBits<T> : 3), 0>(from, to, groups, op);
    }
  };
  run(src, dst, whole);
  const size_t done = whole * lanes;
  if (done == entries) return;
  T padded[lanes] = {};
  for (size_t i = done; i < entries; ++i) padded[i - done] = src[i];
  run(padded, padded, 1);
  for (size_t i = done; i < entries; ++i) dst[i] = padded[i - done];
}

// All bits 0..bits-1 of `count` contiguous blocks.
template <class T, class Op>
void blocks(const T* src, T* dst, int bits, size_t count, const Op& op) {
  if (bits < kLaneBits<T>) return tiny(src, dst, bits, count << bits, op);
  const int leaf_top = bits < kLaneBits<T> + 3 ? bits : kLaneBits<T> + 3;
  if (bits == leaf_top) return leaf_bits(src, dst, bits, count << bits, op);
  if (bits <= kL1Bits<T>) {
    // Data off the vector alignment is worked on in an aligned copy, read and written once each.
    alignas(HARSANYI_VECTOR_BYTES) T copy[size_t{1} << kL1Bits<T>];
    const bool in_copy = entries_to_alignment(dst, HARSANYI_VECTOR_BYTES) != 0;
    const size_t together = size_t{1} << (kL1Bits<T> - bits);  // blocks that fit L1 side by side
    for (size_t b = 0; b < count; b += together) {
      const size_t n = count - b < together ? count - b : together;
      T* target = dst + (b << bits);
      T* work = in_copy ? copy : target;
      leaf_bits(src + (b << bits), work, leaf_top, n << bits, op);
      contiguous_sweeps(work, target, leaf_top, bits, n, op);
    }
    return;
  }
  for (size_t b = 0; b < count; ++b) {
    T* block = dst + (b << bits);
    blocks(src + (b << bits), block, kL1Bits<T>, size_t{1} << (bits - kL1Bits<T>), op);
    contiguous_sweeps(block, block, kL1Bits<T>, bits, 1, op);
  }
}

template <class T>
TransformCut cut(int n) {
  if (n <= kL2Bits<T>) return {n, 0, 0};
  const int rows = n - kL2Bits<T>;
  constexpr size_t line = 64 / sizeof(T);
  if (rows <= kRadix) return {kL2Bits<T>, size_t{1} << (kL1Bits<T> - 2), 0};
  size_t columns = (kTileBytes / sizeof(T)) >> rows;
  if (columns < line) columns = line;
  return {kL2Bits<T>, columns, (sizeof(T) * columns) << rows};
}

// Bits low..n-1 of the entries [0, width) of every row, rows 2**low apart.
template <class T, class Op>
void column_range(T* base, int n, int low, size_t width, T* scratch, const Op& op) {
  const int rows = n - low;
  const size_t stride = size_t{1} << low;
  int radix = next_radix(rows);
  if (radix == rows) return sweep_radix(rows, base, stride, base, stride, rows, 0, width, op);
  constexpr size_t lanes = Vector<T>::lanes;
  const size_t scratch_stride = (width + lanes - 1) / lanes * lanes;
  sweep_radix(radix, base, stride, scratch, scratch_stride, rows, 0, width, op);
  for (int bit = radix; bit < rows;) {
    radix = next_radix(rows - bit);
    if (bit + radix < rows) {
      sweep_radix(radix, scratch, scratch_stride, scratch, scratch_stride, rows, bit, width, op);
    } else if (rows < kStreamRows) {
      sweep_radix(radix, scratch, scratch_stride, base, stride, rows, bit, width, op);
    } else {
      sweep_radix<T, true>(radix, scratch, scratch_stride, base, stride, rows, bit, width, op);
      store_fence();
    }
    bit += radix;
  }
}

// Tiles begin at the first cache line that starts inside a row; the last one takes the entries before it as well.
template <class T, class Op>
void tile(T* data, int n, const TransformCut& cut, size_t index, T* scratch, const Op& op) {
  const size_t head = entries_to_alignment(data, 64), begin = head + index * cut.columns;
  const size_t row_end = size_t{1} << cut.low;
  const bool last = begin + cut.columns >= row_end;
  column_range(data + begin, n, cut.low, last ? row_end - begin : cut.columns, scratch, op);
  if (last && head > 0) column_range(data, n, cut.low, head, scratch, op);
}

// Calls f(T{}, op) with the element type and the butterfly of the job.
template <class T, class F>
HARSANYI_INLINE void with_op(const Transform& job, const F& f) {
  switch (job.kind) {
    case Kind::zeta: return f(T{}, Zeta{});
    case Kind::mobius: return f(T{}, Mobius{});
    case Kind::superset_zeta: return f(T{}, SupersetZeta{});
    case Kind::superset_mobius: return f(T{}, SupersetMobius{});
    case Kind::or_transform: return f(T{}, Or{});
    case Kind::or_inverse: return f(T{}, OrInverse{});
    case Kind::walsh_hadamard: return f(T{}, WalshHadamard{});
    case Kind::general:
      return f(T{}, General<T>{static_cast<T>(job.matrix[0]), static_cast<T>(job.matrix[1]),
                               static_cast<T>(job.matrix[2]), static_cast<T>(job.matrix[3])});
    default: break;
  }
  if constexpr (T(0.5) != 0) {  // not for integers
    constexpr T tangent = static_cast<T>(0.61803398874989484820);
    switch (job.kind) {
      case Kind::reflect: return f(T{}, Reflect<T>{tangent});
      case Kind::rotate: return f(T{}, Rotate<T>{tangent});
      case Kind::rotate_back: return f(T{}, Rotate<T>{-tangent});
      default: break;
    }
  }
}

template <class F>
HARSANYI_INLINE void with_type(const Transform& job, const F& f) {
  switch (job.dtype) {
    case Dtype::f32: return with_op<float>(job, f);
    case Dtype::f64: return with_op<double>(job, f);
    case Dtype::i64: return with_op<uint64_t>(job, f);  // unsigned: wraps modulo 2**64 instead of overflowing
  }
}

inline TransformCut cut_transform(Dtype dtype, int n) { return dtype == Dtype::f32 ? cut<float>(n) : cut<double>(n); }

inline void transform_blocks(const Transform& job, int low, size_t first, size_t count) {
  with_type(job, [&](auto type, const auto& op) {
    using T = decltype(type);
    blocks(static_cast<const T*>(job.src) + (first << low), static_cast<T*>(job.dst) + (first << low), low, count, op);
  });
}

inline void transform_tile(const Transform& job, const TransformCut& cut, size_t vector, size_t index, void* scratch) {
  with_type(job, [&](auto type, const auto& op) {
    using T = decltype(type);
    tile(static_cast<T*>(job.dst) + (vector << job.n), job.n, cut, index, static_cast<T*>(scratch), op);
  });
}

}  // namespace HARSANYI_ISA
}  // namespace harsanyi
