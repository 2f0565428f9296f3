// Couplings and block products of the exact projection with a noise term (core/spin.hpp has the method). Operations on
// an entry come in one order, whatever the lanes: every tier that has fused operations gives the same bits.
#pragma once

#include <type_traits>

#include "kernels.hpp"
#include "vector.inl.hpp"

namespace harsanyi {
namespace HARSANYI_ISA {

constexpr int kMostPathRows = 32;

// Vectors for paths side by side: at most eight, since there are few paths of a large spin.
template <class T>
constexpr int kPathLanes = Vector<T>::lanes < 8 ? Vector<T>::lanes : 8;
template <class T>
constexpr int kPathBits = log2_floor(kPathLanes<T>);
template <class T, int Lanes>
struct PathVector {
  using type = typename Vector<T, Lanes* static_cast<int>(sizeof(T))>::type;
};
template <class T>
struct PathVector<T, 1> {
  using type = T;
};

template <class X, class T>
HARSANYI_INLINE X load_as(const T* p) {
  X x;
  __builtin_memcpy(&x, p, sizeof(X));
  return x;
}
template <class X, class T>
HARSANYI_INLINE void store_as(T* p, X x) {
  __builtin_memcpy(p, &x, sizeof(X));
}

// i / (d + 1) by spin d: what row i - 1 of the lower path takes of row i of the higher. Rows of kMostPathRows; those of
// spins below 0 are reached and not read.
template <class T>
struct Shares {
  static constexpr int below = 2;
  constexpr Shares() : of() {
    for (int d = 0; d < kMostPathRows; ++d) {
      for (int i = 0; i <= d; ++i) of[(d + below) * kMostPathRows + i] = static_cast<T>(i) / static_cast<T>(d + 1);
    }
  }
  T of[(kMostPathRows + below) * kMostPathRows];
};
template <class T>
constexpr Shares<T> kShares;
// From the lowest spin on that Bits more bits can lead to before the last of them.
template <class T, int Bits>
HARSANYI_INLINE const T* shares_from(int d) {
  return kShares<T>.of + (d - (Bits > 0 ? Bits - 1 : 0) + Shares<T>::below) * kMostPathRows;
}

// Bits coupled to a path whose rows come one after the other, an entry (X = T) or vector for each combination of the
// bits; each row of the paths after them is put into its place as soon as it is there. Depth: the spin's place in the
// table. Place: where row i of a path goes, place.up(d, bits left) and place.down(...) that of the paths after one bit.
template <class X, int Bits, int Depth, class T, class Place>
struct Couple {
  static constexpr int half = 1 << (Bits - 1);
  HARSANYI_INLINE Couple(int spin, const T* shares, const Place& place)
      : d(spin),
        share(shares + Depth * kMostPathRows),
        up(spin + 1, shares, place.up(spin, Bits - 1)),
        down(spin - 1, shares, place.down(spin, Bits - 1)) {}

  HARSANYI_INLINE void push(int i, const X* row) {
    if (i == 0) {
      up.push(0, row);
    } else {
      X raised[half], lowered[half];
      const X part = X{} + share[i];
#pragma GCC unroll 4
      for (int c = 0; c < half; ++c) {
        raised[c] = row[c] + set[c];
        lowered[c] = fused(part, raised[c], -set[c]);
      }
      up.push(i, raised);
      down.push(i - 1, lowered);
    }
#pragma GCC unroll 4
    for (int c = 0; c < half; ++c) set[c] = row[half + c];
  }
  HARSANYI_INLINE void end() {
    up.push(d + 1, set);
    up.end();
    if (d > 0) down.end();
  }

  int d;
  const T* share;
  X set[half] = {};  // of the row before, where the bit is set
  Couple<X, Bits - 1, Depth + 1, T, Place> up;
  Couple<X, Bits - 1, Depth - 1, T, Place> down;
};
template <class X, int Depth, class T, class Place>
struct Couple<X, 0, Depth, T, Place> {
  HARSANYI_INLINE Couple(int, const T*, const Place& where) : place(where) {}
  HARSANYI_INLINE void push(int i, const X* row) { place.put(i, row[0]); }
  HARSANYI_INLINE void end() {}
  Place place;
};

// The transposed steps: the rows before the bits, one after the other, from those of the paths after them.
template <class X, int Bits, int Depth, class T, class Place>
struct Uncouple {
  static constexpr int half = 1 << (Bits - 1);
  HARSANYI_INLINE Uncouple(int spin, const T* shares, const Place& place)
      : d(spin),
        share(shares + Depth * kMostPathRows),
        up(spin + 1, shares, place.up(spin, Bits - 1)),
        down(spin - 1, shares, place.down(spin, Bits - 1)) {}

  HARSANYI_INLINE void begin() {
    up.begin();
    if (d > 0) down.begin();
    up.pull(0, clear);
  }
  HARSANYI_INLINE void pull(int i, X* row) {
#pragma GCC unroll 4
    for (int c = 0; c < half; ++c) row[c] = clear[c];
    if (i == d) return up.pull(d + 1, row + half);
    X lowered[half];
    up.pull(i + 1, clear);
    down.pull(i, lowered);
    const X part = X{} + share[i + 1];
#pragma GCC unroll 4
    for (int c = 0; c < half; ++c) {
      clear[c] = fused(part, lowered[c], clear[c]);
      row[half + c] = clear[c] - lowered[c];
    }
  }

  int d;
  const T* share;
  X clear[half] = {};  // of the next row, where the bit is clear
  Uncouple<X, Bits - 1, Depth + 1, T, Place> up;
  Uncouple<X, Bits - 1, Depth - 1, T, Place> down;
};
template <class X, int Depth, class T, class Place>
struct Uncouple<X, 0, Depth, T, Place> {
  HARSANYI_INLINE Uncouple(int, const T*, const Place& where) : place(where) {}
  HARSANYI_INLINE void begin() {}
  HARSANYI_INLINE void pull(int i, X* row) { row[0] = place.template get<X>(i); }
  Place place;
};

// ---- two or three bits in memory, in place: of a row the part for each combination of them ----

// Three where their rows' state fits the registers.
constexpr int kRowBits = HARSANYI_VECTOR_BYTES >= 64 ? 3 : 2;

// No row moves: one of a higher path stays where its bit is clear, but for the last, which is set as the lower ones.
template <class T, int Bits>
struct RowPlace {
  T* x;
  const int32_t* rows;
  size_t stride;
  int spin[Bits];  // of the path before each bit that raised it, or -1

  HARSANYI_INLINE RowPlace(T* at, const int32_t* of, size_t apart) : x(at), rows(of), stride(apart) {
    for (int& before : spin) before = -1;
  }
  HARSANYI_INLINE RowPlace up(int d, int left) const {
    RowPlace place = *this;
    place.spin[left] = d;
    return place;
  }
  HARSANYI_INLINE RowPlace down(int, int) const { return *this; }
  HARSANYI_INLINE T* at(int i) const {
    size_t part = 0;
    for (int left = 0; left < Bits; ++left) {
      const bool set = i > spin[left];
      part += set ? size_t{1} << left : 0;
      i = set && spin[left] >= 0 ? spin[left] : i;
    }
    return x + ((static_cast<size_t>(rows[i]) << Bits) + part) * stride;
  }
  template <class X>
  HARSANYI_INLINE void put(int i, X value) const {
    store_as(at(i), value);
  }
  template <class X>
  HARSANYI_INLINE X get(int i) const {
    return load_as<X>(at(i));
  }
};

template <class X, int Bits, bool Back, class T>
HARSANYI_INLINE void couple_path(int d, const T* shares, const int32_t* rows, size_t stride, size_t columns, T* x) {
  constexpr size_t parts = size_t{1} << Bits;
  using Place = RowPlace<T, Bits>;
  for (size_t column = 0; column < columns; column += sizeof(X) / sizeof(T)) {
    const Place place{x + column, rows, stride};
    const auto at = [&](int i, size_t p) { return x + column + (static_cast<size_t>(rows[i]) * parts + p) * stride; };
    if constexpr (Back) {
      Uncouple<X, Bits, Bits - 1, T, Place> bits(d, shares, place);
      bits.begin();
      for (int i = 0; i <= d; ++i) {
        X row[parts];
        bits.pull(i, row);
        for (size_t p = 0; p < parts; ++p) store_as(at(i, p), row[p]);
      }
    } else {
      Couple<X, Bits, Bits - 1, T, Place> bits(d, shares, place);
      for (int i = 0; i <= d; ++i) {
        X row[parts];
        for (size_t p = 0; p < parts; ++p) row[p] = load_as<X>(at(i, p));
        bits.push(i, row);
      }
      bits.end();
    }
  }
}

// Rows at large powers of two apart fall into the same sets of the first cache and evict each other before they are
// written: where there are more of them than ways, they are copied into a buffer, some columns at a time.
constexpr size_t kWayBytes = 4096, kWays = 8, kCopied = 8;  // of that cache; vectors of a row in the buffer
constexpr size_t kBufferRows = 64;

template <class X, int Bits, bool Back, class T>
void couple_columns(int d, int count, const int32_t* rows, size_t stride, size_t columns, T* x) {
  constexpr size_t parts = size_t{1} << Bits, width = kCopied * sizeof(X) / sizeof(T);
  const T* const shares = shares_from<T, Bits>(d);
  const size_t held = static_cast<size_t>(d + 1) * parts, apart = stride * sizeof(T);
  const size_t together = apart < kWayBytes ? held / 2 : held;
  const bool copied = 2 * apart >= kWayBytes && together > kWays && held <= kBufferRows && columns % width == 0;
  alignas(64) T buffer[kBufferRows * width];
  int32_t in_order[kMostPathRows];
  for (int i = 0; i <= d; ++i) in_order[i] = i;
  for (int path = 0; path < count; ++path, rows += d + 1) {
    if (!copied) {
      couple_path<X, Bits, Back>(d, shares, rows, stride, columns, x);
      continue;
    }
    for (size_t column = 0; column < columns; column += width) {
      // of(a row in memory, where it is in the buffer)
      const auto each_row = [&](const auto& of) {
        for (int i = 0; i <= d; ++i) {
          for (size_t p = 0; p < parts; ++p) {
            const size_t place = static_cast<size_t>(i) * parts + p;
            of(x + (static_cast<size_t>(rows[i]) * parts + p) * stride + column, buffer + place * width);
          }
        }
      };
      each_row([](const T* from, T* to) { __builtin_memcpy(to, from, width * sizeof(T)); });
      couple_path<X, Bits, Back>(d, shares, in_order, width, width, buffer);
      each_row([](T* to, const T* from) { __builtin_memcpy(to, from, width * sizeof(T)); });
    }
  }
}

template <int Bits, bool Back, class T>
HARSANYI_INLINE void couple_by_width(int d, int count, const int32_t* rows, size_t stride, size_t columns, T* x) {
  using Whole = typename Vector<T>::type;
  using Part = typename PathVector<T, kPathLanes<T>>::type;
  if (columns % static_cast<size_t>(Vector<T>::lanes) == 0) {
    return couple_columns<Whole, Bits, Back>(d, count, rows, stride, columns, x);
  }
  if (columns % static_cast<size_t>(kPathLanes<T>) == 0) {
    return couple_columns<Part, Bits, Back>(d, count, rows, stride, columns, x);
  }
  couple_columns<T, Bits, Back>(d, count, rows, stride, columns, x);
}
template <bool Back, class T>
void couple_rows(int bits, int d, int count, const int32_t* rows, size_t stride, size_t columns, T* x) {
  if constexpr (kRowBits == 3) {
    if (bits == 3) return couple_by_width<3, Back>(d, count, rows, stride, columns, x);
  }
  couple_by_width<2, Back>(d, count, rows, stride, columns, x);
}

// ---- the last bits and the blocks: paths side by side in the lanes ----

// Lane a of vector c <- lane c of vector a.
template <class T, int Lanes, int Step = Lanes / 2, class V>
HARSANYI_INLINE void transpose(V* x) {
  if constexpr (Lanes > 1) {
#pragma GCC unroll 8
    for (int i = 0; i < Lanes; ++i) {
      if ((i & Step) == 0) Lane<T, Lanes* static_cast<int>(sizeof(T))>::template swap<Step>(x[i], x[i + Step]);
    }
    if constexpr (Step > 1) transpose<T, Lanes, Step / 2>(x);
  }
}

// One path after the other.
template <class V>
struct PartPlace {
  V* part;

  HARSANYI_INLINE PartPlace up(int, int) const { return *this; }
  HARSANYI_INLINE PartPlace down(int d, int left) const { return {part + (static_cast<size_t>(d + 2) << left)}; }
  HARSANYI_INLINE void put(int i, V value) const { part[i] = value; }
  template <class X>
  HARSANYI_INLINE X get(int i) const {
    return part[i];
  }
};

// out[i] <- scale times the sum of block[i][j] x[j], Rows of them.
template <int Rows, class T, class V>
HARSANYI_INLINE void multiply_rows(int i, int count, const T* block, V scale, const V* x, V* out) {
  V sums[Rows] = {};
  for (int j = 0; j < count; ++j) {
    const V value = x[j];
    const T* const factors = block + j * count + i;  // symmetric
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) sums[r] = fused(V{} + factors[r], value, sums[r]);
  }
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) out[i + r] = scale * sums[r];
}
template <class T, class V>
void multiply_block(int count, const T* block, V scale, const V* x, V* out) {
  int i = 0;
  for (; i + 8 <= count; i += 8) multiply_rows<8>(i, count, block, scale, x, out);
  switch (count - i) {
    case 1: return multiply_rows<1>(i, count, block, scale, x, out);
    case 2: return multiply_rows<2>(i, count, block, scale, x, out);
    case 3: return multiply_rows<3>(i, count, block, scale, x, out);
    case 4: return multiply_rows<4>(i, count, block, scale, x, out);
    case 5: return multiply_rows<5>(i, count, block, scale, x, out);
    case 6: return multiply_rows<6>(i, count, block, scale, x, out);
    case 7: return multiply_rows<7>(i, count, block, scale, x, out);
    default: return;
  }
}

template <class To, class From>  // numbers or vectors
HARSANYI_INLINE To convert(From x) {
  if constexpr (std::is_arithmetic_v<To>) {
    return static_cast<To>(x);
  } else {
    return __builtin_convertvector(x, To);
  }
}
// The same with the block and all that is made of it in f64; Wide: as many numbers as in V.
template <class T, class Wide, class V>
void multiply_block_wide(int count, const double* block, Wide scale, const V* x, V* out) {
  constexpr int lanes = static_cast<int>(sizeof(V) / sizeof(T)), native = Vector<double>::lanes;
  using Part = typename PathVector<double, (lanes < native ? lanes : native)>::type;
  constexpr int parts = static_cast<int>(sizeof(Wide) / sizeof(Part));
  Part before[parts][kMostPathRows] = {}, after[kMostPathRows], scales[parts];
  __builtin_memcpy(scales, &scale, sizeof(Wide));
  for (int i = 0; i < count; ++i) {
    const Wide row = convert<Wide>(x[i]);
    for (int part = 0; part < parts; ++part) {
      before[part][i] = load_as<Part>(reinterpret_cast<const char*>(&row) + part * static_cast<int>(sizeof(Part)));
    }
  }
  Wide rows[kMostPathRows];
  for (int part = 0; part < parts; ++part) {
    multiply_block(count, block, scales[part], before[part], after);
    for (int i = 0; i < count; ++i) {
      store_as(reinterpret_cast<char*>(rows + i) + part * static_cast<int>(sizeof(Part)), after[i]);
    }
  }
  for (int i = 0; i < count; ++i) out[i] = convert<V>(rows[i]);
}

// The paths after so many more bits. scale: of each, in double as its other factors; a bit that lowers it adds one.
template <int Bits, class T, class V, class Scale>
HARSANYI_INLINE void multiply_blocks(int d, const SpinBlocks<T>& blocks, Scale scale, const V* x, V* out) {
  if constexpr (Bits > 0) {
    multiply_blocks<Bits - 1>(d + 1, blocks, scale, x, out);
    const size_t skip = static_cast<size_t>(d + 2) << (Bits - 1);
    if (d > 0) multiply_blocks<Bits - 1>(d - 1, blocks, scale * ((d + 1.0) / d), x + skip, out + skip);
  } else {
    if constexpr (sizeof(T) < sizeof(double)) {
      if (d >= blocks.wide_from) return multiply_block_wide<T>(d + 1, blocks.wide + blocks.first[d], scale, x, out);
    }
    multiply_block(d + 1, blocks.entries + blocks.first[d], convert<V>(scale), x, out);
  }
}

template <class T, int Lanes>
void solve_paths_of(int d, int count, const int32_t* rows, const double* factors, const SpinBlocks<T>& blocks, T* x) {
  using V = typename PathVector<T, Lanes>::type;
  using Place = PartPlace<V>;
  constexpr int bits = log2_floor(Lanes), middle = bits > 0 ? bits - 1 : 0;
  const T* const shares = shares_from<T, bits>(d);
  const int side = d + 1;
  V before[kMostPathRows * Lanes], after[kMostPathRows * Lanes];
  for (int path = 0; path < count; path += Lanes, rows += Lanes * side) {
    const int paths = count - path < Lanes ? count - path : Lanes;
    const auto row = [&](int a, int i) { return x + static_cast<size_t>(rows[a * side + i]) * Lanes; };
    double scales[Lanes];
    for (int a = 0; a < Lanes; ++a) scales[a] = factors[path + (a < paths ? a : 0)];
    Couple<V, bits, middle, T, Place> couple(d, shares, Place{before});
    for (int i = 0; i <= d; ++i) {
      V columns[Lanes];
#pragma GCC unroll 8
      for (int a = 0; a < Lanes; ++a) columns[a] = load_as<V>(row(a < paths ? a : 0, i));
      transpose<T, Lanes>(columns);
      couple.push(i, columns);
    }
    couple.end();
    multiply_blocks<bits>(d, blocks, load_as<typename PathVector<double, Lanes>::type>(scales), before, after);
    Uncouple<V, bits, middle, T, Place> uncouple(d, shares, Place{after});
    uncouple.begin();
    for (int i = 0; i <= d; ++i) {
      V columns[Lanes];
      uncouple.pull(i, columns);
      transpose<T, Lanes>(columns);
#pragma GCC unroll 8
      for (int a = 0; a < Lanes; ++a) {
        if (a < paths) store_as(row(a, i), columns[a]);
      }
    }
  }
}

// path_bits: kPathBits, or 0 where there are fewer players.
template <class T>
void solve_paths(int d, int count, const int32_t* rows, const double* factors, const SpinBlocks<T>& blocks,
                 int path_bits, T* x) {
  if (path_bits == 0) return solve_paths_of<T, 1>(d, count, rows, factors, blocks, x);
  solve_paths_of<T, kPathLanes<T>>(d, count, rows, factors, blocks, x);
}

}  // namespace HARSANYI_ISA
}  // namespace harsanyi
