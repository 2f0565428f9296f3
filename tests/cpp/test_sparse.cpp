// The decomposition through the C ABI and its C++ face: result, certificate, refusals, interruption.
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "check.h"
#include "harsanyi/sparse.hpp"
#include "random.hpp"

namespace {

// The output of the pair on every set, from the definition.
double synthesis(const std::vector<double>& a, const std::vector<double>& o, unsigned set) {
  double value = a[0];
  for (unsigned s = 1; s < a.size(); ++s) value += ((s & ~set) == 0 ? a[s] : 0) + ((s & set) != 0 ? o[s] : 0);
  return value;
}

void test_matching(int n, double zeta, harsanyi_dtype dtype) {
  const unsigned size = 1u << n;
  const std::vector<double> v = Random(static_cast<std::uint64_t>(n) + 5).vector<double>(size);
  harsanyi_decompose_options options = harsanyi::decompose_options();
  options.dtype = dtype;
  const std::vector<double> zetas(zeta > 0 ? 1 : 0, zeta);
  const harsanyi::decomposition found = harsanyi::decompose(v.data(), n, 1, zetas, options);
  const harsanyi_decompose_report& report = found.reports[0];
  CHECK(report.status == HARSANYI_DECOMPOSE_OPTIMAL);
  CHECK(report.objective - report.bound <= 1e-3 * report.objective);
  double cost = 0;
  for (unsigned s = 1; s < size; ++s)
    cost += std::fabs(found.and_interactions[s]) + std::fabs(found.or_interactions[s]);
  for (unsigned set = 0; set < size; ++set) {
    CHECK(std::fabs(found.delta[set]) <= zeta);
    CHECK(std::fabs(synthesis(found.and_interactions, found.or_interactions, set) + found.delta[set] - v[set]) <=
          1e-13 * (cost + 1));
  }
  // The bound again: any vector of mean zero whose adjoint images are at most 1 in size.
  double product = 0, sum = 0;
  for (unsigned set = 0; set < size; ++set) {
    product += (v[set] - v[0]) * found.dual[set] - zeta * std::fabs(found.dual[set]);
    sum += found.dual[set];
  }
  CHECK(std::fabs(sum) <= (dtype == HARSANYI_F64 ? 1e-10 : 1e-3));
  CHECK(product >= report.bound * (1 - 1e-2) - 1e-12);
  if (dtype == HARSANYI_F64) {
    for (unsigned s = 1; s < size; ++s) {
      double over = 0, apart = 0;
      for (unsigned set = 0; set < size; ++set) {
        over += (set & s) == s ? found.dual[set] : 0;
        apart += (set & s) == 0 ? found.dual[set] : 0;
      }
      CHECK(std::fabs(over) <= 1 + 1e-9 && std::fabs(apart) <= 1 + 1e-9);
    }
    CHECK(report.bound <= cost * (1 + 1e-12));
  }
  const harsanyi::decomposition again = harsanyi::decompose(v.data(), n, 1, zetas, options, nullptr, &found);
  CHECK(again.reports[0].status == HARSANYI_DECOMPOSE_OPTIMAL && again.reports[0].steps <= report.steps);
}

void test_refusals() {
  std::vector<double> v(8), a(8), o(8), delta(8), dual(8), weights(4, 1.0);
  const double zeta = 0.1;
  harsanyi_decompose_report report;
  const auto run = [&](const auto& change, int n = 3, std::int64_t batch = 1, const double* zetas = nullptr) {
    harsanyi_decompose_options options = harsanyi::decompose_options();
    change(options);
    const std::size_t bytes = harsanyi_decompose_workspace(&options, n, batch, zetas != nullptr);
    std::vector<char> memory(bytes);
    return harsanyi_decompose(&options, n, batch, v.data(), zetas, a.data(), o.data(), delta.data(), dual.data(),
                              &report, memory.data(), bytes);
  };
  const auto refused = [&](harsanyi_status got, const char* argument) {
    CHECK(got == HARSANYI_ERROR_ARGUMENT);
    CHECK(std::strstr(harsanyi_last_error(), argument) != nullptr);
  };
  using Options = harsanyi_decompose_options;
  const auto nothing = [](Options&) {};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(run(nothing) == HARSANYI_OK);
  refused(run([](Options& x) { x.dtype = HARSANYI_I64; }), "dtype");
  refused(run([](Options& x) { x.dtype = HARSANYI_F32; }, 3, 1, &zeta), "dtype");
  refused(run([&](Options& x) { x.gap = nan; }), "gap");
  refused(run([](Options& x) { x.max_steps = 0; }), "max_steps");
  refused(run([](Options& x) { x.check_every = 0; }), "check_every");
  refused(run([](Options& x) { x.penalty = -1; }), "penalty");
  refused(run([](Options& x) { x.share = 1.5; }), "share");
  refused(run([](Options& x) { x.alpha = -0.1; }), "alpha");
  refused(run([](Options& x) { x.networks = 0; }), "networks");
  refused(run([](Options& x) { x.networks = 17; }), "networks");
  refused(run([](Options& x) { x.networks = 2, x.share = 0.5; }), "share");
  refused(run([](Options& x) { x.networks = 2, x.and_only = 1; }), "and_only");
  weights[2] = -1;
  refused(run([&](Options& x) { x.weights = weights.data(); }), "weights");
  weights[2] = 0;
  refused(run([&](Options& x) { x.weights = weights.data(); }), "weights");
  refused(run(nothing, 23), "n");
  refused(run(nothing, -1), "n");
  refused(run(nothing, 3, -1), "batch");
  CHECK(run(nothing, 3, 0) == HARSANYI_OK);
  refused(run(nothing, 3, 1, &nan), "zetas");
  v[5] = nan;
  refused(run(nothing), "v: vector 0 is");
  v[5] = 1;
  const Options options = harsanyi::decompose_options();
  const auto with = [&](const double* from, double* noise, std::size_t bytes) {
    std::vector<char> memory(bytes);
    return harsanyi_decompose(&options, 3, 1, from, &zeta, a.data(), o.data(), noise, dual.data(), &report,
                              memory.data(), bytes);
  };
  const std::size_t bytes = harsanyi_decompose_workspace(&options, 3, 1, 1);
  refused(with(nullptr, delta.data(), bytes), "v");
  refused(with(v.data(), nullptr, bytes), "delta");
  refused(harsanyi_decompose(nullptr, 3, 1, v.data(), nullptr, a.data(), o.data(), nullptr, dual.data(), &report,
                             nullptr, 0),
          "options");
  CHECK(with(v.data(), delta.data(), 100) == HARSANYI_ERROR_WORKSPACE);
  CHECK(with(v.data(), delta.data(), bytes) == HARSANYI_OK);
  CHECK(harsanyi_decompose_workspace(nullptr, 3, 1, 0) == 0);
  CHECK(harsanyi_decompose_workspace(&options, 23, 1, 0) == 0);
  harsanyi_decompose_defaults(nullptr);
}

// Too many terms to be found from nothing, few enough to finish the iteration's pair: the same optimum as without.
void test_finished_pairs(int n, int terms) {
  const unsigned size = 1u << n;
  Random random(static_cast<std::uint64_t>(n));
  std::vector<double> v = random.vector<double>(size);
  for (double& x : v) x *= 0.03;
  for (int i = 0; i < terms; ++i) {
    unsigned s = 0;
    for (int k = 0; k <= i % 3; ++k) s |= 1u << random.word() % static_cast<unsigned>(n);
    const double effect = random.value<double>();
    for (unsigned set = 0; set < size; ++set) v[set] += (i % 2 == 0 ? (set & s) == s : (set & s) != 0) ? effect : 0;
  }
  const std::vector<double> zetas(1, 0.1);
  harsanyi_decompose_options options = harsanyi::decompose_options();
  options.gap = 1e-4;
  std::vector<double> weights;
  for (int m = 0; m <= n; ++m) weights.push_back(1 + 0.01 * (m - 1));
  options.weights = weights.data();
  for (const int and_only : {0, 1}) {
    options.and_only = and_only;
    options.simplex_first = 1;
    const harsanyi::decomposition found = harsanyi::decompose(v.data(), n, 1, zetas, options);
    options.simplex_first = 0;
    const harsanyi::decomposition split = harsanyi::decompose(v.data(), n, 1, zetas, options);
    for (const auto* one : {&found, &split}) {
      CHECK(one->reports[0].status == HARSANYI_DECOMPOSE_OPTIMAL);
      for (unsigned set = 0; set < size; set += 37) {
        const double made = synthesis(one->and_interactions, one->or_interactions, set) + one->delta[set];
        CHECK(std::fabs(made - v[set]) <= 1e-11 && std::fabs(one->delta[set]) <= zetas[0]);
      }
    }
    CHECK(found.reports[0].bound <= split.reports[0].objective * (1 + 1e-12));
    CHECK(split.reports[0].bound <= found.reports[0].objective * (1 + 1e-12));
  }
  options.and_only = 0;
  options.simplex_first = 1;
  options.check_every = 100000;  // only the last step is looked at, and pivots must leave one
  for (options.max_steps = 150; options.max_steps < 500; options.max_steps += 7) {
    const harsanyi::decomposition found = harsanyi::decompose(v.data(), n, 1, zetas, options);
    CHECK(found.reports[0].status != HARSANYI_DECOMPOSE_NOT_FOUND && found.reports[0].steps <= options.max_steps);
  }
}

void test_interruption() {
  const std::vector<double> v = Random(3).vector<double>(1024);
  harsanyi_decompose_options options = harsanyi::decompose_options();
  options.gap = 0;
  options.max_steps = INT64_MAX;
  int asked = 0;
  options.poll = [](void* context, std::int64_t) { return static_cast<int>(++*static_cast<int*>(context) == 2); };
  options.poll_context = &asked;
  bool thrown = false;
  try {
    harsanyi::decompose(v.data(), 10, 1, {}, options);
  } catch (const harsanyi::error& error) {
    thrown = error.status() == HARSANYI_ERROR_INTERRUPTED;
  }
  CHECK(thrown && asked == 2);
}

}  // namespace

int main() {
  for (int n = 1; n <= 10; ++n) {  // from 8 on without noise they begin in f32
    for (const double zeta : {0.0, 0.05}) {
      test_matching(n, zeta, HARSANYI_F64);
    }
    test_matching(n, 0, HARSANYI_F32);
  }
  for (const int n : {8, 10, 11}) test_finished_pairs(n, 5 * n);
  test_refusals();
  test_interruption();
  return check_report("test_sparse");
}
