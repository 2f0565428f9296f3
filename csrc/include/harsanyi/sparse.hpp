/// The certified sparse AND-OR decomposition for C++17, over harsanyi.h; conventions as in harsanyi.hpp.
#ifndef HARSANYI_SPARSE_HPP
#define HARSANYI_SPARSE_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "harsanyi/harsanyi.hpp"

namespace harsanyi {
inline namespace api {

/// Options with their defaults; the fields are those of harsanyi_decompose_options.
inline harsanyi_decompose_options decompose_options() {
  harsanyi_decompose_options options;
  harsanyi_decompose_defaults(&options);
  return options;
}

/// Pairs, noise and dual of `batch` samples of options.networks vectors each, one vector after the other, and a report
/// a sample: objective, lower bound, steps, status.
struct decomposition {
  std::vector<double> and_interactions, or_interactions, delta, dual;
  std::vector<harsanyi_decompose_report> reports;
};

/// Minimises the weighted l1 norm of an AND-OR pair that reproduces v up to noise of at most `zetas` (one number a
/// vector; none is no noise). n <= 22. `start` is a result to go on from.
inline decomposition decompose(const double* v, int n, std::int64_t batch = 1, span<const double> zetas = {},
                               harsanyi_decompose_options options = decompose_options(), workspace* scratch = nullptr,
                               const decomposition* start = nullptr) {
  const bool sound = n >= 0 && n <= HARSANYI_MAX_DECOMPOSE_PLAYERS && batch > 0 && options.networks > 0;
  const std::size_t vectors = sound ? static_cast<std::size_t>(batch) * static_cast<std::size_t>(options.networks) : 0;
  const std::size_t size = vectors << (sound ? n : 0);
  if (zetas.size() != 0 && zetas.size() != vectors) {
    throw error(HARSANYI_ERROR_ARGUMENT, "zetas: got " + std::to_string(zetas.size()) +
                                             " numbers, but it must have one a vector, " + std::to_string(vectors));
  }
  decomposition out;
  if (start != nullptr) {
    out = *start;
    options.warm_start = 1;
    for (const auto* part : {&out.and_interactions, &out.or_interactions, &out.delta, &out.dual}) {
      if (part->size() != size) {
        throw error(HARSANYI_ERROR_ARGUMENT, "start: got a result of " + std::to_string(part->size()) +
                                                 " entries, but it must have " + std::to_string(size));
      }
    }
  }
  for (auto* part : {&out.and_interactions, &out.or_interactions, &out.delta, &out.dual}) part->resize(size);
  out.reports.resize(sound ? static_cast<std::size_t>(batch) : 0);
  workspace own;
  workspace& memory = scratch != nullptr ? *scratch : own;
  void* const at = memory.reserve(harsanyi_decompose_workspace(&options, n, batch, zetas.size() != 0));
  check(harsanyi_decompose(&options, n, batch, v, zetas.size() != 0 ? zetas.data() : nullptr,
                           out.and_interactions.data(), out.or_interactions.data(), out.delta.data(), out.dual.data(),
                           out.reports.data(), at, memory.size()));
  return out;
}

}  // namespace api
}  // namespace harsanyi

#endif  // HARSANYI_SPARSE_HPP
