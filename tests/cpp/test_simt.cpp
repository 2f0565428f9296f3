// The simulation of a device itself: what a kernel does right is carried out, what it does wrong is found.
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "../../csrc/cuda/launch.cuh"
#include "check.h"

namespace {

using namespace harsanyi::cuda;
using simt::Order;

constexpr Order kOrders[] = {Order::forward, Order::backward, Order::shuffled};

// Runs a kernel in every order; the faults, which must be the same kind in each, end with what the last one was.
template <class... P, class... A>
std::string fault_of(unsigned blocks, unsigned threads, size_t shared_bytes, void (*kernel)(P...), A... arguments) {
  std::string last;
  for (const Order order : kOrders) {
    simt::device().order = order;
    const cudaError_t status = launch(kernel, {blocks, threads, shared_bytes}, nullptr, arguments...);
    const std::string fault = simt::take_fault();
    CHECK((status == cudaSuccess) == fault.empty());
    CHECK(order == Order::forward || fault.empty() == last.empty());
    last = fault;
  }
  simt::device().order = Order::forward;
  return last;
}

bool mentions(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

// out[i] = the sum of the block's values: a tree in shared memory.
void __global__ sum_block(const int* in, int* out, bool with_barriers) {
  const Shared<int> values;
  const unsigned t = threadIdx.x;
  values.put(t, in[blockIdx.x * blockDim.x + t]);
  for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
    if (with_barriers) __syncthreads();
    if (t < half) values.put(t, values.get(t) + values.get(t + half));
  }
  if (with_barriers) __syncthreads();
  if (t == 0) out[blockIdx.x] = values.get(0);
}

void test_barriers_order_shared_memory() {
  std::vector<int> in(4 * 128), out(4);
  for (size_t i = 0; i < in.size(); ++i) in[i] = static_cast<int>(i * i % 1009);
  const std::string fault = fault_of(4, 128, 128 * sizeof(int), sum_block, in.data(), out.data(), true);
  CHECK(fault.empty());
  for (size_t b = 0; b < 4; ++b) {
    int sum = 0;
    for (size_t i = 0; i < 128; ++i) sum += in[128 * b + i];
    CHECK(out[b] == sum);
  }
  CHECK(mentions(fault_of(4, 128, 128 * sizeof(int), sum_block, in.data(), out.data(), false), "race"));
}

// One barrier of several is missing: a fault even where one order of the threads gives the right numbers.
void __global__ reverse(int* data, bool with_barrier) {
  const Shared<int> values;
  const unsigned t = threadIdx.x;
  values.put(t, data[t]);
  if (with_barrier) __syncthreads();
  data[t] = values.get(blockDim.x - 1 - t);
}

void test_a_missing_barrier_is_a_race() {
  std::vector<int> data(64);
  CHECK(fault_of(1, 64, 64 * sizeof(int), reverse, data.data(), true).empty());
  CHECK(mentions(fault_of(1, 64, 64 * sizeof(int), reverse, data.data(), false), "race"));
}

void __global__ write_together(int, bool in_one_place) {
  const Shared<int> values;
  values.put(in_one_place ? 0 : threadIdx.x, 1);
}

void test_two_writers_are_a_race() {
  CHECK(fault_of(1, 32, 32 * sizeof(int), write_together, 0, false).empty());
  CHECK(mentions(fault_of(1, 32, 32 * sizeof(int), write_together, 0, true), "race"));
}

// Lanes of a warp may exchange through shared memory with a warp's barrier; warps may not.
void __global__ exchange_in_groups(int* out, unsigned distance, bool with_barrier) {
  const Shared<int> values;
  const unsigned t = threadIdx.x;
  values.put(t, static_cast<int>(t));
  if (with_barrier) __syncwarp();
  const int partner = values.get(t ^ distance);
  if (with_barrier) __syncwarp();
  values.put(t, partner);  // again: now it must not overtake the partner's reading
  out[t] = partner;
}

void test_a_warp_barrier_orders_its_warp_alone() {
  std::vector<int> out(64);
  CHECK(fault_of(1, 64, 256, exchange_in_groups, out.data(), 5u, true).empty());
  for (int t = 0; t < 64; ++t) CHECK(out[static_cast<size_t>(t)] == (t ^ 5));
  CHECK(mentions(fault_of(1, 64, 256, exchange_in_groups, out.data(), 5u, false), "race"));
  CHECK(mentions(fault_of(1, 64, 256, exchange_in_groups, out.data(), 32u, true), "race"));
}

void __global__ read_then_overwrite(int* out, bool with_barrier) {
  const Shared<int> values;
  if (threadIdx.x == 0) values.put(0, 7);
  __syncthreads();
  out[threadIdx.x] = values.get(0);
  if (with_barrier) __syncwarp();
  if (threadIdx.x == 3) values.put(0, 9);
}

void test_overwriting_what_others_still_read_is_a_race() {
  std::vector<int> out(64);
  CHECK(fault_of(1, 32, 16, read_then_overwrite, out.data(), true).empty());
  CHECK(mentions(fault_of(1, 32, 16, read_then_overwrite, out.data(), false), "race"));
  CHECK(mentions(fault_of(1, 64, 16, read_then_overwrite, out.data(), true), "race"));  // the other warp reads as well
}

void __global__ touch(unsigned index, bool write, bool pack) {
  const Shared<double> values(16);
  if (threadIdx.x != 0) return;
  if (pack) {
    values.put_pack(index, Pack<double>{{1, 2}});
  } else if (write) {
    values.put(index, 1);
  } else {
    values.get(index);
  }
}

void test_bounds_and_alignment_of_shared_memory() {
  for (const bool write : {false, true}) {
    CHECK(fault_of(1, 32, 16 + 4 * 8, touch, 3u, write, false).empty());
    CHECK(mentions(fault_of(1, 32, 16 + 4 * 8, touch, 4u, write, false), "shared memory"));
    CHECK(mentions(fault_of(1, 32, 16 + 4 * 8, touch, ~0u, write, false), "shared memory"));
  }
  CHECK(fault_of(1, 32, 16 + 4 * 8, touch, 2u, true, true).empty());
  CHECK(mentions(fault_of(1, 32, 16 + 4 * 8, touch, 1u, true, true), "aligned"));
  CHECK(mentions(fault_of(1, 32, 16 + 4 * 8, touch, 4u, true, true), "shared memory"));
}

void __global__ diverge(int how) {
  const bool odd = threadIdx.x % 2 == 1;
  if (how == 0) {
    if (odd) {
      __syncthreads();
    } else {
      __syncthreads();
    }
  } else if (how == 1) {
    if (threadIdx.x < 40) __syncthreads();
  } else if (how == 2) {
    if (threadIdx.x >= 40) return;
    __syncthreads();
  } else if (how == 3) {
    if (odd) __shfl_xor_sync(kAllLanes, 1, 1);
  } else if (how == 4) {
    if (odd) {
      __shfl_xor_sync(kAllLanes, 1, 1);
    } else {
      __shfl_xor_sync(kAllLanes, 2, 1);
    }
  } else if (how == 5) {
    if (odd) {
      __syncwarp();
    } else {
      __syncthreads();
    }
  }
}

void test_divergent_barriers_are_found() {
  for (int how = 0; how <= 5; ++how) CHECK(mentions(fault_of(2, 64, 0, diverge, how), "divergence"));
  CHECK(fault_of(2, 64, 0, diverge, 6).empty());
}

void __global__ shuffles(std::uint64_t* out) {
  const unsigned t = threadIdx.x;
  const double value = t * 1.5;
  double sum = value;
  for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(kAllLanes, sum, step);
  const int down = __shfl_down_sync(kAllLanes, static_cast<int>(t), 3);
  const unsigned odd = __ballot_sync(kAllLanes, t % 2 == 1);
  const float first = __shfl_sync(kAllLanes, static_cast<float>(t), 0);
  out[t] = static_cast<std::uint64_t>(sum) * 1000000 + static_cast<std::uint64_t>(down) * 1000 +
           (odd == 0xaaaaaaaau ? 500 : 0) + static_cast<std::uint64_t>(first);
}

void test_shuffles_and_ballots() {
  std::vector<std::uint64_t> out(64);
  CHECK(fault_of(1, 64, 0, shuffles, out.data()).empty());
  for (unsigned t = 0; t < 64; ++t) {
    const unsigned first = t / 32 * 32;
    double sum = 0;
    for (unsigned l = first; l < first + 32; ++l) sum += l * 1.5;
    const unsigned down = t % 32 + 3 < 32 ? t + 3 : t;
    CHECK(out[t] == static_cast<std::uint64_t>(sum) * 1000000 + down * 1000ull + 500 + first);
  }
}

// Blocks that wait for each other: only together.
void __global__ meet(unsigned* arrived, int* out) {
  if (threadIdx.x == 0) {
    out[blockIdx.x] = 1;
    __threadfence();
    atomicAdd(arrived, 1u);
    while (*static_cast<volatile unsigned*>(arrived) < gridDim.x) yield_to_others();
  }
  __syncthreads();
  if (threadIdx.x == 1) out[gridDim.x + blockIdx.x] = out[(blockIdx.x + 1) % gridDim.x];
}

void test_blocks_of_a_cooperative_launch_live_together() {
  for (const Order order : kOrders) {
    simt::device().order = order;
    unsigned arrived = 0;
    std::vector<int> out(10, 0);
    CHECK(launch(meet, {5, 32, 0, true}, nullptr, &arrived, out.data()) == cudaSuccess);
    CHECK(*simt::take_fault() == 0);
    for (const int x : out) CHECK(x == 1);
  }
  simt::device().order = Order::forward;
}

void test_too_much_shared_memory_is_refused() {
  simt::device().shared_limit = 1024;
  CHECK(launch(touch, {1, 32, 1025}, nullptr, 0u, true, false) == cudaErrorInvalidValue);
  CHECK(launch(touch, {1, 32, 1024}, nullptr, 0u, true, false) == cudaSuccess);
  simt::device() = {};
}

}  // namespace

int main() {
  test_barriers_order_shared_memory();
  test_a_missing_barrier_is_a_race();
  test_two_writers_are_a_race();
  test_a_warp_barrier_orders_its_warp_alone();
  test_overwriting_what_others_still_read_is_a_race();
  test_bounds_and_alignment_of_shared_memory();
  test_divergent_barriers_are_found();
  test_shuffles_and_ballots();
  test_blocks_of_a_cooperative_launch_live_together();
  test_too_much_shared_memory_is_refused();
  return check_report("simt");
}
