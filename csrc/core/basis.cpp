#include "basis.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace harsanyi {
namespace {

// Pivots below this are rounding.
constexpr double kLeastPivot = 1e-7;
constexpr size_t kPanel = 8;

}  // namespace

Basis Basis::place(size_t most, Arena& arena) noexcept {
  Basis basis;
  basis.most_ = most;
  basis.inverse_ = arena.take<double>(most * most);
  basis.work_ = arena.take<double>(most * most);
  basis.spare_ = arena.take<double>(2 * most);
  basis.rows_ = arena.take<uint32_t>(most);
  basis.columns_ = arena.take<uint32_t>(most);
  return basis;
}

Basis Basis::moved(size_t bytes) const noexcept {
  Basis basis = *this;
  if (inverse_ == nullptr) return basis;
  basis.inverse_ += bytes / sizeof(double);
  basis.work_ += bytes / sizeof(double);
  basis.spare_ += bytes / sizeof(double);
  basis.rows_ += bytes / sizeof(uint32_t);
  basis.columns_ += bytes / sizeof(uint32_t);
  return basis;
}

void Basis::solve(const KernelTable& table, const double* b, double* x) const noexcept {
  table.simplex.multiply(inverse_, most_, size_, size_, b, x);
}

void Basis::solve_transposed(const KernelTable& table, const double* c, double* y) const noexcept {
  table.simplex.multiply_transposed(inverse_, most_, size_, size_, c, y);
}

void Basis::inverse_column(size_t k, double* x) const noexcept {
  for (size_t l = 0; l < size_; ++l) x[l] = inverse_[l * most_ + k];
}

void Basis::grow(const KernelTable& table, uint32_t row, uint32_t column, const double* x, const double* y,
                 double pivot) noexcept {
  table.simplex.add_product(1 / pivot, x, y, most_, size_, size_, inverse_);
  double* const last = inverse_row(size_);
  for (size_t k = 0; k < size_; ++k) last[k] = -y[k] / pivot;
  for (size_t l = 0; l < size_; ++l) inverse_row(l)[size_] = -x[l] / pivot;
  last[size_] = 1 / pivot;
  rows_[size_] = row;
  columns_[size_] = column;
  ++size_;
}

void Basis::replace_row(const KernelTable& table, size_t k, uint32_t row, double* y) noexcept {
  const double pivot = y[k];
  double* const x = spare_;
  inverse_column(k, x);
  y[k] -= 1;
  table.simplex.add_product(-1 / pivot, x, y, most_, size_, size_, inverse_);
  y[k] += 1;
  rows_[k] = row;
}

void Basis::replace_column(const KernelTable& table, size_t l, uint32_t column, double* x) noexcept {
  const double pivot = x[l];
  double* const y = spare_;
  std::memcpy(y, inverse_row(l), size_ * sizeof(double));
  x[l] -= 1;
  table.simplex.add_product(-1 / pivot, x, y, most_, size_, size_, inverse_);
  x[l] += 1;
  columns_[l] = column;
}

void Basis::shrink(const KernelTable& table, size_t k, size_t l) noexcept {
  double *const x = spare_, *const y = spare_ + most_;
  inverse_column(k, x);
  std::memcpy(y, inverse_row(l), size_ * sizeof(double));
  table.simplex.add_product(-1 / y[k], x, y, most_, size_, size_, inverse_);
  --size_;
  if (l != size_) std::memcpy(inverse_row(l), inverse_row(size_), (size_ + 1) * sizeof(double));
  for (size_t i = 0; i < size_; ++i) inverse_row(i)[k] = inverse_row(i)[size_];
  rows_[k] = rows_[size_];
  columns_[l] = columns_[size_];
}

// Gauss-Jordan with row pivoting: work_ becomes the identity, inverse_ what the identity becomes.
bool Basis::invert() noexcept {
  for (size_t k = 0; k < size_; ++k) {
    double *const from = work_ + k * most_, *const to = inverse_row(k);
    for (size_t l = 0; l < size_; ++l) from[l] = entry(rows_[k], columns_[l]);
    std::fill(to, to + size_, 0.0);
    to[k] = 1;
  }
  for (size_t i = 0; i < size_; ++i) {
    size_t best = i;
    for (size_t k = i + 1; k < size_; ++k) {
      if (std::fabs(work_[k * most_ + i]) > std::fabs(work_[best * most_ + i])) best = k;
    }
    const double pivot = work_[best * most_ + i];
    if (!(std::fabs(pivot) > 1e-11)) return false;
    if (best != i) {
      std::swap_ranges(work_ + i * most_, work_ + i * most_ + size_, work_ + best * most_);
      std::swap_ranges(inverse_row(i), inverse_row(i) + size_, inverse_row(best));
    }
    for (double* m : {work_, inverse_}) {
      double* const row = m + i * most_;
      for (size_t l = 0; l < size_; ++l) row[l] /= pivot;
    }
    for (size_t k = 0; k < size_; ++k) {
      const double factor = k == i ? 0 : work_[k * most_ + i];
      if (factor == 0) continue;
      for (double* m : {work_, inverse_}) {
        double* const row = m + k * most_;
        const double* const by = m + i * most_;
        for (size_t l = m == work_ ? i : 0; l < size_; ++l) row[l] -= factor * by[l];
      }
    }
  }
  return true;
}

// A tableau of rows and columns, in which each pivot exchanges one for the other: what was exchanged is the inverse. A
// pivot subtracts a product of two vectors; kPanel of them wait in inverse_ and are subtracted at once, so that the
// tableau is read and written once for all. Until then a column or a row is corrected when it is used.
void Basis::choose(const KernelTable& table, uint32_t* rows, double* worth, size_t count) noexcept {
  const size_t columns = size_, panel = std::min(kPanel, most_ / 2);
  double* const column = spare_;
  const auto at = [&](size_t k) { return work_ + k * most_; };
  const auto below = [&](size_t p) { return inverse_ + p * most_; };
  const auto across = [&](size_t p) { return inverse_ + (panel + p) * most_; };
  for (size_t k = 0; k < count; ++k) {
    for (size_t l = 0; l < columns; ++l) at(k)[l] = entry(rows[k], columns_[l]);
  }
  size_t waiting = 0;
  const auto subtract = [&] {
    table.simplex.subtract_products(waiting, below(0), across(0), most_, count, columns, work_);
    waiting = 0;
  };
  size_ = 0;
  for (size_t l = 0; l < columns && size_ < count; ++l) {
    const size_t next = size_;
    for (size_t k = 0; k < count; ++k) column[k] = at(k)[l];
    for (size_t p = 0; p < waiting; ++p) {
      for (size_t k = 0; k < count; ++k) column[k] -= below(p)[k] * across(p)[l];
    }
    size_t best = next;
    for (size_t k = next + 1; k < count; ++k) {
      if (std::fabs(column[k]) * worth[k] > std::fabs(column[best]) * worth[best]) best = k;
    }
    if (!(std::fabs(column[best]) > kLeastPivot)) continue;
    if (best != next) {
      std::swap(rows[next], rows[best]);
      std::swap(worth[next], worth[best]);
      std::swap(column[next], column[best]);
      std::swap_ranges(at(next), at(next) + columns, at(best));
      for (size_t p = 0; p < waiting; ++p) std::swap(below(p)[next], below(p)[best]);
    }
    std::swap(columns_[next], columns_[l]);
    for (size_t k = 0; k < count; ++k) {
      at(k)[l] = at(k)[next];
      at(k)[next] = column[k];
    }
    for (size_t p = 0; p < waiting; ++p) {
      across(p)[l] = across(p)[next];
      across(p)[next] = 0;
    }
    const double pivot = column[next];
    double* const row = across(waiting);
    std::copy(at(next), at(next) + columns, row);
    for (size_t p = 0; p < waiting; ++p) {
      for (size_t j = 0; j < columns; ++j) row[j] -= below(p)[next] * across(p)[j];
      below(p)[next] = 0;
    }
    for (size_t j = 0; j < columns; ++j) row[j] /= pivot;
    row[next] = 1 / pivot;
    std::copy(row, row + columns, at(next));
    row[next] += 1;
    column[next] = 0;
    std::copy(column, column + count, below(waiting));
    rows_[next] = rows[next];
    ++size_;
    if (++waiting == panel) subtract();
  }
  subtract();
  for (size_t l = 0; l < size_; ++l) std::copy(at(l), at(l) + size_, inverse_row(l));
}

}  // namespace harsanyi
