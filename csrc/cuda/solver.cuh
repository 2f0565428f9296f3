// The decomposition of one sample by a team, twin of csrc/core/solver.hpp: what it holds, and its memory.
#pragma once

#include "../core/decompose_plan.hpp"
#include "../core/solver_rules.hpp"
#include "team.cuh"

namespace harsanyi {
namespace cuda {
namespace {

constexpr unsigned kMostThreads = 512;  // of a block: with more the registers do not hold a thread's state
constexpr int kTableEntries = 24;       // orders 0..22
// Shared memory after that of the team: tables by order, the sample's number, the affine block's sums over sets of
// players 5 k..5 k + 4 for k = 0..4, what is held of the sample, and the vectors.
constexpr unsigned kTables = Team::kSharedBytes;
template <class T>
constexpr unsigned kSample = kTables + 3 * kTableEntries * static_cast<unsigned>(sizeof(T));
template <class T>
constexpr unsigned kMembers = (kSample<T> + 4 + 15) / 16 * 16;
constexpr unsigned kMemberEntries = 4 * 32 + 4;
template <class T>
constexpr unsigned kHeldAt = kMembers<T> + kMemberEntries * sizeof(double);
// Numbers of the sample that all threads share and seldom read: registers are dear. The last one counts them.
enum Held : unsigned {
  kOrigin,
  kBest,
  kBound,
  kLastGap,
  kPolishedAt,
  kPlain,
  kBox,
  kZeta,
  kFirstSize,
  kLastSize,
  kStood,
  kLooked,
  kHeld
};
// Of the plan of the noise term: where its levels begin, and of each spin side, paths, first row and first entry.
template <class T>
constexpr unsigned kSpinsAt = kHeldAt<T> + kHeld * sizeof(double);
enum Spin : unsigned { kSide, kPaths, kFirstRow, kFirstEntry, kSpinNumbers };
constexpr unsigned kLevelNumbers = DecomposePlanHead::kMostLevels + 1;
constexpr unsigned kPlanNumbers = kLevelNumbers + DecomposePlanHead::kMostSpins * kSpinNumbers;
template <class T>
constexpr unsigned kVectors = (kSpinsAt<T> + kPlanNumbers * sizeof(int32_t) + 15) / 16 * 16;

constexpr double kTangent = 0.61803398874989484820;

// What all teams are given.
template <class T>
struct Job {
  int64_t batch;
  int max_steps, check_every;
  double gap, penalty;
  bool merge_singletons, warm_start;
  const double *v, *zetas;
  double *and_, *or_, *delta, *dual;
  harsanyi_decompose_report* reports;
  const DecomposePlanHead* plan;
  // Workspace: counters of the teams and of the samples, and team by team the partial sums, the vectors that are not on
  // chip, the blocks' inverses, and for f32 two vectors in f64.
  unsigned *counters, *next_sample;
  unsigned char* memory;
  size_t team_bytes;
  unsigned blocks, chip_vectors;  // of a team
  bool chip_tables;               // the plan's tables, after the vectors
};

template <class T>
__device__ __forceinline__ T clip(T q, T bound) {
  const T low = q > bound ? bound : q;
  return low < -bound ? -bound : low;
}

__device__ __forceinline__ double power(double x, int n) {
  double product = 1;
  for (int i = 0; i < n; ++i) product *= x;
  return product;
}

template <class T, bool Noise>
class Solver {
 public:
  __device__ Solver(const Job<T>& job, Team& team, unsigned char* memory)
      : job_(job),
        team_(team),
        plan_(*job.plan),
        n_(job.plan->n),
        count_(1u << job.plan->n),
        weight_(kTables),
        ratio_(kTables + kTableEntries * sizeof(T)),
        inverse_(kTables + 2 * kTableEntries * sizeof(T)),
        members_(kMembers<T>),
        held_(kHeldAt<T>),
        spins_(kSpinsAt<T>) {
    unsigned taken = 0;
    T* at = reinterpret_cast<T*>(memory);
    const auto take = [&] {
      const unsigned index = taken++;
      if (index < job.chip_vectors) return Vec<T>::on_chip(kVectors<T> + index * count_ * sizeof(T));
      T* const data = at;
      at += count_;
      return Vec<T>::in_memory(data);
    };
    // What transforms work on comes first: it gains most on chip.
#pragma unroll
    for (int b = 0; b < kBlocks; ++b) x_[b] = take();
    t1_ = take();  // without noise: Y^-1 (v - v[0]), in the scale of the unscaled rotations
    if (Noise) t2_ = take();
#pragma unroll
    for (int b = 0; b < kBlocks; ++b) q_[b] = take();
#pragma unroll
    for (int b = 0; b < kBlocks; ++b) anchor_[b] = take();
    rest_ = at;
    if (Noise) place_tables();
  }

  static constexpr int kBlocks = Noise ? 3 : 2;
  static constexpr unsigned kVectorCount = 3 * kBlocks + (Noise ? 2 : 1);

  __device__ __forceinline__ void run(int64_t sample);

 private:
  template <class F>
  __device__ __forceinline__ void each(const F& body) const {
#pragma unroll 2  // more takes more registers than there are
    for (unsigned i = team_.thread(); i < count_; i += team_.size()) body(i);
  }
  static __device__ __forceinline__ int lane() { return static_cast<int>(threadIdx.x % 32); }
  __device__ __forceinline__ T value(unsigned i) const { return static_cast<T>(v_[i] - held(kOrigin)); }
  __device__ __forceinline__ T weight(unsigned i) const { return weight_.get(static_cast<unsigned>(__popc(i))); }

  template <class Op>
  __device__ __forceinline__ void in_place(const Op& op, const Vec<T>& x) {
    transform(team_, n_, op, x, x);
  }
  template <class A, class B>
  __device__ __forceinline__ void in_place(const A& a, const Vec<T>& x, const B& b, const Vec<T>& y) {
    transform(team_, n_, a, x, x, b, y, y);
  }
  template <class P>
  __device__ __forceinline__ const P* plan_part(uint32_t at) const {
    return reinterpret_cast<const P*>(reinterpret_cast<const char*>(job_.plan) + at);
  }

  // prox(q) of a coefficient (block 0 or 1) or of the noise (2), for subset i.
  __device__ __forceinline__ T prox(int block, T q, unsigned i) const {
    if (block == 2) return clip(q, noise_unit_);
    return q - clip(q, unit_ * weight(i));
  }
  // Of the box, as the noise's block is scaled.
  __device__ __forceinline__ void scale_noise(double scale) {
    scale_ = scale;
    noise_unit_ = static_cast<T>(held(kZeta) * held(kBox) / scale);
  }
  __device__ __forceinline__ double held(Held which) const { return held_.get(which); }
  // Between barriers: every thread may read it before and after. All of them have the same value.
  __device__ __forceinline__ void hold(Held which, double value) const {
    __syncthreads();
    if (threadIdx.x == 0) held_.put(which, value);
    __syncthreads();
  }

  // The affine block has n + 1 entries, one a lane, the constant in lane 0; every warp carries all of it.
  __device__ __forceinline__ double over_lanes(double x) const {
    for (int step = 16; step > 0; step /= 2) x += __shfl_xor_sync(kAllLanes, x, step);
    return x;
  }
  __device__ __forceinline__ double affine_prox(double q) const {
    const double bound = lane() == 0 ? 0 : static_cast<double>(unit_) * affine_scale_ * plan_.weight[1];
    return q - clip(q, bound);
  }
  __device__ __forceinline__ double read_affine(const Vec<T>& x) const;
  __device__ __forceinline__ void project_affine(double before);
  __device__ __forceinline__ double advance_affine(double keep, double pull);
  __device__ __forceinline__ void reflect_affine() { affine_x_ = 2 * affine_prox(affine_q_) - affine_q_; }
  __device__ __forceinline__ void restart_affine(double factor);
  __device__ __forceinline__ void show_affine(double s);
  // What the block's entries that are shown stand for in the AND coefficient of subset i.
  __device__ __forceinline__ T affine(unsigned i) const {
    return Noise || (i & (i - 1)) != 0
               ? T(0)
               : static_cast<T>(members_.get(static_cast<unsigned>(__ffs(static_cast<int>(i)))));
  }
  __device__ __forceinline__ bool scales_move() const {
    return steps_ >= (job_.warm_start ? kFirstWarmMove : kFirstMove);
  }

  __device__ __forceinline__ void place_tables();
  __device__ __forceinline__ Vec<const int32_t> pair_rows() const {
    return turns_.template beyond<const int32_t>(static_cast<unsigned>(2 * sizeof(double)) << plan_.coupled);
  }
  __device__ __forceinline__ Vec<const int32_t> path_rows() const {
    constexpr unsigned bytes = 2 * sizeof(double) + 2 * sizeof(int32_t);
    return turns_.template beyond<const int32_t>(bytes << plan_.coupled);
  }
  __device__ __forceinline__ int level_begin(int level) const { return spins_.get(static_cast<unsigned>(level)); }
  __device__ __forceinline__ unsigned spin(Spin number, int k) const {
    return static_cast<unsigned>(spins_.get(kLevelNumbers + static_cast<unsigned>(k) * kSpinNumbers + number));
  }
  __device__ __forceinline__ void start();
  __device__ __forceinline__ void build_inverse();
  __device__ __forceinline__ void solve(const Vec<T>& x, const Vec<T>& out);
  __device__ __forceinline__ void couple(int level, const Vec<T>& x);
  __device__ __forceinline__ void multiply_blocks(const Vec<T>& x, const Vec<T>& out);
  __device__ __forceinline__ void project();
  __device__ __forceinline__ double advance();
  __device__ __forceinline__ void reflect_all();
  __device__ __forceinline__ void restart(double size);
  __device__ __forceinline__ double cost(T x, unsigned i) const;
  template <class A, class O, class D>
  __device__ __forceinline__ void keep(double value, const A& a, const O& o, const D& d);
  __device__ __forceinline__ void from_points();
  __device__ __forceinline__ void from_thresholds(bool keep_or);
  __device__ __forceinline__ const Vec<T>& explain_multipliers();
  __device__ __forceinline__ const Vec<T>& find_bound();
  __device__ __forceinline__ void find_bound_of(const Vec<T>& y);
  __device__ __forceinline__ void polish_bound(const Vec<T>& y);
  __device__ __forceinline__ void polish_point();
  __device__ __forceinline__ void finish();

  const Job<T>& job_;
  Team& team_;
  const DecomposePlanHead& plan_;
  const int n_;
  const unsigned count_;
  const Shared<T> weight_, ratio_, inverse_;
  const Shared<double> members_, held_;
  const Shared<int32_t> spins_;
  Vec<T> q_[kBlocks], x_[kBlocks], anchor_[kBlocks], t1_, t2_;
  Vec<const double> turns_;  // the first of the plan's tables
  T* rest_;                  // of the team's memory: the inverses, or room for two vectors in f64

  const double* v_ = nullptr;
  double *and_ = nullptr, *or_ = nullptr, *delta_ = nullptr, *dual_ = nullptr;
  double scale_ = 1;
  double affine_q_ = 0, affine_x_ = 0, affine_anchor_ = 0, affine_scale_ = kAffineStart;  // of this lane's entry
  T unit_ = 0, noise_unit_ = 0;
  int steps_ = 0, stretch_ = 0;
};

}  // namespace
}  // namespace cuda
}  // namespace harsanyi
