// The decomposition with noise by the dual simplex method, where its optimum has few terms.
//
// With a box for the noise the optimum of a trained network has some tens of coefficients and as many subsets at which
// the noise is at its box, whatever 2**n is. So the basis is small, and only these range over all subsets: which
// coefficient enters, from the sums A^T rho of the leaving row, and what residuals and edge lengths become, from
// A alpha and A tau. Each of the three is a pair of lattice transforms of a few entries (simplex_images.inl.hpp).
//   - It begins with y = 0 and no terms, which is dual feasible, and stays so: y is always a bound.
//   - The leaving row has the largest excess^2 / length^2 of its edge (dual steepest edge): no approximate lengths.
//   - The ratio test is in two passes (Harris): the largest element among the nearly equal ones. Signs of y that it
//     passes flip their noise from one end of the box to the other.
//   - Costs are raised by a few millionths of themselves, for each player and at random: ties are rare, and go to the
//     smaller sets.
// From kLeastPivotPlayers on and down to kLeastPivotGap these vectors are in f32, and where that ends f64 goes on.
// It ends with the exact optimum, or gives up once the basis has grown too large. Then the iteration runs, and now and
// again a basis of its point's terms is taken to the optimum of nearly the same costs, which makes a good pair, and
// from there by the primal simplex method (simplex_primal.inl.hpp) to that of the true costs.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "../lattice/bits.hpp"
#include "basis.hpp"
#include "decompose.hpp"
#include "threads.hpp"

namespace harsanyi {

template <class T>
constexpr bool kIsF32 = sizeof(T) < sizeof(double);

// T: of the vectors over all subsets. The basis, its values and multipliers, and where it ends are f64.
template <class T>
class Simplex {
 public:
  Simplex(const KernelTable& table, const DecomposePlan<double>& plan, const DecomposeSample& sample,
          const DecomposeScratch<double>& scratch, double gap, Interrupt& interrupt) noexcept;

  static constexpr size_t kVectors = 8;  // of scratch memory
  // The pivots worth making from nothing, and the largest basis; numbers by term, and with three tables by order.
  static int64_t most_pivots(int n) noexcept { return int64_t{n < 16 ? 16 : 32} * n; }
  static size_t most_terms(int n) noexcept { return std::min(size_t{1} << n, 64 * static_cast<size_t>(n)); }
  static constexpr size_t kNumbers = 9;
  static size_t numbers(int n) noexcept {
    return kNumbers * most_terms(n) + 3 * (static_cast<size_t>(n) + 1) * kTableRow + 2 * group_numbers(n);
  }

  // Whether the optimum was found in at most so many pivots; from the result that the sample holds, if it is one of few
  // terms.
  bool run(int64_t most_pivots, bool warm) noexcept;
  // From where that has ended in f32, with this basis after so many pivots, on to the end. Its numbers by term still
  // stand in the scratch memory; this one is made after that has ended, since its tables stand there too.
  bool go_on(const Basis& basis, int64_t pivots, int64_t most_pivots) noexcept;
  const Basis& basis() const noexcept { return basis_; }
  // The optimum of costs near the true ones, begun from a point of the iteration: its coefficients are the basis's
  // columns, its multipliers their costs. False if they say too little, or it takes more pivots.
  struct Point {
    const double* q[3];    // before the soft threshold, and before the box
    const double* weight;  // of the thresholds, a table by order
    double unit, scale;    // threshold of weight 1; the noise is `scale` times its block
    size_t most_terms;
  };
  bool cross_over(const Point& point, int64_t most_pivots) noexcept;
  // From there by the primal simplex method towards the optimum of the true costs, until the multipliers are a bound
  // within the gap. False if rounding took the noise out of its box; else what it has reached is a better pair.
  bool improve(int64_t most_pivots) noexcept;
  int64_t pivots() const noexcept { return pivots_; }
  // The optimum, all vectors in scratch memory: coefficients (those of OR internal), noise, and multipliers, at the
  // costs as they were raised or without that.
  double* and_part() const noexcept { return found_[0]; }
  double* or_part() const noexcept { return found_[1]; }
  double* noise() const noexcept { return noise_; }
  double* multipliers(bool raised) noexcept;
  double* spare() const noexcept { return found_[0]; }

 private:
  enum class Pivot { made, optimal, failed };
  // What leaves or enters: a coefficient (`index` in the basis, or its column) or a subset (or its index).
  struct Leaving {
    bool is_row = false;
    size_t index = 0;
    double sign = 0;  // the edge is this times a row of the inverse
    double score = 0, excess = 0;
  };
  struct Entering {
    bool is_row = false;
    size_t index = 0;
    double step = INFINITY, side = 0;  // the primal method: its excess, and the sign of a column's sum
  };

  void begin() noexcept;
  bool begin_warm() noexcept;
  bool begin_at(const Point& point) noexcept;
  bool read_columns(const Point& point) noexcept;
  size_t read_rows(const Point& point, uint32_t* rows, double* worth) noexcept;
  double shift_costs() noexcept;
  bool finish(int64_t most_pivots, bool tries) noexcept;
  bool has_many_terms(size_t known) const noexcept;
  void measure_edges() noexcept;
  bool read_terms() noexcept;
  Pivot pivot() noexcept;
  Leaving choose_leaving() const noexcept;
  void find_edge(const Leaving& leaving) noexcept;
  void sums_of_edge(const Leaving& leaving) noexcept;
  double move_of(const Leaving& leaving, uint32_t column) const noexcept;
  // Entries of a vector that move towards their limits, and memory for a list of rows.
  struct Ratio {
    ColumnCosts<T> limits;
    const T *at, *move;
    T* memory;
    uint32_t* rows(size_t first) const noexcept { return reinterpret_cast<uint32_t*>(memory) + first / kTableRow; }
  };
  int ratio_test(const Ratio* over, int vectors, double tolerance, double counts, size_t* index) const noexcept;
  Entering choose_entering(const Leaving& leaving) noexcept;
  void pass_multipliers(const Leaving& leaving, Entering& entering) noexcept;
  void move_dual(const Entering& entering) noexcept;
  void flip() noexcept;
  bool move_primal(const Leaving& leaving, const Entering& entering) noexcept;
  void update_rows(const RowUpdate& by) noexcept;
  void select_row() noexcept;
  void exchange(const Leaving& leaving, const Entering& entering, const RowUpdate& by, double side) noexcept;
  bool refresh() noexcept;
  void solve_basis() noexcept;
  void solve_multipliers() noexcept;
  void solve_coefficients() noexcept;
  void solve_entering(const Entering& entering) noexcept;
  void residuals_anew() noexcept;
  void recompute() noexcept;
  // The primal method.
  void begin_weights() noexcept;
  Entering price(double share, Price* best) noexcept;
  bool is_near(double norm) const noexcept;
  void find_direction(const Entering& entering, double side) noexcept;
  double direction_at(const Entering& entering, double side, uint32_t row) const noexcept;
  Leaving choose_blocking(const Entering& entering, double side, double* step) noexcept;
  bool improve_once(const Entering& entering, double* share) noexcept;
  bool settle() noexcept;

  int kinds() const noexcept { return plan_.and_only ? 1 : 2; }
  template <class U>
  U* part(U* const (&vectors)[2], uint32_t column) const noexcept {
    return vectors[column >= Basis::kOr ? 1 : 0] + (column & ~Basis::kOr);
  }
  double cost(uint32_t column) const noexcept;
  double aim() const noexcept { return box_ - margin_; }
  // What the coefficients make up at a row of the basis, whose noise is at its end of the box.
  double aimed(size_t k) const noexcept { return sample_.v[basis_.row(k)] - sample_.v[0] - end_[k] * aim(); }
  // A column or a row beside the basis, and how much of it.
  struct Term {
    uint32_t index;
    double value;
  };
  template <class U>
  void image(const double* by_column, double factor, Term more, U* out) const noexcept;
  template <class U>
  void adjoint(const double* by_row, Term more, U* const (&out)[2]) const noexcept;
  // One entry of them.
  double residual_at(uint32_t row) const noexcept { return sample_.v[row] - sample_.v[0] - image_at(x_, 1, {}, row); }
  double image_at(const double* by_column, double factor, Term more, uint32_t row) const noexcept;
  double adjoint_at(const double* by_row, Term more, uint32_t column) const noexcept;
  // Terms sorted by the bits of their sets above a block: those of group g are begin[g] to begin[g + 1].
  struct Groups {
    double* value;
    uint32_t *set, *begin;
    template <class U>
    void add(uint32_t g, U* x, double sign = 1) const noexcept {
      for (uint32_t k = begin[g]; k < begin[g + 1]; ++k) x[set[k]] += static_cast<U>(sign * value[k]);
    }
  };
  static int image_bits(int n) noexcept;
  static size_t group_numbers(int n) noexcept {
    return 2 * (most_terms(n) + 1) + (size_t{1} << (n - image_bits(n))) / 2 + 2;
  }
  template <class F>
  void sort(const F& terms, const Groups& to) const noexcept;
  template <class F>
  void each_image(const F& of) const noexcept;
  template <class U>
  void transform_block(Kind kind, int bits, U* x) const noexcept;
  void scatter() const noexcept;
  // of(first, count, block) over blocks of subsets.
  template <class F>
  void each(const F& of) const noexcept {
    parallel_for(static_cast<int64_t>(blocks()), scratch_.threads, [&](int64_t block, int) {
      const size_t first = static_cast<size_t>(block) * kBlock;
      of(first, std::min(count_ - first, kBlock), static_cast<size_t>(block));
    });
  }
  size_t blocks() const noexcept { return (count_ + kBlock - 1) / kBlock; }

  const KernelTable& table_;
  const SimplexPasses<T>& passes_;
  const DecomposePlan<double>& plan_;
  const DecomposeSample& sample_;
  const DecomposeScratch<double>& scratch_;
  Interrupt& interrupt_;
  const size_t count_;
  Basis basis_;
  // Vectors: sums A^T y, those of the edge, residuals v - A x, squared edge lengths of rows, two to work with.
  T *sums_[2], *move_[2], *residual_, *length_, *alpha_, *tau_;
  double *found_[2], *noise_, *multipliers_;  // what it has found; in f64 in the memory of the others
  // By place in the basis: of coefficients value, sign and squared edge length; of rows multiplier and end of the box.
  double *x_, *sign_, *x_length_, *y_, *end_;
  double *edge_, *x_alpha_, *x_tau_, *spare_;  // the edge by row, what follows by column
  double* weight_;                             // by order, raised
  T *price_, *room_;                           // the same for passes, and for every order what the noise aims at
  Groups groups_[2];                           // to work with
  double low_[kTableRow], spread_[kTableRow];  // of the random part
  T low_price_[kTableRow];
  double box_ = 0, margin_ = 0;  // noise aims at box less margin
  double gap_ = 0;
  double edge_length_ = 0;  // squared
  double dual_tolerance_ = 0;
  size_t next_row_ = 0;  // the best one to leave
  double next_score_ = 0;
  int flips_ = 0;
  bool fresh_ = true;
  bool shifted_ = false;  // whether the sums are those of the multipliers and of shifts
  int64_t pivots_ = 0, refreshed_at_ = -1;
};

}  // namespace harsanyi
