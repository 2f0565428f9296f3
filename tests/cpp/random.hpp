// Reproducible test data: SplitMix64, and vectors of values that make rounding visible.
#pragma once

#include <cstdint>
#include <type_traits>
#include <vector>

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t word() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  // Uniform in (-1, 1); all 64 bits of an integer, so that sums wrap around.
  template <class T>
  T value() {
    if constexpr (std::is_floating_point_v<T>) {
      return static_cast<T>(static_cast<double>(static_cast<std::int64_t>(word()) >> 11) * 0x1p-52);
    } else {
      return static_cast<T>(word());
    }
  }
  template <class T>
  std::vector<T> vector(std::size_t size) {
    std::vector<T> out(size);
    for (T& x : out) x = value<T>();
    return out;
  }

 private:
  std::uint64_t state_;
};
