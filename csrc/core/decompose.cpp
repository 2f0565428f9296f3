#include "decompose.hpp"

#include <cmath>
#include <cstring>
#include <initializer_list>

#include "../lattice/bits.hpp"
#include "run_transform.hpp"

namespace harsanyi {
namespace {

constexpr double kPhi = 1.6180339887498948482;
constexpr double kSine = 0.52573111211913360603, kCosine = 0.85065080835203993218;  // tangent 1 / phi

// With Z = [[1,0],[1,1]] and Q = [[1,1],[1,0]], U = Y^-1 Z is a reflection, its own inverse, and V = D^(-1/2) Y^-1 Q a
// rotation.
struct Pencil {
  double u[4], v[4], v_t[4], inverse[4], inverse_t[4];  // U, V, V^T, Y^-1 = U Z^-1, Y^-T
};
constexpr Pencil kPencil = {
    {kSine, kCosine, kCosine, -kSine},
    {kCosine, -kSine, kSine, kCosine},
    {kCosine, kSine, -kSine, kCosine},
    {kSine - kCosine, kCosine, kCosine + kSine, -kSine},
    {kSine - kCosine, kCosine + kSine, kCosine, -kSine},
};

// Sums run over blocks of this many entries, in order, whoever computes them.
constexpr size_t kBlock = 8192;
constexpr size_t kMostBlocks = (size_t{1} << HARSANYI_MAX_DECOMPOSE_PLAYERS) / kBlock;

class Solver {
 public:
  Solver(const KernelTable& table, const DecomposePlan& plan, const harsanyi_decompose_options& options,
         const DecomposeSample& sample, const DecomposeScratch& scratch) noexcept
      : table_(table),
        plan_(plan),
        options_(options),
        sample_(sample),
        scratch_(scratch),
        count_(size_t{1} << plan.n),
        origin_(sample.v[0]),
        cut_(table.cut_transform(Dtype::f64, plan.n)) {}

  harsanyi_decompose_report run() noexcept;

 private:
  void named(Kind kind, const double* src, double* dst) const noexcept {
    run_transform(table_, cut_, {kind, Dtype::f64, plan_.n, src, dst, {}}, 1, scratch_.tiles, scratch_.threads);
  }
  void matrix(const double (&k)[4], const double* src, double* dst) const noexcept {
    run_transform(table_, cut_, {Kind::general, Dtype::f64, plan_.n, src, dst, {k[0], k[1], k[2], k[3]}}, 1,
                  scratch_.tiles, scratch_.threads);
  }

  // body(first, count, block) over blocks of entries.
  template <class F>
  void each(const F& body) const noexcept {
    const int64_t blocks = static_cast<int64_t>((count_ + kBlock - 1) / kBlock);
    parallel_for(blocks, scratch_.threads, [&](int64_t block, int) {
      const size_t first = static_cast<size_t>(block) * kBlock;
      body(first, count_ - first < kBlock ? count_ - first : kBlock, static_cast<size_t>(block));
    });
  }
  template <class F>
  double sum(const F& of) const noexcept {
    double parts[kMostBlocks];
    each([&](size_t first, size_t count, size_t block) { parts[block] = of(first, count); });
    double total = 0;
    for (size_t block = 0; block * kBlock < count_; ++block) total += parts[block];
    return total;
  }
  template <class F>
  double maximum(const F& of) const noexcept {
    double parts[kMostBlocks], most = 0;
    each([&](size_t first, size_t count, size_t block) { parts[block] = of(first, count); });
    for (size_t block = 0; block * kBlock < count_; ++block) most = parts[block] > most ? parts[block] : most;
    return most;
  }
  double cost(const double* x) const noexcept {
    return sum([&](size_t i, size_t m) { return table_.weighted_l1(m, plan_.weight + i, x + i); });
  }

  void start() noexcept;
  void step() noexcept;
  void find_candidates() noexcept;
  void keep_if_better(double* a, double* o) noexcept;
  bool drop_excluded(double* x) const noexcept;
  void find_bound() noexcept;
  bool in_band(size_t s) const noexcept {
    return order(s) <= plan_.free_above && order(s) >= plan_.n - plan_.free_above;
  }
  void finish() noexcept;

  const KernelTable& table_;
  const DecomposePlan& plan_;
  const harsanyi_decompose_options& options_;
  const DecomposeSample& sample_;
  const DecomposeScratch& scratch_;
  const size_t count_;
  const double origin_;
  const TransformCut cut_;

  double* const qa_ = scratch_.vector[0];
  double* const qo_ = scratch_.vector[1];
  double* const xa_ = scratch_.vector[2];
  double* const xo_ = scratch_.vector[3];
  double* const t1_ = scratch_.vector[4];
  double* const t2_ = scratch_.vector[5];
  double* const rotated_ = scratch_.vector[6];  // without noise: Y^-1 (v - v[0])
  double* const qd_ = plan_.noise ? scratch_.vector[6] : nullptr;
  double* const xd_ = scratch_.vector[7];

  double plain_ = 0;  // l1 norm of the dividends
  double unit_ = 0;   // threshold of weight 1
  double best_ = INFINITY, bound_ = 0;
};

void Solver::start() noexcept {
  const DecomposeSample& s = sample_;
  for (double* x : {qa_, qo_, xa_, xo_, s.or_, s.dual, s.delta, qd_, plan_.noise ? xd_ : nullptr}) {
    if (x != nullptr) std::memset(x, 0, count_ * sizeof(double));
  }
  for (size_t i = 0; i < count_; ++i) t1_[i] = s.v[i] - origin_;
  named(Kind::mobius, t1_, s.and_);
  plain_ = 0;
  for (size_t i = 1; i < count_; ++i) plain_ += std::fabs(s.and_[i]);
  const double penalty = options_.penalty > 0 ? options_.penalty : (plan_.noise ? 5 : 2);
  unit_ = plain_ / static_cast<double>(count_ > 1 ? count_ - 1 : 1) / penalty;
  if (!plan_.noise) matrix(kPencil.inverse, t1_, rotated_);
}

void Solver::step() noexcept {
  const double relaxation = options_.relaxation;
  const double* const weight = plan_.weight;
  if (!plan_.noise) {
    matrix(kPencil.u, xa_, xa_);
    matrix(kPencil.v, xo_, xo_);
    each([&](size_t i, size_t m, size_t) { table_.project_pairs(m, plan_.ratio + i, rotated_ + i, xa_ + i, xo_ + i); });
    matrix(kPencil.u, xa_, xa_);
    matrix(kPencil.v_t, xo_, xo_);
    each([&](size_t i, size_t m, size_t) {
      table_.soft_step(m, relaxation, unit_, weight + i, 1, nullptr, qa_ + i, xa_ + i);
      table_.soft_step(m, relaxation, unit_, weight + i, 1, nullptr, qo_ + i, xo_ + i);
    });
    return;
  }
  // The nearest point is x - A^T y with A = (Z, Q, I) and A A^T y = A x - v.
  named(Kind::zeta, xa_, t1_);
  named(Kind::or_inverse, xo_, t2_);
  each([&](size_t i, size_t m, size_t) { table_.residual(m, sample_.v + i, origin_, xd_ + i, t2_ + i, t1_ + i); });
  plan_.spin.solve(table_, t1_, t2_, scratch_.threads);
  each([&](size_t i, size_t m, size_t) { table_.clip_step(m, relaxation, sample_.zeta, t2_ + i, qd_ + i, xd_ + i); });
  named(Kind::superset_zeta, t2_, t1_);
  each([&](size_t i, size_t m, size_t) {
    table_.soft_step(m, relaxation, unit_, weight + i, -1, t1_ + i, qa_ + i, xa_ + i);
  });
  named(Kind::or_inverse, t2_, t1_);
  each([&](size_t i, size_t m, size_t) {
    table_.soft_step(m, relaxation, unit_, weight + i, 1, t1_ + i, qo_ + i, xo_ + i);
  });
}

// Both candidates reproduce v - delta exactly: one kind thresholded, the other by its inverse transform.
void Solver::find_candidates() noexcept {
  const auto threshold = [&](const double* q, double* z) {
    each([&](size_t i, size_t m, size_t) { table_.soft_threshold(m, unit_, plan_.weight + i, q + i, z + i); });
  };
  const auto add_target = [&](double sign, double* x) {
    each([&](size_t i, size_t m, size_t) {
      table_.add_target(m, sign, sample_.v + i, origin_, sample_.zeta, qd_ ? qd_ + i : nullptr, x + i);
    });
  };
  threshold(qo_, t2_);
  named(Kind::or_inverse, t2_, t1_);
  add_target(1, t1_);
  named(Kind::mobius, t1_, t1_);
  keep_if_better(t1_, t2_);
  threshold(qa_, t2_);
  named(Kind::zeta, t2_, t1_);
  add_target(-1, t1_);
  named(Kind::or_transform, t1_, t1_);
  keep_if_better(t2_, t1_);
}

// Excluded coefficients must be zero up to rounding: then they are set to zero, else the candidate is none.
bool Solver::drop_excluded(double* x) const noexcept {
  if (!plan_.excluded) return true;
  for (size_t s = 0; s < count_; ++s) {
    if (std::isfinite(plan_.weight[s])) continue;
    if (!(std::fabs(x[s]) <= 1e-12 * plain_)) return false;
    x[s] = 0;
  }
  return true;
}

void Solver::keep_if_better(double* a, double* o) noexcept {
  if (!drop_excluded(a) || !drop_excluded(o)) return;
  const double value = cost(a) + cost(o);
  if (!(value < best_)) return;
  best_ = value;
  each([&](size_t i, size_t m, size_t) {
    std::memcpy(sample_.and_ + i, a + i, m * sizeof(double));
    std::memcpy(sample_.or_ + i, o + i, m * sizeof(double));
    if (!plan_.noise) return;
    const double zeta = sample_.zeta;
    for (size_t j = i; j < i + m; ++j) sample_.delta[j] = qd_[j] > zeta ? zeta : (qd_[j] < -zeta ? -zeta : qd_[j]);
  });
}

void Solver::find_bound() noexcept {
  each([&](size_t i, size_t m, size_t) {
    table_.soft_excess(m, unit_, plan_.weight + i, qa_ + i, t1_ + i);
    table_.soft_excess(m, unit_, plan_.weight + i, qo_ + i, t2_ + i);
  });
  double* y = t1_;
  double* image = t2_;
  if (!plan_.noise) {
    matrix(kPencil.u, t1_, t1_);
    matrix(kPencil.v, t2_, t2_);
    each([&](size_t i, size_t m, size_t) { table_.weigh_pairs(m, plan_.ratio + i, t2_ + i, t1_ + i); });
    matrix(kPencil.inverse_t, t1_, t1_);
  } else {
    named(Kind::zeta, t1_, t1_);
    named(Kind::or_inverse, t2_, t2_);
    each([&](size_t i, size_t m, size_t) {
      for (size_t j = i; j < i + m; ++j) t1_[j] -= t2_[j];
      table_.clip_excess(m, sample_.zeta, qd_ + i, t1_ + i);
    });
    plan_.spin.solve(table_, t1_, t2_, scratch_.threads);
    y = t2_;
    image = t1_;
  }
  const bool all = plan_.free_above == plan_.n;
  double members = static_cast<double>(count_);
  if (!all) {
    members = 0;
    for (int m = 0; m <= plan_.n; ++m) {
      if (m <= plan_.free_above && m >= plan_.n - plan_.free_above)
        members += static_cast<double>(binomial(plan_.n, m));
    }
    if (members == 0) return;  // the bound stays 0
    each([&](size_t i, size_t m, size_t) {
      for (size_t s = i; s < i + m; ++s) y[s] = in_band(s) ? y[s] : 0;
    });
  }
  const double mean = sum([&](size_t i, size_t m) { return table_.sum(m, y + i); }) / members;
  if (!all) {
    each([&](size_t i, size_t m, size_t) {
      for (size_t s = i; s < i + m; ++s) y[s] = in_band(s) ? y[s] - mean : 0;
    });
  }
  const double shift = all ? mean : 0;
  double sizes[kMostBlocks], size = 0;
  const double product = sum([&](size_t i, size_t m) {
    double part;
    table_.dual_sums(m, sample_.v + i, origin_, shift, y + i, &part, sizes + i / kBlock);
    return part;
  });
  for (size_t block = 0; block * kBlock < count_; ++block) size += sizes[block];
  double norm = 0;
  for (const Kind adjoint : {Kind::superset_zeta, Kind::or_inverse}) {
    named(adjoint, y, image);
    const double most =
        maximum([&](size_t i, size_t m) { return table_.normalised_max(m, plan_.weight + i, image + i); });
    norm = most > norm ? most : norm;
  }
  const double value = (product - sample_.zeta * size) / norm;
  if (!(norm > 0 && value > bound_)) return;
  bound_ = value;
  each([&](size_t i, size_t m, size_t) {
    for (size_t j = i; j < i + m; ++j) sample_.dual[j] = y[j] / norm;
  });
}

// From (a, o) of v - v[0] to the pair in its gauge: OR synthesis is zero on the empty set.
void Solver::finish() noexcept {
  double* const a = sample_.and_;
  double* const o = sample_.or_;
  for (size_t i = 1; i < count_; ++i) o[i] = o[i] != 0 ? -o[i] : 0;
  if (options_.merge_singletons) {
    for (size_t i = 1; i < count_; i <<= 1) {
      a[i] += o[i];
      o[i] = 0;
    }
  }
  o[0] = 0;
  const double total = sum([&](size_t i, size_t m) { return table_.sum(m, o + i); });
  a[0] = origin_ - (sample_.delta != nullptr ? sample_.delta[0] : 0);
  best_ = cost(a) + cost(o);
  o[0] = total != 0 ? -total : 0;
}

harsanyi_decompose_report Solver::run() noexcept {
  start();
  harsanyi_decompose_report report = {0, 0, 0, HARSANYI_DECOMPOSE_MAX_STEPS};
  if (!(plain_ > 0)) {  // constant
    best_ = 0;
    report.status = HARSANYI_DECOMPOSE_OPTIMAL;
  }
  while (report.status != HARSANYI_DECOMPOSE_OPTIMAL && report.steps < options_.max_steps) {
    step();
    ++report.steps;
    if (report.steps % options_.check_every != 0 && report.steps != options_.max_steps) continue;
    find_candidates();
    find_bound();
    if (best_ - bound_ <= options_.gap * best_ || best_ <= 1e-12 * plain_) report.status = HARSANYI_DECOMPOSE_OPTIMAL;
  }
  if (std::isfinite(best_)) {
    finish();
  } else {
    report.status = HARSANYI_DECOMPOSE_NOT_FOUND;
    for (size_t i = 0; i < count_; ++i) sample_.and_[i] = sample_.or_[i] = NAN;
  }
  report.objective = best_;
  report.bound = bound_;
  return report;
}

}  // namespace

DecomposePlan DecomposePlan::place(int n, bool noise, Arena& arena) noexcept {
  DecomposePlan plan;
  plan.n = n;
  plan.noise = noise;
  const size_t count = size_t{1} << n;
  plan.weight = arena.take<double>(count);
  if (noise) {
    plan.spin = SpinSolver::place(n, arena);
  } else {
    plan.ratio = arena.take<double>(count);
  }
  return plan;
}

void DecomposePlan::build(const harsanyi_decompose_options& options) noexcept {
  double by_order[HARSANYI_MAX_DECOMPOSE_PLAYERS + 1] = {}, ratios[HARSANYI_MAX_DECOMPOSE_PLAYERS + 1] = {};
  free_above = n;
  excluded = false;
  for (int m = 0; m <= n; ++m) {
    by_order[m] = m == 0 ? 0 : (options.weights ? options.weights[m] : 1);
    ratios[m] = std::pow(kPhi, 2 * m - n);
    excluded = excluded || std::isinf(by_order[m]);
  }
  while (free_above > 0 && by_order[free_above] == 0) --free_above;
  for (size_t s = 0; s < size_t{1} << n; ++s) {
    weight[s] = by_order[order(s)];
    if (ratio) ratio[s] = ratios[order(s)];
  }
  if (noise) spin.build(1.0);
}

DecomposeScratch DecomposeScratch::place(const KernelTable& table, int n, bool noise, int threads,
                                         Arena& arena) noexcept {
  DecomposeScratch scratch;
  scratch.threads = threads;
  for (int i = 0; i < (noise ? 8 : 7); ++i) scratch.vector[i] = arena.take<double>(size_t{1} << n);
  const size_t tile = table.cut_transform(Dtype::f64, n).scratch;
  scratch.tiles = arena.take<char>(aligned(tile) * static_cast<size_t>(threads));
  return scratch;
}

harsanyi_decompose_report decompose_sample(const KernelTable& table, const DecomposePlan& plan,
                                           const harsanyi_decompose_options& options, const DecomposeSample& sample,
                                           const DecomposeScratch& scratch) noexcept {
  return Solver(table, plan, options, sample, scratch).run();
}

}  // namespace harsanyi
