// Every transform, dtype and instruction-set tier, n = 0..14 and beyond each block size, odd batches, in and out of
// place, from unaligned memory, on one thread and three.
//
// Oracle 1, n <= 6: the sum over all T of prod_i K[S_i][T_i] x[T], straight from the definition, exact in int64.
// Oracle 2, any n: one butterfly a bit in ascending order, written here without vectors, blocks or threads. The kernels
// promise that order, so they must agree with it to the bit. Oracle 2 itself is checked against oracle 1.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "check.h"
#include "harsanyi/harsanyi.hpp"
#include "random.hpp"
#include "sizes.h"

namespace {

using harsanyi::kind;
using harsanyi::matrix2;

struct Case {
  kind which;
  int matrix[4];
  int sign;
};
constexpr Case cases[] = {{kind::zeta, {1, 0, 1, 1}, 1},           {kind::mobius, {1, 0, -1, 1}, 1},
                          {kind::superset_zeta, {1, 1, 0, 1}, 1},  {kind::superset_mobius, {1, -1, 0, 1}, 1},
                          {kind::or_transform, {0, 1, 1, -1}, -1}, {kind::or_inverse, {1, 1, 1, 0}, -1},
                          {kind::walsh_hadamard, {1, 1, 1, -1}, 1}};
const matrix2 real_matrix = {0.7, -1.3, 0.2, 1.1};

// int64 sums wrap around: computed unsigned.
template <class T>
struct Arithmetic {
  using type = T;
};
template <>
struct Arithmetic<std::int64_t> {
  using type = std::uint64_t;
};

template <class T, class M>
std::vector<T> by_definition(const M& matrix, int sign, const std::vector<T>& x) {
  using A = typename Arithmetic<T>::type;
  std::vector<T> y(x.size());
  for (std::size_t s = 0; s < x.size(); ++s) {
    A sum = 0;
    for (std::size_t t = 0; t < x.size(); ++t) {
      A product = static_cast<A>(sign);
      for (std::size_t bit = 1; bit < x.size(); bit <<= 1) {
        product *= static_cast<A>(matrix[(s & bit ? 2 : 0) + (t & bit ? 1 : 0)]);
      }
      sum += product * static_cast<A>(x[t]);
    }
    y[s] = static_cast<T>(sum);
  }
  return y;
}

// One term a nonzero entry, as the kernels add them; a real matrix always multiplies.
template <class T, class M>
std::vector<T> by_butterflies(const M& matrix, int sign, int n, const std::vector<T>& x) {
  using A = typename Arithmetic<T>::type;
  const auto mix = [](auto p, A low, auto q, A high) -> A {
    if constexpr (std::is_same_v<decltype(p), int>) {
      if (p == 0) return high;
      if (q == 0) return low;
      return p < 0 ? high - low : q < 0 ? low - high : low + high;
    } else {
      return static_cast<A>(p) * low + static_cast<A>(q) * high;
    }
  };
  std::vector<T> y = x;
  if (sign < 0) {
    for (T& value : y) value = static_cast<T>(-static_cast<A>(value));
  }
  for (int bit = 0; bit < n; ++bit) {
    const std::size_t step = std::size_t{1} << bit;
    for (std::size_t s = 0; s < y.size(); ++s) {
      if (s & step) continue;
      const A low = static_cast<A>(y[s]), high = static_cast<A>(y[s + step]);
      y[s] = static_cast<T>(mix(matrix[0], low, matrix[1], high));
      y[s + step] = static_cast<T>(mix(matrix[2], low, matrix[3], high));
    }
  }
  return y;
}

template <class T>
bool same_bits(const T* a, const T* b, std::size_t size) {
  return std::memcmp(a, b, size * sizeof(T)) == 0;
}

// `run(src, dst)` against `expected`, out of place and in place, at an odd address, with a guard on both sides.
template <class T, class F>
void check_both_ways(const std::vector<T>& x, const std::vector<T>& expected, const F& run) {
  constexpr T guard = T(77);
  std::vector<T> dst(x.size() + 2, guard);
  run(x.data(), dst.data() + 1);
  CHECK(same_bits(dst.data() + 1, expected.data(), x.size()));
  CHECK(dst.front() == guard && dst.back() == guard);
  std::copy(x.begin(), x.end(), dst.begin() + 1);
  run(dst.data() + 1, dst.data() + 1);
  CHECK(same_bits(dst.data() + 1, expected.data(), x.size()));
  CHECK(dst.front() == guard && dst.back() == guard);
}

template <class T, class M, class F>
void check_everywhere(const M& matrix, int sign, int n, std::int64_t batch, const std::vector<T>& x, const F& run) {
  const std::vector<T> expected = by_butterflies(matrix, sign, n, x);
  for (const std::string& isa : harsanyi::isas()) {
    harsanyi::set_isa(isa);
    for (const int threads : {1, 3}) {
      // Below the size of one task a second thread is never asked for.
      if (threads > 1 && x.size() * sizeof(T) < (128u << 10)) continue;
      harsanyi::set_num_threads(threads);
      check_both_ways(x, expected, [&](const T* src, T* dst) { run(src, dst, n, batch); });
    }
  }
}

template <class T>
void check_size(int n, std::int64_t batch, bool few = false) {
  Random random(static_cast<std::uint64_t>(1000 * n) + static_cast<std::uint64_t>(batch));
  const std::vector<T> x = random.vector<T>(static_cast<std::size_t>(batch) << n);
  harsanyi::workspace scratch;
  for (const Case& c : cases) {
    if (few && c.which != kind::mobius && c.which != kind::or_transform) continue;
    check_everywhere(c.matrix, c.sign, n, batch, x, [&](const T* src, T* dst, int players, std::int64_t count) {
      harsanyi::transform(c.which, src, dst, players, count, &scratch);
    });
  }
  if constexpr (std::is_floating_point_v<T>) {
    std::vector<T> rounded(real_matrix.begin(), real_matrix.end());
    check_everywhere(rounded, 1, n, batch, x, [&](const T* src, T* dst, int players, std::int64_t count) {
      harsanyi::kronecker(real_matrix, src, dst, players, count, &scratch);
    });
  }
}

void check_oracles() {
  Random random(1);
  for (int n = 0; n <= 6; ++n) {
    const auto integers = random.vector<std::int64_t>(std::size_t{1} << n);
    for (const Case& c : cases) {
      CHECK(by_butterflies(c.matrix, c.sign, n, integers) == by_definition(c.matrix, c.sign, integers));
    }
    const auto reals = random.vector<double>(std::size_t{1} << n);
    const auto slow = by_definition(real_matrix, 1, reals), fast = by_butterflies(real_matrix, 1, n, reals);
    for (std::size_t s = 0; s < reals.size(); ++s) CHECK(std::abs(slow[s] - fast[s]) < 1e-12);
  }
}

// The game v[S] = prod over S of (1 + b_i) has the dividends prod over S of b_i. With powers of two for b_i every sum
// is exact: an oracle for vectors too large for a slow one.
void check_product_game(int n) {
  const auto fill = [n](std::vector<double>& x, double shift) {
    const double factors[4] = {1, -0.5, 0.5, -2};
    x[0] = 1;
    for (int i = 0; i < n; ++i) {
      const std::size_t half = std::size_t{1} << i;
      for (std::size_t s = 0; s < half; ++s) x[half + s] = (shift + factors[i % 4]) * x[s];
    }
  };
  std::vector<double> x(std::size_t{1} << n), expected(std::size_t{1} << n);
  fill(x, 1);
  fill(expected, 0);
  harsanyi::set_isa(harsanyi::isas().back());
  harsanyi::set_num_threads(2);
  harsanyi::mobius(x);
  CHECK(x == expected);
}

template <class T>
void check_dtype() {
  for (int n = 0; n <= 14; ++n) {
    for (const std::int64_t batch : {1, 3}) check_size<T>(n, batch);
  }
  for (std::int64_t batch = 2; batch <= 19; ++batch)
    check_size<T>(static_cast<int>(batch % 3), batch);  // part registers
  check_size<T>(9, 37);
  check_size<T>(17, 3);
  int scratch = 0;  // the smallest n that takes a tile through scratch memory in every tier
  for (const std::string& isa : harsanyi::isas()) {
    harsanyi::set_isa(isa);
    scratch = std::max(scratch, first_with_workspace(harsanyi::dtype_of<T>()));
  }
  check_size<T>(18, 1, true);
  check_size<T>(scratch, 1, true);
}

}  // namespace

int main() {
  check_oracles();
  check_dtype<float>();
  check_dtype<double>();
  check_dtype<std::int64_t>();
  check_product_game(26);  // stores past the caches
  return check_report("test_transform");
}
