// Players without effect: found, taken out of vectors and put back, against the definition; and a decomposition with
// them is that of the others, to the bit.
#include "null_players.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "check.h"
#include "harsanyi/sparse.hpp"
#include "random.hpp"

namespace {

using Vector = std::vector<double>;

// The subset of the players that stay, numbered anew.
unsigned rank(unsigned set, unsigned nulls, int n) {
  unsigned result = 0;
  int at = 0;
  for (int player = 0; player < n; ++player) {
    if ((nulls >> player & 1) != 0) continue;
    result |= (set >> player & 1) << at++;
  }
  return result;
}

int members(unsigned set) { return __builtin_popcount(set); }

// Vectors of n players that do not depend on the null ones.
Vector blown_up(const Vector& small, unsigned nulls, int n, int networks) {
  const std::size_t inner = small.size() / static_cast<std::size_t>(networks);
  Vector v;
  for (std::size_t k = 0; k < static_cast<std::size_t>(networks); ++k) {
    for (unsigned set = 0; set < 1u << n; ++set) v.push_back(small[k * inner + rank(set, nulls, n)]);
  }
  return v;
}

void test_moves(unsigned nulls, int n, int networks) {
  using namespace harsanyi;
  const int rest = n - members(nulls);
  Random random(nulls + 1);
  const Vector all = random.vector<double>(static_cast<std::size_t>(networks) << n);
  for (const Without how : {Without::drop, Without::add}) {
    Vector expected(static_cast<std::size_t>(networks) << rest);
    for (std::size_t i = 0; i < all.size(); ++i) {
      const unsigned set = static_cast<unsigned>(i & ((1u << n) - 1));
      if (how == Without::drop && (set & nulls) != 0) continue;
      expected[((i >> n) << rest) + rank(set, nulls, n)] += all[i];
    }
    Vector found(all.size() / 2), in_place = all;
    drop_players(nulls, n, networks, how, all.data(), found.data());
    drop_players(nulls, n, networks, how, in_place.data(), in_place.data());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      CHECK(std::fabs(found[i] - expected[i]) <= 1e-12 && in_place[i] == found[i]);
    }
  }
  const Vector small = random.vector<double>(static_cast<std::size_t>(networks) << rest);
  for (const With how : {With::zero, With::copy}) {
    Vector x(all.size());
    std::copy(small.begin(), small.end(), x.begin());
    insert_players(nulls, n, networks, how, x.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const unsigned set = static_cast<unsigned>(i & ((1u << n) - 1));
      const double one = small[((i >> n) << rest) + rank(set, nulls, n)];
      CHECK(x[i] == ((set & nulls) != 0 && how == With::zero ? 0 : one));
    }
  }
}

void test_finding() {
  const Vector small = Random(1).vector<double>(8);
  for (const unsigned nulls : {0u, 1u, 4u, 9u, 24u}) {
    const int n = 3 + members(nulls);
    Vector v = blown_up(small, nulls, n, 1);
    CHECK(harsanyi::find_null_players(v.data(), n, 1) == nulls);
    if (nulls == 0) continue;
    v.back() = std::nextafter(v.back(), 2.0);  // to the bit, or not at all
    CHECK(harsanyi::find_null_players(v.data(), n, 1) == 0);
  }
  CHECK(harsanyi::find_null_players(Vector(16, 2.0).data(), 4, 1) == 14);  // one player stays
  Vector two(8, 1.0);  // null in the first network, not in the second
  for (int i = 4; i < 8; ++i) two[static_cast<std::size_t>(i)] = i;
  CHECK(harsanyi::find_null_players(two.data(), 2, 2) == 0);
}

void test_decompositions(unsigned nulls, int n, int networks, double zeta) {
  const int rest = n - members(nulls);
  const Vector small = Random(nulls + 7).vector<double>(static_cast<std::size_t>(networks) << rest);
  const Vector v = blown_up(small, nulls, n, networks);
  harsanyi_decompose_options options = harsanyi::decompose_options();
  options.networks = networks;
  const Vector zetas(zeta > 0 ? static_cast<std::size_t>(networks) : 0, zeta);
  const auto one = harsanyi::decompose(small.data(), rest, 1, zetas, options);
  const auto all = harsanyi::decompose(v.data(), n, 1, zetas, options);
  CHECK(all.reports[0].objective == one.reports[0].objective && all.reports[0].bound == one.reports[0].bound);
  CHECK(all.reports[0].steps == one.reports[0].steps && all.reports[0].status == one.reports[0].status);
  for (std::size_t i = 0; i < v.size(); ++i) {
    const unsigned set = static_cast<unsigned>(i & ((1u << n) - 1));
    const std::size_t at = ((i >> n) << rest) + rank(set, nulls, n);
    const bool zero = (set & nulls) != 0;
    CHECK(all.and_interactions[i] == (zero ? 0 : one.and_interactions[at]));
    CHECK(all.or_interactions[i] == (zero ? 0 : one.or_interactions[at]));
    CHECK(all.dual[i] == (zero ? 0 : one.dual[at]));
    if (zeta > 0) CHECK(all.delta[i] == one.delta[at]);
  }
  const auto again = harsanyi::decompose(v.data(), n, 1, zetas, options, nullptr, &all);
  CHECK(again.reports[0].steps <= all.reports[0].steps);
  options.drop_null_players = 0;
  const auto whole = harsanyi::decompose(v.data(), n, 1, zetas, options);
  const double least = one.reports[0].bound, most = one.reports[0].objective;
  CHECK(whole.reports[0].objective >= least * (1 - 1e-9) && whole.reports[0].bound <= most * (1 + 1e-9));
}

}  // namespace

int main() {
  test_finding();
  for (const int networks : {1, 3}) {
    for (const unsigned nulls : {1u, 2u, 8u, 5u, 12u, 25u, 30u}) test_moves(nulls, 5, networks);
    for (const unsigned nulls : {1u, 6u, 37u}) {
      for (const double zeta : {0.0, 0.1}) test_decompositions(nulls, 6, networks, zeta);
    }
  }
  return check_report("test_null_players");
}
