#include "null_players.hpp"

#include <cstring>

#include "../lattice/bits.hpp"

namespace harsanyi {
namespace {

bool is_null(const double* v, int n, int player) {
  const size_t half = size_t{1} << player;
  for (size_t i = 0; i < size_t{1} << n; i += 2 * half) {
    if (std::memcmp(v + i, v + i + half, half * sizeof(double)) != 0) return false;
  }
  return true;
}

// One vector less one player, upwards.
void drop(int n, int player, Without how, const double* from, double* to) {
  const size_t half = size_t{1} << player;
  for (size_t i = 0; i < size_t{1} << n; i += 2 * half, to += half) {
    std::memmove(to, from + i, half * sizeof(double));
    if (how == Without::drop) continue;
    for (size_t j = 0; j < half; ++j) to[j] += from[i + half + j];
  }
}

// One vector of then n players and one more, from the top down.
void insert(int n, int player, With how, const double* from, double* to) {
  const size_t half = size_t{1} << player;
  for (size_t i = size_t{1} << n; i > 0; i -= 2 * half) {
    const size_t at = i - 2 * half;
    std::memmove(to + at, from + at / 2, half * sizeof(double));
    if (how == With::copy) {
      std::memcpy(to + at + half, to + at, half * sizeof(double));
    } else {
      std::memset(to + at + half, 0, half * sizeof(double));
    }
  }
}

}  // namespace

uint32_t find_null_players(const double* v, int n, int networks) noexcept {
  uint32_t nulls = 0;
  for (int player = 0; player < n; ++player) {
    bool found = true;
    for (int k = 0; k < networks && found; ++k) found = is_null(v + (static_cast<size_t>(k) << n), n, player);
    if (found) nulls |= uint32_t{1} << player;
  }
  return order(nulls) == n ? nulls & (nulls - 1) : nulls;
}

void drop_players(uint32_t nulls, int n, int networks, Without how, const double* from, double* to) noexcept {
  const int rest = n - order(nulls);
  for (int k = 0; k < networks; ++k) {
    const double* source = from + (static_cast<size_t>(k) << n);
    double* const dest = to + (static_cast<size_t>(k) << rest);
    int left = n;
    for (int player = n - 1; player >= 0; --player) {
      if ((nulls >> player & 1) == 0) continue;
      drop(left--, player, how, source, dest);
      source = dest;
    }
  }
}

void insert_players(uint32_t nulls, int n, int networks, With how, double* x) noexcept {
  const int rest = n - order(nulls);
  for (int k = networks; k-- > 0;) {
    const double* source = x + (static_cast<size_t>(k) << rest);
    double* const dest = x + (static_cast<size_t>(k) << n);
    int there = rest;
    for (int player = 0; player < n; ++player) {
      if ((nulls >> player & 1) == 0) continue;
      insert(++there, player, how, source, dest);
      source = dest;
    }
  }
}

}  // namespace harsanyi
