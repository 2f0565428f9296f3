#include "spin.hpp"

#include <algorithm>
#include <cmath>

#include "../lattice/bits.hpp"
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

SpinPaths SpinPaths::place(int n, int dense, Arena& arena) noexcept {
  SpinPaths spin;
  spin.n_ = n;
  spin.dense_ = n < dense ? 0 : dense;
  spin.coupled_ = n - spin.dense_;
  const size_t rows = size_t{1} << spin.coupled_;
  spin.rows_ = arena.take<int32_t>(2 * rows);
  spin.begin_ = arena.take<int32_t>(2 * rows + static_cast<size_t>(spin.coupled_) + 1);
  spin.factors_ = arena.take<double>(2 * rows);  // the second half: the level before, while building
  size_t entries = 0;
  for (int d = n; d >= 0; d -= 2) {
    spin.entry_[d] = entries;
    entries += static_cast<size_t>((d + 1) * (d + 1));
  }
  spin.blocks_ = arena.take<double>(entries);
  spin.scales_ = arena.take<double>(std::max(entries, static_cast<size_t>(2 * (n + 1) * (n + 1))));
  return spin;
}

void SpinPaths::build() noexcept {
  double* before = factors_ + (size_t{1} << coupled_);
  *rows_of(0) = 0;
  begin_of(0)[0] = 0;
  begin_of(0)[1] = 1;
  paths_[0] = 1;
  factors_[0] = 1;
  for (int level = 0; level < coupled_; ++level) {
    for (int32_t path = 0; path < paths_[level]; ++path) before[path] = factors_[path];
    int32_t* const now = rows_of(level + 1);
    int32_t* const begin = begin_of(level + 1);
    int32_t at = 0, made = 0;
    for (int to = level + 1; to >= 0; to -= 2) {
      for (int32_t path = 0; path < paths_[level]; ++path) {
        const int d = spin(level, path);
        const int32_t* const row = rows(level, path);
        if (d != to - 1 && d != to + 1) continue;
        begin[made] = at;
        factors_[made++] = d < to ? before[path] : before[path] * ((d + 1.0) / d);
        for (int i = 0; i <= (d < to ? d : d - 1); ++i) now[at++] = 2 * row[i] + (d < to ? 0 : 1);
        if (d < to) now[at++] = 2 * row[d] + 1;
      }
    }
    begin[made] = at;
    paths_[level + 1] = made;
  }
  for (int d = n_; d >= 0; d -= 2) spin_block(d, 0, blocks_ + entry_[d], scales_);
  for (int d = n_; d >= 0; d -= 2) {
    double* to = scales_ + entry_[d];
    for (int i = 0; i <= d; ++i) {
      for (int j = 0; j <= d; ++j) {
        *to++ = 1 / std::sqrt(static_cast<double>(binomial(d, i)) * static_cast<double>(binomial(d, j)));
      }
    }
  }
}

void spin_block(int d, int dense, double* block, double* work) noexcept {
  const int width = 1 << dense, side = (d + 1) << dense;
  double* const first = work;
  double* const second = work + (d + 1) * (d + 1);
  symmetric_power(kFirst, d, first);
  symmetric_power(kSecond, d, second);
  for (int i = 0; i < side; ++i) {
    for (int j = 0; j < side; ++j) {
      const int at = (i >> dense) * (d + 1) + (j >> dense), p = i & (width - 1), q = j & (width - 1);
      block[i * side + j] =
          first[at] * kronecker_entry(kFirst, dense, p, q) + second[at] * kronecker_entry(kSecond, dense, p, q);
    }
  }
}

void add_singletons(int n, int d, double more, double* block) noexcept {
  if (more == 0 || d < n - 2) return;
  for (int i = 0; i <= d; ++i) {
    for (int j = 0; j <= d; ++j) {
      const double value = d < n ? 2 : n / 2.0 + (n - 2.0 * i) * (n - 2.0 * j) / (2.0 * n);
      const double root = std::sqrt(static_cast<double>(binomial(d, i)) * static_cast<double>(binomial(d, j)));
      block[i * (d + 1) + j] += more * value * root;
    }
  }
}

template <class T>
SpinSolver<T> SpinSolver<T>::place(const SpinPaths& paths, Arena& arena) noexcept {
  const int n = paths.n();
  const size_t largest = static_cast<size_t>((n + 1) * (n + 1));
  const size_t entries = paths.entry(n % 2) + (n % 2 == 0 ? 1 : 4);
  SpinSolver<T> spin;
  spin.inverse_ = arena.take<T>(entries);
  if (sizeof(T) < sizeof(double)) spin.wide_ = arena.take<double>(entries);
  spin.work_ = arena.take<double>(2 * largest);
  return spin;
}

template <class T>
SpinSolver<T> SpinSolver<T>::moved(size_t bytes) const noexcept {
  SpinSolver<T> spin = *this;
  if (inverse_ == nullptr) return spin;
  spin.inverse_ = inverse_ + bytes / sizeof(T);
  if (wide_ != nullptr) spin.wide_ = wide_ + bytes / sizeof(double);
  spin.work_ = work_ + bytes / sizeof(double);
  return spin;
}

template <class T>
void SpinSolver<T>::build(const SpinPaths& paths, const KernelTable& table, double ridge, double singles) noexcept {
  for (int d = paths.n(); d >= 0; d -= 2) {
    const int side = d + 1;
    const double *block = paths.block(d), *scale = paths.scale(d);
    double* const inverse = work_;
    for (int i = 0; i < side * side; ++i) inverse[i] = block[i] + (i % (side + 1) == 0 ? ridge : 0);
    add_singletons(paths.n(), d, singles - 1, inverse);
    table.invert(inverse, side, work_ + side * side);
    T* const to = inverse_ + paths.entry(d);
    for (int i = 0; i < side * side; ++i) inverse[i] *= scale[i];
    std::copy(inverse, inverse + side * side, to);
    if (d >= wide_from(paths.n())) std::copy(inverse, inverse + side * side, wide_ + paths.entry(d));
  }
}

// run(d, paths, first path, first column, columns) over a level's paths of each spin, whose rows have so many columns.
template <class T, class F>
void each_spin(const SpinPaths& paths, int level, size_t columns, int threads, const F& run) {
  constexpr size_t most = 4096;  // columns that one task takes
  const size_t width = columns < most ? columns : most;
  const int64_t pieces = static_cast<int64_t>(columns / width);
  const auto take = [&](int64_t first, int64_t items, int) {
    for (int64_t item = first; item < first + items;) {
      const int32_t path = static_cast<int32_t>(item / pieces);
      const int d = paths.spin(level, path);
      int32_t end = path + 1;
      if (pieces == 1) {
        while (end < first + items && paths.spin(level, end) == d) ++end;
      }
      run(d, end - path, path, static_cast<size_t>(item % pieces) * width, width);
      item += end - path;
    }
  };
  const int64_t items = paths.paths(level) * pieces;
  if (threads == 1) return take(0, items, 0);  // no lane of a vector stays empty at the end of a task
  parallel_ranges(items, (static_cast<int64_t>(sizeof(T)) << paths.n()) / items, take, threads);
}

constexpr int kMostPasses = HARSANYI_MAX_DECOMPOSE_PLAYERS / 2;
constexpr size_t kCachedBytes = 64 << 10;  // a vector of more is on its way to and from the second cache or further

// The first levels of the passes over memory, and their end; how many passes. Of the bits left two or three are coupled
// together, at most `most`, so that none is left alone; the first bit is a path of spin 1 as it stands.
int find_passes(int coupled, int most, int* levels) noexcept {
  int passes = 0, level = coupled % 2;
  if (most == 3 && coupled > 2) level = 1;
  for (; level < coupled; ++passes) {
    levels[passes] = level;
    const int left = coupled - level;
    level += most == 3 && left != 2 && left != 4 ? 3 : 2;
  }
  levels[passes] = level;
  return passes;
}

template <class T>
void SpinSolver<T>::solve(const SpinPaths& paths, const KernelTable& table, T* x, int threads) const noexcept {
  const SparseKernels<T>& kernel = table.sparse<T>();
  const int coupled = paths.coupled();
  const auto some_levels = [&](int level, int bits, const auto& couple) {
    const size_t stride = size_t{1} << (paths.n() - level - bits);
    each_spin<T>(paths, level, stride, threads, [&](int d, int count, int32_t path, size_t column, size_t columns) {
      couple(bits, d, count, paths.rows(level, path), stride, columns, x + column);
    });
  };
  int levels[kMostPasses + 1];
  const int passes = find_passes(coupled, (sizeof(T) << paths.n()) > kCachedBytes ? kernel.row_bits : 2, levels);
  for (int p = 0; p < passes; ++p) some_levels(levels[p], levels[p + 1] - levels[p], kernel.couple);
  const SpinBlocks<T> blocks{inverse_, wide_, paths.entries(), wide_from(paths.n())};
  each_spin<T>(
      paths, coupled, size_t{1} << paths.dense(), threads, [&](int d, int count, int32_t path, size_t, size_t) {
        kernel.solve_paths(d, count, paths.rows(coupled, path), paths.factors() + path, blocks, paths.dense(), x);
      });
  for (int p = passes - 1; p >= 0; --p) some_levels(levels[p], levels[p + 1] - levels[p], kernel.uncouple);
}

template class SpinSolver<float>;
template class SpinSolver<double>;

}  // namespace harsanyi
