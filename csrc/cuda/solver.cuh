// The decomposition of one sample by a team, twin of csrc/core/solver.hpp: what it holds, and its memory.
#pragma once

#include "../core/decompose_plan.hpp"
#include "../core/solver_rules.hpp"
#include "team.cuh"

namespace harsanyi {
namespace cuda {
namespace {

constexpr unsigned kMostThreads = 256;  // of a block: with more the registers do not hold a thread's state
constexpr int kTableEntries = 24;       // orders 0..22
// Shared memory after that of the team: tables by order, the sample's number, the affine block's sums over sets of
// players 5 k..5 k + 4 for k = 0..4, and the vectors.
constexpr unsigned kTables = Team::kSharedBytes;
template <class T>
constexpr unsigned kSample = kTables + 3 * kTableEntries * static_cast<unsigned>(sizeof(T));
template <class T>
constexpr unsigned kMembers = (kSample<T> + 4 + 15) / 16 * 16;
constexpr unsigned kMemberEntries = 4 * 32 + 4;
template <class T>
constexpr unsigned kVectors = kMembers<T> + kMemberEntries * sizeof(double);

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
        lane_(static_cast<int>(threadIdx.x % 32)) {
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
  }

  static constexpr int kBlocks = Noise ? 3 : 2;
  static constexpr unsigned kVectorCount = 3 * kBlocks + (Noise ? 2 : 1);

  __device__ __forceinline__ void run(int64_t sample);

 private:
  template <class F>
  __device__ __forceinline__ void each(const F& body) const {
    for (unsigned i = team_.thread(); i < count_; i += team_.size()) body(i);
  }
  __device__ __forceinline__ T value(unsigned i) const { return static_cast<T>(v_[i] - origin_); }
  __device__ __forceinline__ T weight(unsigned i) const { return weight_.get(static_cast<unsigned>(__popc(i))); }

  template <class Op>
  __device__ __forceinline__ void in_place(const Op& op, const Vec<T>& x) {
    transform(team_, n_, op, x, x);
  }
  template <class A, class B>
  __device__ __forceinline__ void in_place(const A& a, const Vec<T>& x, const B& b, const Vec<T>& y) {
    transform(team_, n_, a, x, x, b, y, y);
  }
  // The OR synthesis of the method has the opposite sign of the transform of that name.
  static __device__ __forceinline__ General<T> or_synthesis() { return {T(1), T(1), T(1), T(0)}; }

  // prox(q) of a coefficient (block 0 or 1) or of the noise (2), for subset i.
  __device__ __forceinline__ T prox(int block, T q, unsigned i) const {
    if (block == 2) return clip(q, noise_unit());
    return q - clip(q, unit_ * weight(i));
  }
  __device__ __forceinline__ T noise_unit() const { return static_cast<T>(zeta_ * box_ / scale_); }

  // The affine block has n + 1 entries, one a lane, the constant in lane 0; every warp carries all of it.
  __device__ __forceinline__ double over_lanes(double x) const {
    for (int step = 16; step > 0; step /= 2) x += __shfl_xor_sync(kAllLanes, x, step);
    return x;
  }
  __device__ __forceinline__ double affine_prox(double q) const {
    const double bound = lane_ == 0 ? 0 : static_cast<double>(unit_) * affine_scale_ * plan_.weight[1];
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

  __device__ __forceinline__ void start();
  __device__ __forceinline__ void build_inverse();
  __device__ __forceinline__ void solve(const Vec<T>& x, const Vec<T>& out);
  __device__ __forceinline__ void couple(int level, const Vec<T>& x);
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
  const Shared<double> members_;
  const int lane_;
  Vec<T> q_[kBlocks], x_[kBlocks], anchor_[kBlocks], t1_, t2_;
  T* rest_;  // of the team's memory: the inverses, or room for two vectors in f64

  const double* v_ = nullptr;
  double *and_ = nullptr, *or_ = nullptr, *delta_ = nullptr, *dual_ = nullptr;
  double origin_ = 0, zeta_ = 0, plain_ = 0, scale_ = 1, box_ = 1, best_ = 0, bound_ = 0, last_gap_ = 0;
  double first_size_ = 0, last_size_ = 0;
  double affine_q_ = 0, affine_x_ = 0, affine_anchor_ = 0, affine_scale_ = kAffineStart;  // of this lane's entry
  T unit_ = 0;
  int steps_ = 0, stretch_ = 0;
};

}  // namespace
}  // namespace cuda
}  // namespace harsanyi
