// What an instruction-set tier offers: one table of functions, filled by tier.cpp once per tier.
//
// Pointers are checked and sizes are bounded by the callers in core/; nothing here allocates, throws or starts a
// thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace harsanyi {

enum class Kind { zeta, mobius, superset_zeta, superset_mobius, or_transform, or_inverse, walsh_hadamard, general };
enum class Dtype { f32, f64, i64 };

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

// Two rows that one Clebsch-Gordan rotation couples (core/spin.hpp).
struct SpinPair {
  int32_t low, high;
  double c, s;
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

  // Sparse AND-OR decomposition (sparse.inl.hpp): elementwise steps, spin rotations, and sums.
  void (*soft_step)(size_t count, double relaxation, double unit, const double* weight, double sign,
                    const double* shift, double* q, double* x);
  void (*clip_step)(size_t count, double relaxation, double bound, const double* shift, double* q, double* x);
  void (*soft_threshold)(size_t count, double unit, const double* weight, const double* q, double* z);
  void (*soft_excess)(size_t count, double unit, const double* weight, const double* q, double* u);
  void (*clip_excess)(size_t count, double bound, const double* q, double* x);
  void (*add_target)(size_t count, double sign, const double* v, double origin, double bound, const double* q,
                     double* x);
  void (*residual)(size_t count, const double* v, double origin, const double* x, const double* o, double* a);
  void (*project_pairs)(size_t count, const double* s, const double* v, double* a, double* o);
  void (*weigh_pairs)(size_t count, const double* s, const double* o, double* a);
  void (*couple_rows)(const SpinPair* pairs, int64_t count, size_t stride, size_t columns, double* x);
  void (*apply_block)(int dense, int count, const double* block, const int32_t* rows, const double* x, double* out);
  double (*weighted_l1)(size_t count, const double* weight, const double* x);
  double (*normalised_max)(size_t count, const double* weight, const double* x);
  double (*sum)(size_t count, const double* x);
  void (*dual_sums)(size_t count, const double* v, double origin, double mean, double* y, double* product,
                    double* size);
};

extern const KernelTable kernels_baseline;
#if defined(HARSANYI_X86_64)
extern const KernelTable kernels_avx2;
extern const KernelTable kernels_avx512;
#endif

}  // namespace harsanyi
