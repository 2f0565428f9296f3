#include "decompose_plan.hpp"

#include <cmath>
#include <cstring>

#include "affine.hpp"
#include "solver_rules.hpp"
#include "spin.hpp"

namespace harsanyi {
namespace {

// Eigenvalues of a symmetric matrix, and its eigenvectors as the rows of vt: Jacobi's rotations, which are accurate to
// rounding. `a` is used up.
void diagonalise(double* a, int side, double* vt, double* values) {
  const auto at = [&](int i, int j) -> double& { return a[i * side + j]; };
  for (int i = 0; i < side; ++i) {
    for (int j = 0; j < side; ++j) vt[i * side + j] = i == j ? 1 : 0;
  }
  for (int sweep = 0; sweep < 60; ++sweep) {
    double off = 0, all = 0;
    for (int i = 0; i < side; ++i) {
      for (int j = 0; j < side; ++j) {
        all += at(i, j) * at(i, j);
        if (i != j) off += at(i, j) * at(i, j);
      }
    }
    if (off <= 1e-30 * all) break;
    for (int p = 0; p < side; ++p) {
      for (int q = p + 1; q < side; ++q) {
        if (at(p, q) == 0) continue;
        const double theta = (at(q, q) - at(p, p)) / (2 * at(p, q));
        const double t = (theta >= 0 ? 1 : -1) / (std::fabs(theta) + std::sqrt(theta * theta + 1));
        const double c = 1 / std::sqrt(t * t + 1), s = t * c;
        const auto rotate = [&](double& x, double& y) {
          const double old = x;
          x = c * old - s * y;
          y = s * old + c * y;
        };
        for (int k = 0; k < side; ++k) rotate(at(k, p), at(k, q));
        for (int k = 0; k < side; ++k) rotate(at(p, k), at(q, k));
        for (int k = 0; k < side; ++k) rotate(vt[p * side + k], vt[q * side + k]);
      }
    }
  }
  for (int i = 0; i < side; ++i) values[i] = at(i, i);
}

// The parts of a plan, and the memory to build it in.
struct Parts {
  DecomposePlanHead* head;
  int32_t *pair_rows = nullptr, *rows = nullptr;
  double *pair_turns = nullptr, *values = nullptr, *vectors = nullptr;
  size_t bytes;  // of the plan
  SpinPaths spin;
  double* work = nullptr;
  size_t all;

  Parts(int n, bool noise, char* memory) {
    Arena arena{memory, 0};
    head = arena.take<DecomposePlanHead>(1);
    const int dense = n < 3 ? n : 3, coupled = n - dense;
    if (noise) {
      size_t sides = 0;
      for (int d = coupled; d >= 0; d -= 2) sides += (static_cast<size_t>(d) + 1) << dense;
      const size_t most = size_t{1} << coupled;
      pair_turns = reinterpret_cast<double*>(arena.take<char>(pair_table_bytes(coupled)));
      pair_rows = reinterpret_cast<int32_t*>(pair_turns + 2 * most);
      rows = pair_rows + 2 * most;
      values = arena.take<double>(sides);
      vectors = arena.take<double>(block_entries(n));
    }
    bytes = arena.used;
    if (noise) {
      const size_t largest = (static_cast<size_t>(coupled) + 1) << dense;
      work = arena.take<double>(3 * largest * largest);
      spin = SpinPaths::place(n, dense, arena);
    }
    all = arena.used;
  }
};

uint32_t offset(const void* part, const void* head) {
  return part == nullptr ? 0 : static_cast<uint32_t>(static_cast<const char*>(part) - static_cast<const char*>(head));
}

void fill_spins(const Parts& parts, DecomposePlanHead& head) {
  const SpinPaths& spin = parts.spin;
  head.dense = spin.dense();
  head.coupled = spin.coupled();
  int32_t pairs = 0;
  for (int level = 0; level < head.coupled; ++level) {
    head.level_begin[level] = pairs;
    for (int32_t path = 0; path < spin.paths(level); ++path) {
      const int32_t* const row = spin.rows(level, path);
      const int d = spin.spin(level, path);
      for (int i = 1; i <= d; ++i, ++pairs) {
        parts.pair_rows[2 * pairs] = 2 * row[i];
        parts.pair_rows[2 * pairs + 1] = 2 * row[i - 1] + 1;
        parts.pair_turns[2 * pairs] = std::sqrt((d + 1.0 - i) / (d + 1));
        parts.pair_turns[2 * pairs + 1] = std::sqrt(i / (d + 1.0));
      }
    }
  }
  head.level_begin[head.coupled] = pairs;
  std::memcpy(parts.rows, spin.rows(head.coupled, 0), sizeof(int32_t) << head.coupled);  // sorted by spin already
  int32_t row = 0, value = 0, path = 0;
  for (int d = head.coupled; d >= 0; d -= 2) {
    const int k = head.spins++;
    head.side[k] = (d + 1) << head.dense;
    head.first_row[k] = row;
    head.first_value[k] = value;
    head.first_entry[k] = head.entries;
    for (; path < spin.paths(head.coupled) && spin.spin(head.coupled, path) == d; ++path) ++head.paths[k];
    row += head.paths[k] * (d + 1);
    const int entries = head.side[k] * head.side[k];
    spin_block(d, head.dense, parts.work, parts.work + entries);
    diagonalise(parts.work, head.side[k], parts.vectors + head.entries, parts.values + value);
    value += head.side[k];
    head.entries += entries;
  }
}

}  // namespace

size_t decompose_plan_bytes(int n, bool noise) noexcept { return Parts(n, noise, nullptr).all + 64; }

void build_decompose_plan(const harsanyi_decompose_options& options, int n, bool noise, void* memory) noexcept {
  Parts parts(n, noise, static_cast<char*>(memory));
  DecomposePlanHead& head = *parts.head;
  std::memset(&head, 0, sizeof head);
  head.n = n;
  head.noise = noise;
  for (int m = 0; m <= n; ++m) {
    head.weight[m] = m == 0 ? 0 : (options.weights != nullptr ? options.weights[m] : 1);
    head.excluded = head.excluded || std::isinf(head.weight[m]);
    head.ratio[m] = std::pow(kPhi, 2 * m - n);
    head.inverse[m] = 1 / (1 + head.ratio[m] * head.ratio[m]);
  }
  head.band_to = n;
  while (head.band_to > 0 && head.weight[head.band_to] == 0) --head.band_to;
  head.band_from = n - head.band_to;
  if (noise) {
    parts.spin.build();
    fill_spins(parts, head);
  } else if (n > 0) {
    const AffineNumbers& numbers = affine_numbers(n);
    for (int m = 0; m <= n; ++m) {
      head.affine_constant[m] = numbers.by_constant[m];
      head.affine_total[m] = numbers.by_total[m];
      head.affine_members[m] = numbers.by_members[m];
    }
    head.constant = numbers.constant;
    head.own = numbers.own;
    head.other = numbers.other;
  }
  head.tables_at = offset(parts.pair_turns, parts.head);
  head.values_at = offset(parts.values, parts.head);
  head.vectors_at = offset(parts.vectors, parts.head);
  head.bytes = static_cast<uint32_t>(parts.bytes);
}

}  // namespace harsanyi
