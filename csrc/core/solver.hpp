// The iteration of decompose.hpp on one sample.
#pragma once

#include <algorithm>
#include <cmath>

#include "../lattice/bits.hpp"
#include "decompose.hpp"
#include "run_transform.hpp"
#include "simplex.hpp"
#include "solver_rules.hpp"

namespace harsanyi {

constexpr double kInversePencil[4] = {kSine - kCosine, kCosine, kCosine + kSine, -kSine};   // Y^-1 = U Z^-1
constexpr double kInversePencilT[4] = {kSine - kCosine, kCosine + kSine, kCosine, -kSine};  // Y^-T
constexpr double kMultipliers[4] = {kCosine * (kSine - kCosine), kCosine * (kCosine + kSine), kCosine * kCosine,
                                    -kCosine * kSine};  // the same for the unscaled rotations

// Entries of the largest leaf of cpu/step.inl.hpp.
constexpr size_t kLargestLeaf = 128;

// The heuristic ends after this many checks without progress.
constexpr int64_t kPatience = 10;

template <class T>
class Solver {
 public:
  Solver(const KernelTable& table, const DecomposePlan<T>& plan, const harsanyi_decompose_options& options,
         const DecomposeSample& sample, const DecomposeScratch<T>& scratch, Interrupt& interrupt) noexcept
      : table_(table),
        kernel_(table.sparse<T>()),
        plan_(plan),
        options_(options),
        sample_(sample),
        scratch_(scratch),
        interrupt_(interrupt),
        count_(size_t{1} << plan.n),
        all_(count_ * static_cast<size_t>(plan.networks)),
        cut_(table.cut_transform(kDtype<T>, plan.n)),
        wide_cut_(table.cut_transform(Dtype::f64, plan.n)) {
    T* at = scratch.memory;
    const auto take = [&](bool wanted) {
      T* const vector = wanted ? at : nullptr;
      if (wanted) at += all_;
      return vector;
    };
    const bool pair = !plan.and_only, joint = plan.networks > 1;
    for (T** blocks : {q_, x_, anchor_}) {
      blocks[0] = take(true);
      blocks[1] = take(pair);
      blocks[2] = take(plan.noise);
    }
    z_[0] = take(joint);
    z_[1] = take(joint && pair);
    t1_ = take(plan.noise);
    t2_ = take(plan.noise);
    rotated_ = take(!plan.noise);
    sizes_ = take(plan.heuristic);
    saved_ = take(plan.turns);  // and two more
  }

  // Vectors of scratch memory, each for all networks; at least four, the first of which serve as two f64 vectors.
  static size_t vectors(const DecomposePlan<T>& plan) noexcept {
    const size_t kinds = plan.and_only ? 1 : 2, blocks = kinds + (plan.noise ? 1 : 0);
    const size_t all = 3 * blocks + (plan.networks > 1 ? kinds : 0) + (plan.noise ? 2 : 1) + (plan.heuristic ? 2 : 0);
    const size_t saved = plan.turns ? 3 : 0;
    if (!plan.pivots) return all + saved;
    return std::max(all + saved,
                    blocks + Simplex<double>::kVectors + (plan.begins_in_f32 ? kKept : 0));  // behind q, for a crossing
  }

  // first: what the iteration begins with in f32, in the second half of the memory, or null.
  harsanyi_decompose_report run(Solver<float>* first) noexcept;

 private:
  template <class>
  friend class Solver;
  static constexpr size_t kKept = 2;  // vectors at the end of the memory, where a crossing leaves q of f32

  T* at(T* base, int k) const noexcept { return base + offset(k); }
  size_t offset(int k) const noexcept { return static_cast<size_t>(k) * count_; }
  double origin(int k) const noexcept { return sample_.v[offset(k)]; }
  double zeta(int k) const noexcept { return plan_.noise ? sample_.zeta[k] : 0; }
  // Whether rounding would keep f32 from a smaller gap than there is.
  bool loses_much() const noexcept {
    return single_loss(plan_.n, scale_) > std::min(kMostLost, kLostShare * gap()) || last_size_ < kLeastStep * norm();
  }
  double norm() const noexcept;
  bool has_box() const noexcept { return zeta(0) > 1e-9 * plain_; }  // of one network, wider than rounding
  bool joint() const noexcept { return plan_.networks > 1; }
  // Whether rotations alone lead to the bound.
  bool fits() const noexcept {
    return !plan_.noise && !joint() && !plan_.and_only && plan_.band_from == 0 && plan_.band_to == plan_.n;
  }
  int kinds() const noexcept { return plan_.and_only ? 1 : 2; }

  // A transform of all networks' vectors, in place or not.
  void named(Kind kind, T* x) const noexcept { named(kind, x, x); }
  void named(Kind kind, const T* src, T* dst) const noexcept {
    run_transform(table_, cut_, {kind, kDtype<T>, plan_.n, src, dst, {}}, plan_.networks, scratch_.tiles,
                  scratch_.threads);
  }
  void general(const double (&k)[4], T* x) const noexcept {
    const Transform job{Kind::general, kDtype<T>, plan_.n, x, x, {k[0], k[1], k[2], k[3]}};
    run_transform(table_, cut_, job, plan_.networks, scratch_.tiles, scratch_.threads);
  }
  void wide(Kind kind, double* x) const noexcept { wide({kind, Dtype::f64, plan_.n, x, x, {}}); }
  void wide(const double (&k)[4], double* x) const noexcept {
    wide({Kind::general, Dtype::f64, plan_.n, x, x, {k[0], k[1], k[2], k[3]}});
  }
  void wide(const Transform& job) const noexcept {
    run_transform(table_, wide_cut_, job, 1, scratch_.tiles, scratch_.threads);
  }

  // body(network, first subset, count, block) over blocks of all networks' entries.
  template <class F>
  void each(const F& body) const noexcept {
    const int64_t blocks = static_cast<int64_t>((count_ + kBlock - 1) / kBlock);
    for (int k = 0; k < plan_.networks; ++k) {
      parallel_for(blocks, scratch_.threads, [&](int64_t block, int) {
        const size_t first = static_cast<size_t>(block) * kBlock;
        body(k, first, std::min(count_ - first, kBlock), static_cast<size_t>(block));
      });
    }
  }
  // of(network, first, count) summed, or its maximum, in the order of the blocks.
  template <class F>
  double sum(const F& of) const noexcept {
    double total = 0;
    gather(of, [&](double part) { total += part; });
    return total;
  }
  template <class F>
  double maximum(const F& of) const noexcept {
    double most = 0;
    gather(of, [&](double part) { most = part > most ? part : most; });
    return most;
  }
  template <class F, class G>
  void gather(const F& of, const G& take) const noexcept {
    const size_t blocks = (count_ + kBlock - 1) / kBlock;
    for (int k = 0; k < plan_.networks; ++k) {
      double parts[kMostBlocks];
      parallel_for(static_cast<int64_t>(blocks), scratch_.threads, [&](int64_t block, int) {
        const size_t first = static_cast<size_t>(block) * kBlock;
        parts[block] = of(k, first, std::min(count_ - first, kBlock));
      });
      for (size_t block = 0; block < blocks; ++block) take(parts[block]);
    }
  }
  // Blocks of entries once for all networks, for what couples them.
  template <class F>
  double sum_joint(const F& of) const noexcept {
    double total = 0;
    for (size_t first = 0; first < count_; first += kBlock) total += of(first, std::min(count_ - first, kBlock));
    return total;
  }

  Prox<T> prox(int block, int k) const noexcept {
    if (block == 2) return {static_cast<T>(zeta(k) * box_ / scale_), static_cast<T>(INFINITY), nullptr};
    return {unit_, free_from_, thresholds()};
  }
  const T* thresholds() const noexcept { return singles_ == 1 ? plan_.weight : plan_.steep; }
  void build_blocks() noexcept { spin_.build(plan_.spin, table_, scale_ * scale_, singles_); }
  bool has_large_singles() const noexcept;
  void threshold(int kind, T* z) const noexcept;
  // What a singleton's threshold takes.
  T rest_of_single(T q) const noexcept {
    const T bound = unit_ * thresholds()[1];
    return std::min(std::max(q, -bound), bound);
  }
  // x <- D x: the metric in which singletons are thresholded.
  void weigh_singles(T* x) const noexcept {
    if (singles_ == 1) return;
    for (size_t i = 1; i < count_; i <<= 1) x[i] *= static_cast<T>(singles_);
  }

  static size_t affine_set(int i) noexcept { return size_t{1} << i >> 1; }  // the empty set, then the singletons
  double affine_prox(int i, double q) const noexcept;
  void read_affine(const T* x, double* p) const noexcept;
  void fold_affine(const double* s, T* a) const noexcept;
  void solve_affine(double* p) noexcept;
  void project_affine(const double* before) noexcept;
  void add_affine() noexcept;
  double advance_affine(double keep, double pull) noexcept;
  void reflect_affine() noexcept;
  void restart_affine(double factor) noexcept;

  double gap() const noexcept { return 1 - bound_ / best_; }
  bool reached() const noexcept {
    return std::isfinite(best_) && (best_ - bound_ <= options_.gap * best_ || best_ <= 1e-12 * plain_);
  }
  void look(int64_t checks) noexcept;
  bool iterate() noexcept;
  template <class U>
  void take_over(const Solver<U>& other) noexcept;
  bool fits_f32() const noexcept;
  bool begins_ahead(Solver<double>& wide) noexcept;
  bool weigh(Solver<float>& first, bool claims) noexcept;
  harsanyi_decompose_report run_after(Solver<float>& first) noexcept;
  bool box_holds_all() const noexcept;
  harsanyi_decompose_report report_constant() noexcept;
  harsanyi_decompose_report report(bool done) noexcept;
  bool gains(int64_t checks) noexcept;
  bool stalls() noexcept;

  void measure() noexcept;
  void start() noexcept;
  bool pivots_in_f32() const noexcept;
  template <class Vertex>
  void try_vertex(const Vertex& simplex) noexcept;
  bool finds_vertex() noexcept;
  bool crossing_is_due() const noexcept;
  int64_t pivots_left() const noexcept { return options_.max_steps - steps_ - pivots_ - 1; }  // and a last step
  void cross_over() noexcept;
  bool make_vertex() noexcept;
  void begin() noexcept;
  void set_multipliers(const double* y, int kind) noexcept;
  void set_noise(const double* y) noexcept;
  bool takes_turns() const noexcept { return singles_ != 1 && std::isfinite(best_) && bound_ > 0; }
  void take_turn(Turn turn, const double* y) noexcept;
  void rotate_values() noexcept;
  void warm() noexcept;
  void try_warm() noexcept;
  void project() noexcept;
  void project_pair() noexcept;
  void project_folded() noexcept;
  void unfold() noexcept;
  void solve(T* x) const noexcept;
  void solve_noise(T* a, T* o, const T* noise, T bound) const noexcept;
  void reflect_noise() noexcept;
  Step<T> next_step() noexcept;
  template <class F>
  double surplus(int block, const F& half_step) const noexcept;
  double advance() noexcept;
  double move_on() noexcept;
  void reflect_all() noexcept;
  bool restart(double size) noexcept;
  void move_threshold(double factor, double move) noexcept;
  bool stands() noexcept;
  bool scales_move() const noexcept { return steps_ >= (options_.warm_start ? kFirstWarmMove : kFirstMove); }
  double rescale_noise(double factor) const noexcept;
  void distances(int block, double* near, double* dual) const noexcept;

  double cost(const T* a, const T* o) noexcept;
  double cost_of_smallest(const T* a, const T* o, T* largest) noexcept;
  double weight(size_t s) const noexcept { return plan_.weight[table_place(s)]; }
  void try_pair(T* a, T* o, const T* noise, double scale) noexcept;
  bool drop_excluded(T* x) const noexcept;
  void look_at_point() noexcept;
  void from_points() noexcept;
  void from_thresholds(bool keep_or) noexcept;
  void take_multipliers() noexcept;
  T* explain_multipliers() noexcept;
  T* find_bound() noexcept;
  void find_bound_of(T* y, T* image) noexcept;
  bool polishes(double bound) noexcept;
  void find_fitted_bound() noexcept;
  double fit() noexcept;
  double fitted_bound(double product) const noexcept;
  void keep_fit() noexcept;
  void find_bound_of_image(T* image, T* spare) noexcept;
  void polish_bound(T* y) noexcept;
  void polish_point() noexcept;
  void relax(int block, T sign) noexcept;
  void loosen() noexcept;
  void repair(bool of_f32) noexcept;
  void finish() noexcept;
  harsanyi_decompose_report and_alone() noexcept;
  bool in_band(size_t s) const noexcept { return order(s) >= plan_.band_from && order(s) <= plan_.band_to; }

  const KernelTable& table_;
  const SparseKernels<T>& kernel_;
  const DecomposePlan<T>& plan_;
  const harsanyi_decompose_options& options_;
  const DecomposeSample& sample_;
  const DecomposeScratch<T>& scratch_;
  Interrupt& interrupt_;
  const size_t count_, all_;
  const TransformCut cut_, wide_cut_;
  const T unscale_{static_cast<T>(std::pow(kCosine, 2 * plan_.n))};  // of the unscaled rotations, there and back

  // Blocks: AND, OR, noise.
  T *q_[3], *x_[3], *anchor_[3], *z_[2];
  T* saved_;           // q while a turn for the bound or the pair lasts
  T *t1_, *t2_;        // with noise
  T* rotated_;         // without: Y^-1 (v - v[0]), in the scale of the unscaled rotations
  T* sizes_;           // two vectors, for the heuristic
  double plain_ = 0;   // l1 norm of the dividends
  double spread_ = 0;  // the largest |v - v[0]|
  double total_ = 0;   // sum of v - v[0], of the last network
  // The affine block's q, x and anchor.
  static constexpr int kAffine = HARSANYI_MAX_DECOMPOSE_PLAYERS + 1, kReflected = 1;
  double affine_[3][kAffine] = {};
  double affine_scale_ = kAffineStart;
  AffineTerm<T> term_;   // what it takes from the projections
  bool folded_ = false;  // whether x is
  SpinSolver<T> spin_{scratch_.spin};
  double scale_ = 1;  // of the noise block: delta = scale x[2]
  double box_ = 1;    // the box is solved for at this share of its width
  T unit_ = 0;        // threshold of weight 1
  T free_from_ = static_cast<T>(INFINITY);
  double best_ = INFINITY, bound_ = 0;
  int64_t steps_ = 0, stretch_ = 0, polished_at_ = 0;                  // in all, and since the last restart
  int64_t pivots_ = 0, crossed_at_ = 0, crosses_at_ = kFirstCrossing;  // of crossings: the last and the next one
  double first_size_ = 0, last_size_ = INFINITY, stood_ = INFINITY;    // of steps, and the gap at a restart
  bool looked_ = false;                                                // since then
  Turn turn_ = Turn::both;
  int64_t turned_at_ = 0;
  T saved_unit_ = 0;
  bool turned_back_ = false;                                // to both
  double singles_ = 1;                                      // how many times as much singletons are thresholded
  bool judged_ = !plan_.turns || options_.warm_start != 0;  // whether that is settled
  // Of a heuristic, its best when it last gained, and the look until which it may gain again; ahead in f32, the gap.
  double gained_ = INFINITY;
  int64_t patient_until_ = 0, gained_at_ = 0;
  Solver<double>* wide_ = nullptr;  // ahead in f32: what goes on
};

}  // namespace harsanyi
