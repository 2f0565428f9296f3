/* harsanyi: lattice transforms, subsets, masked batches, sparse decomposition. The C ABI, the only stable
 * surface of the core.
 *
 * Conventions
 *   - n players; a subset is an unsigned integer, bit i set <=> player i in the subset. A lattice vector has 2**n
 *     entries indexed by that integer; batches are contiguous, one vector after the other.
 *   - The caller owns all memory. Nothing here allocates after the thread pool has started, prints, or throws.
 *   - Every function that can fail returns a harsanyi_status; harsanyi_last_error() then holds the reason, per thread.
 *   - Results do not depend on the number of threads or on the instruction set, to the bit.
 */
#ifndef HARSANYI_H
#define HARSANYI_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define HARSANYI_API __attribute__((visibility("default")))
#else
#define HARSANYI_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define HARSANYI_MAX_LATTICE_PLAYERS 30
#define HARSANYI_MAX_SUBSET_PLAYERS 63
#define HARSANYI_MAX_DECOMPOSE_PLAYERS 22

typedef enum harsanyi_status {
  HARSANYI_OK = 0,
  HARSANYI_ERROR_ARGUMENT = 1,    /* a value out of its range, a null pointer, overlapping buffers */
  HARSANYI_ERROR_WORKSPACE = 2,   /* the workspace is missing or too small */
  HARSANYI_ERROR_UNSUPPORTED = 3, /* this dtype or instruction set is not available here */
  HARSANYI_ERROR_SYSTEM = 4,      /* no thread could be started */
  HARSANYI_ERROR_INTERRUPTED = 5  /* the caller's poll function asked to stop */
} harsanyi_status;

typedef enum harsanyi_dtype { HARSANYI_F32 = 0, HARSANYI_F64 = 1, HARSANYI_I64 = 2 } harsanyi_dtype;

typedef enum harsanyi_kind {
  HARSANYI_ZETA = 0,            /* [[1,0],[1,1]]    sums over subsets */
  HARSANYI_MOBIUS = 1,          /* [[1,0],[-1,1]]   its inverse: Harsanyi dividends, AND interactions */
  HARSANYI_SUPERSET_ZETA = 2,   /* [[1,1],[0,1]]    sums over supersets, the adjoint of zeta */
  HARSANYI_SUPERSET_MOBIUS = 3, /* [[1,-1],[0,1]]   its inverse, the adjoint of Mobius */
  HARSANYI_OR = 4,              /* -kron [[0,1],[1,-1]]  OR interactions; symmetric */
  HARSANYI_OR_INVERSE = 5,      /* -kron [[1,1],[1,0]]   its inverse; symmetric */
  HARSANYI_WALSH_HADAMARD = 6   /* [[1,1],[1,-1]]   unnormalised */
} harsanyi_kind;

/* ---- about this build and this machine ---- */

HARSANYI_API const char* harsanyi_version(void);
HARSANYI_API const char* harsanyi_last_error(void);    /* of the calling thread; "" before the first failure */
HARSANYI_API const char* harsanyi_isa(void);           /* the tier in use: "baseline", "avx2" or "avx512" */
HARSANYI_API int harsanyi_isa_count(void);             /* tiers that this processor can run ... */
HARSANYI_API const char* harsanyi_isa_name(int index); /* ... slowest first; NULL outside the range */
/* Forces a tier; the environment variable HARSANYI_ISA does the same at load time. Not while a kernel runs. */
HARSANYI_API harsanyi_status harsanyi_set_isa(const char* name);

/* ---- threads ---- */

/* Threads that one call may use, the caller's included: HARSANYI_NUM_THREADS, else OMP_NUM_THREADS, else the processors
 * that this process may run on. A call made while the pool is busy with another one runs on its own thread alone. */
HARSANYI_API int harsanyi_get_num_threads(void);
HARSANYI_API harsanyi_status harsanyi_set_num_threads(int count); /* >= 1 */

typedef void (*harsanyi_task)(void* argument, int64_t index, int worker);
/* Runs task(argument, i, worker) for i in 0..count-1, in any order, and returns when all are done. worker is in
 * 0..harsanyi_get_num_threads()-1 and no two tasks running at the same time share one. */
typedef void (*harsanyi_parallel_for)(void* context, int64_t count, harsanyi_task task, void* argument);
/* Replaces the pool by the host's own; NULL restores it. Not while a kernel runs. */
HARSANYI_API void harsanyi_set_parallel_for(harsanyi_parallel_for run, void* context);

/* ---- lattice transforms: kron(K) x for a 2x2 matrix K, O(n 2**n) per vector ----
 * src and dst hold batch * 2**n entries; src == dst works in place, other overlaps are an error. 0 <= n <= 30.
 * f32 and f64: error of an entry <= n * eps * sum|x| for the named kinds. i64: exact modulo 2**64, so an inverse
 * restores its input even where a sum wrapped around. */

/* Bytes of workspace, for the current number of threads and the current tier. */
HARSANYI_API size_t harsanyi_transform_workspace(harsanyi_dtype dtype, int n);
HARSANYI_API harsanyi_status harsanyi_transform(harsanyi_kind kind, harsanyi_dtype dtype, int n, int64_t batch,
                                                const void* src, void* dst, void* workspace, size_t workspace_bytes);
/* Any 2x2 matrix, row-major {low from low, low from high, high from low, high from high}; f32 and f64. */
HARSANYI_API harsanyi_status harsanyi_kronecker(const double matrix[4], harsanyi_dtype dtype, int n, int64_t batch,
                                                const void* src, void* dst, void* workspace, size_t workspace_bytes);

/* ---- subsets ---- */

HARSANYI_API uint64_t harsanyi_binomial(int n, int k); /* exact for n <= 63; 0 outside 0 <= k <= n */
/* The sets of order k among n <= 63 players, in increasing integer order: out has binomial(n, k) entries. */
HARSANYI_API harsanyi_status harsanyi_subsets_of_order(int n, int k, int64_t* out);
/* Position of each set among the sets of its own order, and back. */
HARSANYI_API harsanyi_status harsanyi_rank_subsets(int64_t count, const int64_t* subsets, int64_t* ranks);
HARSANYI_API harsanyi_status harsanyi_unrank_subsets(int n, int k, int64_t count, const int64_t* ranks,
                                                     int64_t* subsets);
/* |S| for S = 0..2**n-1. */
HARSANYI_API harsanyi_status harsanyi_orders(int n, uint8_t* out);
/* count uniform draws of `size` of players[0..candidates-1] (distinct, each in 0..n-1); masks is count x n bytes,
 * 0 or 1. Draw i depends on (seed, first + i) alone: Philox 4x32-10 counters, rejection instead of bias.
 * n <= 2**31 - 1. */
HARSANYI_API harsanyi_status harsanyi_sample_masks(int n, const int32_t* players, int candidates, int size,
                                                   int64_t count, uint64_t seed, uint64_t first, uint8_t* masks);
/* The same draws as integers, n <= 63. */
HARSANYI_API harsanyi_status harsanyi_sample_subsets(int n, const int32_t* players, int candidates, int size,
                                                     int64_t count, uint64_t seed, uint64_t first, int64_t* subsets);
HARSANYI_API harsanyi_status harsanyi_masks_from_subsets(int n, int64_t count, const int64_t* subsets, uint8_t* masks);
HARSANYI_API harsanyi_status harsanyi_subsets_from_masks(int n, int64_t count, const uint8_t* masks, int64_t* subsets);

/* ---- per-order reductions, one pass ----
 * For each of `batch` lattice vectors x and each order m = 0..n: the sum of x, of |x|, of max(x, 0) and of max(-x, 0),
 * and the number of entries with |x| > thresholds[b], over the sets of order m. With salient_only the sums, too, take
 * only those entries. Outputs are batch x (n + 1), summed in f64, each may be NULL. thresholds: one a vector; NULL
 * means 0. */
typedef struct harsanyi_order_sums {
  double* sum;
  double* absolute;
  double* positive;
  double* negative;
  int64_t* count;
} harsanyi_order_sums;
HARSANYI_API harsanyi_status harsanyi_reduce_orders(harsanyi_dtype dtype, int n, int64_t batch, const void* src,
                                                    const double* thresholds, int salient_only,
                                                    const harsanyi_order_sums* out);
/* out[b, i] = sum over T containing i of weights[|T|] * x[b, T]; weights has n + 1 entries, out is batch x n doubles.
 * workspace: (2**(n-1)) doubles a thread. Shapley values: weights 1/t; Banzhaf values: 2^(1-t). */
HARSANYI_API size_t harsanyi_player_sums_workspace(int n);
HARSANYI_API harsanyi_status harsanyi_player_sums(harsanyi_dtype dtype, int n, int64_t batch, const void* src,
                                                  const double* weights, double* out, void* workspace,
                                                  size_t workspace_bytes);

/* Sums by order over the sets that contain given players. Row r of out, n + 1 entries by order m = 0..n:
 *   row 0:                 sum over T, |T| = m, of x[b, T];
 *   row 1 + j(j+1)/2 + i:  the same over the T that contain i and j, 0 <= i <= j < n (i = j: over those with i).
 * out is batch x (1 + n(n+1)/2) x (n + 1) doubles. One pass, summed in f64. Multi-order interactions, with N, P, Q the
 * rows of no player, of one and of two:
 *   I^(m)(i,j) C(n-2,m) = Q_ij[m+2] + 2 Q_ij[m+1] + Q_ij[m] - (P_i+P_j)[m+1] - (P_i+P_j)[m] + N[m]   from a game x = v,
 *   I^(m)(i,j) = sum over t of C(m,t) / C(n-2,t) Q_ij[t+2]                                from its dividends x. */
HARSANYI_API size_t harsanyi_pair_sums_workspace(int n); /* for the current number of threads */
HARSANYI_API harsanyi_status harsanyi_pair_sums(harsanyi_dtype dtype, int n, int64_t batch, const void* src,
                                                double* out, void* workspace, size_t workspace_bytes);
/* The adjoint: out[b, T] = the sum of row[|T|] over the rows above to which T belongs; out is batch x 2**n doubles. The
 * same workspace. */
HARSANYI_API harsanyi_status harsanyi_pair_sums_adjoint(int n, int64_t batch, const double* src, double* out,
                                                        void* workspace, size_t workspace_bytes);

/* ---- masked batches ----
 * Row r of out is the sample with every element whose player is absent from the r-th subset replaced by the baseline:
 *   out[r, e] = player[e] < 0 or keep[r, player[e]] ? sample[e] : baseline[e].
 * A bitwise select on elements of 1, 2, 4 or 8 bytes: exact for every bit pattern, and no mask of the input's shape. */
HARSANYI_API harsanyi_status harsanyi_masked_batch(size_t element_bytes, int64_t elements, const void* sample,
                                                   const void* baseline, const int32_t* player, int n, int64_t rows,
                                                   const int64_t* subsets, void* out);
/* The same for keep masks of rows x n bytes (any n). */
HARSANYI_API harsanyi_status harsanyi_masked_batch_from_masks(size_t element_bytes, int64_t elements,
                                                              const void* sample, const void* baseline,
                                                              const int32_t* player, int n, int64_t rows,
                                                              const uint8_t* masks, void* out);

/* ---- certified sparse AND-OR decomposition, n <= 22 ----
 * Minimises sum over S != {} of weights[|S|] (|and[S]| + |or[S]|) over all pairs and all |delta| <= zeta with
 *   v[T] - delta[T] = v[0] - delta[0] + sum over {} != S within T of and[S] + sum over S meeting T of or[S].
 * The pair is stored with and[0] = v[0] - delta[0] and or[0] = -sum over S != {} of or[S]. dual is a vector y that
 * proves the bound: sum (v - v[0]) y - zeta sum |y| <= every objective, for sum y = 0 and subset sums of y over
 * supersets and over sets disjoint from S of at most weights[|S|] in size. A constant v gives zeros. */
#define HARSANYI_MAX_NETWORKS 16
typedef struct harsanyi_decompose_options {
  harsanyi_dtype dtype;  /* of the iteration: HARSANYI_F64, or, without noise, HARSANYI_F32 for gaps down to 5e-4, from
                            n = 19 on twice as much a player */
  int single_first;      /* whether f64 begins in f32 and goes on in f64 from a gap of 1e-4 (twice as much a player
                            from n = 19 on) or where f32 gains no more; AND and OR of one network, share 1; CPU only */
  int simplex_first;     /* whether a run with noise, of one network and with share 1, begins with the dual simplex
                            method, which ends with the exact optimum if few pivots reach it, and later finishes
                            the iteration's pair and bound; CPU only */
  int drop_null_players; /* whether players that change no entry of v are left out of the search, if the weights do not
                            fall with the order and share is 1; no optimum needs them; CPU only */
  double gap;            /* stop at (objective - bound) <= gap * objective; >= 0 */
  int64_t max_steps;     /* of steps and pivots together, >= 1 */
  int64_t check_every;   /* steps between two looks, >= 1; twice as many far from the gap, or sqrt(steps); 20 serves */
  double penalty;        /* of the splitting at the start, relative to mean |dividend|; 0 is the default */
  int merge_singletons;  /* whether or[{i}], which means the same as and[{i}], is added to it */
  const double* weights; /* n + 1 by order, the first not read; NULL is 1. 0 from some order on: free; infinite: the
                            coefficients must be zero */
  int and_only;          /* whether or is left out */
  double share;          /* below 1: count only the smallest share of the coefficients; a heuristic, without a bound */
  int networks;          /* vectors solved together, 1..16: sizes count (1 - alpha) max + alpha sum over networks */
  double alpha;          /* 0..1; for one network it makes no difference */
  int warm_start;        /* whether and, or, delta and dual hold a result to start from */
  /* Asked about every 50 ms with the number of finished samples, by one thread at a time but by any; not zero stops the
   * call with HARSANYI_ERROR_INTERRUPTED. NULL: never. */
  int (*poll)(void* context, int64_t finished);
  void* poll_context;
} harsanyi_decompose_options;

/* Sets the defaults: f64 with a beginning in f32, gap 1e-3, 20,000 steps, one network, singletons merged. */
HARSANYI_API void harsanyi_decompose_defaults(harsanyi_decompose_options* options);

typedef enum harsanyi_decompose_status {
  HARSANYI_DECOMPOSE_OPTIMAL = 0,   /* the gap is reached, or the objective is 0 up to rounding */
  HARSANYI_DECOMPOSE_MAX_STEPS = 1, /* it is not, within max_steps */
  HARSANYI_DECOMPOSE_NOT_FOUND = 2, /* no pair without the excluded sets was found; and, or are NaN */
  HARSANYI_DECOMPOSE_HEURISTIC = 3  /* the problem is not convex (share < 1): no bound */
} harsanyi_decompose_status;

typedef struct harsanyi_decompose_report {
  double objective; /* of the pair, as the iteration saw it, before singletons were merged */
  double bound;     /* of the optimum, from below, less what f64 may lose of its sums */
  int64_t steps;
  int64_t status; /* harsanyi_decompose_status */
} harsanyi_decompose_report;

/* Bytes of workspace, for the current number of threads and the current tier; 0 for arguments out of range. A larger
 * one serves as well, so one workspace can be used again for smaller work. */
HARSANYI_API size_t harsanyi_decompose_workspace(const harsanyi_decompose_options* options, int n, int64_t batch,
                                                 int with_noise);
/* v, and_, or_, dual and, with noise, delta: batch * networks * 2**n, none overlapping another. zetas: batch * networks
 * numbers >= 0; NULL is no noise term, and delta is not written. reports: batch. v must be finite. Without a warm start
 * a sample's result depends neither on the batch nor on the number of threads, to the bit. */
HARSANYI_API harsanyi_status harsanyi_decompose(const harsanyi_decompose_options* options, int n, int64_t batch,
                                                const double* v, const double* zetas, double* and_, double* or_,
                                                double* delta, double* dual, harsanyi_decompose_report* reports,
                                                void* workspace, size_t workspace_bytes);

#ifdef __cplusplus
}
#endif

#endif /* HARSANYI_H */
