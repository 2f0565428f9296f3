// Null players: v[S + i] = v[S] for every S, to the bit. A blank patch of an image is one.
//
// With weights that do not fall with the order no optimum needs their sets: where such a player is present, AND of a
// set with it does what that of the set without it does for no less, and OR of one is a constant; where the player is
// absent v asks for nothing else. So the game of the others is solved, 2^m times smaller: coefficients with null
// players are zero, the noise is the same with and without them, and multipliers that are zero wherever one is present
// are a bound of the whole game too.
#pragma once

#include <cstddef>
#include <cstdint>

namespace harsanyi {

// Those of all networks' vectors, as a set; one player stays even where all are null.
uint32_t find_null_players(const double* v, int n, int networks) noexcept;

enum class Without { drop, add };  // entries where one is present go, or are added to those without
enum class With { zero, copy };    // entries where one is present are zero, or those without

// Vectors of n players from those at `from` to those without the null players at `to`, which is `from` itself or has
// room for half as many entries.
void drop_players(uint32_t nulls, int n, int networks, Without how, const double* from, double* to) noexcept;
// And back, in place.
void insert_players(uint32_t nulls, int n, int networks, With how, double* x) noexcept;

}  // namespace harsanyi
