// The exact inverse of kron(K1) + kron(K2) + ridge I against the definition: the system applied to the solution.
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "../lattice/bits.hpp"
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
std::vector<T> solution_of(const harsanyi::KernelTable& table, int n, double ridge, int threads, std::vector<T> x,
                           double singles = 1) {
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
  solver.build(paths, table, ridge, singles);
  solver.solve(paths, table, x.data(), threads);
  return x;
}

template <class T>
std::vector<T> solution(const harsanyi::KernelTable& table, int n, double ridge, int threads) {
  return solution_of(table, n, ridge, threads, right_side<T>(n));
}

// The columns of one player's AND and OR are 1 where the bit is set and where it is not: together 1 for each player
// whose bit is the same in row and column.
double singletons(int n, unsigned row, unsigned column) { return n - harsanyi::order(row ^ column); }

template <class T>
void test_solution(const harsanyi::KernelTable& table, int n, double ridge, int threads, double tolerance,
                   double singles = 1) {
  constexpr double first[4] = {1, 1, 1, 2}, second[4] = {2, 1, 1, 1};
  const unsigned count = 1u << n;
  const std::vector<T> right = right_side<T>(n), x = solution_of<T>(table, n, ridge, threads, right, singles);
  for (unsigned row = 0; row < count; ++row) {
    double sum = ridge * static_cast<double>(x[row]), size = std::fabs(sum);
    for (unsigned column = 0; column < count; ++column) {
      const double term =
          (entry(first, n, row, column) + entry(second, n, row, column) + (singles - 1) * singletons(n, row, column)) *
          static_cast<double>(x[column]);
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

double norm(const std::vector<double>& x) {
  double sum = 0;
  for (const double value : x) sum += value * value;
  return std::sqrt(sum);
}

// A projection is x - A^T y with A A^T y = A x, A = (Z, Q, s I): what f32 loses of y counts as A^T takes it. The
// large spins of A x are phi^n times x, and their blocks' products in f32 would lose 40 times as much at n = 16.
void test_loss(const harsanyi::KernelTable& table, int n) {
  const std::size_t count = std::size_t{1} << n;
  std::vector<double> a = Random(7).vector<double>(count), o = Random(8).vector<double>(count);
  const double size = std::hypot(norm(a), norm(o));
  const auto transform = [&](harsanyi::Kind kind, std::vector<double> x) {
    table.transform_blocks({kind, harsanyi::Dtype::f64, n, x.data(), x.data(), {}}, n, 0, 1);
    return x;
  };
  a = transform(harsanyi::Kind::zeta, a);
  o = transform(harsanyi::Kind::or_inverse, o);
  std::vector<double> right(count);
  for (std::size_t i = 0; i < count; ++i) right[i] = a[i] - o[i];
  std::vector<double> lost = solution_of(table, n, 1.0, 1, right);
  const std::vector<float> single = solution_of(table, n, 1.0, 1, std::vector<float>(right.begin(), right.end()));
  for (std::size_t i = 0; i < count; ++i) lost[i] -= static_cast<double>(single[i]);
  const double by_or = norm(transform(harsanyi::Kind::or_inverse, lost));
  const double loss = std::hypot(norm(transform(harsanyi::Kind::superset_zeta, lost)), by_or) / size;
  CHECK(loss < 0.2 * 0x1p-24 * std::pow(1.618, n));
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
      if (n > 0) test_solution<double>(harsanyi::tier(tier), n, 1.0, 1, 1e-13, 64);
      test_solution<float>(harsanyi::tier(tier), n, 1.0, 1, 1e-4);
    }
  }
  for (int tier = 0; tier < harsanyi::tier_count(); ++tier) {
    for (int n = 8; n <= 16; n += 2) test_loss(harsanyi::tier(tier), n);
  }
  return check_report("test_spin");
}
