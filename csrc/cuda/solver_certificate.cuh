// Candidates, bound and result of the solver.
#pragma once

#include "solver.cuh"

namespace harsanyi {
namespace cuda {
namespace {

// weight |x|; what is excluded must be zero up to rounding.
template <class T, bool Noise>
__device__ __forceinline__ double Solver<T, Noise>::cost(T x, unsigned i) const {
  const double size = static_cast<double>(x < 0 ? -x : x), w = static_cast<double>(weight(i));
  if (w == INFINITY) return size <= 1e-12 * held(kPlain) ? 0 : INFINITY;
  return size > 0 ? w * size : 0;
}

// Keeps the pair a(i), o(i) with the noise d(i) if its cost is less than the best.
template <class T, bool Noise>
template <class A, class O, class D>
__device__ __forceinline__ void Solver<T, Noise>::keep(double value, const A& a, const O& o, const D& d) {
  if (!(value < held(kBest))) return;
  hold(kBest, value);
  each([&](unsigned i) {
    const bool excluded = weight(i) == static_cast<T>(INFINITY);
    and_[i] = excluded ? 0 : static_cast<double>(a(i));
    or_[i] = excluded ? 0 : static_cast<double>(o(i));
    if (Noise) delta_[i] = clip(static_cast<double>(d(i)), held(kZeta));
  });
}

// The projected point solves the constraint. Its noise, clipped, leaves a rest, which goes to the pair with the
// smallest sum of squares that explains it.
template <class T, bool Noise>
__device__ __forceinline__ void Solver<T, Noise>::from_points() {
  double value = 0;
  if (!Noise) {
    show_affine(affine_x_);
    const auto a = [&](unsigned i) { return x_[0].get(i) + affine(i); };
    const auto o = [&](unsigned i) { return x_[1].get(i); };
    each([&](unsigned i) { value += cost(a(i), i) + cost(o(i), i); });
    return keep(team_.sum(value), a, o, [](unsigned) { return T(0); });
  }
  const auto noise = [&](unsigned i) { return static_cast<T>(scale_) * x_[kBlocks - 1].get(i); };
  each([&](unsigned i) { t1_.put(i, noise(i) - clip(noise(i), static_cast<T>(held(kZeta)))); });
  in_place(General<T>{T(kSine - kCosine), T(kCosine), T(kCosine + kSine), T(-kSine)}, t1_);
  each([&](unsigned i) { t1_.put(i, t1_.get(i) * inverse_.get(static_cast<unsigned>(__popc(i)))); });
  in_place(General<T>{T(kSine - kCosine), T(kCosine + kSine), T(kCosine), T(-kSine)}, t1_);
  transform(team_, n_, OrSynthesis{}, t1_, t2_, SupersetZeta{}, t1_, t1_);
  const auto a = [&](unsigned i) { return x_[0].get(i) + t1_.get(i); };
  const auto o = [&](unsigned i) { return x_[1].get(i) + t2_.get(i); };
  each([&](unsigned i) { value += cost(a(i), i) + cost(o(i), i); });
  keep(team_.sum(value), a, o, noise);
}

// The thresholded point does not: what it leaves is noise as far as the box holds it, and the rest goes to one kind.
// Uses x.
template <class T, bool Noise>
__device__ __forceinline__ void Solver<T, Noise>::from_thresholds(bool keep_or) {
  const Vec<T>& noise = x_[kBlocks - 1];
  if (!Noise) show_affine(affine_prox(affine_q_));
  const auto near = [&](int b, unsigned i) { return prox(b, q_[b].get(i), i) + (b == 0 ? affine(i) : T(0)); };
  each([&](unsigned i) {
    x_[0].put(i, near(0, i));
    x_[1].put(i, near(1, i));
  });
  in_place(Zeta{}, x_[0], OrSynthesis{}, x_[1]);
  each([&](unsigned i) {
    T rest = value(i) - x_[0].get(i) - x_[1].get(i);
    if (Noise) {
      const T delta = clip(rest, static_cast<T>(held(kZeta)));
      rest -= delta;
      noise.put(i, delta);
    }
    x_[0].put(i, rest);
  });
  if (keep_or) {
    in_place(Mobius{}, x_[0]);
  } else {
    in_place(OrAnalysis{}, x_[0]);
  }
  const auto a = [&](unsigned i) { return keep_or ? x_[0].get(i) + near(0, i) : near(0, i); };
  const auto o = [&](unsigned i) { return keep_or ? near(1, i) : near(1, i) + x_[0].get(i); };
  double value = 0;
  each([&](unsigned i) { value += cost(a(i), i) + cost(o(i), i); });
  keep(team_.sum(value), a, o, [&](unsigned i) { return noise.get(i); });
}

// The y whose A^T y is nearest to the multipliers in x, which is used up; x[1] stays free.
template <class T, bool Noise>
__device__ __forceinline__ const Vec<T>& Solver<T, Noise>::explain_multipliers() {
  if (Noise) {
    in_place(Zeta{}, x_[0], OrSynthesis{}, x_[1]);
    const T scale = static_cast<T>(scale_);
    each([&](unsigned i) { x_[0].put(i, x_[0].get(i) + x_[1].get(i) + scale * x_[kBlocks - 1].get(i)); });
    solve(x_[0], t1_);
    return t1_;
  }
  const T t = static_cast<T>(kTangent);
  in_place(Reflect<T>{t}, x_[0], Rotate<T>{t}, x_[1]);
  each([&](unsigned i) {
    const unsigned m = static_cast<unsigned>(__popc(i));
    x_[0].put(i, (x_[0].get(i) + ratio_.get(m) * x_[1].get(i)) * inverse_.get(m));
  });
  const T c = static_cast<T>(kCosine);  // of the unscaled rotations
  in_place(General<T>{c * T(kSine - kCosine), c * T(kCosine + kSine), c * T(kCosine), c * T(-kSine)}, x_[0]);
  return x_[0];
}

// The multipliers q - z as a bound; returns their y. Uses x.
template <class T, bool Noise>
__device__ __forceinline__ const Vec<T>& Solver<T, Noise>::find_bound() {
  each([&](unsigned i) {
#pragma unroll
    for (int b = 0; b < kBlocks; ++b) {
      const T q = q_[b].get(i);
      x_[b].put(i, q - prox(b, q, i));
    }
  });
  const Vec<T>& y = explain_multipliers();
  find_bound_of(y);
  return y;
}

// Over-relaxed projections of A^T y on the thresholds and back on the range of A^T. Uses x.
template <class T, bool Noise>
__device__ __forceinline__ void Solver<T, Noise>::polish_bound(const Vec<T>& y) {
  const T keep = static_cast<T>(1 - kPolishRelax), move = static_cast<T>(kPolishRelax);
  for (int i = 0; i < polish_count(n_, Noise); ++i) {
    if (Noise) each([&](unsigned s) { x_[kBlocks - 1].put(s, static_cast<T>(scale_) * y.get(s)); });
    transform(team_, n_, OrSynthesis{}, y, x_[1], SupersetZeta{}, y, x_[0]);
    each([&](unsigned s) {
      const T bound = unit_ * weight(s);
#pragma unroll
      for (int b = 0; b < 2; ++b) x_[b].put(s, keep * x_[b].get(s) + move * clip(x_[b].get(s), bound));
    });
    explain_multipliers();
  }
  find_bound_of(y);
}

// The projected point, between the constraint and the box of its noise. Uses x.
template <class T, bool Noise>
__device__ __forceinline__ void Solver<T, Noise>::polish_point() {
  const T keep = static_cast<T>(1 - kPolishRelax), move = static_cast<T>(kPolishRelax);
  const Vec<T>& noise = x_[kBlocks - 1];
  reflect_all();
  for (int i = 0;; ++i) {
    project();
    if (i == polish_count(n_, Noise)) break;
    each([&](unsigned s) { noise.put(s, keep * noise.get(s) + move * clip(noise.get(s), noise_unit_)); });
  }
  from_points();
}

template <class T, bool Noise>
__device__ __forceinline__ void Solver<T, Noise>::find_bound_of(const Vec<T>& y) {
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
  double products[3] = {};
  each([&](unsigned i) {
    const T value_of_y = in_band(i) ? y.get(i) - mean : T(0);
    y.put(i, value_of_y);
    const double product = static_cast<double>(value(i)) * static_cast<double>(value_of_y);
    products[0] += product;
    products[1] += static_cast<double>(value_of_y < 0 ? -value_of_y : value_of_y);
    products[2] += product < 0 ? -product : product;
  });
  team_.sum(products);
  const Vec<T>& image = x_[1];
  double most = 0;
  for (int kind = 0; kind < 2; ++kind) {
    if (kind == 0) {
      transform(team_, n_, SupersetZeta{}, y, image);
    } else {
      transform(team_, n_, OrSynthesis{}, y, image);
    }
    each([&](unsigned i) {
      const double w = static_cast<double>(weight(i)), x = static_cast<double>(image.get(i));
      const double ratio = w > 0 ? (x < 0 ? -x : x) / w : 0;
      most = ratio > most ? ratio : most;
    });
  }
  // What f64 may lose of the sums is taken off, as on the CPU.
  const double norm = team_.maximum(most), lost = bound_rounding(n_), box = held(kZeta) * products[1];
  const double sure = norm + lost * largest_inverse_weight(plan_.weight, n_) * products[1];
  const double bound = (products[0] - box - lost * (products[2] + box)) / sure;
  if (!(norm > 0 && bound > held(kBound))) return;
  hold(kBound, bound);
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
    transform(team_, n_, Zeta{}, rest, rest, OrSynthesis{}, other, other);
    each([&](unsigned i) {
      const double delta = Noise ? delta_[i] : 0;
      rest.put(i, (v_[i] - held(kOrigin)) - delta - (rest.get(i) + other.get(i)));
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
    and_[0] = held(kOrigin) - (Noise ? delta_[0] : 0);
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
  hold(kOrigin, v_[0]);
  hold(kZeta, Noise ? job_.zetas[sample] : 0);
  hold(kBest, INFINITY);
  hold(kBound, 0);
  hold(kLastGap, INFINITY);
  hold(kPolishedAt, 0);
  hold(kStood, INFINITY);
  hold(kLooked, 0);
  steps_ = stretch_ = 0;
  start();
  bool done = !(held(kPlain) > 0 && held(kPlain) < INFINITY);  // constant, or not finite
  if (done) {
    const double all = held(kPlain) == 0 ? 0 : NAN;
    hold(kBest, all);
    each([&](unsigned i) {
      and_[i] = or_[i] = all;
      if (Noise) delta_[i] = all;
    });
  }
  int look_at = static_cast<int>(next_look(0, job_.check_every, 1, job_.gap));
  for (int checks = 0; !done && steps_ < job_.max_steps;) {
    project();
    ++steps_;
    const bool look = steps_ == look_at || steps_ == job_.max_steps;
    if (look) from_points();
    const double size = advance();
    if (look) {
      if (checks % 2 == 0) from_thresholds(checks % 4 == 0);
      ++checks;
      const Vec<T>& y = find_bound();
      if (polish_is_due(1 - held(kBound) / held(kBest), job_.gap, steps_, static_cast<int64_t>(held(kPolishedAt)))) {
        hold(kPolishedAt, steps_);
        polish_bound(y);
        if (Noise) polish_point();
      }
      const double best = held(kBest), bound = held(kBound);
      hold(kLastGap, 1 - bound / best);
      hold(kLooked, 1);
      look_at = static_cast<int>(next_look(steps_, job_.check_every, 1 - bound / best, job_.gap));
      reflect_all();
      done = best < INFINITY && (best - bound <= job_.gap * best || best <= 1e-12 * held(kPlain));
    }
    restart(size);
  }
  harsanyi_decompose_report report = {held(kBest), held(kBound), steps_, HARSANYI_DECOMPOSE_NOT_FOUND};
  if (report.objective < INFINITY) {
    report.status = done ? HARSANYI_DECOMPOSE_OPTIMAL : HARSANYI_DECOMPOSE_MAX_STEPS;
    finish();
  } else {
    each([&](unsigned i) { and_[i] = or_[i] = NAN; });
  }
  if (team_.thread() == 0) job_.reports[sample] = report;
}

}  // namespace
}  // namespace cuda
}  // namespace harsanyi
