// When the decomposition starts again and how its scales move: one set of rules for the CPU and for CUDA devices.
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "../lattice/bits.hpp"

namespace harsanyi {

constexpr double kPhi = 1.61803398874989484820;                                     // the golden ratio
constexpr double kSine = 0.52573111211913360603, kCosine = 0.85065080835203993218;  // tangent 1 / phi

// When a restart comes: the step has shrunk to the first share of what it was after the last one, or to the second
// and grows again, or the stretch is the third share of all steps. Then the threshold moves by kMoveRatio times the
// ratio of the ways, at most by kMostMove. Measured on trained and planted games, n = 8..14: the first two shares
// hardly matter.
constexpr double kShrunk = 0.25, kShrunkGrowing = 0.7;
HARSANYI_HD constexpr double longest_stretch(bool noise) { return noise ? 0.15 : 0.2; }
constexpr double kMoveRatio = 1.25, kMostMove = 10;
// The noise block's scale moves by the same rule with a share of the ratio of its own ways; a small move is not worth
// new inverses, and neither are the first few steps.
constexpr double kNoiseRatio = 0.7, kLeastMove = 1.25;
// After a warm start nothing moves at first, the threshold neither: the first ways are small and say nothing.
constexpr int kFirstMove = 8, kFirstWarmMove = 60;
// With noise singletons are thresholded kSingles times as much as others, where in the first pair, after kFirstLook
// steps, they are more than kLarge times the mean coefficient: then they have the furthest to go. From another metric's
// point there is little to gain, so it begins again. (Not on devices.)
constexpr double kSingles = 64, kLarge = 20;
constexpr int64_t kFirstLook = 10;
// In that metric the point at a threshold that serves both pair and bound knows the optimum long before either is
// near it, and each comes near within some tens of steps at a threshold of its own: a bound at one so large that the
// multipliers hardly move but for what they violate, a pair at a small one. So between kFirstTurn and kLastTurn
// steps, once the gap is below kTurnNear times the one wanted, they take turns, each for a share of the steps so
// far: first the bound, then from the best pair and the best multipliers the pair, then both as before: the first
// time from there, later from where they were. What has not ended by then is led astray more often than not.
// Thresholds as multiples of the pair's mean coefficient. (Not on devices.)
enum class Turn { both, bound, pair };
constexpr int64_t kFirstTurn = 400, kLastTurn = 2000, kLeastTurn = 40;
constexpr double kTurnNear = 30, kBoundLasts = 0.14, kPairLasts = 0.3, kBothLasts = 0.3;
constexpr double kBoundThreshold = 3000, kPairThreshold = 2;

HARSANYI_HD constexpr Turn next_turn(Turn turn) {
  return turn == Turn::both ? Turn::bound : (turn == Turn::bound ? Turn::pair : Turn::both);
}

// Whether the turn that began at step `since`, 0 for the first one, is over.
HARSANYI_HD inline bool turn_is_over(Turn turn, int64_t steps, int64_t since, double gap, double wanted) {
  if (turn == Turn::both && !(gap <= kTurnNear * wanted && steps <= kLastTurn)) return false;
  const double lasts = turn == Turn::bound ? kBoundLasts : (turn == Turn::pair ? kPairLasts : kBothLasts);
  const double end = (1 + lasts) * static_cast<double>(since);
  return steps >= (since == 0 ? kFirstTurn : since + kLeastTurn) && static_cast<double>(steps) >= end;
}

// The threshold at the beginning of a turn for one of them, for a pair of that cost of `count` coefficients.
HARSANYI_HD inline double turn_threshold(Turn turn, double best, double count) {
  return (turn == Turn::bound ? kBoundThreshold : kPairThreshold) * best / count;
}

// A run in f64 begins in f32 down to there.
HARSANYI_HD constexpr double single_gap(int n) { return n > 18 ? 1e-4 * (1 << (n - 18)) : 1e-4; }
// Where what f32 found turns out to miss the gap by no more than this, it goes on.
constexpr double kMissed = 1.25;
// With noise f32 loses up to a fifth of phi^n eps / scale of a point in each projection. Where that is much the
// iteration runs away (random games in a narrow box let the scale fall and fall), and before that the gap stops at some
// 30 times it. It is below 2e-5 on trained and planted games, mostly about 1e-6.
constexpr double kLost = 0.2, kMostLost = 1e-4, kLostShare = 0.015;
// Steps below this share of the point are rounding: the scales would follow it to the ends of the earth. On trained
// and planted games 155 and more times the last bit at a gap of 1e-3.
constexpr double kLeastStep = 64 * 0x1p-24;
inline double single_loss(int n, double scale) { return kLost * 0x1p-24 * pow(kPhi, n) / scale; }
// Down to this gap, and from so many players on, the simplex methods' vectors are in f32.
constexpr double kLeastPivotGap = 5e-4;
constexpr int kLeastPivotPlayers = 10;
// The simplex methods take the iteration's point up after kFirstCrossing steps, for kCrossingPivots of the dual one and
// kImprovingPivots of the primal one at most; again after so many times the steps, as that led to a pair or not, or
// when the gap is near the one wanted.
constexpr int64_t kFirstCrossing = 260, kCrossingPivots = 400, kImprovingPivots = 1200;
constexpr double kNextCrossing = 3, kNextTry = 1.5, kNextNear = 1.15, kCrossingNear = 2.5, kCrossingShare = 10;

// The most terms, up to `most`, whose inverse costs less than a quarter of the steps so far: it takes terms^3
// operations, and each pivot several times terms^2.
inline size_t most_crossing_terms(size_t most, int64_t steps, size_t count) {
  const double worth = kCrossingShare * static_cast<double>(steps) * static_cast<double>(count);
  const auto work = [](size_t terms) { return static_cast<double>(terms * terms * (terms + 100)); };
  while (most > 0 && work(most) > worth) --most;
  return most;
}

inline bool crossing_is_due(int64_t steps, int64_t last, int64_t next, double gap, double wanted) {
  return steps >= next || (last > 0 && static_cast<double>(steps) >= kNextNear * static_cast<double>(last) &&
                           gap <= kCrossingNear * wanted);
}

// The affine block's scale at the start; it moves as the threshold does.
constexpr double kAffineStart = 7;

HARSANYI_HD inline double capped_move(double move, double most = kMostMove) {
  return move < 1 / most ? 1 / most : (move > most ? most : move);
}

// A pair is best found with a small threshold, and a bound with a large one: without noise the two often settle one
// after the other, and the threshold is on its way in between. Where the gap is still more than this share of what it
// was a stretch before, it moves by this power. Not near the end: then both converge slowly, and large moves undo that.
constexpr double kStands = 0.8, kStandsPower = 4, kMostStandsMove = 30, kLeastStands = 2e-4;
constexpr int64_t kFirstStands = 60;
HARSANYI_HD inline bool gap_stands(double gap, double before, int64_t steps) {
  return steps >= kFirstStands && gap > kLeastStands && gap > kStands * before;
}

// How the threshold `unit` moves by the ratio of the ways, for games of an l1 norm of `plain` over `count` dividends, a
// pair of the cost `best` known, or infinity. It stays within kMostThreshold sqrt(count) times their means: ties can
// leave one way nothing to travel, and then rounding would be larger than the multipliers, or than the pair.
constexpr double kMostThreshold = 100;
HARSANYI_HD inline double threshold_move(double ratio, double unit, double plain, double best, double count,
                                         bool stands) {
  const double far = kMostThreshold * sqrt(count), mean = 1 / (count > 2 ? count - 1 : 1);
  const double least = best < INFINITY ? best * mean / far : 0, most = plain * mean * far;
  const double way = kMoveRatio * ratio;
  const double move = stands ? capped_move(pow(way, kStandsPower), kMostStandsMove) : capped_move(way);
  const double to = unit * move;
  if (to < least) return unit < least ? 1 : least / unit;
  return to > most ? most / unit : move;
}

// Candidates and bound are polished by projections over-relaxed by kPolishRelax, since a clip touches few entries: once
// the gap is below kPolishNear times the one asked for, and again after a while.
constexpr double kPolishRelax = 2.5, kPolishNear = 5, kPolishAgain = 1.15;
HARSANYI_HD constexpr int polish_count(int n, bool noise) { return noise ? 8 : n; }

HARSANYI_HD inline bool polish_is_due(double gap, double wanted, int64_t steps, int64_t last) {
  return gap > wanted && gap <= kPolishNear * wanted &&
         static_cast<double>(steps) >= kPolishAgain * static_cast<double>(last);
}

// The step of the next look at the gap. A look costs about two steps, and half an interval is lost at the end: the best
// interval grows with the square root of the steps, twice it if all looks were equally good. They are not; and far from
// the gap wanted half as many will do.
constexpr double kFar = 10;
HARSANYI_HD inline int64_t next_look(int64_t steps, int64_t check_every, double gap, double wanted) {
  const int64_t balanced = static_cast<int64_t>(sqrt(static_cast<double>(steps)));
  const int64_t least = gap > kFar * wanted ? 2 * check_every : check_every;
  return steps + (balanced > least ? balanced : least);
}

// Whether a stretch, so many of all steps, ends with a step of this size; first, last: the sizes of its first step and
// of the one before.
HARSANYI_HD inline bool restart_is_due(double size, double first, double last, int64_t stretch, int64_t steps,
                                       bool noise) {
  return stretch > 1 && (size <= kShrunk * first || (size <= kShrunkGrowing * first && size > last) ||
                         static_cast<double>(stretch) >= longest_stretch(noise) * static_cast<double>(steps));
}

// Of the sum of |y|: how far f64 may be from a sum of y over a set's supersets, and of its product with v.
HARSANYI_HD constexpr double bound_rounding(int n) { return (n + 2) * 0x1p-53; }
// By order from 1 on; weights may be null, for 1.
HARSANYI_HD inline double largest_inverse_weight(const double* weights, int n) {
  double largest = 0;
  for (int m = 1; m <= n; ++m) {
    const double w = weights != nullptr ? weights[m] : 1;
    if (w > 0 && 1 / w > largest) largest = 1 / w;
  }
  return largest;
}

}  // namespace harsanyi
