// Masked batches, reductions, subsets and sampling against their definitions, in every instruction-set tier.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <set>
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

// ---- masked batches ----

template <class U>
void check_masking(int n, std::int64_t elements, std::int64_t rows) {
  Random random(static_cast<std::uint64_t>(n + 100 * elements));
  const auto sample = random.vector<U>(static_cast<size_t>(elements));  // every bit pattern, NaNs among them
  const auto baseline = random.vector<U>(static_cast<size_t>(elements));
  std::vector<std::int32_t> player(static_cast<size_t>(elements));
  for (auto& p : player) {
    const bool fixed = n == 0 || random.word() % 5 == 0;
    p = fixed ? -1 - static_cast<std::int32_t>(random.word() % 3)
              : static_cast<std::int32_t>(random.word() % static_cast<unsigned>(n));
  }
  std::vector<std::uint8_t> masks(static_cast<size_t>(rows * n) + 1);  // never empty, so never a null pointer
  for (auto& keep : masks) keep = static_cast<std::uint8_t>(random.word() & 1);
  for (std::int64_t row = 1; n > 0 && row < rows;
       ++row) {  // rows that repeat the one above, or change one player of it
    if (row % 3 == 0) continue;
    std::uint8_t* const keep = masks.data() + row * n;
    std::copy(keep - n, keep, keep);
    if (row % 3 == 1) keep[random.word() % static_cast<unsigned>(n)] ^= 1;
  }

  std::vector<U> expected;
  for (size_t r = 0; r < static_cast<size_t>(rows); ++r) {
    for (size_t e = 0; e < sample.size(); ++e) {
      const bool kept = player[e] < 0 || masks[r * static_cast<size_t>(n) + static_cast<size_t>(player[e])] != 0;
      expected.push_back(kept ? sample[e] : baseline[e]);
    }
  }
  in_every_tier([&] {
    std::vector<U> out(expected.size() + 2, U{99});  // at an odd address, with a guard on both sides
    harsanyi::masked_batch(sample.data(), baseline.data(), player.data(), elements, n, masks.data(), rows,
                           out.data() + 1);
    CHECK(std::memcmp(out.data() + 1, expected.data(), expected.size() * sizeof(U)) == 0);
    CHECK(out.front() == U{99} && out.back() == U{99});
    if (n > 63) return;
    std::vector<std::int64_t> subsets(static_cast<size_t>(rows));
    harsanyi::check(harsanyi_subsets_from_masks(n, rows, masks.data(), subsets.data()));
    std::vector<U> again(expected.size() + 2, U{99});
    harsanyi::masked_batch(sample.data(), baseline.data(), player.data(), elements, n, subsets.data(), rows,
                           again.data() + 1);
    CHECK(again == out);
  });
}

template <class U>
void test_masking() {
  for (const int n : {0, 1, 5, 31, 32, 33, 63, 70}) {
    for (const std::int64_t elements : {1, 7, 64, 131}) check_masking<U>(n, elements, 9);
  }
  check_masking<U>(12, 784, 513);  // enough rows for several threads
  check_masking<U>(2048, 131, 3);  // the most players whose masks are widened, and one more
  check_masking<U>(2049, 131, 3);
}

// ---- reductions ----

template <class T>
void check_reductions(int n, std::int64_t batch) {
  Random random(static_cast<std::uint64_t>(n + 50));
  const size_t size = size_t{1} << n, width = static_cast<size_t>(n) + 1;
  const auto x = random.vector<T>(size * static_cast<size_t>(batch));
  const std::vector<double> thresholds(static_cast<size_t>(batch), 0.25);
  std::vector<double> weights = random.vector<double>(width);

  // The definition, in extended precision.
  using Sums = std::vector<long double>;
  Sums positive[2], negative[2], values(static_cast<size_t>(batch * n));
  std::vector<std::int64_t> count(width * static_cast<size_t>(batch));
  for (int salient = 0; salient < 2; ++salient) positive[salient] = negative[salient] = Sums(count.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t vector = i >> n, subset = i & (size - 1);
    const size_t at = vector * width + static_cast<size_t>(popcount(subset));
    const double value = static_cast<double>(x[i]);
    const bool above = std::abs(value) > thresholds[vector];
    count[at] += above;
    for (int salient = 0; salient < 2; ++salient) {
      if (salient && !above) continue;
      (value > 0 ? positive : negative)[salient][at] += std::abs(value);
    }
    for (int player = 0; player < n; ++player) {
      if (subset >> player & 1) {
        values[vector * static_cast<size_t>(n) + static_cast<size_t>(player)] +=
            static_cast<long double>(weights[static_cast<size_t>(popcount(subset))]) * value;
      }
    }
  }

  // All terms are below 1, so this bounds the rounding of 2**n additions with room to spare.
  const double tolerance = 1e-15 * std::sqrt(static_cast<double>(size)) * static_cast<double>(size);
  const auto near = [&](double a, long double b) { return std::abs(a - static_cast<double>(b)) <= tolerance; };
  std::vector<double> first[3];  // of the first tier and one thread: the others agree to the bit
  in_every_tier([&] {
    for (int salient = 0; salient < 2; ++salient) {
      const auto sums = harsanyi::order_sums(x.data(), n, batch, thresholds, salient != 0);
      CHECK(sums.count == count);
      for (size_t i = 0; i < count.size(); ++i) {
        const long double p = positive[salient][i], m = negative[salient][i];
        CHECK(near(sums.positive[i], p) && near(sums.negative[i], m));
        CHECK(near(sums.sum[i], p - m) && near(sums.absolute[i], p + m));
      }
      if (first[salient].empty()) first[salient] = sums.sum;
      CHECK(first[salient] == sums.sum);
    }
    const auto players = harsanyi::player_sums(x.data(), n, weights, batch);
    for (size_t i = 0; i < values.size(); ++i) CHECK(near(players[i], values[i]));
    if (first[2].empty()) first[2] = players;
    CHECK(first[2] == players);
  });
}

// ---- subsets ----

void check_subsets(int n) {
  std::set<std::int64_t> seen;
  for (int k = 0; k <= n; ++k) {
    const auto sets = harsanyi::subsets_of_order(n, k);
    CHECK(sets.size() == harsanyi::binomial(n, k));
    const auto ranks = harsanyi::rank_subsets(sets);
    for (size_t i = 0; i < sets.size(); ++i) {
      CHECK(popcount(static_cast<std::uint64_t>(sets[i])) == k);
      CHECK(i == 0 || sets[i - 1] < sets[i]);
      CHECK(ranks[i] == static_cast<std::int64_t>(i));
      seen.insert(sets[i]);
    }
    CHECK(harsanyi::unrank_subsets(n, k, ranks) == sets);
  }
  CHECK(seen.size() == size_t{1} << n);
  const auto orders = harsanyi::orders(n);
  for (size_t s = 0; s < orders.size(); ++s) CHECK(orders[s] == popcount(s));
}

void test_wide_subsets() {
  std::uint64_t row[65] = {1};  // Pascal's triangle up to n = 63
  for (int n = 1; n <= 63; ++n) {
    for (int k = n; k >= 1; --k) row[k] += row[k - 1];
    for (int k = 0; k <= n; ++k) CHECK(harsanyi::binomial(n, k) == row[k]);
  }
  Random random(3);
  for (int trial = 0; trial < 200; ++trial) {
    const std::vector<std::int64_t> set = {static_cast<std::int64_t>(random.word() >> 1)};
    const int k = popcount(static_cast<std::uint64_t>(set[0]));
    CHECK(harsanyi::unrank_subsets(63, k, harsanyi::rank_subsets(set)) == set);
  }
  const std::vector<std::int64_t> last = {static_cast<std::int64_t>(harsanyi::binomial(63, 31)) - 1};
  CHECK(harsanyi::rank_subsets(harsanyi::unrank_subsets(63, 31, last)) == last);
}

// ---- sampling ----

void test_sampling() {
  const std::vector<std::int32_t> allowed = {0, 2, 3, 5, 6};
  const std::int64_t draws = 20000;
  const auto sets = harsanyi::sample_subsets(8, allowed, 2, draws, 42);
  std::vector<int> hits(256);
  for (const std::int64_t set : sets) {
    CHECK(popcount(static_cast<std::uint64_t>(set)) == 2 && (set & ~0x6d) == 0);
    ++hits[static_cast<size_t>(set)];
  }
  // Ten equally likely sets: chi-square with 9 degrees of freedom; 27.9 is exceeded once in a thousand seeds.
  double chi = 0;
  for (const int hit : hits) chi += hit > 0 ? (hit - 2000.0) * (hit - 2000.0) / 2000.0 : 0;
  CHECK(std::count_if(hits.begin(), hits.end(), [](int hit) { return hit > 0; }) == 10);
  CHECK(chi < 27.9);

  // The same draws as masks, from any start, on any number of threads, in any tier.
  in_every_tier([&] { CHECK(harsanyi::sample_subsets(8, allowed, 2, draws, 42) == sets); });
  std::vector<std::uint8_t> masks(8 * 500);
  harsanyi::check(harsanyi_sample_masks(8, allowed.data(), 5, 2, 500, 42, 1000, masks.data()));
  const auto from_masks = harsanyi::subsets_from_masks(8, masks);
  for (size_t i = 0; i < from_masks.size(); ++i) CHECK(from_masks[i] == sets[1000 + i]);
  CHECK(harsanyi::sample_subsets(8, allowed, 2, draws, 43) != sets);
  CHECK(harsanyi::sample_subsets(8, 8, 3, 0) == std::vector<std::int64_t>(3, 255));
  CHECK(harsanyi::sample_subsets(8, 0, 3, 0) == std::vector<std::int64_t>(3, 0));

  const int wide = 1000;
  std::vector<std::int32_t> everyone(wide);
  for (int i = 0; i < wide; ++i) everyone[static_cast<size_t>(i)] = i;
  std::vector<std::uint8_t> keep(wide * 20);
  harsanyi::check(harsanyi_sample_masks(wide, everyone.data(), wide, 300, 20, 1, 0, keep.data()));
  for (size_t row = 0; row < 20; ++row) {
    int kept = 0;
    for (size_t i = 0; i < wide; ++i) kept += keep[row * wide + i];
    CHECK(kept == 300);
  }
}

}  // namespace

int main() {
  test_masking<std::uint8_t>();
  test_masking<std::uint16_t>();
  test_masking<std::uint32_t>();
  test_masking<std::uint64_t>();
  for (int n = 0; n <= 14; ++n) {
    check_reductions<float>(n, 3);
    check_reductions<double>(n, 3);
  }
  check_reductions<double>(17, 1);
  for (int n = 0; n <= 12; ++n) check_subsets(n);
  test_wide_subsets();
  test_sampling();
  return check_report("test_kernels");
}
