// Sums by order, player and pair, their adjoint, and multi-order interactions, against their definitions in every
// instruction-set tier and for several numbers of threads.
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "check.h"
#include "harsanyi/harsanyi.hpp"
#include "random.hpp"

namespace {

using std::size_t;

int popcount(std::uint64_t subset) {
  int count = 0;
  for (; subset != 0; subset &= subset - 1) ++count;
  return count;
}

template <class F>
void in_every_tier(const F& f) {
  for (const std::string& isa : harsanyi::isas()) {
    harsanyi::set_isa(isa);
    for (const int threads : {1, 3}) {
      harsanyi::set_num_threads(threads);
      f();
    }
  }
}

// f(row) for every row to which T belongs.
template <class F>
void for_each_row(size_t subset, int n, const F& f) {
  f(size_t{0});
  for (int j = 0; j < n; ++j) {
    for (int i = 0; i <= j; ++i) {
      if ((subset >> i & 1) && (subset >> j & 1)) f(harsanyi::pair_row(i, j));
    }
  }
}

template <class T>
void check_sums(int n, std::int64_t batch) {
  Random random(static_cast<std::uint64_t>(n + 7));
  const size_t size = size_t{1} << n, width = static_cast<size_t>(n) + 1, rows = harsanyi::pair_rows(n);
  const auto x = random.vector<T>(size * static_cast<size_t>(batch));
  const auto weights = random.vector<double>(rows * width * static_cast<size_t>(batch));
  std::vector<long double> sums(weights.size()), back(x.size());
  for (size_t at = 0; at < x.size(); ++at) {
    const size_t vector = at >> n, subset = at & (size - 1), m = static_cast<size_t>(popcount(subset));
    for_each_row(subset, n, [&](size_t row) {
      const size_t entry = (vector * rows + row) * width + m;
      sums[entry] += static_cast<long double>(x[at]);
      back[at] += static_cast<long double>(weights[entry]);
    });
  }
  // All terms are below 1, so this bounds the rounding of the additions with room to spare.
  const double tolerance = 1e-15 * std::sqrt(static_cast<double>(size)) * static_cast<double>(size);
  std::vector<double> first[2];  // of the first tier and one thread: the others agree to the bit
  in_every_tier([&] {
    const auto found = harsanyi::pair_sums(x.data(), n, batch);
    const auto adjoint = harsanyi::pair_sums_adjoint(weights.data(), n, batch);
    if (first[0].empty()) first[0] = found, first[1] = adjoint;
    CHECK(found == first[0] && adjoint == first[1]);
  });
  CHECK(first[0].size() == sums.size() && first[1].size() == back.size());
  for (size_t i = 0; i < sums.size(); ++i) CHECK(std::abs(first[0][i] - static_cast<double>(sums[i])) <= tolerance);
  for (size_t i = 0; i < back.size(); ++i) CHECK(std::abs(first[1][i] - static_cast<double>(back[i])) <= 1e-12);
}

void check_multi_order(int n, std::int64_t batch) {
  Random random(static_cast<std::uint64_t>(n));
  const size_t size = size_t{1} << n, players = static_cast<size_t>(n);
  const auto v = random.vector<double>(size * static_cast<size_t>(batch));
  const auto found = harsanyi::multi_order(v.data(), n, batch);
  CHECK(found.size() == static_cast<size_t>(batch) * players * players * (players - 1));
  for (size_t b = 0; b < static_cast<size_t>(batch); ++b) {
    const double* const game = v.data() + b * size;
    for (size_t i = 0; i < players; ++i) {
      for (size_t j = 0; j < players; ++j) {
        std::vector<long double> sum(players - 1), count(players - 1);
        const size_t with_i = size_t{1} << i, with_j = size_t{1} << j;
        for (size_t s = 0; i != j && s < size; ++s) {
          if (s & (with_i | with_j)) continue;
          const size_t m = static_cast<size_t>(popcount(s));
          sum[m] += static_cast<long double>(game[s | with_i | with_j]) - game[s | with_i] - game[s | with_j] + game[s];
          count[m] += 1;
        }
        for (size_t m = 0; m < players - 1; ++m) {
          const double expected = i == j ? 0.0 : static_cast<double>(sum[m] / count[m]);
          CHECK(std::abs(found[((b * players + i) * players + j) * (players - 1) + m] - expected) <= 1e-12);
        }
      }
    }
  }
}

}  // namespace

int main() {
  for (int n = 0; n <= 12; ++n) {
    check_sums<float>(n, 3);
    check_sums<double>(n, 3);
  }
  check_sums<double>(6, 1000);  // enough vectors for several threads
  check_sums<float>(15, 1);
  check_sums<double>(16, 2);  // from here on the threads share a vector
  check_sums<double>(17, 1);
  for (int n = 2; n <= 10; ++n) check_multi_order(n, 2);
  for (const int n : {-1, 0, 1, 31}) {
    bool refused = false;
    try {
      const double v[2] = {};
      harsanyi::multi_order(v, n);
    } catch (const harsanyi::error& error) {
      refused = error.status() == HARSANYI_ERROR_ARGUMENT && std::string(error.what()).find("n: ") == 0;
    }
    CHECK(refused);
  }
  return check_report("test_pairs");
}
