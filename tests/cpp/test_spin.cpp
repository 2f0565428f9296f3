// The exact inverse of kron(K1) + kron(K2) + ridge I against the definition: the system applied to the solution.
#include <cmath>
#include <cstdlib>
#include <cstring>
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

template <class T>
std::vector<T> right_side(int n) {
  return Random(static_cast<std::uint64_t>(n) + 3).vector<T>(std::size_t{1} << n);
}

template <class T>
std::vector<T> solution(const harsanyi::KernelTable& table, int n, double ridge, int threads) {
  const int dense = table.sparse<T>().path_bits;
  harsanyi::Arena measure;
  harsanyi::SpinSolver<T>::place(harsanyi::SpinPaths::place(n, dense, measure), measure);
  const auto deleter = [](char* p) { std::free(p); };
  const std::unique_ptr<char, decltype(deleter)> memory(
      static_cast<char*>(std::aligned_alloc(64, harsanyi::aligned(measure.used))), deleter);
  harsanyi::Arena arena{memory.get(), 0};
  harsanyi::SpinPaths paths = harsanyi::SpinPaths::place(n, dense, arena);
  harsanyi::SpinSolver<T> solver = harsanyi::SpinSolver<T>::place(paths, arena);
  paths.build();
  solver.build(paths, table, ridge);
  std::vector<T> x = right_side<T>(n);
  solver.solve(paths, table, x.data(), threads);
  return x;
}

template <class T>
void test_solution(const harsanyi::KernelTable& table, int n, double ridge, int threads, double tolerance) {
  constexpr double first[4] = {1, 1, 1, 2}, second[4] = {2, 1, 1, 1};
  const unsigned count = 1u << n;
  const std::vector<T> right = right_side<T>(n), x = solution<T>(table, n, ridge, threads);
  for (unsigned row = 0; row < count; ++row) {
    double sum = ridge * static_cast<double>(x[row]), size = std::fabs(sum);
    for (unsigned column = 0; column < count; ++column) {
      const double term =
          (entry(first, n, row, column) + entry(second, n, row, column)) * static_cast<double>(x[column]);
      sum += term;
      size += std::fabs(term);
    }
    CHECK(std::fabs(sum - static_cast<double>(right[row])) <= tolerance * (size + 1));
  }
}

// Tiers couple other numbers of bits in their lanes, and threads take other paths together. The baseline may be without
// fused operations.
template <class T>
void test_bits(int n) {
  std::vector<T> last;
  for (int tier = 1; tier < harsanyi::tier_count(); ++tier) {
    for (int threads = 1; threads <= 3; ++threads) {
      const std::vector<T> x = solution<T>(harsanyi::tier(tier), n, 0.5, threads);
      CHECK(last.empty() || std::memcmp(x.data(), last.data(), x.size() * sizeof(T)) == 0);
      last = x;
    }
  }
}

}  // namespace

int main() {
  for (int n = 0; n <= 15; ++n) {
    test_bits<double>(n);
    test_bits<float>(n);
  }
  for (int tier = 0; tier < harsanyi::tier_count(); ++tier) {
    for (int n = 0; n <= 10; ++n) {
      test_solution<double>(harsanyi::tier(tier), n, 1.0, 1, 1e-13);
      test_solution<double>(harsanyi::tier(tier), n, 0.25, 3, 1e-13);
      test_solution<float>(harsanyi::tier(tier), n, 1.0, 1, 1e-4);
    }
  }
  return check_report("test_spin");
}
