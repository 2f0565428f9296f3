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
  const double plain = team_.sum(size);
  hold(kPlain, plain);
  unit_ = static_cast<T>(plain / ((count_ > 2 ? count_ : 2) - 1) / (job_.penalty > 0 ? job_.penalty : 1));
  const double margin = job_.gap > 1e-4 ? job_.gap : 1e-4;
  hold(kBox, Noise && plan_.excluded ? 1 - margin / 4 : 1);
  scale_noise(1);
  if (Noise) {
    build_inverse();
  } else {
    const double scale = 1 / power(kCosine, n_);
    each([&](unsigned i) { t1_.put(i, static_cast<T>(scale * (v_[i] - held(kOrigin)))); });
    in_place(General<T>{T(kSine - kCosine), T(kCosine), T(kCosine + kSine), T(-kSine)}, t1_);
  }
  if (job_.warm_start) {
    // A fixed point has q = z + u with multipliers u = unit A^T y.
    each([&](unsigned i) {
      x_[0].put(i, static_cast<T>(dual_[i]));
      x_[1].put(i, static_cast<T>(dual_[i]));
    });
    in_place(SupersetZeta{}, x_[0], OrSynthesis{}, x_[1]);
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

// Brings what is read in every step near: the plan lies in memory, where the vectors would drive it from the cache.
template <class T, bool Noise>
__device__ __forceinline__ void Solver<T, Noise>::place_tables() {
  const auto put = [&](unsigned at, int32_t number) {
    if (threadIdx.x == 0) spins_.put(at, number);
  };
  for (int level = 0; level <= plan_.coupled; ++level) put(static_cast<unsigned>(level), plan_.level_begin[level]);
  for (int k = 0; k < plan_.spins; ++k) {
    const unsigned at = kLevelNumbers + static_cast<unsigned>(k) * kSpinNumbers;
    put(at + kSide, plan_.side[k]);
    put(at + kPaths, plan_.paths[k]);
    put(at + kFirstRow, plan_.first_row[k]);
    put(at + kFirstEntry, plan_.first_entry[k]);
  }
  const int32_t* const words = plan_part<int32_t>(plan_.tables_at);
  turns_ = Vec<const double>::in_memory(plan_part<double>(plan_.tables_at));
  if (!job_.chip_tables) return;
  const unsigned at = kVectors<T> + job_.chip_vectors * count_ * static_cast<unsigned>(sizeof(T));
  const Shared<int32_t> near(at);
  const unsigned count = static_cast<unsigned>(pair_table_bytes(plan_.coupled) / sizeof(int32_t));
  for (unsigned i = threadIdx.x; i < count; i += blockDim.x) near.put(i, words[i]);
  turns_ = Vec<const double>::on_chip(at);
}

// The blocks' inverses for the ridge scale^2: V diag(1 / (lambda + ridge)) V^T. Uses t2.
template <class T, bool Noise>
__device__ __forceinline__ void Solver<T, Noise>::build_inverse() {
  constexpr unsigned together = 4;  // entries of a column: a side above 4 is a multiple
  const double* const values = plan_part<double>(plan_.values_at);
  const double ridge = scale_ * scale_;
  const int last = plan_.spins - 1;
  const unsigned all = static_cast<unsigned>(plan_.first_value[last]) + spin(kSide, last);
  team_.sync();
  for (unsigned m = team_.thread(); m < all; m += team_.size()) t2_.put(m, static_cast<T>(1 / (values[m] + ridge)));
  team_.sync();
  for (int k = 0; k <= last; ++k) {
    const unsigned side = spin(kSide, k), first = static_cast<unsigned>(plan_.first_value[k]);
    const unsigned groups = (side + together - 1) / together;
    const double* const vt = plan_part<double>(plan_.vectors_at) + spin(kFirstEntry, k);
    T* const inverse = rest_ + spin(kFirstEntry, k);
    for (unsigned item = team_.thread(); item < side * groups; item += team_.size()) {
      const unsigned i = item % side, j = item / side * together;
      if (j + together <= i) continue;  // symmetric: the upper half is enough
      double sums[together] = {};
      for (unsigned m = 0; m < side; ++m) {
        const double* const row = vt + m * side;
        const double factor = __ldg(row + i) * static_cast<double>(t2_.get(first + m));
#pragma unroll
        for (unsigned p = 0; p < together; ++p) {
          sums[p] = fma(factor, __ldg(row + (j + p < side ? j + p : j)), sums[p]);
        }
      }
#pragma unroll
      for (unsigned p = 0; p < together; ++p) {
        if (j + p < i || j + p >= side) continue;
        inverse[(j + p) * side + i] = static_cast<T>(sums[p]);
        inverse[i * side + j + p] = static_cast<T>(sums[p]);
      }
    }
  }
  team_.sync();
}

// The Clebsch-Gordan rotations of one level.
template <class T, bool Noise>
__device__ __forceinline__ void Solver<T, Noise>::couple(int level, const Vec<T>& x) {
  constexpr unsigned together = 4;  // whose loads are under way at once
  const unsigned begin = static_cast<unsigned>(level_begin(level)), end = static_cast<unsigned>(level_begin(level + 1));
  const Vec<const int32_t> rows = pair_rows();
  const int shift = n_ - level - 1;  // rows of 2**shift entries
  const unsigned items = (end - begin) << shift;
  for (unsigned first = team_.thread(); first < items; first += together * team_.size()) {
    unsigned low[together], high[together];
    T c[together], s[together], a[together], b[together];
#pragma unroll
    for (unsigned k = 0; k < together; ++k) {
      const unsigned next = first + k * team_.size(), item = next < items ? next : first;
      const unsigned pair = 2 * (begin + (item >> shift)), column = item & ((1u << shift) - 1);
      low[k] = static_cast<unsigned>(rows.get(pair)) << shift | column;
      high[k] = static_cast<unsigned>(rows.get(pair + 1)) << shift | column;
      c[k] = static_cast<T>(turns_.get(pair));
      s[k] = static_cast<T>(turns_.get(pair + 1));
      a[k] = x.get(low[k]);
      b[k] = x.get(high[k]);
    }
#pragma unroll
    for (unsigned k = 0; k < together; ++k) {
      if (first + k * team_.size() >= items) continue;
      x.put(low[k], fma(c[k], a[k], s[k] * b[k]));
      x.put(high[k], fma(s[k], a[k], -c[k] * b[k]));
    }
  }
  team_.sync();
}

// out <- each path's rows of x times the inverse of its spin.
template <class T, bool Noise>
__device__ __forceinline__ void Solver<T, Noise>::multiply_blocks(const Vec<T>& x, const Vec<T>& out) {
  constexpr unsigned together = 4;  // paths that share a reading of the inverse
  constexpr unsigned width = 8, lanes = Pack<T>::lanes;
  const Vec<const int32_t> all_rows = path_rows();
  unsigned item = team_.thread();  // counted on from spin to spin, so that all of them are under way at once
  for (int k = 0; k < plan_.spins; ++k) {
    const unsigned side = spin(kSide, k), paths = spin(kPaths, k);
    const unsigned rows = side / width, items = (paths + together - 1) / together * side;
    for (; item < items; item += team_.size()) {
      const unsigned i = item % side, first = item / side * together;
      const unsigned row = spin(kFirstRow, k) + first * rows;
      const T* const factors = rest_ + spin(kFirstEntry, k) + i;
      T sums[together] = {};
      for (unsigned r = 0; r < rows; ++r) {
        T factor[width];
#pragma unroll
        for (unsigned q = 0; q < width; ++q) factor[q] = factors[(r * width + q) * side];
#pragma unroll
        for (unsigned p = 0; p < together; ++p) {
          // A group that is not full repeats its first path.
          const unsigned path = first + p < paths ? p : 0;
          const unsigned from = static_cast<unsigned>(all_rows.get(row + path * rows + r)) * width;
#pragma unroll
          for (unsigned q = 0; q < width; q += lanes) {
            const Pack<T> pack = x.get_pack(from + q);
#pragma unroll
            for (unsigned j = 0; j < lanes; ++j) sums[p] = fma(factor[q + j], pack.lane[j], sums[p]);
          }
        }
      }
#pragma unroll
      for (unsigned p = 0; p < together; ++p) {
        if (first + p >= paths) continue;
        out.put(static_cast<unsigned>(all_rows.get(row + p * rows + i / width)) * width + i % width, sums[p]);
      }
    }
    item -= items;
  }
}

// out <- (A A^T)^-1 x; x is used up.
template <class T, bool Noise>
__device__ __forceinline__ void Solver<T, Noise>::solve(const Vec<T>& x, const Vec<T>& out) {
  team_.sync();
  for (int level = 0; level < plan_.coupled; ++level) couple(level, x);
  if (plan_.coupled > 0) {
    multiply_blocks(x, out);
  } else {  // one block, of at most eight entries
    each([&](unsigned i) {
      T sum = 0;
      for (unsigned j = 0; j < count_; ++j) sum = fma(rest_[j * count_ + i], x.get(j), sum);
      out.put(i, sum);
    });
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
  transform(team_, n_, Zeta{}, x_[0], t1_, OrSynthesis{}, x_[1], t2_);
  each([&](unsigned i) { t1_.put(i, t1_.get(i) + t2_.get(i) + scale * noise.get(i) - value(i)); });
  solve(t1_, t2_);
  each([&](unsigned i) { noise.put(i, noise.get(i) - scale * t2_.get(i)); });
  transform(team_, n_, SupersetZeta{}, t2_, t1_, OrSynthesis{}, t2_, t2_);
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
    hold(kFirstSize, size);
    hold(kLastSize, INFINITY);
  }
  const bool due = restart_is_due(size, held(kFirstSize), held(kLastSize), stretch_, steps_, Noise);
  hold(kLastSize, size);
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
  const double ratio = sqrt(ways[0] / ways[1]);
  const bool looked = !Noise && held(kLooked) > 0, stands = looked && gap_stands(held(kLastGap), held(kStood), steps_);
  if (looked) {
    hold(kStood, held(kLastGap));
    hold(kLooked, 0);
  }
  const double factor = moves ? threshold_move(ratio, unit_, held(kPlain), held(kBest), count_, stands) : 1;
  if (!Noise) restart_affine(factor);
  double move = 1;
  if (Noise && scales_move() && (ways[2] > 0 || ways[3] > 0)) {
    move = sqrt(capped_move(kNoiseRatio * sqrt(ways[2] / ways[3])) / factor);
    if (move <= kLeastMove && move >= 1 / kLeastMove) move = 1;
  }
  each([&](unsigned i) {
#pragma unroll
    for (int b = 0; b < kBlocks; ++b) {
      const T q = q_[b].get(i), z = prox(b, q, i);
      const T near = b == 2 ? static_cast<T>(1 / move) * z : z;
      const T u = static_cast<T>(b == 2 ? factor * move : factor) * (q - z);
      anchor_[b].put(i, near + u);
      q_[b].put(i, near + u);
      x_[b].put(i, near - u);
    }
  });
  unit_ = static_cast<T>(unit_ * factor);
  if (Noise && move != 1) {
    scale_noise(scale_ * move);
    build_inverse();
  }
}

}  // namespace
}  // namespace cuda
}  // namespace harsanyi
