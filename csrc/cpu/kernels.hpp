// What an instruction-set tier offers: one table of functions, filled by tier.cpp once per tier.
//
// Pointers are checked and sizes are bounded by the callers in core/; nothing here allocates, throws or starts a
// thread.
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>

namespace harsanyi {

enum class Kind {
  zeta,
  mobius,
  superset_zeta,
  superset_mobius,
  or_transform,
  or_inverse,
  walsh_hadamard,
  general,
  reflect,
  rotate,
  rotate_back
};
enum class Dtype { f32, f64, i64 };
template <class T>
constexpr Dtype kDtype = sizeof(T) == 4 ? Dtype::f32 : Dtype::f64;  // of float and double

constexpr size_t size_of(Dtype dtype) { return dtype == Dtype::f32 ? 4 : 8; }

// A batch of lattice vectors of 2**n entries, contiguous in both buffers; src == dst means in place.
struct Transform {
  Kind kind;
  Dtype dtype;
  int n;
  const void* src;
  void* dst;
  double matrix[4];  // row-major, for Kind::general
};

// How a transform is cut into independent items: first every contiguous block of 2**low entries (bits 0..low-1), then,
// when low < n, tiles of `columns` adjacent entries in all 2**(n-low) rows (bits low..n-1). Bits are always applied in
// ascending order, so the cut never changes a bit of the result.
struct TransformCut {
  int low;
  size_t columns;  // 0 when low == n
  size_t scratch;  // bytes of workspace that one tile needs
};

struct MaskedBatch {
  size_t element_bytes;
  int64_t elements;
  const void* sample;
  const void* baseline;
  const int32_t* player;
  int n;
  const int64_t* subsets;  // one of the two is null
  const uint8_t* masks;
  void* out;
};

// Entries in a row of a table by order: what depends on order(S) alone is looked up as table[order(S / 64)][S % 64].
constexpr size_t kTableRow = 64;
// Networks that one joint decomposition takes.
constexpr int kMaxNetworks = 16;

// What a block of the splitting is thresholded with. weight is a table by order: soft thresholding at unit * weight,
// except that what exceeds free_from beyond it stays as it is. Null: clipping to [-unit, unit].
template <class T>
struct Prox {
  T unit;
  T free_from;
  const T* weight;
};

// The inverses of the blocks of all spins and where each begins; those from wide_from on are in f64.
template <class T>
struct SpinBlocks {
  const T* entries;
  const double* wide;
  const size_t* first;
  int wide_from;
};

// Halpern's weights of the step and of the anchor; and, where the projected point is not at hand, what it differs by
// from the point that was projected: factor * move.
template <class T>
struct Step {
  T keep, pull;
  T factor = 0;
  const T* move = nullptr;
};

// Tables by order of what stands before a constant, before the sum of e and before the sum of e over a set's players.
template <class T>
struct AffineTables {
  const T *constant, *total, *members;
};
// The three for AND; for OR the last two change sign. low has the last one for subsets of the first players, the rest
// is summed up from player.
template <class T>
struct AffineTerm {
  T constant = 0, total = 0;
  T low[kTableRow] = {};
  T player[32] = {};
};

// Sparse AND-OR decomposition (sparse.inl.hpp): elementwise steps, spin rotations, and sums. `first` is the subset of
// entry 0.
template <class T>
struct SparseKernels {
  double (*advance)(const Step<T>& step, const Prox<T>& prox, size_t first, size_t count, T* q, T* x, const T* anchor);
  void (*reflect)(const Prox<T>& prox, size_t first, size_t count, const T* q, T* x);
  void (*apply_prox)(const Prox<T>& prox, size_t first, size_t count, const T* q, T* z);
  void (*excess)(const Prox<T>& prox, size_t first, size_t count, const T* q, T* u);
  void (*relax)(const Prox<T>& prox, size_t first, size_t count, T factor, T sign, T* x);
  void (*moved)(const Prox<T>& prox, size_t first, size_t count, const T* q, const T* anchor, double* near,
                double* dual);
  void (*restart)(const Prox<T>& prox, size_t first, size_t count, T factor, T* q, T* anchor, T* x);
  double (*advance_from)(size_t count, T keep, T pull, const T* z, T* q, const T* x, const T* anchor);
  void (*joint_prox)(const Prox<T>& prox, T alpha, int networks, size_t stride, size_t first, size_t count, const T* q,
                     T* z);
  double (*joint_cost)(T alpha, int networks, size_t stride, size_t first, size_t count, const T* weight, const T* x);
  double (*joint_max)(T alpha, int networks, size_t stride, size_t first, size_t count, const T* weight, const T* x);
  // A step in two passes (step.inl.hpp): points rotated on the lowest fold_bits bits, kind 0 is AND.
  int fold_bits;
  void (*fold)(int kind, size_t count, T* x);
  void (*unfold)(int kind, size_t count, const T* x, T* out);
  T (*unfold_corner)(const T* x);
  double (*advance_folded)(int kind, const AffineTables<T>& tables, const AffineTerm<T>& term, const Step<T>& step,
                           const Prox<T>& prox, size_t first, size_t count, T* q, T* x, const T* anchor);
  void (*project_folded)(int n, size_t tile, const T* ratio, const T* inverse, T scale, const T* v, T* a, T* o,
                         T* scratch);
  void (*residual)(size_t count, const double* v, double origin, const T* o, T scale, T bound, const T* d, T* a);
  void (*add)(size_t count, T sign, const T* y, T* x);
  void (*split_noise)(size_t count, T bound, T* rest, T* out);
  void (*project_pairs)(size_t first, size_t count, const T* ratio, const T* inverse, T scale, const T* v, T* a, T* o);
  void (*weigh_pairs)(size_t first, size_t count, const T* ratio, const T* inverse, const T* o, T* a);
  double (*fit_pairs)(size_t first, size_t count, const T* ratio, const T* inverse, T scale, const T* v, T* a, T* o);
  // Paths of one spin d, d + 1 rows each (core/spin.hpp): two bits coupled, or three, at most row_bits, row r having
  // its parts at (2**bits r + 0..) stride, of each so many columns; and transposed. Then the last path_bits bits there
  // and back, between them the inverses of the blocks by spin.
  int row_bits;
  void (*couple)(int bits, int d, int count, const int32_t* rows, size_t stride, size_t columns, T* x);
  void (*uncouple)(int bits, int d, int count, const int32_t* rows, size_t stride, size_t columns, T* x);
  int path_bits;
  void (*solve_paths)(int d, int count, const int32_t* rows, const double* factors, const SpinBlocks<T>& blocks,
                      int path_bits, T* x);
  void (*add_affine)(int kind, const AffineTables<T>& tables, const AffineTerm<T>& term, size_t first, size_t count,
                     T* x);
  double (*sum)(size_t count, const T* x);
  double (*weighted_l1)(size_t first, size_t count, const T* weight, const T* x);
  void (*dual_sums)(size_t count, const double* v, double origin, T mean, T* y, double* product, double* size);
  double (*normalised_max)(size_t first, size_t count, const T* inverse, T shift, const T* halves, const T* x);
};

// What a unit of a coefficient costs in the simplex methods: weight, a table by order, times
// 1 + low[S % 64] * spread[hash of S / 64], which keeps ties rare.
template <class T>
struct ColumnCosts {
  const T *weight, *low;
  const double* spread;
  size_t salt;
};
constexpr size_t kSpread = 0x9E3779B1;

// A step of its residuals: how far they move along alpha, one over the pivot, the leaving edge's squared length; and
// the box.
struct RowUpdate {
  double step, per_pivot, length, box;
};

// The best column to enter so far, and the largest sum over its cost.
struct Price {
  double score, norm;
};

// Passes of the simplex methods over all subsets.
template <class T>
struct SimplexPasses {
  double (*least_ratio)(const ColumnCosts<T>& costs, size_t first, size_t count, double tolerance, double counts,
                        double least, const T* g, const T* move, uint32_t* rows, size_t* found);
  double (*largest_move)(const ColumnCosts<T>& costs, size_t first, size_t count, double limit, double most, const T* g,
                         const T* move, const uint32_t* rows, size_t found, size_t* which);
  double (*update_rows)(const RowUpdate& by, size_t count, double most, const T* alpha, const T* tau, T* d, T* length,
                        size_t* which);
  void (*price)(const ColumnCosts<T>& costs, size_t first, size_t count, double tolerance, double share, const T* g,
                const T* before, T* weight, Price* best, size_t* which);
  void (*add_squares)(size_t count, const float* x, T* sums);
};

// Products of their inverse.
struct SimplexKernels {
  void (*multiply)(const double* m, size_t stride, size_t rows, size_t columns, const double* x, double* out);
  void (*multiply_transposed)(const double* m, size_t stride, size_t rows, size_t columns, const double* x,
                              double* out);
  void (*add_product)(double factor, const double* u, const double* z, size_t stride, size_t rows, size_t columns,
                      double* m);
  void (*subtract_products)(size_t count, const double* u, const double* z, size_t stride, size_t rows, size_t columns,
                            double* m);
};

struct KernelTable {
  const char* name;
  TransformCut (*cut_transform)(Dtype dtype, int n);
  void (*transform_blocks)(const Transform& job, int low, size_t first, size_t count);
  void (*transform_tile)(const Transform& job, const TransformCut& cut, size_t vector, size_t tile, void* scratch);
  void (*reduce_orders)(Dtype dtype, const void* x, int n, double threshold, bool salient_only, double* positive,
                        double* negative, int64_t* count);
  void (*player_sums)(Dtype dtype, const void* x, int n, const double* weights, double* out, double* scratch);
  // Sums by order, player and pair (pairs.inl.hpp); the last three for the adjoint.
  void (*fill_pair_leaf)(Dtype dtype, const void* x, int players, double* bins);
  void (*merge_pairs)(int group, int to_group, uint64_t upper, double* from, double* to);
  void (*close_pairs)(int players, double* bins, double* sums);
  void (*read_pair_leaf)(const double* bins, int players, double* x);
  void (*split_pairs)(int group, int to_group, uint64_t upper, double* from, double* to);
  void (*open_pairs)(int players, double* bins, double* sums);
  void (*masked_rows)(const MaskedBatch& job, int64_t first, int64_t count);
  // Of a symmetric positive matrix, in place; work: side * side (cholesky.inl.hpp).
  void (*invert)(double* a, int side, double* work);
  void (*invert_wide)(long double* a, int side, long double* work);

  template <class T, class Single, class Double>
  static const auto& of_type(const Single& f32, const Double& f64) noexcept {
    if constexpr (sizeof(T) == sizeof(float)) {
      return f32;
    } else {
      return f64;
    }
  }

  SimplexKernels simplex;
  SimplexPasses<float> passes_f32;
  SimplexPasses<double> passes_f64;
  template <class T>
  const SimplexPasses<T>& passes() const noexcept {
    return of_type<T>(passes_f32, passes_f64);
  }
  SparseKernels<float> sparse_f32;
  SparseKernels<double> sparse_f64;
  template <class T>
  const SparseKernels<T>& sparse() const noexcept {
    return of_type<T>(sparse_f32, sparse_f64);
  }
};

extern const KernelTable kernels_baseline;
#if defined(HARSANYI_X86_64)
extern const KernelTable kernels_avx2;
extern const KernelTable kernels_avx512;
#endif

}  // namespace harsanyi
