// When the decomposition looks at its gap, polishes and takes turns, and how its threshold moves.
#include <cmath>

#include "check.h"
#include "solver_rules.hpp"

using namespace harsanyi;

int main() {
  // Near the gap a look every 20 steps, far from it every 40, and every sqrt(steps) once that is more.
  CHECK(next_look(100, 20, 5e-3, 1e-3) == 120);
  CHECK(next_look(100, 20, 5e-2, 1e-3) == 140);
  CHECK(next_look(900, 20, 5e-3, 1e-3) == 930);
  CHECK(next_look(900, 20, 5e-2, 1e-3) == 940);

  // The gap stands where it has fallen by less than a fifth, once there were 60 steps, and not near the end.
  CHECK(gap_stands(0.85, 1, 100) && !gap_stands(0.75, 1, 100) && !gap_stands(0.85, 1, 50));
  CHECK(!gap_stands(1, INFINITY, 100) && !gap_stands(1e-4, 1e-4, 1000));

  // Polishing begins within five times the gap wanted, and again after 15 % more steps.
  CHECK(polish_is_due(4e-3, 1e-3, 100, 0) && !polish_is_due(6e-3, 1e-3, 100, 0) && !polish_is_due(1e-3, 1e-3, 100, 0));
  CHECK(!polish_is_due(4e-3, 1e-3, 114, 100) && polish_is_due(4e-3, 1e-3, 115, 100));
  CHECK(polish_count(16, false) == 16 && polish_count(16, true) == 8);

  // The threshold moves by 1.25 times the ratio, ten times at most; where the gap stands by the fourth power of that,
  // thirty times at most; and stays within bounds of the means.
  const auto moved = [](double ratio, bool stands) { return threshold_move(ratio, 1, 100, INFINITY, 100, stands); };
  CHECK(std::fabs(moved(0.8, false) - 1) < 1e-15 && std::fabs(moved(0.8, true) - 1) < 1e-15);
  CHECK(std::fabs(moved(1.2, false) - 1.5) < 1e-15 && std::fabs(moved(1.2, true) - 5.0625) < 1e-12);
  CHECK(moved(100, false) == 10 && moved(100, true) == 30);
  CHECK(moved(0.001, false) == 0.1 && moved(0.001, true) == 1.0 / 30);
  CHECK(threshold_move(100, 500, 100, INFINITY, 101, false) * 500 <= 1000 * std::sqrt(1.01) + 1e-9);

  // With noise pair and bound take turns, first after 400 steps and within thirty times the gap wanted.
  CHECK(next_turn(Turn::both) == Turn::bound && next_turn(Turn::bound) == Turn::pair);
  CHECK(next_turn(Turn::pair) == Turn::both);
  CHECK(turn_is_over(Turn::both, 400, 0, 3e-2, 1e-3) && !turn_is_over(Turn::both, 399, 0, 3e-2, 1e-3));
  CHECK(!turn_is_over(Turn::both, 900, 0, 4e-2, 1e-3) && !turn_is_over(Turn::both, 900, 0, NAN, 1e-3));
  CHECK(turn_is_over(Turn::both, 2000, 0, 1e-2, 1e-3) && !turn_is_over(Turn::both, 2001, 0, 1e-2, 1e-3));
  CHECK(turn_is_over(Turn::both, 1300, 1000, 1e-2, 1e-3) && !turn_is_over(Turn::both, 1299, 1000, 1e-2, 1e-3));
  // Then each lasts for a share of the steps before it, at least 40.
  CHECK(turn_is_over(Turn::bound, 1141, 1000, 1, 1e-3) && !turn_is_over(Turn::bound, 1139, 1000, 1, 1e-3));
  CHECK(turn_is_over(Turn::pair, 1300, 1000, 1, 1e-3) && !turn_is_over(Turn::pair, 1299, 1000, 1, 1e-3));
  CHECK(!turn_is_over(Turn::bound, 139, 100, 1, 1e-3) && turn_is_over(Turn::bound, 140, 100, 1, 1e-3));
  CHECK(turn_threshold(Turn::bound, 2, 4000) == 1.5 && turn_threshold(Turn::pair, 2, 4000) == 1e-3);
  return check_report("test_rules");
}
