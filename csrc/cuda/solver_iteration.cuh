// Start, projection, step and restart of the solver.
#pragma once

#include "solver.cuh"

namespace harsanyi {
namespace cuda {
namespace {

template <class T, bool Noise>
__device__ __forceinline__ void Solver<T, Noise>::start() {
  affine_q_ = 0;
  affine_scale_ = kAffineStart;
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
    if (!Noise) {  // the pair has all of its coefficients
      affine_q_ = read_affine(x_[0]) * (static_cast<double>(unit_) * affine_scale_);
      team_.sync();
    }
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
  affine_anchor_ = affine_q_;
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
    team_.sync();
    const double before = read_affine(x_[0]);
    in_place(Reflect<T>{t}, x_[0], Rotate<T>{t}, x_[1]);
    each([&](unsigned i) {
      const unsigned m = static_cast<unsigned>(__popc(i));
      const T root = ratio_.get(m), a = x_[0].get(i), o = x_[1].get(i);
      const T miss = (a + root * o - t1_.get(i)) * inverse_.get(m);
      x_[0].put(i, scale * (a - miss));
      x_[1].put(i, scale * (o - root * miss));
    });
    in_place(Reflect<T>{t}, x_[0], Rotate<T>{-t}, x_[1]);
    if (n_ > 0) project_affine(before);
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
  double size = Noise ? 0 : advance_affine(keep, pull);
  if (team_.thread() >= 32) size = 0;  // every warp has it
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
  if (!Noise) reflect_affine();
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
  const bool due = restart_is_due(size, first_size_, last_size_, stretch_, steps_, Noise);
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
  const bool moves = ways[0] > 0 && ways[1] > 0 && (scales_move() || !job_.warm_start);
  const double factor = moves ? capped_move(kMoveRatio * sqrt(ways[0] / ways[1])) : 1;
  if (!Noise) restart_affine(factor);
  double move = 1;
  if (Noise && scales_move() && (ways[2] > 0 || ways[3] > 0)) {
    move = sqrt(capped_move(kNoiseRatio * sqrt(ways[2] / ways[3])) / factor);
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

}  // namespace
}  // namespace cuda
}  // namespace harsanyi
