/// harsanyi for C++17: a header-only face of the C ABI in harsanyi.h.
///
/// Conventions. A subset of the players 0..n-1 is an unsigned integer, bit i set <=> player i in the subset. A lattice
/// vector holds 2**n entries indexed by that integer; a batch is one vector after the other. Entries are float, double
/// or std::int64_t. Pointer forms trust their sizes; forms that take a container (anything with data() and size(), so
/// std::vector, std::array and std::span too) check them. Every failure throws harsanyi::error; nothing else does but
/// the allocation of a returned vector or of a workspace.
#ifndef HARSANYI_HPP
#define HARSANYI_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "harsanyi/harsanyi.h"

#if __cplusplus < 201703L
#error "harsanyi.hpp needs C++17; harsanyi.h is plain C"
#endif

namespace harsanyi {
// Its own mangled names: they never meet those of the library's sources, which live in namespace harsanyi too.
inline namespace api {

/// A call that was refused: what() names the argument, what it was and what it may be.
class error : public std::runtime_error {
 public:
  error(harsanyi_status status, const std::string& reason) : std::runtime_error(reason), status_(status) {}
  harsanyi_status status() const noexcept { return status_; }

 private:
  harsanyi_status status_;
};

/// Throws the calling thread's last error unless `status` is HARSANYI_OK.
inline void check(harsanyi_status status) {
  if (status != HARSANYI_OK) throw error(status, harsanyi_last_error());
}

/// Contiguous memory that somebody else owns: made from a pointer and a size, or from a container.
template <class T>
class span {
 public:
  constexpr span() noexcept = default;
  constexpr span(T* data, std::size_t size) noexcept : data_(data), size_(size) {}
  template <class C, class = std::enable_if_t<std::is_convertible_v<decltype(std::declval<C&>().data()), T*>>>
  constexpr span(C&& container) : data_(container.data()), size_(container.size()) {}

  constexpr T* data() const noexcept { return data_; }
  constexpr std::size_t size() const noexcept { return size_; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

/// The entry type of a container, without const.
template <class C>
using entry_t = std::remove_cv_t<std::remove_pointer_t<decltype(std::declval<C&>().data())>>;

/// The harsanyi_dtype of an entry type.
template <class T>
constexpr harsanyi_dtype dtype_of() {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, std::int64_t>,
                "entries are float, double or std::int64_t");
  return std::is_same_v<T, float> ? HARSANYI_F32 : std::is_same_v<T, double> ? HARSANYI_F64 : HARSANYI_I64;
}

/// Scratch memory that grows to what a call asks for and is kept for the next one. One per calling thread.
class workspace {
 public:
  void* reserve(std::size_t bytes) {
    if (bytes > size_) {
      memory_.reset(new unsigned char[bytes]);
      size_ = bytes;
    }
    return memory_.get();
  }
  std::size_t size() const noexcept { return size_; }

 private:
  std::unique_ptr<unsigned char[]> memory_;
  std::size_t size_ = 0;
};

// ---- this build and this machine ----

inline std::string version() { return harsanyi_version(); }

/// The instruction-set tier in use, and those that this processor runs, slowest first.
inline std::string isa() { return harsanyi_isa(); }
inline std::vector<std::string> isas() {
  std::vector<std::string> names;
  for (int i = 0; i < harsanyi_isa_count(); ++i) names.emplace_back(harsanyi_isa_name(i));
  return names;
}
inline void set_isa(const std::string& name) { check(harsanyi_set_isa(name.c_str())); }

/// Threads that one call may use, the caller's own included. Results do not depend on it, to the bit.
inline int num_threads() { return harsanyi_get_num_threads(); }
inline void set_num_threads(int count) { check(harsanyi_set_num_threads(count)); }

// ---- lattice transforms, O(n 2**n) a vector ----

enum class kind {
  zeta = HARSANYI_ZETA,
  mobius = HARSANYI_MOBIUS,
  superset_zeta = HARSANYI_SUPERSET_ZETA,
  superset_mobius = HARSANYI_SUPERSET_MOBIUS,
  or_transform = HARSANYI_OR,
  or_inverse = HARSANYI_OR_INVERSE,
  walsh_hadamard = HARSANYI_WALSH_HADAMARD,
};

/// A 2x2 matrix, row-major: {low from low, low from high, high from low, high from high}.
using matrix2 = std::array<double, 4>;

/// Whether a lattice vector of n players exists; sizes are computed only where it does, the call refuses the others.
constexpr bool is_lattice(int n) { return n >= 0 && n <= HARSANYI_MAX_LATTICE_PLAYERS; }

/// The number of players of a lattice vector of `size` entries, which must be a power of two.
inline int players_of(std::size_t size) {
  int n = 0;
  while (n < HARSANYI_MAX_LATTICE_PLAYERS && (std::size_t{1} << n) < size) ++n;
  if ((std::size_t{1} << n) != size) {
    throw error(HARSANYI_ERROR_ARGUMENT, "x: got " + std::to_string(size) + " entries, but it must have 2**n, n <= 30");
  }
  return n;
}

/// `batch` vectors of 2**n entries from src to dst, n = 0..30; src == dst works in place, other overlaps are an error.
/// Vectors beyond the second-level cache need scratch memory: the caller's workspace, or one made for the call.
template <class T>
void transform(kind which, const T* src, T* dst, int n, std::int64_t batch = 1, workspace* scratch = nullptr) {
  workspace own;
  workspace& memory = scratch != nullptr ? *scratch : own;
  void* const at = memory.reserve(harsanyi_transform_workspace(dtype_of<T>(), n));
  check(harsanyi_transform(static_cast<harsanyi_kind>(which), dtype_of<T>(), n, batch, src, dst, at, memory.size()));
}

/// In place.
template <class T>
void transform(kind which, T* x, int n, std::int64_t batch = 1, workspace* scratch = nullptr) {
  transform(which, static_cast<const T*>(x), x, n, batch, scratch);
}

/// One vector in place: a container of 2**n entries.
template <class C, class T = entry_t<C>>
void transform(kind which, C&& x, workspace* scratch = nullptr) {
  transform(which, static_cast<T*>(x.data()), players_of(x.size()), 1, scratch);
}

/// y[S] = sum of x[T] over T in S. The named transforms take the arguments of transform() after the kind.
template <class... Arguments>
void zeta(Arguments&&... arguments) {
  transform(kind::zeta, std::forward<Arguments>(arguments)...);
}

/// Harsanyi dividends, the inverse of zeta: y[S] = sum of (-1)**(|S|-|T|) x[T] over T in S.
template <class... Arguments>
void mobius(Arguments&&... arguments) {
  transform(kind::mobius, std::forward<Arguments>(arguments)...);
}

/// y[S] = sum of x[T] over T containing S; the adjoint of zeta.
template <class... Arguments>
void superset_zeta(Arguments&&... arguments) {
  transform(kind::superset_zeta, std::forward<Arguments>(arguments)...);
}

/// The inverse of superset_zeta; the adjoint of mobius.
template <class... Arguments>
void superset_mobius(Arguments&&... arguments) {
  transform(kind::superset_mobius, std::forward<Arguments>(arguments)...);
}

/// OR interactions: y[S] = -sum of (-1)**(|S|-|T|) x[full ^ T] over T in S.
template <class... Arguments>
void or_transform(Arguments&&... arguments) {
  transform(kind::or_transform, std::forward<Arguments>(arguments)...);
}

/// The inverse of or_transform.
template <class... Arguments>
void or_inverse(Arguments&&... arguments) {
  transform(kind::or_inverse, std::forward<Arguments>(arguments)...);
}

/// y[S] = sum of (-1)**|S & T| x[T] over all T, unnormalised.
template <class... Arguments>
void walsh_hadamard(Arguments&&... arguments) {
  transform(kind::walsh_hadamard, std::forward<Arguments>(arguments)...);
}

/// Any 2x2 matrix on every axis, y[S] = sum over T of (product over i of matrix[S_i][T_i]) x[T]; float or double.
template <class T>
void kronecker(const matrix2& matrix, const T* src, T* dst, int n, std::int64_t batch = 1,
               workspace* scratch = nullptr) {
  workspace own;
  workspace& memory = scratch != nullptr ? *scratch : own;
  void* const at = memory.reserve(harsanyi_transform_workspace(dtype_of<T>(), n));
  check(harsanyi_kronecker(matrix.data(), dtype_of<T>(), n, batch, src, dst, at, memory.size()));
}

/// In place.
template <class T>
void kronecker(const matrix2& matrix, T* x, int n, std::int64_t batch = 1, workspace* scratch = nullptr) {
  kronecker(matrix, static_cast<const T*>(x), x, n, batch, scratch);
}

/// One vector in place: a container of 2**n entries.
template <class C, class T = entry_t<C>>
void kronecker(const matrix2& matrix, C&& x, workspace* scratch = nullptr) {
  kronecker(matrix, static_cast<T*>(x.data()), players_of(x.size()), 1, scratch);
}

// ---- subsets as integers ----

/// C(n, k), exact for n <= 63; 0 outside 0 <= k <= n.
inline std::uint64_t binomial(int n, int k) { return harsanyi_binomial(n, k); }

/// |S| for every S, 2**n entries.
inline std::vector<std::uint8_t> orders(int n) {
  std::vector<std::uint8_t> out(is_lattice(n) ? std::size_t{1} << n : 0);
  check(harsanyi_orders(n, out.data()));
  return out;
}

/// The C(n, k) sets of order k among n <= 63 players, in increasing integer order.
inline std::vector<std::int64_t> subsets_of_order(int n, int k) {
  std::vector<std::int64_t> out(harsanyi_binomial(n, k));
  check(harsanyi_subsets_of_order(n, k, out.data()));
  return out;
}

/// Position of each set among the sets of its own order, in increasing integer order; O(n) each.
inline std::vector<std::int64_t> rank_subsets(span<const std::int64_t> subsets) {
  std::vector<std::int64_t> ranks(subsets.size());
  check(harsanyi_rank_subsets(static_cast<std::int64_t>(ranks.size()), subsets.data(), ranks.data()));
  return ranks;
}

/// The inverse: the ranks[i]-th set of order k among n players.
inline std::vector<std::int64_t> unrank_subsets(int n, int k, span<const std::int64_t> ranks) {
  std::vector<std::int64_t> subsets(ranks.size());
  check(harsanyi_unrank_subsets(n, k, static_cast<std::int64_t>(ranks.size()), ranks.data(), subsets.data()));
  return subsets;
}

/// `count` uniform sets of `size` of the given players (distinct, each in 0..n-1), n <= 63. Draw i depends on
/// (seed, first + i) alone, so a stream can be cut and continued anywhere.
inline std::vector<std::int64_t> sample_subsets(int n, span<const std::int32_t> players, int size, std::int64_t count,
                                                std::uint64_t seed, std::uint64_t first = 0) {
  std::vector<std::int64_t> out(count > 0 ? static_cast<std::size_t>(count) : 0);
  check(harsanyi_sample_subsets(n, players.data(), static_cast<int>(players.size()), size, count, seed, first,
                                out.data()));
  return out;
}

/// `count` uniform sets of `size` of all n players.
inline std::vector<std::int64_t> sample_subsets(int n, int size, std::int64_t count, std::uint64_t seed,
                                                std::uint64_t first = 0) {
  std::vector<std::int32_t> everyone(n > 0 && n <= HARSANYI_MAX_SUBSET_PLAYERS ? static_cast<std::size_t>(n) : 0);
  std::iota(everyone.begin(), everyone.end(), 0);
  return sample_subsets(n, everyone, size, count, seed, first);
}

/// Keep masks, subsets.size() x n bytes of 0 or 1, and back.
inline std::vector<std::uint8_t> masks_from_subsets(int n, span<const std::int64_t> subsets) {
  std::vector<std::uint8_t> masks(n > 0 ? static_cast<std::size_t>(n) * subsets.size() : 0);
  check(harsanyi_masks_from_subsets(n, static_cast<std::int64_t>(subsets.size()), subsets.data(), masks.data()));
  return masks;
}
inline std::vector<std::int64_t> subsets_from_masks(int n, span<const std::uint8_t> masks) {
  const std::size_t players = n > 0 ? static_cast<std::size_t>(n) : 1;
  if (masks.size() % players != 0) {
    throw error(HARSANYI_ERROR_ARGUMENT, "masks: got " + std::to_string(masks.size()) +
                                             " bytes, but it must be a multiple of n = " + std::to_string(n));
  }
  std::vector<std::int64_t> subsets(masks.size() / players);
  check(harsanyi_subsets_from_masks(n, static_cast<std::int64_t>(subsets.size()), masks.data(), subsets.data()));
  return subsets;
}

// ---- reductions, one pass; float or double in, sums in double ----

/// Sums over the sets of each order m: entry [b * (n + 1) + m] belongs to vector b.
struct order_sums_result {
  std::vector<double> sum, absolute, positive, negative;  ///< of x, |x|, max(x, 0), max(-x, 0)
  std::vector<std::int64_t> count;                        ///< of |x| > threshold
};

/// Per-order sums of `batch` vectors. `thresholds` holds one number a vector, or nothing for 0; with `salient_only` the
/// sums, too, take only entries with |x| above it.
template <class T>
order_sums_result order_sums(const T* x, int n, std::int64_t batch = 1, span<const double> thresholds = {},
                             bool salient_only = false) {
  if (thresholds.size() != 0 && static_cast<std::int64_t>(thresholds.size()) != batch) {
    throw error(HARSANYI_ERROR_ARGUMENT, "thresholds: got " + std::to_string(thresholds.size()) +
                                             " numbers, but it must have one a vector, " + std::to_string(batch));
  }
  const std::size_t size =
      is_lattice(n) && batch > 0 ? static_cast<std::size_t>(n + 1) * static_cast<std::size_t>(batch) : 0;
  order_sums_result out{std::vector<double>(size), std::vector<double>(size), std::vector<double>(size),
                        std::vector<double>(size), std::vector<std::int64_t>(size)};
  const harsanyi_order_sums to{out.sum.data(), out.absolute.data(), out.positive.data(), out.negative.data(),
                               out.count.data()};
  check(harsanyi_reduce_orders(dtype_of<T>(), n, batch, x, thresholds.data(), salient_only, &to));
  return out;
}

/// y[b * n + i] = sum over T containing i of weights[|T|] x[b, T]; weights has n + 1 entries. O(2**n) a vector.
template <class T>
std::vector<double> player_sums(const T* x, int n, span<const double> weights, std::int64_t batch = 1,
                                workspace* scratch = nullptr) {
  if (is_lattice(n) && weights.size() != static_cast<std::size_t>(n) + 1) {
    throw error(HARSANYI_ERROR_ARGUMENT, "weights: got " + std::to_string(weights.size()) +
                                             " numbers, but it must have n + 1 = " + std::to_string(n + 1));
  }
  std::vector<double> out(is_lattice(n) && batch > 0 ? static_cast<std::size_t>(n) * static_cast<std::size_t>(batch)
                                                     : 0);
  workspace own;
  workspace& memory = scratch != nullptr ? *scratch : own;
  void* const at = memory.reserve(harsanyi_player_sums_workspace(n));
  check(harsanyi_player_sums(dtype_of<T>(), n, batch, x, weights.data(), out.data(), at, memory.size()));
  return out;
}

/// Shapley values from dividends: phi_i = sum over T containing i of a[T] / |T|.
template <class T>
std::vector<double> shapley_values(const T* dividends, int n, std::int64_t batch = 1, workspace* scratch = nullptr) {
  std::vector<double> weights(is_lattice(n) ? static_cast<std::size_t>(n) + 1 : 0);
  for (std::size_t t = 1; t < weights.size(); ++t) weights[t] = 1.0 / static_cast<double>(t);
  return player_sums(dividends, n, weights, batch, scratch);
}

/// Banzhaf values from dividends: beta_i = sum over T containing i of a[T] / 2**(|T|-1).
template <class T>
std::vector<double> banzhaf_values(const T* dividends, int n, std::int64_t batch = 1, workspace* scratch = nullptr) {
  std::vector<double> weights(is_lattice(n) ? static_cast<std::size_t>(n) + 1 : 0);
  for (std::size_t t = 1; t < weights.size(); ++t) weights[t] = t == 1 ? 1.0 : weights[t - 1] / 2;
  return player_sums(dividends, n, weights, batch, scratch);
}

/// Sums by order over the sets that contain given players, (1 + n(n+1)/2) x (n + 1) a vector: row 0 over all sets, row
/// pair_row(i, j), i <= j, over those with i and j.
constexpr std::size_t pair_row(int i, int j) {
  return 1 + static_cast<std::size_t>(j) * static_cast<std::size_t>(j + 1) / 2 + static_cast<std::size_t>(i);
}
constexpr std::size_t pair_rows(int n) { return is_lattice(n) ? pair_row(0, n) : 0; }

template <class T>
std::vector<double> pair_sums(const T* x, int n, std::int64_t batch = 1, workspace* scratch = nullptr) {
  std::vector<double> out(batch > 0 ? pair_rows(n) * static_cast<std::size_t>(n + 1) * static_cast<std::size_t>(batch)
                                    : 0);
  workspace own;
  workspace& memory = scratch != nullptr ? *scratch : own;
  void* const at = memory.reserve(harsanyi_pair_sums_workspace(n));
  check(harsanyi_pair_sums(dtype_of<T>(), n, batch, x, out.data(), at, memory.size()));
  return out;
}

/// The adjoint of pair_sums: 2**n entries a vector.
inline std::vector<double> pair_sums_adjoint(const double* rows, int n, std::int64_t batch = 1,
                                             workspace* scratch = nullptr) {
  std::vector<double> out(is_lattice(n) && batch > 0 ? static_cast<std::size_t>(batch) << n : 0);
  workspace own;
  workspace& memory = scratch != nullptr ? *scratch : own;
  void* const at = memory.reserve(harsanyi_pair_sums_workspace(n));
  check(harsanyi_pair_sums_adjoint(n, batch, rows, out.data(), at, memory.size()));
  return out;
}

/// Multi-order interactions of games v, n x n x (n - 1) a vector: entry (i * n + j) * (n - 1) + m is the mean of
/// v[S+i+j] - v[S+i] - v[S+j] + v[S] over the S of m players without i and j; 0 where i == j. 2 <= n <= 30.
template <class T>
std::vector<double> multi_order(const T* v, int n, std::int64_t batch = 1, workspace* scratch = nullptr) {
  if (is_lattice(n) && n < 2) {
    throw error(HARSANYI_ERROR_ARGUMENT, "n: got " + std::to_string(n) + " players, but a pair needs at least 2");
  }
  const std::vector<double> sums = pair_sums(v, n, batch, scratch);
  const std::size_t players = static_cast<std::size_t>(n), width = players + 1;
  std::vector<double> out(batch > 0 ? static_cast<std::size_t>(batch) * players * players * (players - 1) : 0);
  for (std::size_t b = 0; b < (batch > 0 ? static_cast<std::size_t>(batch) : 0); ++b) {
    const double* const vector = sums.data() + b * pair_rows(n) * width;
    for (int j = 1; j < n; ++j) {
      for (int i = 0; i < j; ++i) {
        const double* const both = vector + pair_row(i, j) * width;
        const double* const first = vector + pair_row(i, i) * width;
        const double* const second = vector + pair_row(j, j) * width;
        for (int m = 0; m <= n - 2; ++m) {
          const double with = both[m + 2] + 2 * both[m + 1] + both[m];
          const double one = first[m + 1] + second[m + 1] + first[m] + second[m];
          const double mean = (with - one + vector[m]) / static_cast<double>(harsanyi_binomial(n - 2, m));
          const std::size_t row = static_cast<std::size_t>(i), column = static_cast<std::size_t>(j);
          for (const std::size_t at : {row * players + column, column * players + row}) {
            out[(b * players * players + at) * (players - 1) + static_cast<std::size_t>(m)] = mean;
          }
        }
      }
    }
  }
  return out;
}

// ---- masked batches ----

/// out[r, e] = player[e] < 0 or subsets[r] holds player[e] ? sample[e] : baseline[e], rows x elements. Elements have 1,
/// 2, 4 or 8 bytes and are copied bit for bit. `player` has one entry an element, each below n <= 63.
template <class T>
void masked_batch(const T* sample, const T* baseline, const std::int32_t* player, std::int64_t elements, int n,
                  const std::int64_t* subsets, std::int64_t rows, T* out) {
  static_assert(std::is_trivially_copyable_v<T>, "elements are copied as bytes");
  check(harsanyi_masked_batch(sizeof(T), elements, sample, baseline, player, n, rows, subsets, out));
}

/// The same for keep masks of rows x n bytes, any n.
template <class T>
void masked_batch(const T* sample, const T* baseline, const std::int32_t* player, std::int64_t elements, int n,
                  const std::uint8_t* masks, std::int64_t rows, T* out) {
  static_assert(std::is_trivially_copyable_v<T>, "elements are copied as bytes");
  check(harsanyi_masked_batch_from_masks(sizeof(T), elements, sample, baseline, player, n, rows, masks, out));
}

/// Containers: the batch of subsets.size() rows, allocated here.
template <class C>
std::vector<entry_t<C>> masked_batch(const C& sample, span<const entry_t<C>> baseline, span<const std::int32_t> player,
                                     int n, span<const std::int64_t> subsets) {
  if (baseline.size() != sample.size() || player.size() != sample.size()) {
    throw error(HARSANYI_ERROR_ARGUMENT, "baseline, player: got " + std::to_string(baseline.size()) + " and " +
                                             std::to_string(player.size()) + " entries, but they must have " +
                                             std::to_string(sample.size()) + ", as the sample has");
  }
  std::vector<entry_t<C>> out(sample.size() * subsets.size());
  masked_batch(sample.data(), baseline.data(), player.data(), static_cast<std::int64_t>(sample.size()), n,
               subsets.data(), static_cast<std::int64_t>(subsets.size()), out.data());
  return out;
}

}  // namespace api
}  // namespace harsanyi

#endif  // HARSANYI_HPP
