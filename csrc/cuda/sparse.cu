// The sparse AND-OR decomposition of csrc/core/decompose.hpp: the same iteration, restarts, candidates and bound, with
// sums in another order. A team of threads carries one sample from start to end in one launch: one block up to n = 12,
// its vectors in shared memory as far as they fit, several resident blocks beyond; the next sample when that one is done.
//
// A thread owns the same entries in every elementwise loop, so barriers are needed around transforms and rotations alone.
// Operations an entry and step: 2n additions and 2n products without noise (four rotations), with it 2n additions (four
// transforms), 6 (n - 3) for the rotations and about 16 sqrt(n) for the blocks; besides about 30. Bytes: none where the
// vectors are on chip (7 vectors without noise, 11 with); else a step reads and writes them all, 20 to 60 times 2**n
// numbers, from the second-level cache up to n = 18.
#include "../core/decompose_plan.hpp"
#include "team.cuh"

namespace harsanyi {
namespace cuda {
namespace {

constexpr unsigned kMostThreads = 512;
constexpr int kTableEntries = 24;  // orders 0..22
constexpr unsigned kTables = Team::kSharedBytes;
template <class T>
constexpr unsigned kVectors = (kTables + 3 * kTableEntries * static_cast<unsigned>(sizeof(T)) + 4 + 15) / 16 * 16;

// As in core/solver.hpp.
constexpr double kShrunk = 0.25, kShrunkGrowing = 0.7, kLongest = 0.5;
constexpr double kMoveRatio = 2, kMostMove = 3, kNoiseRatio = 0.5, kLeastMove = 1.25;
constexpr int64_t kFirstMove = 8;
constexpr double kSine = 0.52573111211913360603, kCosine = 0.85065080835203993218, kTangent = 0.61803398874989484820;

// What all teams are given.
template <class T>
struct Job {
  int64_t batch, max_steps, check_every;
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

__device__ __forceinline__ double power_of_ratio(double ratio) {
  const double move = sqrt(sqrt(ratio));
  return move < 1 / kMostMove ? 1 / kMostMove : (move > kMostMove ? kMostMove : move);
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
        inverse_(kTables + 2 * kTableEntries * sizeof(T)) {
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
  __device__ __forceinline__ void find_bound();
  __device__ __forceinline__ void finish();

  const Job<T>& job_;
  Team& team_;
  const DecomposePlanHead& plan_;
  const int n_;
  const unsigned count_;
  const Shared<T> weight_, ratio_, inverse_;
  Vec<T> q_[kBlocks], x_[kBlocks], anchor_[kBlocks], t1_, t2_;
  T* rest_;  // of the team's memory: the inverses, or room for two vectors in f64

  const double* v_ = nullptr;
  double *and_ = nullptr, *or_ = nullptr, *delta_ = nullptr, *dual_ = nullptr;
  double origin_ = 0, zeta_ = 0, plain_ = 0, scale_ = 1, box_ = 1, best_ = 0, bound_ = 0;
  double first_size_ = 0, last_size_ = 0;
  T unit_ = 0;
  int64_t steps_ = 0, stretch_ = 0;
};

template <class T, bool Noise>
__device__ __forceinline__ void Solver<T, Noise>::start() {
  each([&](unsigned i) { x_[0].put(i, value(i)); });
  in_place(Mobius{}, x_[0]);
  double size = 0;
  each([&](unsigned i) {
    const double x = static_cast<double>(x_[0].get(i));
    if (i > 0) size += x < 0 ? -x : x;
  });
  plain_ = team_.sum(size);
  unit_ = static_cast<T>(plain_ / ((count_ > 2 ? count_ : 2) - 1) / (job_.penalty > 0 ? job_.penalty : 1));
  scale_ = 1;
  const double margin = job_.gap > 1e-4 ? job_.gap : 1e-4;
  box_ = Noise && plan_.excluded ? 1 - margin / 4 : 1;
  if (Noise) {
    build_inverse();
  } else {
    const double scale = 1 / power(kCosine, n_);
    each([&](unsigned i) { t1_.put(i, static_cast<T>(scale * (v_[i] - origin_))); });
    in_place(General<T>{T(kSine - kCosine), T(kCosine), T(kCosine + kSine), T(-kSine)}, t1_);
  }
  if (job_.warm_start) {
    // A fixed point has q = z + u with multipliers u = unit A^T y.
    each([&](unsigned i) {
      x_[0].put(i, static_cast<T>(dual_[i]));
      x_[1].put(i, static_cast<T>(dual_[i]));
    });
    in_place(SupersetZeta{}, x_[0], or_synthesis(), x_[1]);
    each([&](unsigned i) {
      q_[0].put(i, i == 0 ? T(0) : unit_ * x_[0].get(i) + static_cast<T>(and_[i]));
      q_[1].put(i, i == 0 ? T(0) : unit_ * x_[1].get(i) - static_cast<T>(or_[i]));
      if (Noise) q_[kBlocks - 1].put(i, static_cast<T>(delta_[i]) + unit_ * static_cast<T>(dual_[i]));
    });
  } else {
    each([&](unsigned i) {
#pragma unroll
      for (int b = 0; b < kBlocks; ++b) q_[b].put(i, T(0));
      dual_[i] = 0;
    });
  }
  each([&](unsigned i) {
#pragma unroll
    for (int b = 0; b < kBlocks; ++b) anchor_[b].put(i, q_[b].get(i));
  });
  reflect_all();
}

// The blocks' inverses for the ridge scale^2: V diag(1 / (lambda + ridge)) V^T.
template <class T, bool Noise>
__device__ __forceinline__ void Solver<T, Noise>::build_inverse() {
  const char* const base = reinterpret_cast<const char*>(job_.plan);
  const double* const values = reinterpret_cast<const double*>(base + plan_.values_at);
  const double* const vectors = reinterpret_cast<const double*>(base + plan_.vectors_at);
  const double ridge = scale_ * scale_;
  for (int k = 0; k < plan_.spins; ++k) {
    const unsigned side = static_cast<unsigned>(plan_.side[k]);
    const double* const vt = vectors + plan_.first_entry[k];
    const double* const lambda = values + plan_.first_value[k];
    for (unsigned e = team_.thread(); e < side * side; e += team_.size()) {
      const unsigned i = e % side, j = e / side;
      double sum = 0;
      for (unsigned m = 0; m < side; ++m) sum += vt[m * side + i] * vt[m * side + j] / (lambda[m] + ridge);
      rest_[plan_.first_entry[k] + static_cast<int>(e)] = static_cast<T>(sum);
    }
  }
  team_.sync();
}

template <class T, bool Noise>
__device__ __forceinline__ void Solver<T, Noise>::couple(int level, const Vec<T>& x) {
  const char* const base = reinterpret_cast<const char*>(job_.plan);
  const SpinPair* const pairs = reinterpret_cast<const SpinPair*>(base + plan_.pairs_at) + plan_.level_begin[level];
  const unsigned pair_count = static_cast<unsigned>(plan_.level_begin[level + 1] - plan_.level_begin[level]);
  const int shift = n_ - level - 1;  // rows of 2**shift entries
  for (unsigned item = team_.thread(); item < pair_count << shift; item += team_.size()) {
    const SpinPair pair = pairs[item >> shift];
    const unsigned column = item & ((1u << shift) - 1);
    const unsigned low = static_cast<unsigned>(pair.low) << shift | column;
    const unsigned high = static_cast<unsigned>(pair.high) << shift | column;
    const T c = static_cast<T>(pair.c), s = static_cast<T>(pair.s), a = x.get(low), b = x.get(high);
    x.put(low, c * a + s * b);
    x.put(high, s * a - c * b);
  }
  team_.sync();
}

// out <- (A A^T)^-1 x; x is used up.
template <class T, bool Noise>
__device__ __forceinline__ void Solver<T, Noise>::solve(const Vec<T>& x, const Vec<T>& out) {
  constexpr unsigned together = 4;  // paths that share a reading of the inverse
  team_.sync();
  for (int level = 0; level < plan_.coupled; ++level) couple(level, x);
  const char* const base = reinterpret_cast<const char*>(job_.plan);
  const int32_t* const all_rows = reinterpret_cast<const int32_t*>(base + plan_.rows_at);
  const int dense = plan_.dense;
  const unsigned mask = (1u << dense) - 1;
  for (int k = 0; k < plan_.spins; ++k) {
    const unsigned side = static_cast<unsigned>(plan_.side[k]), paths = static_cast<unsigned>(plan_.paths[k]);
    const unsigned rows = side >> dense, groups = (paths + together - 1) / together;
    const T* const inverse = rest_ + plan_.first_entry[k];
    for (unsigned item = team_.thread(); item < side * groups; item += team_.size()) {
      const unsigned i = item % side, first = item / side * together;
      const int32_t* const row = all_rows + plan_.first_row[k] + static_cast<int>(first * rows);
      T sums[together] = {};
      for (unsigned j = 0; j < side; ++j) {
        const T factor = inverse[j * side + i];
#pragma unroll
        for (unsigned p = 0; p < together; ++p) {
          // A group that is not full repeats its first path.
          const unsigned path = first + p < paths ? p : 0;
          sums[p] += factor * x.get(static_cast<unsigned>(row[path * rows + (j >> dense)]) << dense | (j & mask));
        }
      }
#pragma unroll
      for (unsigned p = 0; p < together; ++p) {
        if (first + p >= paths) continue;
        out.put(static_cast<unsigned>(row[p * rows + (i >> dense)]) << dense | (i & mask), sums[p]);
      }
    }
  }
  team_.sync();
  for (int level = plan_.coupled - 1; level >= 0; --level) couple(level, out);
}

// x <- the nearest point of the constraint.
template <class T, bool Noise>
__device__ __forceinline__ void Solver<T, Noise>::project() {
  if (!Noise) {
    const T scale = static_cast<T>(power(kCosine, 2 * n_)), t = static_cast<T>(kTangent);
    in_place(Reflect<T>{t}, x_[0], Rotate<T>{t}, x_[1]);
    each([&](unsigned i) {
      const unsigned m = static_cast<unsigned>(__popc(i));
      const T root = ratio_.get(m), a = x_[0].get(i), o = x_[1].get(i);
      const T miss = (a + root * o - t1_.get(i)) * inverse_.get(m);
      x_[0].put(i, scale * (a - miss));
      x_[1].put(i, scale * (o - root * miss));
    });
    in_place(Reflect<T>{t}, x_[0], Rotate<T>{-t}, x_[1]);
    return;
  }
  // The nearest point is x - A^T y with A = (Z, Q, scale) and A A^T y = A x - v.
  const Vec<T>& noise = x_[kBlocks - 1];
  const T scale = static_cast<T>(scale_);
  transform(team_, n_, Zeta{}, x_[0], t1_, or_synthesis(), x_[1], t2_);
  each([&](unsigned i) { t1_.put(i, t1_.get(i) + t2_.get(i) + scale * noise.get(i) - value(i)); });
  solve(t1_, t2_);
  each([&](unsigned i) { noise.put(i, noise.get(i) - scale * t2_.get(i)); });
  transform(team_, n_, SupersetZeta{}, t2_, t1_, or_synthesis(), t2_, t2_);
  each([&](unsigned i) {
    x_[0].put(i, x_[0].get(i) - t1_.get(i));
    x_[1].put(i, x_[1].get(i) - t2_.get(i));
  });
}

// One step from the projected point; returns its size.
template <class T, bool Noise>
__device__ __forceinline__ double Solver<T, Noise>::advance() {
  const T keep = static_cast<T>((stretch_ + 1.0) / (stretch_ + 2.0)), pull = static_cast<T>(1.0 / (stretch_ + 2.0));
  ++stretch_;
  double size = 0;
  each([&](unsigned i) {
#pragma unroll
    for (int b = 0; b < kBlocks; ++b) {
      const T q = q_[b].get(i), step = 2 * (x_[b].get(i) - prox(b, q, i));
      const T next = keep * (q + step) + pull * anchor_[b].get(i);
      q_[b].put(i, next);
      x_[b].put(i, 2 * prox(b, next, i) - next);
      size += static_cast<double>(step) * static_cast<double>(step);
    }
  });
  return sqrt(team_.sum(size));
}

template <class T, bool Noise>
__device__ __forceinline__ void Solver<T, Noise>::reflect_all() {
  each([&](unsigned i) {
#pragma unroll
    for (int b = 0; b < kBlocks; ++b) {
      const T q = q_[b].get(i);
      x_[b].put(i, 2 * prox(b, q, i) - q);
    }
  });
}

// After a step of this size: begin a new stretch from here if it is time.
template <class T, bool Noise>
__device__ __forceinline__ void Solver<T, Noise>::restart(double size) {
  if (stretch_ == 1) {
    first_size_ = size;
    last_size_ = INFINITY;
  }
  const bool due =
      stretch_ > 1 && (size <= kShrunk * first_size_ || (size <= kShrunkGrowing * first_size_ && size > last_size_) ||
                       static_cast<double>(stretch_) >= kLongest * static_cast<double>(steps_));
  last_size_ = size;
  if (!due) return;
  stretch_ = 0;
  double ways[4] = {};  // squared: of the coefficients and their multipliers, of the noise and its own
  each([&](unsigned i) {
#pragma unroll
    for (int b = 0; b < kBlocks; ++b) {
      const T to = q_[b].get(i), from = anchor_[b].get(i);
      const double near = static_cast<double>(prox(b, to, i) - prox(b, from, i));
      const double dual = static_cast<double>((to - from)) - near;
      ways[b == 2 ? 2 : 0] += near * near;
      ways[b == 2 ? 3 : 1] += dual * dual;
    }
  });
  team_.sum(ways);
  const double factor = ways[0] > 0 && ways[1] > 0 ? power_of_ratio(kMoveRatio * sqrt(ways[0] / ways[1])) : 1;
  double move = 1;
  if (Noise && steps_ >= kFirstMove && ways[2] > 0 && ways[3] > 0) {
    move = sqrt(power_of_ratio(kNoiseRatio * sqrt(ways[2] / ways[3])) / factor);
    if (move <= kLeastMove && move >= 1 / kLeastMove) move = 1;
  }
  const T bound = noise_unit();
  each([&](unsigned i) {
#pragma unroll
    for (int b = 0; b < kBlocks; ++b) {
      const T q = q_[b].get(i), z = b == 2 ? clip(q, bound) : prox(b, q, i);
      const T near = b == 2 ? static_cast<T>(1 / move) * z : z;
      const T u = static_cast<T>(b == 2 ? factor * move : factor) * (q - z);
      anchor_[b].put(i, near + u);
      q_[b].put(i, near + u);
      x_[b].put(i, near - u);
    }
  });
  unit_ = static_cast<T>(unit_ * factor);
  if (Noise && move != 1) {
    scale_ *= move;
    team_.sync();
    build_inverse();
  }
}

// weight |x|; what is excluded must be zero up to rounding.
template <class T, bool Noise>
__device__ __forceinline__ double Solver<T, Noise>::cost(T x, unsigned i) const {
  const double size = static_cast<double>(x < 0 ? -x : x), w = static_cast<double>(weight(i));
  if (w == INFINITY) return size <= 1e-12 * plain_ ? 0 : INFINITY;
  return size > 0 ? w * size : 0;
}

// Keeps the pair a(i), o(i) with the noise d(i) if its cost is less than the best.
template <class T, bool Noise>
template <class A, class O, class D>
__device__ __forceinline__ void Solver<T, Noise>::keep(double value, const A& a, const O& o, const D& d) {
  if (!(value < best_)) return;
  best_ = value;
  each([&](unsigned i) {
    const bool excluded = weight(i) == static_cast<T>(INFINITY);
    and_[i] = excluded ? 0 : static_cast<double>(a(i));
    or_[i] = excluded ? 0 : static_cast<double>(o(i));
    if (Noise) delta_[i] = clip(static_cast<double>(d(i)), zeta_);
  });
}

// The projected point solves the constraint. Its noise, clipped, leaves a rest for one kind or for the other.
template <class T, bool Noise>
__device__ __forceinline__ void Solver<T, Noise>::from_points() {
  const auto point = [&](int b) { return [&, b](unsigned i) { return x_[b].get(i); }; };
  if (!Noise) {
    double value = 0;
    each([&](unsigned i) { value += cost(x_[0].get(i), i) + cost(x_[1].get(i), i); });
    return keep(team_.sum(value), point(0), point(1), [](unsigned) { return T(0); });
  }
  const auto noise = [&](unsigned i) { return static_cast<T>(scale_) * x_[kBlocks - 1].get(i); };
  each([&](unsigned i) {
    const T rest = noise(i) - clip(noise(i), static_cast<T>(zeta_));
    t1_.put(i, rest);
    t2_.put(i, rest);
  });
  in_place(Mobius{}, t1_, General<T>{T(0), T(1), T(1), T(-1)}, t2_);
  const auto and_too = [&](unsigned i) { return x_[0].get(i) + t1_.get(i); };
  const auto or_too = [&](unsigned i) { return x_[1].get(i) + t2_.get(i); };
  double values[2] = {};
  each([&](unsigned i) {
    values[0] += cost(and_too(i), i) + cost(x_[1].get(i), i);
    values[1] += cost(x_[0].get(i), i) + cost(or_too(i), i);
  });
  team_.sum(values);
  keep(values[0], and_too, point(1), noise);
  keep(values[1], point(0), or_too, noise);
}

// The thresholded point does not: what it leaves is noise as far as the box holds it, and the rest goes to one kind.
// Uses x.
template <class T, bool Noise>
__device__ __forceinline__ void Solver<T, Noise>::from_thresholds(bool keep_or) {
  const Vec<T>& noise = x_[kBlocks - 1];
  each([&](unsigned i) {
    x_[0].put(i, prox(0, q_[0].get(i), i));
    x_[1].put(i, prox(1, q_[1].get(i), i));
  });
  in_place(Zeta{}, x_[0], or_synthesis(), x_[1]);
  each([&](unsigned i) {
    T rest = value(i) - x_[0].get(i) - x_[1].get(i);
    if (Noise) {
      const T delta = clip(rest, static_cast<T>(zeta_));
      rest -= delta;
      noise.put(i, delta);
    }
    x_[0].put(i, rest);
  });
  if (keep_or) {
    in_place(Mobius{}, x_[0]);
  } else {
    in_place(General<T>{T(0), T(1), T(1), T(-1)}, x_[0]);
  }
  const auto near = [&](int b, unsigned i) { return prox(b, q_[b].get(i), i); };
  const auto a = [&](unsigned i) { return keep_or ? x_[0].get(i) + near(0, i) : near(0, i); };
  const auto o = [&](unsigned i) { return keep_or ? near(1, i) : near(1, i) + x_[0].get(i); };
  double value = 0;
  each([&](unsigned i) { value += cost(a(i), i) + cost(o(i), i); });
  keep(team_.sum(value), a, o, [&](unsigned i) { return noise.get(i); });
}

// The multipliers that explain q - z best, as a bound. Uses x.
template <class T, bool Noise>
__device__ __forceinline__ void Solver<T, Noise>::find_bound() {
  each([&](unsigned i) {
#pragma unroll
    for (int b = 0; b < kBlocks; ++b) {
      const T q = q_[b].get(i);
      x_[b].put(i, q - prox(b, q, i));
    }
  });
  const Vec<T>& y = Noise ? t1_ : x_[0];
  if (Noise) {
    in_place(Zeta{}, x_[0], or_synthesis(), x_[1]);
    const T scale = static_cast<T>(scale_);
    each([&](unsigned i) { x_[0].put(i, x_[0].get(i) + x_[1].get(i) + scale * x_[kBlocks - 1].get(i)); });
    solve(x_[0], t1_);
  } else {
    const T t = static_cast<T>(kTangent);
    in_place(Reflect<T>{t}, x_[0], Rotate<T>{t}, x_[1]);
    each([&](unsigned i) {
      const unsigned m = static_cast<unsigned>(__popc(i));
      x_[0].put(i, (x_[0].get(i) + ratio_.get(m) * x_[1].get(i)) * inverse_.get(m));
    });
    in_place(General<T>{T(kSine - kCosine), T(kCosine + kSine), T(kCosine), T(-kSine)}, x_[0]);
  }
  // Sums of zero over the orders that take part.
  const int from = plan_.band_from, to = plan_.band_to;
  const auto in_band = [&](unsigned i) { return __popc(i) >= from && __popc(i) <= to; };
  double sums[2] = {};
  each([&](unsigned i) {
    if (!in_band(i)) return;
    sums[0] += static_cast<double>(y.get(i));
    sums[1] += 1;
  });
  team_.sum(sums);
  if (sums[1] == 0) return;
  const T mean = static_cast<T>(sums[0] / sums[1]);
  double products[2] = {};
  each([&](unsigned i) {
    const T value_of_y = in_band(i) ? y.get(i) - mean : T(0);
    y.put(i, value_of_y);
    products[0] += static_cast<double>(value(i)) * static_cast<double>(value_of_y);
    products[1] += static_cast<double>(value_of_y < 0 ? -value_of_y : value_of_y);
  });
  team_.sum(products);
  const Vec<T>& image = x_[1];
  double most = 0;
  for (int kind = 0; kind < 2; ++kind) {
    if (kind == 0) {
      transform(team_, n_, SupersetZeta{}, y, image);
    } else {
      transform(team_, n_, or_synthesis(), y, image);
    }
    each([&](unsigned i) {
      const double w = static_cast<double>(weight(i)), x = static_cast<double>(image.get(i));
      const double ratio = w > 0 ? (x < 0 ? -x : x) / w : 0;
      most = ratio > most ? ratio : most;
    });
  }
  const double norm = team_.maximum(most), bound = (products[0] - zeta_ * products[1]) / norm;
  if (!(norm > 0 && bound > bound_)) return;
  bound_ = bound;
  each([&](unsigned i) { dual_[i] = static_cast<double>(y.get(i)) / norm; });
}

// What rounding (of T) left of the constraint goes to the AND part, in f64; then the pair in its gauge: OR synthesis is
// zero on the empty set.
template <class T, bool Noise>
__device__ __forceinline__ void Solver<T, Noise>::finish() {
  if (!plan_.excluded) {
    Vec<double> rest, other;
    if constexpr (sizeof(T) == sizeof(double)) {
      rest = x_[0];
      other = x_[1];
    } else {
      double* const memory = reinterpret_cast<double*>(rest_);
      rest = Vec<double>::in_memory(memory);
      other = Vec<double>::in_memory(memory + count_);
    }
    each([&](unsigned i) {
      rest.put(i, and_[i]);
      other.put(i, or_[i]);
    });
    transform(team_, n_, Zeta{}, rest, rest, General<double>{1, 1, 1, 0}, other, other);
    each([&](unsigned i) {
      const double delta = Noise ? delta_[i] : 0;
      rest.put(i, (v_[i] - origin_) - delta - (rest.get(i) + other.get(i)));
    });
    transform(team_, n_, Mobius{}, rest, rest);
    each([&](unsigned i) { and_[i] += rest.get(i); });
  }
  double total = 0;
  each([&](unsigned i) {
    const double o = or_[i] != 0 ? -or_[i] : 0;
    const bool merged = job_.merge_singletons && __popc(i) == 1;
    if (merged) and_[i] += o;
    or_[i] = merged ? 0 : o;
    if (i > 0 && !merged) total += o;
  });
  total = team_.sum(total);
  if (team_.thread() == 0) {
    and_[0] = origin_ - (Noise ? delta_[0] : 0);
    or_[0] = total != 0 ? -total : 0;
  }
}

template <class T, bool Noise>
__device__ __forceinline__ void Solver<T, Noise>::run(int64_t sample) {
  const size_t first = static_cast<size_t>(sample) << n_;
  v_ = job_.v + first;
  and_ = job_.and_ + first;
  or_ = job_.or_ + first;
  delta_ = Noise ? job_.delta + first : nullptr;
  dual_ = job_.dual + first;
  origin_ = v_[0];
  zeta_ = Noise ? job_.zetas[sample] : 0;
  best_ = INFINITY;
  bound_ = 0;
  steps_ = stretch_ = 0;
  start();
  bool done = !(plain_ > 0 && plain_ < INFINITY);  // constant, or not finite
  if (done) {
    best_ = plain_ == 0 ? 0 : NAN;
    each([&](unsigned i) {
      and_[i] = or_[i] = best_;
      if (Noise) delta_[i] = best_;
    });
  }
  for (int64_t checks = 0; !done && steps_ < job_.max_steps;) {
    project();
    ++steps_;
    const bool look = steps_ % job_.check_every == 0 || steps_ == job_.max_steps;
    if (look) from_points();
    const double size = advance();
    if (look) {
      if (checks % 2 == 0) from_thresholds(checks % 4 == 0);
      ++checks;
      find_bound();
      reflect_all();
      done = best_ < INFINITY && (best_ - bound_ <= job_.gap * best_ || best_ <= 1e-12 * plain_);
    }
    restart(size);
  }
  harsanyi_decompose_report report = {best_, bound_, steps_, HARSANYI_DECOMPOSE_NOT_FOUND};
  if (best_ < INFINITY) {
    report.status = done ? HARSANYI_DECOMPOSE_OPTIMAL : HARSANYI_DECOMPOSE_MAX_STEPS;
    finish();
  } else {
    each([&](unsigned i) { and_[i] = or_[i] = NAN; });
  }
  if (team_.thread() == 0) job_.reports[sample] = report;
}

template <class T, bool Noise>
__global__ void __launch_bounds__(kMostThreads) decompose_samples(const __grid_constant__ Job<T> job) {
  const unsigned index = blockIdx.x / job.blocks, rank = blockIdx.x % job.blocks;
  unsigned char* const memory = job.memory + index * job.team_bytes;
  double* const partials = reinterpret_cast<double*>(memory);
  Team team(job.blocks, rank, job.counters + index, partials);
  const Shared<T> tables(kTables);
  const DecomposePlanHead& plan = *job.plan;
  if (threadIdx.x <= static_cast<unsigned>(plan.n)) {
    tables.put(threadIdx.x, static_cast<T>(plan.weight[threadIdx.x]));
    tables.put(kTableEntries + threadIdx.x, static_cast<T>(plan.ratio[threadIdx.x]));
    tables.put(2 * kTableEntries + threadIdx.x, static_cast<T>(plan.inverse[threadIdx.x]));
  }
  team.sync();
  Solver<T, Noise> solver(job, team, memory + Team::kPartialBytes * job.blocks);
  // Teams take samples as they become free: which one does changes nothing in the result.
  const Shared<unsigned> given(kTables + 3 * kTableEntries * sizeof(T));
  unsigned* const shown = job.next_sample + 1 + index;  // to the other blocks of the team
  for (;;) {
    if (threadIdx.x == 0 && rank == 0) {
      const unsigned taken = atomicAdd(job.next_sample, 1u);
      given.put(0, taken);
      if (job.blocks > 1) *shown = taken;
    }
    team.sync();
    if (threadIdx.x == 0 && rank != 0) given.put(0, *static_cast<volatile unsigned*>(shown));
    __syncthreads();
    const unsigned sample = given.get(0);
    team.sync();
    if (sample >= job.batch) return;
    solver.run(sample);
    team.sync();
  }
}

// How many blocks do what.
struct Shape {
  unsigned teams, blocks, threads, chip_vectors;
  size_t chip_bytes, counter_bytes, team_bytes, bytes;
};

template <class T, bool Noise>
Shape shape_of(int device, int n, int64_t batch) {
  using S = Solver<T, Noise>;
  int processors = 0;
  if (cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device) != cudaSuccess) processors = 1;
  const size_t count = size_t{1} << n, vector_bytes = count * sizeof(T);
  Shape shape = {};
  const unsigned most = static_cast<unsigned>(processors);
  const unsigned samples = batch < int64_t{1} << 20 ? static_cast<unsigned>(batch) : 1u << 20;
  if (n <= 12) {
    shape.blocks = 1;
    shape.threads = n <= 7 ? 32 : (n >= 11 ? kMostThreads : 32u << (n - 7));
    shape.teams = samples < 8 * most ? samples : 8 * most;
    const size_t room = static_cast<size_t>(shared_limit(device)) - kVectors<T>;
    shape.chip_vectors = static_cast<unsigned>(room / vector_bytes);
    if (shape.chip_vectors > S::kVectorCount) shape.chip_vectors = S::kVectorCount;
  } else {
    const unsigned useful = static_cast<unsigned>(count / (4 * kMostThreads));
    shape.blocks = useful < most ? useful : most;
    shape.threads = kMostThreads;
    shape.teams = most / shape.blocks < samples ? most / shape.blocks : samples;
  }
  shape.chip_bytes = kVectors<T> + shape.chip_vectors * vector_bytes;
  shape.counter_bytes = (sizeof(unsigned) * (2 * shape.teams + 1) + 63) / 64 * 64;
  shape.team_bytes = Team::kPartialBytes * shape.blocks + (S::kVectorCount - shape.chip_vectors) * vector_bytes +
                     (Noise ? block_entries(n) * sizeof(T) : 0) + (sizeof(T) == 4 ? 2 * count * sizeof(double) : 0);
  shape.team_bytes = (shape.team_bytes + 63) / 64 * 64;
  shape.bytes = shape.counter_bytes + shape.teams * shape.team_bytes + 64;
  return shape;
}

template <class T, bool Noise>
int run_on(const CudaPlace& place, const CudaDecompose& given) {
  const Shape shape = shape_of<T, Noise>(place.device, given.n, given.batch);
  const harsanyi_decompose_options& options = *given.options;
  const uintptr_t start = (reinterpret_cast<uintptr_t>(given.workspace) + 63) & ~uintptr_t{63};
  unsigned* const counters = reinterpret_cast<unsigned*>(start);
  const Job<T> job = {given.batch,
                      options.max_steps,
                      options.check_every,
                      options.gap,
                      options.penalty,
                      options.merge_singletons != 0,
                      options.warm_start != 0,
                      given.v,
                      given.zetas,
                      given.and_,
                      given.or_,
                      given.delta,
                      given.dual,
                      given.reports,
                      static_cast<const DecomposePlanHead*>(given.plan),
                      counters,
                      counters + shape.teams,
                      reinterpret_cast<unsigned char*>(start + shape.counter_bytes),
                      shape.team_bytes,
                      shape.blocks,
                      shape.chip_vectors};
  const cudaError_t status = cudaMemsetAsync(counters, 0, shape.counter_bytes, static_cast<cudaStream_t>(place.stream));
  if (status != cudaSuccess) return status;
  const Grid grid{static_cast<int64_t>(shape.teams) * shape.blocks, shape.threads, shape.chip_bytes, shape.blocks > 1};
  return launch(decompose_samples<T, Noise>, grid, place.stream, job);
}

}  // namespace

size_t decompose_workspace(const CudaPlace& place, const CudaDecompose& given, bool noise) {
  if (noise) return shape_of<double, true>(place.device, given.n, given.batch).bytes;
  return given.options->dtype == HARSANYI_F32 ? shape_of<float, false>(place.device, given.n, given.batch).bytes
                                              : shape_of<double, false>(place.device, given.n, given.batch).bytes;
}

int run_decompose(const CudaPlace& place, const CudaDecompose& given) {
  const OnDevice current(place.device);
  if (current.status() != cudaSuccess) return current.status();
  if (given.zetas != nullptr) return run_on<double, true>(place, given);
  return given.options->dtype == HARSANYI_F32 ? run_on<float, false>(place, given)
                                              : run_on<double, false>(place, given);
}

}  // namespace cuda
}  // namespace harsanyi
