// The exact inverse of kron(K1) + kron(K2) + ridge I against the definition: the system applied to the solution.
#include <cmath>
#include <cstdlib>
#include <memory>
#include <vector>

#include "check.h"
#include "dispatch.hpp"
#include "random.hpp"
#include "spin.hpp"

namespace {

// Entry of the Kronecker power of k over n bits.
double entry(const double (&k)[4], int n, unsigned row, unsigned column) {
  double value = 1;
  for (int bit = 0; bit < n; ++bit) value *= k[2 * (row >> bit & 1) + (column >> bit & 1)];
  return value;
}

void test_solution(const harsanyi::KernelTable& table, int n, double ridge, int threads) {
  constexpr double first[4] = {1, 1, 1, 2}, second[4] = {2, 1, 1, 1};
  harsanyi::Arena measure;
  harsanyi::SpinSolver<double>::place(harsanyi::SpinPaths::place(n, measure), measure);
  const auto deleter = [](char* p) { std::free(p); };
  const std::unique_ptr<char, decltype(deleter)> memory(
      static_cast<char*>(std::aligned_alloc(64, harsanyi::aligned(measure.used))), deleter);
  harsanyi::Arena arena{memory.get(), 0};
  harsanyi::SpinPaths paths = harsanyi::SpinPaths::place(n, arena);
  harsanyi::SpinSolver<double> solver = harsanyi::SpinSolver<double>::place(paths, arena);
  paths.build();
  solver.build(paths, table, ridge);
  const unsigned count = 1u << n;
  const std::vector<double> right = Random(static_cast<std::uint64_t>(n) + 3).vector<double>(count);
  std::vector<double> used = right, x(count);
  solver.solve(paths, table, used.data(), x.data(), threads);
  for (unsigned row = 0; row < count; ++row) {
    double sum = ridge * x[row], size = std::fabs(sum);
    for (unsigned column = 0; column < count; ++column) {
      const double term = (entry(first, n, row, column) + entry(second, n, row, column)) * x[column];
      sum += term;
      size += std::fabs(term);
    }
    CHECK(std::fabs(sum - right[row]) <= 1e-13 * (size + 1));
  }
}

}  // namespace

int main() {
  for (int tier = 0; tier < harsanyi::tier_count(); ++tier) {
    for (int n = 0; n <= 10; ++n) {
      test_solution(harsanyi::tier(tier), n, 1.0, 1);
      test_solution(harsanyi::tier(tier), n, 0.25, 3);
    }
  }
  return check_report("test_spin");
}
