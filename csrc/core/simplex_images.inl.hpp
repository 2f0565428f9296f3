// What the simplex method's few columns and rows are over all subsets: A x and A^T y.
//
// A block of low bits at a time: the columns or rows that reach it, then the transform of its bits. The block stays in
// the first-level cache, so a vector is written once, where a whole transform would clear, read and write it; and the
// two parts of A x are subtracted there too. Columns and rows are sorted by their bits above a block first: it is
// reached by whole groups, those of the subsets or of the supersets of its own.
#pragma once

#include <algorithm>
#include <cstring>

#include "simplex.hpp"

namespace harsanyi {
namespace {

constexpr int kImageBits = 11;

// of(g) for the subsets g of `mask`.
template <class F>
void each_subset(uint32_t mask, const F& of) {
  for (uint32_t g = mask;; g = (g - 1) & mask) {
    of(g);
    if (g == 0) return;
  }
}

}  // namespace

template <class T>
int Simplex<T>::image_bits(int n) noexcept {
  return std::min(n, kImageBits);
}

// terms(add) calls add(set, value) for each of them.
template <class T>
template <class F>
void Simplex<T>::sort(const F& terms, const Groups& to) const noexcept {
  const int bits = image_bits(plan_.n);
  std::fill(to.begin, to.begin + (count_ >> bits) + 2, 0);
  terms([&](uint32_t set, double) { ++to.begin[(set >> bits) + 2]; });
  for (size_t g = 1; g < count_ >> bits; ++g) to.begin[g + 1] += to.begin[g];
  terms([&](uint32_t set, double value) {
    const uint32_t place = to.begin[(set >> bits) + 1]++;
    to.set[place] = set & ((uint32_t{1} << bits) - 1);
    to.value[place] = value;
  });
}

// of(first subset, bits above the block) for each block.
template <class T>
template <class F>
void Simplex<T>::each_image(const F& of) const noexcept {
  const int bits = image_bits(plan_.n);
  parallel_for(static_cast<int64_t>(count_ >> bits), scratch_.threads,
               [&](int64_t block, int) { of(static_cast<size_t>(block) << bits, static_cast<uint32_t>(block)); });
}

// out = factor A x + more.
template <class T>
template <class U>
void Simplex<T>::image(const double* by_column, double factor, Term more, U* out) const noexcept {
  for (uint32_t kind = 0; kind < static_cast<uint32_t>(kinds()); ++kind) {
    const uint32_t flag = kind == 0 ? 0 : Basis::kOr;
    const auto terms = [&](const auto& add) {
      for (size_t l = 0; l < basis_.size(); ++l) {
        const uint32_t column = basis_.column(l);
        if ((column & Basis::kOr) == flag) add(column & ~Basis::kOr, factor * by_column[l]);
      }
      if (more.value != 0 && (more.index & Basis::kOr) == flag) add(more.index & ~Basis::kOr, more.value);
    };
    sort(terms, groups_[kind]);
  }
  const int bits = image_bits(plan_.n);
  const size_t size = size_t{1} << bits;
  const uint32_t above = static_cast<uint32_t>(count_ >> bits) - 1;
  each_image([&](size_t first, uint32_t high) {
    U* const a = out + first;
    alignas(64) U o[size_t{1} << kImageBits];
    std::memset(a, 0, size * sizeof(U));
    each_subset(high, [&](uint32_t g) { groups_[0].add(g, a); });
    transform_block(Kind::zeta, bits, a);
    if (plan_.and_only) return;
    std::memset(o, 0, size * sizeof(U));
    each_subset(above & ~high, [&](uint32_t g) { groups_[1].add(g, o); });
    transform_block(Kind::or_inverse, bits, o);
    table_.sparse<U>().add(size, -1, o, a);
  });
}

// out = A^T (y + more); those sums that are not in the basis for good (the singletons of OR, which those of AND span,
// and the empty set once more) are 0.
template <class T>
template <class U>
void Simplex<T>::adjoint(const double* by_row, Term more, U* const (&out)[2]) const noexcept {
  const auto terms = [&](const auto& add) {
    for (size_t k = 0; k < basis_.size(); ++k) add(basis_.row(k), by_row[k]);
    if (more.value != 0) add(more.index, more.value);
  };
  sort(terms, groups_[0]);
  const int bits = image_bits(plan_.n);
  const size_t size = size_t{1} << bits;
  const uint32_t above = static_cast<uint32_t>(count_ >> bits) - 1;
  each_image([&](size_t first, uint32_t high) {
    U *const a = out[0] + first, *const o = out[1] + first;
    std::memset(a, 0, size * sizeof(U));
    each_subset(above & ~high, [&](uint32_t g) { groups_[0].add(high | g, a); });
    transform_block(Kind::superset_zeta, bits, a);
    if (plan_.and_only) return;
    std::memset(o, 0, size * sizeof(U));
    each_subset(above & ~high, [&](uint32_t g) { groups_[0].add(g, o, -1); });  // Q is minus its transform
    transform_block(Kind::or_inverse, bits, o);
  });
  if (plan_.and_only) return;
  out[1][0] = 0;
  for (size_t i = 1; i < count_; i <<= 1) out[1][i] = 0;
}

template <class T>
double Simplex<T>::image_at(const double* by_column, double factor, Term more, uint32_t row) const noexcept {
  double sum = 0;
  for (size_t l = 0; l < basis_.size(); ++l) sum += Basis::entry(row, basis_.column(l)) * by_column[l];
  return factor * sum + (more.value != 0 ? Basis::entry(row, more.index) * more.value : 0);
}

template <class T>
double Simplex<T>::adjoint_at(const double* by_row, Term more, uint32_t column) const noexcept {
  double sum = 0;
  for (size_t k = 0; k < basis_.size(); ++k) sum += Basis::entry(basis_.row(k), column) * by_row[k];
  return sum + (more.value != 0 ? Basis::entry(more.index, column) * more.value : 0);
}

template <class T>
template <class U>
void Simplex<T>::transform_block(Kind kind, int bits, U* x) const noexcept {
  table_.transform_blocks({kind, kDtype<U>, bits, x, x, {}}, bits, 0, 1);
}

}  // namespace harsanyi
