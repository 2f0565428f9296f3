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

struct KernelTable {
  const char* name;
  TransformCut (*cut_transform)(Dtype dtype, int n);
  void (*transform_blocks)(const Transform& job, int low, size_t first, size_t count);
  void (*transform_tile)(const Transform& job, const TransformCut& cut, size_t vector, size_t tile, void* scratch);
  void (*reduce_orders)(Dtype dtype, const void* x, int n, double threshold, bool salient_only, double* positive,
                        double* negative, int64_t* count);
  void (*player_sums)(Dtype dtype, const void* x, int n, const double* weights, double* out, double* scratch);
  void (*masked_rows)(const MaskedBatch& job, int64_t first, int64_t count);
};

extern const KernelTable kernels_baseline;
#if defined(HARSANYI_X86_64)
extern const KernelTable kernels_avx2;
extern const KernelTable kernels_avx512;
#endif

}  // namespace harsanyi
