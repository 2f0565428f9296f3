// The whole of a run: steps, looks at the gap, and the way from f32 to f64.
#pragma once

#include <algorithm>
#include <cstring>
#include <numeric>

#include "simplex.hpp"
#include "solver.hpp"

namespace harsanyi {

// From now on only the smallest share of the best pair's coefficients is thresholded and counted.
template <class T>
void Solver<T>::loosen() noexcept {
  for (size_t i = 0; i < count_; ++i) {
    x_[0][i] = static_cast<T>(sample_.and_[i]);
    if (x_[1] != nullptr) x_[1][i] = static_cast<T>(sample_.or_[i]);
  }
  best_ = cost_of_smallest(x_[0], x_[1], &free_from_);
}

// Whether the heuristic goes on: as long as it gains, and a while longer.
template <class T>
bool Solver<T>::gains(int64_t checks) noexcept {
  loosen();
  bound_ = 0;
  if (best_ < gained_ * (1 - options_.gap)) {
    gained_ = best_;
    patient_until_ = checks + kPatience;
  }
  return checks < patient_until_;
}

// Bound and candidates besides the projected point; the `checks`th time. Uses x.
template <class T>
void Solver<T>::look(int64_t checks) noexcept {
  if (turn_ == Turn::both && checks % 2 == 0) from_thresholds(checks % 4 == 0);
  if (turn_ == Turn::pair) {
    if (polishes(bound_)) polish_point();
  } else if (!std::isfinite(free_from_)) {
    if (fits()) {
      find_fitted_bound();
    } else {
      T* const y = find_bound();
      if (polishes(bound_)) {
        polish_bound(y);
        if (plan_.noise && turn_ == Turn::both) polish_point();
      }
    }
  }
  reflect_all();
}

// Steps until the gap is reached, which it returns, or to the last one.
template <class T>
bool Solver<T>::iterate() noexcept {
  bool done = reached();
  const auto next = [&] {
    if (plan_.heuristic) return steps_ + options_.check_every;
    return next_look(steps_, options_.check_every, gap(), options_.gap);
  };
  int64_t look_at = judged_ ? next() : std::min(next(), steps_ + kFirstLook);
  for (int64_t checks = 0; !done && steps_ + pivots_ < options_.max_steps;) {
    ++steps_;
    const bool looks = steps_ == look_at || steps_ + pivots_ == options_.max_steps;
    double size;
    if (plan_.noise && !joint() && !looks && !std::isfinite(free_from_)) {
      size = move_on();
    } else {
      if (looks && plan_.noise && !joint()) reflect_noise();
      project();
      if (looks) {
        unfold();
        if (turn_ != Turn::bound) look_at_point();
      }
      size = advance();
    }
    if (looks) {
      look(checks++);
      looked_ = true;
      look_at = next();
      done = reached();
      if (interrupt_.stopped()) break;
      if (!judged_ && !done && std::isfinite(best_)) {
        judged_ = true;
        if (has_large_singles()) {
          singles_ = kSingles;
          scale_ = 1;
          stretch_ = 0;
          start();
          continue;
        }
      }
      if (options_.share < 1 && std::isfinite(best_) && (done || std::isfinite(free_from_))) {
        done = !gains(checks);
        reflect_all();
      }
      if (wide_ != nullptr && !done && stalls()) break;
      if (!done && takes_turns() && turn_is_over(turn_, steps_, turned_at_, gap(), options_.gap)) {
        const Turn turn = next_turn(turn_);
        take_turn(turn, turn == Turn::pair ? sample_.dual : nullptr);
        continue;
      }
    }
    if (restart(size) && wide_ != nullptr && plan_.noise && loses_much()) break;
    if (!done && crossing_is_due()) {
      cross_over();
      done = reached();
    }
  }
  return done;
}

template <class T>
harsanyi_decompose_report Solver<T>::report(bool done) noexcept {
  harsanyi_decompose_report report = {best_, bound_, steps_ + pivots_, HARSANYI_DECOMPOSE_NOT_FOUND};
  if (std::isfinite(best_)) {
    report.status = done ? HARSANYI_DECOMPOSE_OPTIMAL : HARSANYI_DECOMPOSE_MAX_STEPS;
    if (options_.share < 1) report.status = HARSANYI_DECOMPOSE_HEURISTIC;
    finish();
  } else {
    std::fill(sample_.and_, sample_.and_ + all_, NAN);
    std::fill(sample_.or_, sample_.or_ + all_, NAN);
  }
  interrupt_.finished_one();
  return report;
}

// Whether the box has room for all but a constant of each game.
template <class T>
bool Solver<T>::box_holds_all() const noexcept {
  for (int k = 0; k < plan_.networks; ++k) {
    const auto [low, high] = std::minmax_element(sample_.v + offset(k), sample_.v + offset(k) + count_);
    if (!(*high - *low <= 2 * zeta(k))) return false;
  }
  return true;
}

// The empty set, which costs nothing, has the middle, and the noise the rest.
template <class T>
harsanyi_decompose_report Solver<T>::report_constant() noexcept {
  for (double* part : {sample_.and_, sample_.or_, sample_.dual}) std::memset(part, 0, all_ * sizeof(double));
  for (int k = 0; k < plan_.networks; ++k) {
    const double *const v = sample_.v + offset(k), bound = zeta(k);
    const auto [low, high] = std::minmax_element(v, v + count_);
    const double middle = *low + (*high - *low) / 2;
    sample_.and_[offset(k)] = middle - origin(k);
    for (size_t i = 0; plan_.noise && i < count_; ++i) {
      sample_.delta[offset(k) + i] = std::min(std::max(v[i] - middle, -bound), bound);
    }
  }
  best_ = 0;
  return report(true);
}

template <class T>
harsanyi_decompose_report Solver<T>::run(Solver<float>* first) noexcept {
  measure();
  if (plan_.and_only && !plan_.noise) return and_alone();
  if (!(plain_ > 0) || (plan_.noise && box_holds_all())) return report_constant();
  if (plan_.pivots) {
    if (finds_vertex()) return report(true);
    if (interrupt_.stopped()) return report(false);
  }
  if constexpr (sizeof(T) == sizeof(double)) {
    if (first != nullptr && first->begins_ahead(*this)) {
      bool claims = first->iterate();
      while (weigh(*first, claims)) claims = first->iterate();
      if (std::isfinite(first->last_size_)) return run_after(*first);
    }
  }
  start();
  return report(iterate());
}

// Where the optimum with noise has few terms, it is found exactly.
template <class T>
bool Solver<T>::finds_vertex() noexcept {
  if constexpr (sizeof(T) == sizeof(double)) {
    if (!has_box()) return false;
    const int64_t most = std::min(Simplex<double>::most_pivots(plan_.n), options_.max_steps / 2);
    const bool warm = options_.warm_start != 0, in_f32 = !warm && pivots_in_f32();
    bool found = true;
    Basis reached_first;
    if (in_f32) {
      Simplex<float> first(table_, plan_, sample_, scratch_, options_.gap, interrupt_);
      found = first.run(most, false);
      steps_ = first.pivots();
      reached_first = first.basis();
    }
    if (found) {  // in the memory of the first, which is done with
      Simplex<double> simplex(table_, plan_, sample_, scratch_, options_.gap, interrupt_);
      found = in_f32 ? simplex.go_on(reached_first, steps_, most) : simplex.run(most, warm);
      steps_ = simplex.pivots();
      if (found) {
        std::memset(sample_.dual, 0, all_ * sizeof(double));
        try_vertex(simplex);
        for (const bool raised : {true, false}) find_bound_of(simplex.multipliers(raised), simplex.spare());
      }
    }
    crosses_at_ += steps_;
    if (!found) return false;
  }
  return reached();
}

// Whether f32 does for the vectors of the simplex methods: for the gap, and for the game's numbers.
template <class T>
bool Solver<T>::pivots_in_f32() const noexcept {
  const bool pays = plan_.n >= kLeastPivotPlayers && options_.gap >= kLeastPivotGap;
  return pays && plan_.begins_in_f32 && !plan_.excluded && fits_f32();
}

template <class T>
template <class Vertex>
void Solver<T>::try_vertex(const Vertex& simplex) noexcept {
  try_pair(simplex.and_part(), plan_.and_only ? nullptr : simplex.or_part(), simplex.noise(), 1);
}

// The iteration knows the optimum's terms and subsets long before it has their values, and those of the pair come last.
template <class T>
bool Solver<T>::crossing_is_due() const noexcept {
  const bool pivots = wide_ != nullptr ? wide_->plan_.pivots : plan_.pivots;
  if (!pivots || plan_.band_from > 0 || plan_.band_to < plan_.n) return false;  // an order is free
  return stretch_ == 0 && turn_ == Turn::both && has_box() && pivots_left() > 0 &&
         ::harsanyi::crossing_is_due(steps_, crossed_at_, crosses_at_, gap(), options_.gap);
}

template <class T>
void Solver<T>::cross_over() noexcept {
  const double before = bound_;
  const double* vertex = nullptr;  // its multipliers
  if constexpr (sizeof(T) == sizeof(double)) {
    if (make_vertex()) vertex = x_[0];
  } else {
    const size_t all = 3 * count_;
    double* const end = wide_->scratch_.memory + Solver<double>::vectors(wide_->plan_) * count_;
    float* const kept = reinterpret_cast<float*>(end - kKept * count_);
    std::memcpy(kept, q_[0], all * sizeof(float));
    std::copy(kept, kept + all, wide_->q_[0]);
    wide_->take_over(*this);
    if (wide_->make_vertex()) vertex = wide_->x_[0];
    take_over(*wide_);
    std::memcpy(q_[0], kept, all * sizeof(float));
  }
  if (vertex != nullptr && takes_turns() && !reached()) {
    return take_turn(Turn::bound, bound_ > before ? vertex : sample_.dual);
  }
  begin();
}

// Whether a pair was found; then its multipliers are in x. Uses all but q.
template <class T>
bool Solver<T>::make_vertex() noexcept {
  if constexpr (sizeof(T) == sizeof(double)) {
    DecomposeScratch<double> behind = scratch_;
    behind.memory = x_[0];
    bool found = false;
    const auto cross = [&](auto&& simplex) {
      const int64_t most = std::min(kCrossingPivots, pivots_left());
      const size_t terms = most_crossing_terms(scratch_.basis.most(), steps_, count_);
      found = simplex.cross_over({{q_[0], q_[1], q_[2]}, thresholds(), unit_, scale_, terms}, most);
      if (found) {
        try_vertex(simplex);
        if (simplex.improve(std::min(kImprovingPivots, pivots_left() - simplex.pivots()))) try_vertex(simplex);
        find_bound_of(simplex.multipliers(true), simplex.spare());
      }
      pivots_ += simplex.pivots();
    };
    if (pivots_in_f32()) {
      cross(Simplex<float>(table_, plan_, sample_, behind, options_.gap, interrupt_));
    } else {
      cross(Simplex<double>(table_, plan_, sample_, behind, options_.gap, interrupt_));
    }
    crossed_at_ = steps_;
    crosses_at_ = static_cast<int64_t>((found ? kNextCrossing : kNextTry) * static_cast<double>(steps_));
    return found;
  }
  return false;
}

// Where another one has come, but for its point.
template <class T>
template <class U>
void Solver<T>::take_over(const Solver<U>& other) noexcept {
  plain_ = other.plain_;
  spread_ = other.spread_;
  total_ = other.total_;
  best_ = other.best_;
  bound_ = other.bound_;
  steps_ = other.steps_;
  pivots_ = other.pivots_;
  crossed_at_ = other.crossed_at_;
  crosses_at_ = other.crosses_at_;
  turn_ = other.turn_;
  turned_at_ = other.turned_at_;
  turned_back_ = other.turned_back_;
  singles_ = other.singles_;
  judged_ = other.judged_;
  unit_ = static_cast<T>(other.unit_);
  scale_ = other.scale_;
  affine_scale_ = other.affine_scale_;
}

// Whether f32 can hold the game's numbers and their squares.
template <class T>
bool Solver<T>::fits_f32() const noexcept {
  return plain_ < 1e15 && plain_ > 1e-10 * static_cast<double>(count_);
}

// The beginning of a run in f64.
template <class T>
bool Solver<T>::begins_ahead(Solver<double>& wide) noexcept {
  take_over(wide);
  if (!fits_f32()) return false;
  wide_ = &wide;
  last_size_ = 0;
  start();
  return true;
}

// Whether rounding keeps f32 from the gap: nothing gained over half of the steps, or with noise, where the gap stands
// still for long in f64 too, over three quarters of them.
template <class T>
bool Solver<T>::stalls() noexcept {
  if (gap() < 0.95 * gained_) {
    gained_ = gap();
    gained_at_ = steps_;
  }
  return steps_ > (plan_.noise ? 4 : 2) * gained_at_ + 100;
}

// Of the point where the last stretch began.
template <class T>
double Solver<T>::norm() const noexcept {
  constexpr size_t lanes = 8;
  T sums[lanes] = {};
  for (const T* q : q_) {
    for (size_t i = 0; q != nullptr && i + lanes <= all_; i += lanes) {
      for (size_t l = 0; l < lanes; ++l) sums[l] += q[i + l] * q[i + l];
    }
  }
  return std::sqrt(static_cast<double>(std::accumulate(sums, sums + lanes, T{0})));
}

// What f32 found, weighed in f64. Returns whether f32 goes on: where it claims the gap wanted and misses it by little.
template <class T>
bool Solver<T>::weigh(Solver<float>& first, bool claims) noexcept {
  if (!std::isfinite(first.last_size_)) return false;
  take_over(first);
  if (std::isfinite(best_)) {
    repair(true);
    best_ = cost(sample_.and_, sample_.or_);
  }
  bound_ = 0;
  std::copy(sample_.dual, sample_.dual + count_, q_[0]);
  find_bound_of(q_[0], q_[1]);
  if (!claims || first.options_.gap > options_.gap || gap() > kMissed * options_.gap) return false;
  if (reached() || steps_ + pivots_ >= options_.max_steps || interrupt_.stopped()) return false;
  first.best_ = best_;
  first.bound_ = bound_;
  return true;
}

// The rest of it: on from the point of f32, where what it found is not enough.
template <class T>
harsanyi_decompose_report Solver<T>::run_after(Solver<float>& first) noexcept {
  if (reached() || steps_ + pivots_ >= options_.max_steps || interrupt_.stopped()) return report(reached());
  if (first.turn_ != Turn::both) {
    first.turned_back_ = true;
    first.take_turn(Turn::both, nullptr);
    turn_ = Turn::both;
    turned_at_ = first.turned_at_;
    unit_ = static_cast<T>(first.unit_);
  }
  for (int b = 0; b < 3; ++b) {
    if (q_[b] != nullptr) std::copy(first.q_[b], first.q_[b] + count_, q_[b]);
  }
  std::copy(first.affine_[0], first.affine_[0] + kAffine, affine_[0]);
  if (plan_.noise) {
    build_blocks();
  } else {
    rotate_values();
  }
  begin();
  return report(iterate());
}

}  // namespace harsanyi
