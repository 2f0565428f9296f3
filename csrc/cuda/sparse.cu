// The sparse AND-OR decomposition of csrc/core/decompose.hpp: the same iteration, restarts, candidates and bound, with
// sums in another order. A team of threads carries one sample from start to end in one launch, then the next: one block
// with its vectors in shared memory as far as they fit, or from n = 13 on, for few samples, several resident blocks.
//
// A thread owns the same entries in every elementwise loop, so transforms and rotations alone need barriers.
// Operations an entry and step: 2n additions and 2n products without noise (four rotations), with it 2n additions (four
// transforms), 6 (n - 3) for the rotations and about 16 sqrt(n) for the blocks; besides about 30. Bytes: none where the
// vectors are on chip (7 vectors without noise, 11 with); else a step reads and writes them all, 20 to 60 times 2**n
// numbers, from the second-level cache up to n = 18.
#include "solver.cuh"
#include "solver_affine.cuh"
#include "solver_certificate.cuh"
#include "solver_iteration.cuh"

namespace harsanyi {
namespace cuda {
namespace {

template <class T, bool Noise>
__global__ void __launch_bounds__(kMostThreads, 1) decompose_samples(const __grid_constant__ Job<T> job) {
  const unsigned index = blockIdx.x / job.blocks, rank = blockIdx.x % job.blocks;
  unsigned char* const memory = job.memory + index * job.team_bytes;
  double* const partials = reinterpret_cast<double*>(memory);
  Team team(job.blocks, rank, job.counters + index, partials);
  const Shared<T> tables(kTables);
  const DecomposePlanHead& plan = *job.plan;
  if (threadIdx.x <= static_cast<unsigned>(plan.n)) {
    tables.put(threadIdx.x, static_cast<T>(plan.weight[threadIdx.x]));
    tables.put(kTableEntries + threadIdx.x, static_cast<T>(plan.ratio[threadIdx.x]));
    tables.put(2 * kTableEntries + threadIdx.x, static_cast<T>(plan.inverse[threadIdx.x]));
  }
  team.sync();
  Solver<T, Noise> solver(job, team, memory + Team::kPartialBytes * job.blocks);
  // Teams take samples as they become free: which one does changes nothing in the result.
  const Shared<unsigned> given(kSample<T>);
  unsigned* const shown = job.next_sample + 1 + index;  // to the other blocks of the team
  for (;;) {
    if (threadIdx.x == 0 && rank == 0) {
      const unsigned taken = atomicAdd(job.next_sample, 1u);
      given.put(0, taken);
      if (job.blocks > 1) *shown = taken;
    }
    team.sync();
    if (threadIdx.x == 0 && rank != 0) given.put(0, *static_cast<volatile unsigned*>(shown));
    __syncthreads();
    const unsigned sample = given.get(0);
    team.sync();
    if (sample >= job.batch) return;
    solver.run(sample);
    team.sync();
  }
}

// How many blocks do what.
struct Shape {
  unsigned teams, blocks, threads, chip_vectors;
  bool chip_tables;
  size_t chip_bytes, counter_bytes, team_bytes, bytes;
};

template <class T, bool Noise>
Shape shape_of(int device, int n, int64_t batch) {
  using S = Solver<T, Noise>;
  int processors = 0;
  if (cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device) != cudaSuccess) processors = 1;
  const size_t count = size_t{1} << n, vector_bytes = count * sizeof(T);
  const size_t tables = (pair_table_bytes(n < 3 ? 0 : n - 3) + 15) / 16 * 16;
  Shape shape = {};
  const unsigned most = static_cast<unsigned>(processors);
  const unsigned samples = batch < int64_t{1} << 20 ? static_cast<unsigned>(batch) : 1u << 20;
  shape.threads = n <= 7 ? 32 : (n >= 11 ? kMostThreads : 32u << (n - 7));
  // Blocks wait for each other many times a step: a sample has more than one only where there are more than samples, or
  // where so many samples at a time would take too much memory.
  const unsigned most_blocks = static_cast<unsigned>(count / (4 * kMostThreads)), free = most / samples;
  const unsigned least = static_cast<unsigned>(count >> 15);
  shape.blocks = free < most_blocks ? free : most_blocks;
  if (shape.blocks < least) shape.blocks = least < most ? least : most;
  if (shape.blocks < 1 || n <= 12) shape.blocks = 1;
  const unsigned resident = shape.blocks > 1 ? most / shape.blocks : most * (kMostThreads / shape.threads);
  shape.teams = samples < resident ? samples : resident;
  if (shape.blocks == 1) {
    size_t room = static_cast<size_t>(shared_limit(device)) - kVectors<T>;
    shape.chip_tables = Noise && n <= 12 && room > 4 * tables;
    if (shape.chip_tables) room -= tables;
    shape.chip_vectors = static_cast<unsigned>(room / vector_bytes);
    if (shape.chip_vectors > S::kVectorCount) shape.chip_vectors = S::kVectorCount;
  }
  shape.chip_bytes = kVectors<T> + shape.chip_vectors * vector_bytes + (shape.chip_tables ? tables : 0);
  shape.counter_bytes = (sizeof(unsigned) * (2 * shape.teams + 1) + 63) / 64 * 64;
  shape.team_bytes = Team::kPartialBytes * shape.blocks + (S::kVectorCount - shape.chip_vectors) * vector_bytes +
                     (Noise ? block_entries(n) * sizeof(T) : 0) + (sizeof(T) == 4 ? 2 * count * sizeof(double) : 0);
  shape.team_bytes = (shape.team_bytes + 63) / 64 * 64;
  shape.bytes = shape.counter_bytes + shape.teams * shape.team_bytes + 64;
  return shape;
}

// Two thousand million steps are for ever.
int fits(int64_t steps) { return steps < INT32_MAX ? static_cast<int>(steps) : INT32_MAX; }

template <class T, bool Noise>
int run_on(const CudaPlace& place, const CudaDecompose& given) {
  const Shape shape = shape_of<T, Noise>(place.device, given.n, given.batch);
  const harsanyi_decompose_options& options = *given.options;
  const uintptr_t start = (reinterpret_cast<uintptr_t>(given.workspace) + 63) & ~uintptr_t{63};
  unsigned* const counters = reinterpret_cast<unsigned*>(start);
  const Job<T> job = {given.batch,
                      fits(options.max_steps),
                      fits(options.check_every),
                      options.gap,
                      options.penalty,
                      options.merge_singletons != 0,
                      options.warm_start != 0,
                      given.v,
                      given.zetas,
                      given.and_,
                      given.or_,
                      given.delta,
                      given.dual,
                      given.reports,
                      static_cast<const DecomposePlanHead*>(given.plan),
                      counters,
                      counters + shape.teams,
                      reinterpret_cast<unsigned char*>(start + shape.counter_bytes),
                      shape.team_bytes,
                      shape.blocks,
                      shape.chip_vectors,
                      shape.chip_tables};
  const cudaError_t status = cudaMemsetAsync(counters, 0, shape.counter_bytes, static_cast<cudaStream_t>(place.stream));
  if (status != cudaSuccess) return status;
  const Grid grid{static_cast<int64_t>(shape.teams) * shape.blocks, shape.threads, shape.chip_bytes, shape.blocks > 1};
  return launch(decompose_samples<T, Noise>, grid, place.stream, job);
}

}  // namespace

size_t decompose_workspace(const CudaPlace& place, const CudaDecompose& given, bool noise) {
  if (noise) return shape_of<double, true>(place.device, given.n, given.batch).bytes;
  return given.options->dtype == HARSANYI_F32 ? shape_of<float, false>(place.device, given.n, given.batch).bytes
                                              : shape_of<double, false>(place.device, given.n, given.batch).bytes;
}

int run_decompose(const CudaPlace& place, const CudaDecompose& given) {
  const OnDevice current(place.device);
  if (current.status() != cudaSuccess) return current.status();
  if (given.zetas != nullptr) return run_on<double, true>(place, given);
  return given.options->dtype == HARSANYI_F32 ? run_on<float, false>(place, given)
                                              : run_on<double, false>(place, given);
}

}  // namespace cuda
}  // namespace harsanyi
