// The solver's affine block (core/affine.hpp): its share of projection, step and restart.
#pragma once

#include "solver.cuh"

namespace harsanyi {
namespace cuda {
namespace {

// B^T y / c from x = Z^T y; between barriers.
template <class T, bool Noise>
__device__ __forceinline__ double Solver<T, Noise>::read_affine(const Vec<T>& x) const {
  const double value = lane() <= n_ ? static_cast<double>(x.get(lane() == 0 ? 0 : 1u << (lane() - 1))) : 0;
  const double constant = __shfl_sync(kAllLanes, value, 0);
  return lane() == 0 || lane() > n_ ? value : value - constant / 2;
}

// The pair has been projected by itself; before: read_affine of the AND part as it was.
template <class T, bool Noise>
__device__ __forceinline__ void Solver<T, Noise>::project_affine(double before) {
  const double p = before - read_affine(x_[0]), square = affine_scale_ * affine_scale_;
  const double rest = lane() <= n_ ? affine_x_ - affine_scale_ * p : 0;
  const double own = 1 + square * (plan_.own - plan_.other), each_other = square * plan_.other;
  const double total_rest = over_lanes(lane() == 0 ? 0 : rest);
  const double shared = each_other / (own + n_ * each_other) * total_rest;
  const bool singleton = lane() > 0 && lane() <= n_;
  affine_x_ = lane() == 0 ? rest / (1 + square * plan_.constant) : (singleton ? (rest - shared) / own : 0);
  const double constant = -affine_scale_ * __shfl_sync(kAllLanes, affine_x_, 0);
  const double total = -affine_scale_ * over_lanes(singleton ? affine_x_ : 0);
  const double player = -affine_scale_ * affine_x_;
  for (int k = 0; 5 * k < n_; ++k) {
    double sum = 0;
    for (int bit = 0; bit < 5; ++bit) {
      const double value = __shfl_sync(kAllLanes, player, 5 * k + bit + 1);
      if (lane() >> bit & 1) sum += value;
    }
    if (threadIdx.x < 32 && (k < 4 || lane() < 4)) members_.put(static_cast<unsigned>(32 * k + lane()), sum);
  }
  team_.sync();
  each([&](unsigned i) {
    double sum = 0;
    for (unsigned k = 0, set = i; set != 0; ++k, set >>= 5) sum += members_.get(32 * k + (set & 31));
    const int m = __popc(i);
    const double both = constant * plan_.affine_constant[m];
    const double of_and = total * plan_.affine_total[m] + plan_.affine_members[m] * sum;
    x_[0].put(i, x_[0].get(i) + static_cast<T>(both + of_and));
    x_[1].put(i, x_[1].get(i) + static_cast<T>(both - of_and));
  });
}

// Returns the square of this lane's step.
template <class T, bool Noise>
__device__ __forceinline__ double Solver<T, Noise>::advance_affine(double keep, double pull) {
  if (lane() > n_) return 0;
  const double step = 2 * (affine_x_ - affine_prox(affine_q_));
  affine_q_ = keep * (affine_q_ + step) + pull * affine_anchor_;
  reflect_affine();
  return step * step;
}

// A restart that multiplies the threshold by `factor`: the scale moves by the same rule, from the singletons' own ways.
template <class T, bool Noise>
__device__ __forceinline__ void Solver<T, Noise>::restart_affine(double factor) {
  const double z = affine_prox(affine_q_), way = z - affine_prox(affine_anchor_);
  const double rest = affine_q_ - affine_anchor_ - way;
  const double near = over_lanes(lane() > 0 ? way * way : 0), dual = over_lanes(lane() > 0 ? rest * rest : 0);
  const bool moves = near > 0 && dual > 0 && scales_move();
  const double move = moves ? sqrt(capped_move(kMoveRatio * sqrt(near / dual)) / factor) : 1;
  const double u = factor * move * (affine_q_ - z);
  affine_anchor_ = affine_q_ = z / move + u;
  affine_x_ = z / move - u;
  affine_scale_ *= move;
}

// Puts what s stands for where affine() finds it: the constant, then the singletons.
template <class T, bool Noise>
__device__ __forceinline__ void Solver<T, Noise>::show_affine(double s) {
  const double total = over_lanes(lane() > 0 && lane() <= n_ ? s : 0);
  __syncthreads();
  if (threadIdx.x < 32 && lane() <= n_) {
    members_.put(static_cast<unsigned>(lane()), affine_scale_ * (lane() == 0 ? s - total / 2 : s));
  }
  __syncthreads();
}

}  // namespace
}  // namespace cuda
}  // namespace harsanyi
