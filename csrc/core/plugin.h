// What the CUDA plugin (csrc/cuda, a library of its own) offers the core: one table of functions.
//
// All pointers to data are device memory. Everything runs in order on the caller's stream: nothing allocates, waits
// for the device, or leaves another device current. A function returns 0 or a CUDA error code. Arguments have been
// checked by the core.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../cpu/kernels.hpp"
#include "harsanyi/harsanyi.h"

namespace harsanyi {

struct CudaPlace {
  int device;
  void* stream;  // cudaStream_t
};

struct CudaPairSums {
  Dtype dtype;
  int n;
  int64_t batch;
  const void* src;
  double* out;
  double* tables;  // room for this many tables of a part (core/cuda_pairs.hpp)
  int64_t table_count;
};

// harsanyi_sample_masks and harsanyi_sample_subsets; players in device memory.
struct SubsetDraw {
  int n;
  const int32_t* players;
  int candidates, size;
  uint64_t seed, first;
};

// harsanyi_reduce_orders; any of the results may be null.
struct OrderReduction {
  Dtype dtype;
  int n;
  const void* src;
  const double* thresholds;
  bool salient_only;
  double *sum, *absolute, *positive, *negative;
  int64_t* count;
};

struct PlayerReduction {
  Dtype dtype;
  int n;
  const void* src;
  const double* weights;
  double* out;
};

// Pointers to device memory, but for the options.
struct CudaDecompose {
  const harsanyi_decompose_options* options;
  int n;
  int64_t batch;
  const double *v, *zetas;  // zetas: null without noise
  double *and_, *or_, *delta, *dual;
  harsanyi_decompose_report* reports;
  const void* plan;  // of decompose_plan.hpp
  void* workspace;
};

struct CudaTable {
  const char* version;  // of the package, and the size of this table: the core takes no other
  size_t bytes;
  const char* (*error_text)(int code);
  int (*count_devices)(int* count);
  int (*transform)(const CudaPlace& place, const Transform& job, int64_t batch);
  int (*pair_sums)(const CudaPlace& place, const CudaPairSums& job);
  int (*pair_sums_adjoint)(const CudaPlace& place, int n, int64_t batch, const double* src, double* out);
  int (*subsets_of_order)(const CudaPlace& place, int n, int k, int64_t* out);
  int (*rank_subsets)(const CudaPlace& place, int64_t count, const int64_t* subsets, int64_t* ranks);
  int (*unrank_subsets)(const CudaPlace& place, int n, int k, int64_t count, const int64_t* ranks, int64_t* subsets);
  int (*orders)(const CudaPlace& place, int n, uint8_t* out);
  int (*sample_masks)(const CudaPlace& place, const SubsetDraw& draw, int64_t count, uint8_t* masks);
  int (*sample_subsets)(const CudaPlace& place, const SubsetDraw& draw, int64_t count, int64_t* subsets);
  int (*masks_from_subsets)(const CudaPlace& place, int n, int64_t count, const int64_t* subsets, uint8_t* masks);
  int (*subsets_from_masks)(const CudaPlace& place, int n, int64_t count, const uint8_t* masks, int64_t* subsets);
  int (*masked_batch)(const CudaPlace& place, const MaskedBatch& job, int64_t rows);
  int (*reduce_orders)(const CudaPlace& place, const OrderReduction& job, int64_t batch, double* workspace);
  int (*player_sums)(const CudaPlace& place, const PlayerReduction& job, int64_t batch, double* workspace);
  size_t (*decompose_workspace)(const CudaPlace& place, const CudaDecompose& given, bool noise);
  int (*decompose)(const CudaPlace& place, const CudaDecompose& given);
};

}  // namespace harsanyi

extern "C" __attribute__((visibility("default"))) const harsanyi::CudaTable* harsanyi_cuda_table(void);
