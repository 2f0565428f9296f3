// The working basis of the dual simplex method: after any run of pivots its inverse is that of the matrix of its rows
// and columns.
#include <cmath>
#include <cstdlib>
#include <memory>
#include <vector>

#include "basis.hpp"
#include "check.h"
#include "dispatch.hpp"
#include "random.hpp"

namespace {

using harsanyi::Basis;

struct Held {
  explicit Held(std::size_t most) {
    harsanyi::Arena measure;
    Basis::place(most, measure);
    memory.reset(static_cast<char*>(std::aligned_alloc(64, harsanyi::aligned(measure.used))));
    harsanyi::Arena arena{memory.get(), 0};
    basis = Basis::place(most, arena);
  }
  struct Free {
    void operator()(char* p) const { std::free(p); }
  };
  std::unique_ptr<char, Free> memory;
  Basis basis;
};

// Entry by the definition: AND of S counts at T if S is inside T, OR of S if they are disjoint.
double entry(std::uint32_t row, std::uint32_t column) {
  const std::uint32_t set = column & 63;
  return (column >= Basis::kOr ? (set & row) == 0 : (set & row) == set) ? 1 : 0;
}

double error(const Basis& basis) {
  double most = 0;
  for (std::size_t k = 0; k < basis.size(); ++k) {
    for (std::size_t j = 0; j < basis.size(); ++j) {
      double sum = k == j ? -1 : 0;
      for (std::size_t l = 0; l < basis.size(); ++l)
        sum += entry(basis.row(k), basis.column(l)) * basis.inverse_row(l)[j];
      most = std::fmax(most, std::fabs(sum));
    }
  }
  return most;
}

bool has_row(const Basis& basis, std::uint32_t row) {
  for (std::size_t k = 0; k < basis.size(); ++k) {
    if (basis.row(k) == row) return true;
  }
  return false;
}
bool has_column(const Basis& basis, std::uint32_t column) {
  for (std::size_t l = 0; l < basis.size(); ++l) {
    if (basis.column(l) == column) return true;
  }
  return false;
}

void test_pivots(const harsanyi::KernelTable& table, std::size_t most) {
  Held held(most);
  Basis& basis = held.basis;
  Random random(most);
  int made[4] = {};
  std::vector<double> by_row(most), by_column(most), x(most), y(most);
  for (int i = 0; i < 600; ++i) {
    const std::uint32_t row = static_cast<std::uint32_t>(random.word() % 64);
    const std::uint32_t column =
        static_cast<std::uint32_t>(random.word() % 64) | (random.word() % 2 == 0 ? 0 : Basis::kOr);
    const std::size_t size = basis.size();
    const int way = size == 0 ? 0 : static_cast<int>(random.word() % 4);
    const std::size_t k = size == 0 ? 0 : random.word() % size, l = size == 0 ? 0 : random.word() % size;
    for (std::size_t j = 0; j < size; ++j) by_row[j] = entry(basis.row(j), column);
    for (std::size_t j = 0; j < size; ++j) by_column[j] = entry(row, basis.column(j));
    basis.solve(table, by_row.data(), x.data());
    basis.solve_transposed(table, by_column.data(), y.data());
    double pivot = entry(row, column);
    for (std::size_t j = 0; j < size; ++j) pivot -= by_column[j] * x[j];
    const double small = 0.1;
    if (way == 0 && size < most && !has_row(basis, row) && !has_column(basis, column) && std::fabs(pivot) > small) {
      basis.grow(table, row, column, x.data(), y.data(), pivot);
    } else if (way == 1 && !has_row(basis, row) && std::fabs(y[k]) > small) {
      basis.replace_row(table, k, row, y.data());
    } else if (way == 2 && !has_column(basis, column) && std::fabs(x[l]) > small) {
      basis.replace_column(table, l, column, x.data());
    } else if (way == 3 && size > 1 && random.word() % 4 == 0 && std::fabs(basis.inverse_row(l)[k]) > small) {
      basis.shrink(table, k, l);
    } else {
      continue;
    }
    ++made[way];
    CHECK(error(basis) <= 1e-8);
  }
  for (const int count : made) CHECK(count > 5);
  CHECK(basis.invert());
  CHECK(error(basis) <= 1e-11);

  // Its rows are found again among others, those worth little last, and copies of a column are left out.
  std::vector<std::uint32_t> rows, wanted;
  for (std::size_t k = 0; k < basis.size(); ++k) wanted.push_back(basis.row(k));
  for (std::uint32_t row = 0; rows.size() + wanted.size() < most && row < 64; ++row) {
    if (!has_row(basis, row)) rows.push_back(row);
  }
  std::vector<double> worth(rows.size(), 1e-6);
  rows.insert(rows.end(), wanted.begin(), wanted.end());
  worth.insert(worth.end(), wanted.size(), 1.0);
  const std::size_t size = basis.size();
  if (size < most) basis.append_column(basis.column(0));
  basis.choose(table, rows.data(), worth.data(), rows.size());
  CHECK(basis.size() == size);
  CHECK(error(basis) <= 1e-10);
  for (const std::uint32_t row : wanted) CHECK(has_row(basis, row));
  basis.choose(table, rows.data(), worth.data(), size - 1);
  CHECK(basis.size() <= size - 1);
  CHECK(error(basis) <= 1e-10);
  basis.choose(table, rows.data(), worth.data(), 0);
  CHECK(basis.size() == 0);
}

}  // namespace

int main() {
  for (int tier = 0; tier < harsanyi::tier_count(); ++tier) {
    for (const std::size_t most : {9, 16, 40}) test_pivots(harsanyi::tier(tier), most);
  }
  return check_report("test_basis");
}
