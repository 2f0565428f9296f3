// The working basis of the simplex methods: as many coefficients as constraints that hold with equality, and the
// inverse of the matrix between them.
//
// Entry (row T, column) is 1 where the coefficient's set counts at T: AND of S for S inside T, OR of S for S and T
// disjoint. A pivot changes a row, a column or both; each is one product of two vectors added to the inverse.
#pragma once

#include <cstdint>

#include "arena.hpp"
#include "kernels.hpp"

namespace harsanyi {

class Basis {
 public:
  static Basis place(size_t most, Arena& arena) noexcept;
  // The same in the memory `bytes` further on.
  Basis moved(size_t bytes) const noexcept;

  size_t most() const noexcept { return most_; }
  size_t size() const noexcept { return size_; }
  uint32_t row(size_t k) const noexcept { return rows_[k]; }
  uint32_t column(size_t l) const noexcept { return columns_[l]; }
  double* inverse_row(size_t l) const noexcept { return inverse_ + l * most_; }

  // A column is its set, plus kOr for OR.
  static constexpr uint32_t kOr = uint32_t{1} << 31;
  static double entry(uint32_t row, uint32_t column) noexcept {
    return ((column & kOr) != 0 ? column & row : column & ~row) == 0 ? 1 : 0;
  }

  void clear() noexcept { size_ = 0; }
  // Columns one by one, then of these and of such rows as many as make a regular matrix, with its inverse: each column
  // in turn takes the row with the largest pivot times worth, or is left out. At most `most` rows, which it reorders.
  void append_column(uint32_t column) noexcept { columns_[size_++] = column; }
  void choose(const KernelTable& table, uint32_t* rows, double* worth, size_t count) noexcept;
  // x (by column) = B^-1 b (by row); y (by row) = B^-T c (by column).
  void solve(const KernelTable& table, const double* b, double* x) const noexcept;
  void solve_transposed(const KernelTable& table, const double* c, double* y) const noexcept;
  void inverse_column(size_t k, double* x) const noexcept;

  // With x = B^-1 of the entering column, y = B^-T of the entering row, both of the basis before; removing moves the
  // last row or column to the free place. `pivot` is the Schur complement; the others divide by x[l], y[k], (l, k).
  void grow(const KernelTable& table, uint32_t row, uint32_t column, const double* x, const double* y,
            double pivot) noexcept;
  void replace_row(const KernelTable& table, size_t k, uint32_t row, double* y) noexcept;
  void replace_column(const KernelTable& table, size_t l, uint32_t column, double* x) noexcept;
  void shrink(const KernelTable& table, size_t k, size_t l) noexcept;

  // The inverse anew; false if it does not exist.
  bool invert() noexcept;

 private:
  size_t most_ = 0, size_ = 0;
  double *inverse_ = nullptr, *work_ = nullptr;  // most * most
  double* spare_ = nullptr;                      // 2 * most
  uint32_t *rows_ = nullptr, *columns_ = nullptr;
};

}  // namespace harsanyi
