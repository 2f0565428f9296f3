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

/* ---- certified sparse AND-OR decomposition, as harsanyi_decompose ----
 * One launch carries every sample to its own end: the gap asked for or max_steps. Sums run in another order than on the
 * CPU, so results agree to the gap, not to the bit. and_only, share and several networks are HARSANYI_ERROR_UNSUPPORTED;
 * poll is not asked. A v that is not finite gives NaN and HARSANYI_DECOMPOSE_NOT_FOUND.
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
