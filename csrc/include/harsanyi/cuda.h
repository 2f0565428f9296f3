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

#ifdef __cplusplus
}
#endif

#endif /* HARSANYI_CUDA_H */
