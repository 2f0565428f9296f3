// Small dense matrices on symmetric states, for what commutes with permutations of the bits.
#pragma once

namespace harsanyi {

// Per bit, Z Z^T and Q Q^T.
constexpr double kFirst[4] = {1, 1, 1, 2};
constexpr double kSecond[4] = {2, 1, 1, 1};
constexpr int kMostSymmetric = 32;

// out[to * (d + 1) + m] = <to| K^d |m> between normalised symmetric states of d < kMostSymmetric bits, m of them set.
// F: double or long double.
template <class F>
void symmetric_power(const double (&k)[4], int d, F* out);

}  // namespace harsanyi
