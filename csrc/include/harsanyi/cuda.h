/* harsanyi on CUDA devices: the same functions as in harsanyi.h, on device memory and the caller's stream.
 *
 * They live in a plugin, libharsanyi_cuda.so beside libharsanyi.so (or where HARSANYI_CUDA_PLUGIN points), which is
 * loaded at the first call; without it they return HARSANYI_ERROR_UNSUPPORTED.
 *
 * Conventions, besides those of harsanyi.h
 *   - Pointers are memory of `device`, unless they are said to be host memory. `stream` is a cudaStream_t; NULL is the
 *     default stream. Work is queued in order, and the call returns before it is done.
 *   - Nothing allocates, waits for the device or leaves another device current, so calls can be captured in a graph.
 *   - What lies in device memory cannot be refused before it is read: such values are named where they matter, and a
 *     value out of its range never reaches memory outside the given buffers.
 *   - A CUDA error is HARSANYI_ERROR_SYSTEM with CUDA's text.
 */
#ifndef HARSANYI_CUDA_H
#define HARSANYI_CUDA_H

#include "harsanyi/harsanyi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whether the plugin is loaded and a device is there; if not, harsanyi_last_error() says why. */
HARSANYI_API int harsanyi_cuda_available(void);

/* ---- lattice transforms, as harsanyi_transform and harsanyi_kronecker; no workspace ----
 * The named kinds give the CPU's bits. One pass over memory up to n = 14 (f64, i64) or 15 (f32) on devices with 128 KiB
 * of shared memory a block, two up to n = 26, three beyond. */
HARSANYI_API harsanyi_status harsanyi_cuda_transform(int device, void* stream, harsanyi_kind kind, harsanyi_dtype dtype,
                                                     int n, int64_t batch, const void* src, void* dst);
/* matrix: host memory. */
HARSANYI_API harsanyi_status harsanyi_cuda_kronecker(int device, void* stream, const double matrix[4],
                                                     harsanyi_dtype dtype, int n, int64_t batch, const void* src,
                                                     void* dst);

/* ---- sums by order, player and pair, as harsanyi_pair_sums; in f64, within rounding of the CPU's ----
 * One read of the input. workspace: device memory, aligned for doubles: none up to n = 14, never above 16 MiB. Any size
 * down to one table, 16 KiB, will do: less memory takes more launches and, below that of one vector, rounds otherwise.
 * The same sizes give the same bits, whatever the device and the stream's other work. */
HARSANYI_API size_t harsanyi_cuda_pair_sums_workspace(int n, int64_t batch);
HARSANYI_API harsanyi_status harsanyi_cuda_pair_sums(int device, void* stream, harsanyi_dtype dtype, int n,
                                                     int64_t batch, const void* src, double* out, void* workspace,
                                                     size_t workspace_bytes);
/* As harsanyi_pair_sums_adjoint, with no workspace. */
HARSANYI_API harsanyi_status harsanyi_cuda_pair_sums_adjoint(int device, void* stream, int n, int64_t batch,
                                                             const double* src, double* out);

/* ---- subsets, as the functions of the same names in harsanyi.h, to the bit; no workspace ----
 * Values in device memory that those refuse: a negative subset has rank -1; a rank outside 0..binomial(n,k)-1 gives the
 * subset -1; of a subset its bits 0..n-1 count; a player outside 0..n-1 is in no draw, which then has fewer. */
HARSANYI_API harsanyi_status harsanyi_cuda_subsets_of_order(int device, void* stream, int n, int k, int64_t* out);
HARSANYI_API harsanyi_status harsanyi_cuda_rank_subsets(int device, void* stream, int64_t count, const int64_t* subsets,
                                                        int64_t* ranks);
HARSANYI_API harsanyi_status harsanyi_cuda_unrank_subsets(int device, void* stream, int n, int k, int64_t count,
                                                          const int64_t* ranks, int64_t* subsets);
HARSANYI_API harsanyi_status harsanyi_cuda_orders(int device, void* stream, int n, uint8_t* out);
HARSANYI_API harsanyi_status harsanyi_cuda_sample_masks(int device, void* stream, int n, const int32_t* players,
                                                        int candidates, int size, int64_t count, uint64_t seed,
                                                        uint64_t first, uint8_t* masks);
HARSANYI_API harsanyi_status harsanyi_cuda_sample_subsets(int device, void* stream, int n, const int32_t* players,
                                                          int candidates, int size, int64_t count, uint64_t seed,
                                                          uint64_t first, int64_t* subsets);
HARSANYI_API harsanyi_status harsanyi_cuda_masks_from_subsets(int device, void* stream, int n, int64_t count,
                                                              const int64_t* subsets, uint8_t* masks);
HARSANYI_API harsanyi_status harsanyi_cuda_subsets_from_masks(int device, void* stream, int n, int64_t count,
                                                              const uint8_t* masks, int64_t* subsets);

/* ---- masked batches, as the functions of the same names in harsanyi.h, to the bit; no workspace ----
 * sample, baseline and out are aligned to an element. An element whose player is n or more is never masked, like one
 * whose player is negative. */
HARSANYI_API harsanyi_status harsanyi_cuda_masked_batch(int device, void* stream, size_t element_bytes,
                                                        int64_t elements, const void* sample, const void* baseline,
                                                        const int32_t* player, int n, int64_t rows,
                                                        const int64_t* subsets, void* out);
HARSANYI_API harsanyi_status harsanyi_cuda_masked_batch_from_masks(int device, void* stream, size_t element_bytes,
                                                                   int64_t elements, const void* sample,
                                                                   const void* baseline, const int32_t* player, int n,
                                                                   int64_t rows, const uint8_t* masks, void* out);

/* ---- reductions, as the functions of the same names in harsanyi.h ----
 * Sums in f64 along a tree that n and the alignment of src fix: the same bits on every run and in every batch, though
 * not the CPU's (error below (64 + n) eps sum|x|); counts are exact. Loads are 16 bytes where src is aligned to them.
 * workspace: the bytes of the query, aligned to 8; none for vectors of up to 2**11 entries. */
HARSANYI_API size_t harsanyi_cuda_reduce_orders_workspace(harsanyi_dtype dtype, int n, int64_t batch);
/* out: host memory, with pointers to memory of the device. */
HARSANYI_API harsanyi_status harsanyi_cuda_reduce_orders(int device, void* stream, harsanyi_dtype dtype, int n,
                                                         int64_t batch, const void* src, const double* thresholds,
                                                         int salient_only, const harsanyi_order_sums* out,
                                                         void* workspace, size_t workspace_bytes);
HARSANYI_API size_t harsanyi_cuda_player_sums_workspace(harsanyi_dtype dtype, int n, int64_t batch);
HARSANYI_API harsanyi_status harsanyi_cuda_player_sums(int device, void* stream, harsanyi_dtype dtype, int n,
                                                       int64_t batch, const void* src, const double* weights,
                                                       double* out, void* workspace, size_t workspace_bytes);

/* ---- certified sparse AND-OR decomposition, as harsanyi_decompose ----
 * One launch carries every sample to its own end: the gap asked for or max_steps. Sums run in another order than on
 * the CPU, so results agree to the gap, not to the bit. and_only, share below 1 and several networks are
 * HARSANYI_ERROR_UNSUPPORTED; poll is not asked. A v that is not finite gives NaN and HARSANYI_DECOMPOSE_NOT_FOUND.
 *
 * The plan holds tables that depend on n, the weights and whether there is noise. It is built in host memory, of which
 * the first *used bytes are the plan itself, for the caller to copy to the device, and to use again. */
HARSANYI_API size_t harsanyi_cuda_decompose_plan_bytes(int n, int with_noise); /* 0 for arguments out of range */
HARSANYI_API harsanyi_status harsanyi_cuda_decompose_plan(const harsanyi_decompose_options* options, int n,
                                                          int with_noise, void* plan, size_t plan_bytes, size_t* used);
/* Bytes of workspace on this device; 0 without the plugin, or for arguments out of range. */
HARSANYI_API size_t harsanyi_cuda_decompose_workspace(int device, const harsanyi_decompose_options* options, int n,
                                                      int64_t batch, int with_noise);
/* options: host memory; the rest, reports and plan as well, device memory. */
HARSANYI_API harsanyi_status harsanyi_cuda_decompose(int device, void* stream,
                                                     const harsanyi_decompose_options* options, int n, int64_t batch,
                                                     const double* v, const double* zetas, double* and_, double* or_,
                                                     double* delta, double* dual, harsanyi_decompose_report* reports,
                                                     const void* plan, void* workspace, size_t workspace_bytes);

#ifdef __cplusplus
}
#endif

#endif /* HARSANYI_CUDA_H */
