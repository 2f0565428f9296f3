#include "spin.hpp"

#include <cmath>
#include <cstring>

#include "symmetric.hpp"
#include "threads.hpp"

namespace harsanyi {
namespace {

// Entry of the Kronecker power of k over `bits` bits.
double kronecker_entry(const double (&k)[4], int bits, int row, int column) {
  double value = 1;
  for (int bit = 0; bit < bits; ++bit) value *= k[2 * (row >> bit & 1) + (column >> bit & 1)];
  return value;
}

}  // namespace

SpinPaths SpinPaths::place(int n, Arena& arena) noexcept {
  SpinPaths spin;
  spin.n_ = n;
  spin.dense_ = n < 3 ? n : 3;
  spin.coupled_ = n - spin.dense_;
  const size_t rows = size_t{1} << spin.coupled_;
  spin.pairs_ = arena.take<SpinPair>(rows);
  spin.level_begin_ = arena.take<int32_t>(static_cast<size_t>(spin.coupled_) + 1);
  spin.rows_ = arena.take<int32_t>(2 * rows);  // the second half: the level before, while building
  spin.path_begin_ = arena.take<int32_t>(2 * rows + 2);
  for (int d = spin.coupled_; d >= 0; d -= 2) {
    spin.entry_[d] = spin.entries_;
    spin.entries_ += spin.side(d) * spin.side(d);
    if (spin.side(d) > spin.largest_) spin.largest_ = spin.side(d);
  }
  // And two powers, while building.
  spin.blocks_ = arena.take<double>(spin.entries_ + 2 * kMostSymmetric * kMostSymmetric);
  return spin;
}

void SpinPaths::build() noexcept {
  const size_t all = size_t{1} << coupled_;
  int32_t* now = rows_;
  int32_t* before = rows_ + all;
  int32_t* begin = path_begin_;
  int32_t* begin_before = path_begin_ + all + 1;
  SpinPair* pair = pairs_;
  now[0] = 0;
  begin[0] = 0;
  begin[1] = 1;
  paths_ = 1;
  for (int level = 0; level < coupled_; ++level) {
    level_begin_[level] = static_cast<int32_t>(pair - pairs_);
    std::memcpy(before, now, sizeof(int32_t) << level);
    std::memcpy(begin_before, begin, sizeof(int32_t) * (static_cast<size_t>(paths_) + 1));
    const int32_t old_paths = paths_;
    int32_t at = 0;
    paths_ = 0;
    for (int32_t path = 0; path < old_paths; ++path) {
      const int32_t* row = before + begin_before[path];
      const int d = begin_before[path + 1] - begin_before[path] - 1;
      for (int i = 1; i <= d; ++i) {
        *pair++ = {2 * row[i], 2 * row[i - 1] + 1, std::sqrt((d + 1.0 - i) / (d + 1)), std::sqrt(i / (d + 1.0))};
      }
      begin[paths_++] = at;
      for (int i = 0; i <= d; ++i) now[at++] = 2 * row[i];
      now[at++] = 2 * row[d] + 1;
      if (d > 0) {
        begin[paths_++] = at;
        for (int i = 0; i < d; ++i) now[at++] = 2 * row[i] + 1;
      }
      begin[paths_] = at;
    }
  }
  level_begin_[coupled_] = static_cast<int32_t>(pair - pairs_);
  sort_paths();

  const int width = 1 << dense_;
  double* first = blocks_ + entries_;
  double* second = first + kMostSymmetric * kMostSymmetric;
  for (int d = coupled_; d >= 0; d -= 2) {
    const int side = (d + 1) << dense_;
    double* block = blocks_ + entry_[d];
    symmetric_power(kFirst, d, first);
    symmetric_power(kSecond, d, second);
    for (int i = 0; i < side; ++i) {
      for (int j = 0; j < side; ++j) {
        const int row = i >> dense_, column = j >> dense_, p = i & (width - 1), q = j & (width - 1);
        block[i * side + j] = first[row * (d + 1) + column] * kronecker_entry(kFirst, dense_, p, q) +
                              second[row * (d + 1) + column] * kronecker_entry(kSecond, dense_, p, q);
      }
    }
  }
}

// Paths of one spin, which share a block, one after the other. Uses the second halves.
void SpinPaths::sort_paths() noexcept {
  const size_t all = size_t{1} << coupled_;
  int32_t* const rows = rows_ + all;
  int32_t* const begin = path_begin_ + all + 1;
  int32_t at = 0, path = 0;
  for (int d = coupled_; d >= 0; d -= 2) {
    for (int32_t old = 0; old < paths_; ++old) {
      if (spin(old) != d) continue;
      begin[path++] = at;
      std::memcpy(rows + at, this->rows(old), sizeof(int32_t) * static_cast<size_t>(d + 1));
      at += d + 1;
    }
  }
  begin[path] = at;
  std::memcpy(rows_, rows, sizeof(int32_t) * all);
  std::memcpy(path_begin_, begin, sizeof(int32_t) * (static_cast<size_t>(paths_) + 1));
}

template <class T>
SpinSolver<T> SpinSolver<T>::place(const SpinPaths& paths, Arena& arena) noexcept {
  SpinSolver<T> spin;
  spin.inverse_ = arena.take<T>(paths.entries_);
  spin.work_ = arena.take<double>(2 * paths.largest_ * paths.largest_);
  return spin;
}

template <class T>
SpinSolver<T> SpinSolver<T>::moved(size_t bytes) const noexcept {
  SpinSolver<T> spin;
  if (inverse_ == nullptr) return spin;
  spin.inverse_ = inverse_ + bytes / sizeof(T);
  spin.work_ = work_ + bytes / sizeof(double);
  return spin;
}

template <class T>
void SpinSolver<T>::build(const SpinPaths& paths, const KernelTable& table, double ridge) noexcept {
  double* block = work_;
  double* work = block + paths.largest_ * paths.largest_;
  for (int d = paths.coupled_; d >= 0; d -= 2) {
    const int side = static_cast<int>(paths.side(d));
    std::memcpy(block, paths.blocks_ + paths.entry_[d], sizeof(double) * paths.side(d) * paths.side(d));
    for (int i = 0; i < side; ++i) block[i * side + i] += ridge;
    table.invert(block, side, work);
    for (int i = 0; i < side * side; ++i) inverse_[paths.entry_[d] + static_cast<size_t>(i)] = static_cast<T>(block[i]);
  }
}

template <class T>
void SpinSolver<T>::couple(const SpinPaths& paths, const KernelTable& table, int level, T* x,
                           int threads) const noexcept {
  constexpr size_t most = 4096;  // columns that one task takes
  const SpinPair* const pairs = paths.pairs_ + paths.level_begin_[level];
  const int32_t count = paths.level_begin_[level + 1] - paths.level_begin_[level];
  const size_t stride = size_t{1} << (paths.n_ - level - 1), columns = stride < most ? stride : most;
  const int64_t pieces = static_cast<int64_t>(stride / columns);
  const auto run = [&](int64_t first, int64_t items, int) {
    if (pieces == 1) return table.sparse<T>().couple_rows(pairs + first, items, stride, columns, x);
    for (int64_t i = first; i < first + items; ++i) {
      table.sparse<T>().couple_rows(pairs + i / pieces, 1, stride, columns,
                                    x + static_cast<size_t>(i % pieces) * columns);
    }
  };
  parallel_ranges(count * pieces, static_cast<int64_t>(2 * sizeof(T) * columns), run, threads);
}

template <class T>
void SpinSolver<T>::solve(const SpinPaths& paths, const KernelTable& table, T* x, T* out, int threads) const noexcept {
  for (int level = 0; level < paths.coupled_; ++level) couple(paths, table, level, x, threads);
  const auto apply = [&](int64_t first, int64_t items, int) {
    for (int32_t path = static_cast<int32_t>(first); path < first + items;) {
      const int d = paths.spin(path);
      int32_t end = path + 1;
      while (end < first + items && paths.spin(end) == d) ++end;
      table.sparse<T>().apply_block(paths.dense_, d + 1, end - path, inverse_ + paths.entry_[d], paths.rows(path), x,
                                    out);
      path = end;
    }
  };
  parallel_ranges(paths.paths_, int64_t{1} << 10, apply, threads);
  for (int level = paths.coupled_ - 1; level >= 0; --level) couple(paths, table, level, out, threads);
}

template class SpinSolver<float>;
template class SpinSolver<double>;

}  // namespace harsanyi
