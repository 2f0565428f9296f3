// The decomposition's CUDA twin against the CPU's: the same certificate, the same iteration.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "cuda_twin.hpp"

namespace {

using std::size_t;

struct Result {
  std::vector<double> and_, or_, delta, dual;
  std::vector<harsanyi_decompose_report> reports;

  Result(size_t entries, size_t samples)
      : and_(entries, 55), or_(entries, 55), delta(entries, 0), dual(entries, 55), reports(samples) {}
};

struct Games {
  int n;
  std::int64_t batch;
  std::vector<double> v, zetas;

  // A few AND and OR interactions each, and a little of everything else.
  Games(int players, std::int64_t samples, bool noise) : n(players), batch(samples) {
    Random random(static_cast<std::uint64_t>(players) + 1);
    const size_t size = size_t{1} << n;
    for (std::int64_t b = 0; b < batch; ++b) {
      std::vector<double> v_b(size);
      for (int k = 0; k < 2 * n; ++k) {
        const size_t s = random.word() % size;
        const double effect = random.value<double>() * 3;
        for (size_t t = 0; t < size; ++t) {
          if (k % 2 == 0 ? (t & s) == s : (t & s) != 0) v_b[t] += effect;
        }
      }
      for (double& x : v_b) x += 0.01 * random.value<double>();
      v.insert(v.end(), v_b.begin(), v_b.end());
      if (noise) zetas.push_back(0.02 * std::fabs(v_b[size - 1] - v_b[0]) + 0.001);
    }
  }
  bool noise() const { return !zetas.empty(); }
  const double* boxes() const { return noise() ? zetas.data() : nullptr; }
};

Result on_cpu(const harsanyi_decompose_options& options, const Games& games, const Result* start = nullptr) {
  Result out(games.v.size(), static_cast<size_t>(games.batch));
  if (start != nullptr) out = *start;
  std::vector<char> workspace(harsanyi_decompose_workspace(&options, games.n, games.batch, games.noise()));
  check_ok(harsanyi_decompose(&options, games.n, games.batch, games.v.data(), games.boxes(), out.and_.data(),
                              out.or_.data(), out.delta.data(), out.dual.data(), out.reports.data(), workspace.data(),
                              workspace.size()));
  return out;
}

Result on_cuda(const harsanyi_decompose_options& options, const Games& games, const Result* start = nullptr) {
  Result out(games.v.size(), static_cast<size_t>(games.batch));
  if (start != nullptr) out = *start;
  std::vector<double> plan(harsanyi_cuda_decompose_plan_bytes(games.n, games.noise()) / sizeof(double) + 1);
  size_t used = 0;
  check_ok(
      harsanyi_cuda_decompose_plan(&options, games.n, games.noise(), plan.data(), plan.size() * sizeof(double), &used));
  CHECK(used > 0 && used <= plan.size() * sizeof(double));
  plan.resize((used + sizeof(double) - 1) / sizeof(double));
  std::vector<char> workspace(harsanyi_cuda_decompose_workspace(1, &options, games.n, games.batch, games.noise()),
                              0x5a);
  check_ok(harsanyi_cuda_decompose(1, nullptr, &options, games.n, games.batch, games.v.data(), games.boxes(),
                                   out.and_.data(), out.or_.data(), out.delta.data(), out.dual.data(),
                                   out.reports.data(), plan.data(), workspace.data(), workspace.size()));
  return out;
}

// v - delta from the pair, by the C ABI's own transforms.
void check_matching(const Games& games, const Result& found, double tolerance) {
  const auto apply = [&](harsanyi_kind kind, std::vector<double> x) {
    std::vector<char> workspace(harsanyi_transform_workspace(HARSANYI_F64, games.n));
    check_ok(harsanyi_transform(kind, HARSANYI_F64, games.n, games.batch, x.data(), x.data(), workspace.data(),
                                workspace.size()));
    return x;
  };
  const std::vector<double> of_and = apply(HARSANYI_ZETA, found.and_), of_or = apply(HARSANYI_OR_INVERSE, found.or_);
  double most = 0;
  for (size_t i = 0; i < games.v.size(); ++i) {
    most = std::max(most, std::fabs(of_and[i] + of_or[i] + found.delta[i] - games.v[i]));
    if (games.noise()) CHECK(std::fabs(found.delta[i]) <= games.zetas[i >> games.n]);
  }
  CHECK(most <= tolerance);
}

harsanyi_decompose_options defaults(const std::vector<double>& weights) {
  harsanyi_decompose_options options;
  harsanyi_decompose_defaults(&options);
  options.weights = weights.data();
  options.single_first = 0;       // no device begins in f32
  options.simplex_first = 0;      // or pivots
  options.drop_null_players = 0;  // or drops
  return options;
}

// Growing weights, as a tie-break has them.
std::vector<double> growing(int n) {
  std::vector<double> weights;
  for (int m = 0; m <= n; ++m) weights.push_back(1 + 0.01 * m);
  return weights;
}

// Both are within the gap of the one optimum.
void check_same_optimum(const Games& games, const Result& cuda, const Result& cpu, double gap, double rounding = 1e-9) {
  for (size_t b = 0; b < static_cast<size_t>(games.batch); ++b) {
    const harsanyi_decompose_report &mine = cuda.reports[b], &other = cpu.reports[b];
    CHECK(mine.status == other.status);
    CHECK(mine.objective >= other.bound * (1 - rounding) && other.objective >= mine.bound * (1 - rounding));
    CHECK(mine.objective - mine.bound <= gap * mine.objective + 1e-9);
  }
}

void test_to_the_gap() {
  for (int n = 0; n <= 7; ++n) {
    for (const bool noise : {false, true}) {
      const Games games(n, n < 6 ? 3 : 1, noise);
      const std::vector<double> weights = growing(n);
      harsanyi_decompose_options options = defaults(weights);
      options.gap = 5e-3;
      const Result cpu = on_cpu(options, games);
      simt::device().order = simt::Order::shuffled;
      const Result cuda = on_cuda(options, games);
      check_same_optimum(games, cuda, cpu, options.gap);
      check_matching(games, cuda, 1e-11);
    }
  }
  simt::device() = {};
}

// The same iteration: after a few steps, with restarts, the numbers are those of the CPU but for the order of its sums.
void compare_steps(const Games& games, int64_t steps, std::initializer_list<int> shared_limits) {
  const std::vector<double> weights = growing(games.n);
  harsanyi_decompose_options options = defaults(weights);
  options.check_every = 2;
  options.max_steps = steps;
  options.gap = 0;
  const Result cpu = on_cpu(options, games);
  on_every_device(shared_limits, [&] {
    const Result cuda = on_cuda(options, games);
    for (size_t b = 0; b < static_cast<size_t>(games.batch); ++b) {
      const harsanyi_decompose_report &mine = cuda.reports[b], &other = cpu.reports[b];
      // A game of one player is solved to its last bits, or not quite.
      CHECK(games.n < 2 || (mine.steps == other.steps && mine.status == other.status));
      CHECK(std::fabs(mine.objective - other.objective) <= 1e-9 * other.objective);
      CHECK(std::fabs(mine.bound - other.bound) <= 1e-8 * other.objective);
    }
    double most = 0, size = 0;
    for (size_t i = 0; i < games.v.size(); ++i) {
      size = std::max(size, std::fabs(cpu.and_[i]));
      most = std::max({most, std::fabs(cuda.and_[i] - cpu.and_[i]), std::fabs(cuda.or_[i] - cpu.or_[i]),
                       std::fabs(cuda.delta[i] - cpu.delta[i])});
    }
    // The smallest games reach their optimum to rounding, and it is not unique.
    CHECK(games.n < 6 || most <= 1e-8 * size);
    check_matching(games, cuda, 1e-11);
  });
}

// Near the gap asked for, both polish alike, and it pays: fewer steps than without a gap to come near to.
void test_polishing() {
  for (const bool noise : {false, true}) {
    const Games games(7, 1, noise);
    const std::vector<double> weights = growing(games.n);
    harsanyi_decompose_options options = defaults(weights);
    options.check_every = 4;
    options.max_steps = 150;
    options.gap = 0;
    const harsanyi_decompose_report plain = on_cpu(options, games).reports[0];
    options.gap = 0.5 * (1 - plain.bound / plain.objective);
    const harsanyi_decompose_report other = on_cpu(options, games).reports[0];
    const harsanyi_decompose_report mine = on_cuda(options, games).reports[0];
    CHECK(mine.steps == other.steps && mine.status == other.status);
    CHECK(std::fabs(mine.objective - other.objective) <= 1e-7 * other.objective);
    CHECK(std::fabs(mine.bound - other.bound) <= 1e-7 * other.objective);
    CHECK(other.objective - other.bound < 0.8 * (plain.objective - plain.bound));
  }
}

// Little shared memory leaves most vectors in global memory; from n = 13 on blocks work together on a single sample, and
// all its vectors are there.
void test_step_by_step() {
  for (const bool noise : {false, true}) {
    for (int n = 0; n <= 8; ++n) compare_steps(Games(n, 3, noise), 24, {227 << 10, 5 << 10});
    for (int n = 9; n <= 16; ++n) compare_steps(Games(n, 1, noise), n <= 13 ? 4 : 2, {227 << 10});
    compare_steps(Games(13, 3, noise), 2, {227 << 10});  // a block each, some of the vectors on chip
  }
}

void test_single_precision() {
  for (int n = 0; n <= 16; ++n) {
    const Games games(n, n < 10 ? 3 : 1, false);
    const std::vector<double> weights = growing(n);
    harsanyi_decompose_options options = defaults(weights);
    options.dtype = HARSANYI_F32;
    options.gap = n < 10 ? 2e-3 : 0.5;
    options.max_steps = n < 10 ? 20000 : 2;
    const Result cpu = on_cpu(options, games), cuda = on_cuda(options, games);
    if (n < 10) check_same_optimum(games, cuda, cpu, options.gap, 1e-5);
    check_matching(games, cuda, 1e-11);
  }
}

void test_free_and_excluded_orders() {
  const Games games(6, 3, true), plain(6, 3, false);
  std::vector<double> weights = growing(6);
  weights[5] = weights[6] = 0;  // free
  harsanyi_decompose_options options = defaults(weights);
  for (const Games* g : {&games, &plain}) {
    check_same_optimum(*g, on_cuda(options, *g), on_cpu(options, *g), options.gap);
  }
  weights = growing(6);
  weights[6] = INFINITY;
  options.weights = weights.data();
  for (const Games* g : {&games, &plain}) {
    options.max_steps = g->noise() ? 3000 : 40;
    const Result cuda = on_cuda(options, *g);
    check_same_optimum(*g, cuda, on_cpu(options, *g), options.gap);
    for (size_t b = 0; b < 3; ++b) {
      const bool found = cuda.reports[b].status != HARSANYI_DECOMPOSE_NOT_FOUND;
      CHECK(found || !g->noise());
      CHECK(!found || (cuda.and_[64 * b + 63] == 0 && cuda.or_[64 * b + 63] == 0));
    }
    if (g->noise()) check_matching(*g, cuda, 1e-9);
  }
}

void test_warm_start_needs_fewer_steps() {
  for (const bool noise : {false, true}) {
    const Games games(7, 2, noise);
    const std::vector<double> weights = growing(7);
    harsanyi_decompose_options options = defaults(weights);
    options.merge_singletons = 0;
    const Result cold = on_cuda(options, games);
    options.warm_start = 1;
    const Result warm = on_cuda(options, games, &cold);
    check_same_optimum(games, warm, cold, options.gap);
    for (size_t b = 0; b < 2; ++b) CHECK(warm.reports[b].steps < cold.reports[b].steps);
  }
}

void test_games_without_an_answer() {
  const std::vector<double> weights = growing(3);
  harsanyi_decompose_options options = defaults(weights);
  Games games(3, 3, true);
  for (size_t i = 0; i < 8; ++i) games.v[i] = 4;
  games.v[8 + 5] = NAN;
  games.v[16 + 2] = INFINITY;
  const Result found = on_cuda(options, games);
  CHECK(found.reports[0].status == HARSANYI_DECOMPOSE_OPTIMAL && found.reports[0].objective == 0);
  CHECK(found.and_[0] == 4 && found.and_[5] == 0 && found.or_[7] == 0);
  CHECK(found.reports[1].status == HARSANYI_DECOMPOSE_NOT_FOUND && std::isnan(found.and_[8 + 3]));
  CHECK(found.reports[2].status == HARSANYI_DECOMPOSE_NOT_FOUND && std::isnan(found.or_[16 + 3]));
}

void test_refusals() {
  const std::vector<double> weights = growing(3);
  harsanyi_decompose_options options = defaults(weights);
  double x[8] = {};
  harsanyi_decompose_report report;
  const auto refused = [&](harsanyi_status expected, const char* text, std::int64_t batch = 1, int device = 0) {
    const harsanyi_status status =
        harsanyi_cuda_decompose(device, nullptr, &options, 3, batch, x, nullptr, x, x, nullptr, x, &report, x, x, 8);
    CHECK(status == expected && std::strstr(harsanyi_last_error(), text) != nullptr);
  };
  refused(HARSANYI_ERROR_WORKSPACE, "workspace");
  refused(HARSANYI_ERROR_ARGUMENT, "batch", -1);
  refused(HARSANYI_ERROR_ARGUMENT, "device", 1, -1);
  options.networks = 2;
  refused(HARSANYI_ERROR_UNSUPPORTED, "networks");
  options = defaults(weights);
  options.share = 0.5;
  refused(HARSANYI_ERROR_UNSUPPORTED, "share");
  options = defaults(weights);
  options.and_only = 1;
  refused(HARSANYI_ERROR_UNSUPPORTED, "and_only");
  options = defaults(weights);
  options.gap = -1;
  refused(HARSANYI_ERROR_ARGUMENT, "gap");
  CHECK(harsanyi_cuda_decompose_plan_bytes(23, 0) == 0);
  CHECK(harsanyi_cuda_decompose_workspace(0, &options, 3, 1, 0) == 0);  // the gap
  options = defaults(weights);
  CHECK(harsanyi_cuda_decompose_workspace(0, &options, 3, 1, 0) > 0);
  size_t used = 0;
  CHECK(harsanyi_cuda_decompose_plan(&options, 3, 1, x, sizeof x, &used) == HARSANYI_ERROR_WORKSPACE);
  CHECK(harsanyi_cuda_decompose_plan(&options, 3, 1, nullptr, 1 << 20, &used) == HARSANYI_ERROR_ARGUMENT);
}

}  // namespace

int main() {
  test_to_the_gap();
  test_step_by_step();
  test_polishing();
  test_single_precision();
  test_free_and_excluded_orders();
  test_warm_start_needs_fewer_steps();
  test_games_without_an_answer();
  test_refusals();
  return check_report("cuda sparse");
}
