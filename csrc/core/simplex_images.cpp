// What the simplex method's few columns and rows are over all subsets: A x and A^T y.
//
// A block of low bits at a time: the columns or rows that reach it, then the transform of its bits. The block stays in
// the first-level cache, so a vector is written once, where a whole transform would clear, read and write it; and the
// two parts of A x are subtracted there too.
#include <cstring>

#include "simplex.hpp"

namespace harsanyi {
namespace {

constexpr int kImageBits = 11;

// Entries of a block, which begins at `high`.
struct Block {
  int bits;
  uint32_t mask, high;
};

}  // namespace

template <class F>
void Simplex::each_image(const F& of) const noexcept {
  const int bits = std::min(plan_.n, kImageBits);
  const uint32_t mask = (uint32_t{1} << bits) - 1;
  parallel_for(static_cast<int64_t>(count_ >> bits), scratch_.threads,
               [&](int64_t block, int) { of(Block{bits, mask, static_cast<uint32_t>(block) << bits}); });
}

// out = factor A x + more.
void Simplex::image(const double* by_column, double factor, Term more, double* out) const noexcept {
  each_image([&](const Block& block) {
    double* const a = out + block.high;
    alignas(64) double o[size_t{1} << kImageBits];
    const size_t bytes = (size_t{block.mask} + 1) * sizeof(double);
    std::memset(a, 0, bytes);
    std::memset(o, 0, bytes);
    const auto add = [&](uint32_t column, double value) {
      const uint32_t set = column & ~Basis::kOr;
      if (column >= Basis::kOr) {
        if ((set & block.high) == 0) o[set & block.mask] += value;
      } else if ((set & ~block.mask & ~block.high) == 0) {
        a[set & block.mask] += value;
      }
    };
    for (size_t l = 0; l < basis_.size(); ++l) add(basis_.column(l), factor * by_column[l]);
    if (more.value != 0) add(more.index, more.value);
    transform_block(Kind::zeta, block.bits, a);
    if (plan_.and_only) return;
    transform_block(Kind::or_inverse, block.bits, o);
    table_.sparse<double>().add(size_t{block.mask} + 1, -1, o, a);
  });
}

// out = A^T (y + more); those sums that are not in the basis for good (the singletons of OR, which those of AND span,
// and the empty set once more) are 0.
void Simplex::adjoint(const double* by_row, Term more, double* const (&out)[2]) const noexcept {
  each_image([&](const Block& block) {
    const size_t bytes = (size_t{block.mask} + 1) * sizeof(double);
    for (int kind = 0; kind < kinds(); ++kind) {
      double* const sums = out[kind] + block.high;
      std::memset(sums, 0, bytes);
      const auto add = [&](uint32_t row, double value) {
        if (kind == 0 && (block.high & ~row) == 0) sums[row & block.mask] += value;
        if (kind == 1 && (block.high & row) == 0) sums[row & block.mask] -= value;  // Q is minus its transform
      };
      for (size_t k = 0; k < basis_.size(); ++k) add(basis_.row(k), by_row[k]);
      if (more.value != 0) add(more.index, more.value);
      transform_block(kind == 0 ? Kind::superset_zeta : Kind::or_inverse, block.bits, sums);
    }
  });
  if (plan_.and_only) return;
  out[1][0] = 0;
  for (size_t i = 1; i < count_; i <<= 1) out[1][i] = 0;
}

void Simplex::transform_block(Kind kind, int bits, double* x) const noexcept {
  table_.transform_blocks({kind, Dtype::f64, bits, x, x, {}}, bits, 0, 1);
}

}  // namespace harsanyi
