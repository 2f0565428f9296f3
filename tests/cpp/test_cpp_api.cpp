// The C++ face: every function once, against answers worked out by hand, and what it throws.
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "check.h"
#include "harsanyi/harsanyi.hpp"
#include "sizes.h"

namespace {

using harsanyi::kind;

// The status of the error that f throws, or HARSANYI_OK; the text must name the argument.
template <class F>
harsanyi_status thrown(const F& f, const std::string& argument) {
  try {
    f();
  } catch (const harsanyi::error& error) {
    CHECK(std::string(error.what()).find(argument) != std::string::npos);
    return error.status();
  }
  return HARSANYI_OK;
}

void test_build() {
  CHECK(harsanyi::version() == harsanyi_version());
  CHECK(harsanyi::isas().front() == "baseline");
  for (const std::string& name : harsanyi::isas()) {
    harsanyi::set_isa(name);
    CHECK(harsanyi::isa() == name);
  }
  harsanyi::set_num_threads(2);
  CHECK(harsanyi::num_threads() == 2);
  CHECK(thrown([] { harsanyi::set_isa("mmx"); }, "mmx") == HARSANYI_ERROR_UNSUPPORTED);
  CHECK(thrown([] { harsanyi::set_num_threads(0); }, "num_threads") == HARSANYI_ERROR_ARGUMENT);
}

// v = 1 + 2 x0 + 4 x1 - 8 x0 x1, whose dividends are its coefficients.
template <class T>
void test_transforms() {
  const std::vector<T> v = {1, 3, 5, -1}, dividends = {1, 2, 4, -8};
  const auto by_function = [&](auto&& f) {
    std::vector<T> x = v;
    f(x);
    return x;
  };
  CHECK(by_function([](auto& x) { harsanyi::mobius(x); }) == dividends);
  CHECK(by_function([](auto& x) { harsanyi::mobius(x.data(), 2); }) == dividends);
  CHECK(by_function([](auto& x) { harsanyi::transform(kind::mobius, x); }) == dividends);
  CHECK(by_function([](auto& x) { harsanyi::mobius(harsanyi::span<T>(x.data(), x.size())); }) == dividends);
  CHECK(by_function([](auto& x) { harsanyi::zeta(x); }) == (std::vector<T>{1, 4, 6, 8}));
  CHECK(by_function([](auto& x) { harsanyi::superset_zeta(x); }) == (std::vector<T>{8, 2, 4, -1}));
  CHECK(by_function([](auto& x) { harsanyi::superset_mobius(x); }) == (std::vector<T>{-8, 4, 6, -1}));
  CHECK(by_function([](auto& x) { harsanyi::or_transform(x); }) == (std::vector<T>{1, -6, -4, 8}));
  CHECK(by_function([](auto& x) { harsanyi::or_transform(x), harsanyi::or_inverse(x); }) == v);
  CHECK(by_function([](auto& x) { harsanyi::walsh_hadamard(x); }) == (std::vector<T>{8, 4, 0, -8}));

  std::vector<T> batch = {1, 3, 5, -1, 2, 6, 10, -2}, out(8);
  harsanyi::mobius(batch.data(), out.data(), 2, 2);
  CHECK(out == (std::vector<T>{1, 2, 4, -8, 2, 4, 8, -16}));
  harsanyi::workspace scratch;
  harsanyi::zeta(out.data(), 2, 2, &scratch);
  CHECK(out == batch);
  CHECK(scratch.size() == 0);  // so small a vector needs none

  if constexpr (std::is_floating_point_v<T>) {
    CHECK(by_function([](auto& x) { harsanyi::kronecker({1, 0, -1, 1}, x); }) == dividends);
    CHECK(by_function([](auto& x) { harsanyi::kronecker({1, 0, -1, 1}, x.data(), 2); }) == dividends);
    harsanyi::kronecker({2, 0, 0, 2}, batch.data(), out.data(), 2, 2);
    CHECK(out[0] == 4 && out[7] == -8);
  }
}

void test_workspace() {
  std::vector<double> x(std::size_t{1} << first_with_workspace(HARSANYI_F64), 1.0);
  harsanyi::workspace scratch;
  harsanyi::mobius(x, &scratch);
  const std::size_t bytes = scratch.size();
  CHECK(bytes > 0 && x[0] == 1 && x[1] == 0 && x.back() == 0);
  harsanyi::zeta(x, &scratch);
  CHECK(scratch.size() == bytes && x[1] == 1 && x.back() == 1);
  harsanyi::mobius(x);
  CHECK(x[0] == 1 && x.back() == 0);
}

void test_subsets() {
  const std::vector<std::int64_t> pairs = {3, 5, 6, 9, 10, 12};
  CHECK(harsanyi::binomial(4, 2) == 6);
  CHECK(harsanyi::orders(2) == (std::vector<std::uint8_t>{0, 1, 1, 2}));
  CHECK(harsanyi::subsets_of_order(4, 2) == pairs);
  CHECK(harsanyi::subsets_of_order(0, 0) == std::vector<std::int64_t>{0});
  const std::vector<std::int64_t> ranks = harsanyi::rank_subsets(pairs);
  CHECK(ranks == (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5}));
  CHECK(harsanyi::unrank_subsets(4, 2, ranks) == pairs);
  CHECK(harsanyi::subsets_from_masks(4, harsanyi::masks_from_subsets(4, pairs)) == pairs);

  const std::array<std::int32_t, 2> allowed = {0, 3};
  for (const std::int64_t subset : harsanyi::sample_subsets(4, allowed, 1, 20, 5)) CHECK(subset == 1 || subset == 8);
  const auto whole = harsanyi::sample_subsets(20, 7, 30, 5), rest = harsanyi::sample_subsets(20, 7, 10, 5, 20);
  for (std::size_t i = 0; i < rest.size(); ++i) CHECK(rest[i] == whole[20 + i]);
}

void test_reductions() {
  const std::vector<double> dividends = {1, 2, 4, -8, 0, 1, 1, 0};
  const std::array<double, 2> thresholds = {3, 0.5};
  const auto all = harsanyi::order_sums(dividends.data(), 2, 2);
  CHECK(all.sum == (std::vector<double>{1, 6, -8, 0, 2, 0}));
  CHECK(all.absolute == (std::vector<double>{1, 6, 8, 0, 2, 0}));
  CHECK(all.positive == (std::vector<double>{1, 6, 0, 0, 2, 0}));
  CHECK(all.negative == (std::vector<double>{0, 0, 8, 0, 0, 0}));
  CHECK(all.count == (std::vector<std::int64_t>{1, 2, 1, 0, 2, 0}));
  const auto salient = harsanyi::order_sums(dividends.data(), 2, 2, thresholds, true);
  CHECK(salient.sum == (std::vector<double>{0, 4, -8, 0, 2, 0}));
  CHECK(salient.count == (std::vector<std::int64_t>{0, 1, 1, 0, 2, 0}));
  CHECK(harsanyi::shapley_values(dividends.data(), 2, 2) == (std::vector<double>{-2, 0, 1, 1}));
  CHECK(harsanyi::banzhaf_values(dividends.data(), 2, 2) == (std::vector<double>{-2, 0, 1, 1}));
  const std::array<double, 3> top = {0, 0, 1};
  CHECK(harsanyi::player_sums(dividends.data(), 2, top) == (std::vector<double>{-8, -8}));
}

void test_masking() {
  const std::vector<float> sample = {1, 2, 3}, baseline = {-1, -2, -3};
  const std::vector<std::int32_t> player = {0, -1, 1};
  const std::vector<std::int64_t> subsets = {0, 2};
  const std::vector<float> expected = {-1, 2, -3, -1, 2, 3};
  CHECK(harsanyi::masked_batch(sample, baseline, player, 2, subsets) == expected);
  const std::vector<std::uint8_t> masks = {0, 0, 0, 1};
  std::vector<float> out(6);
  harsanyi::masked_batch(sample.data(), baseline.data(), player.data(), 3, 2, masks.data(), 2, out.data());
  CHECK(out == expected);
}

void test_errors() {
  std::vector<double> x(3), y(8);
  const auto status = HARSANYI_ERROR_ARGUMENT;
  CHECK(thrown([&] { harsanyi::mobius(x); }, "x") == status);
  CHECK(thrown([&] { harsanyi::mobius(y.data(), 31); }, "n") == status);
  CHECK(thrown([&] { harsanyi::mobius(y.data(), y.data() + 2, 2); }, "overlap") == status);
  CHECK(thrown([&] { harsanyi::orders(-1); }, "n") == status);
  CHECK(thrown([&] { harsanyi::subsets_of_order(64, 2); }, "n") == status);
  CHECK(thrown([&] { harsanyi::subsets_of_order(4, 5); }, "k") == status);
  CHECK(thrown([&] { harsanyi::sample_subsets(1 << 30, 2, 1, 0); }, "n") == status);
  CHECK(thrown([&] { harsanyi::sample_subsets(4, 5, 1, 0); }, "size") == status);
  CHECK(thrown([&] { harsanyi::subsets_from_masks(3, std::vector<std::uint8_t>(4)); }, "masks") == status);
  CHECK(thrown([&] { harsanyi::order_sums(y.data(), 3, 1, x); }, "thresholds") == status);
  CHECK(thrown([&] { harsanyi::order_sums(y.data(), 31); }, "n") == status);
  CHECK(thrown([&] { harsanyi::player_sums(y.data(), 3, x); }, "weights") == status);
  CHECK(thrown([&] { harsanyi::shapley_values(y.data(), 31); }, "n") == status);
  const std::vector<std::int32_t> player = {0, 1, 2};
  const std::vector<std::int64_t> subsets = {0};
  CHECK(thrown([&] { harsanyi::masked_batch(x, y, player, 3, subsets); }, "baseline") == status);
  CHECK(thrown([&] { harsanyi::masked_batch(x, x, player, 2, subsets); }, "player[2]") == status);
}

}  // namespace

int main() {
  test_build();
  test_transforms<float>();
  test_transforms<double>();
  test_transforms<std::int64_t>();
  test_workspace();
  test_subsets();
  test_reductions();
  test_masking();
  test_errors();
  return check_report("test_cpp_api");
}
