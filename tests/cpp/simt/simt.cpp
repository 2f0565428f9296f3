// Runs kernels on the host. A thread is a fiber; barriers and warp operations are where it stops until the others have
// come. Blocks run one after the other, except in a cooperative launch, where all of them are alive together.
#undef _FORTIFY_SOURCE  // its longjmp takes a change of stacks for an error
#include <ucontext.h>

#include <csetjmp>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "cuda_runtime.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace simt {
namespace {

constexpr std::size_t kStackBytes = 128 << 10;
constexpr std::size_t kGranule = 4;       // bytes that one shadow entry covers
constexpr long kMostPauses = 50'000'000;  // of one launch, before a loop that waits counts as stuck

enum class Wait { none, block, warp, finished };

// Accesses to 4 bytes of shared memory since the last barrier of the block.
struct Shadow {
  std::uint32_t epoch = 0;       // of the block's barriers; older entries count as untouched
  int writer = -1, reader = -1;  // the last ones
  std::uint32_t write_warp_epoch = 0, read_warp_epoch = 0, other_warp_epoch = 0;
  bool other_reader = false;  // whether another lane of the reader's warp has read, last at other_warp_epoch
  bool many_readers = false;  // of several warps
};

struct Block;

struct Fiber {
  ucontext_t context;
  jmp_buf jump;
  bool started = false;
  std::unique_ptr<char[]> stack;
  void* fake_stack = nullptr;
  Thread thread;
  Block* block = nullptr;
  int index = 0;
  Wait wait = Wait::none;
  const char* file = nullptr;
  int line = 0;
  std::uint32_t warp_epoch = 0;
};

struct Warp {
  std::uint32_t arrived = 0, lanes = 0, present = 0;
  int op = 0;  // barrier, exchange or ballot
  const char* file = nullptr;
  int line = 0;
  std::uint64_t given[32] = {}, taken[2][32] = {};
  std::uint64_t done = 0;  // operations completed
};

struct Block {
  dim3 index;
  std::vector<Fiber> fibers;
  std::vector<Warp> warps;
  std::vector<unsigned char> shared;
  std::vector<Shadow> shadow;
  std::uint32_t epoch = 1;
  int waiting = 0, finished = 0;
};

struct Launch {
  dim3 grid, block;
  const std::function<void()>* body = nullptr;
  Fiber* running = nullptr;
  ucontext_t scheduler;
  jmp_buf scheduler_jump;
  void* scheduler_fake = nullptr;
  const void* scheduler_stack = nullptr;
  std::size_t scheduler_size = 0;
  bool failed = false;
  long pauses = 0;
};

Launch* current = nullptr;
char fault_text[512] = "";
std::vector<std::unique_ptr<char[]>> free_stacks;

// Switches are setjmp jumps, far cheaper than swapcontext, which asks the kernel for signal masks; the address sanitizer
// follows only the latter.
void to_scheduler() {
  Fiber& me = *current->running;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(me.wait == Wait::finished ? nullptr : &me.fake_stack, current->scheduler_stack,
                                 current->scheduler_size);
  swapcontext(&me.context, &current->scheduler);
  __sanitizer_finish_switch_fiber(me.fake_stack, nullptr, nullptr);
#else
  if (_setjmp(me.jump) == 0) _longjmp(current->scheduler_jump, 1);
#endif
}

void fiber_main() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &current->scheduler_stack, &current->scheduler_size);
#endif
  (*current->body)();
  Fiber& me = *current->running;
  me.wait = Wait::finished;
  ++me.block->finished;
  to_scheduler();
}

void resume(Fiber& fiber) {
  current->running = &fiber;
#if defined(__SANITIZE_ADDRESS__)
  if (!fiber.started) {
    getcontext(&fiber.context);
    fiber.context.uc_stack = {fiber.stack.get(), 0, kStackBytes};
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, fiber_main, 0);
    fiber.started = true;
  }
  __sanitizer_start_switch_fiber(&current->scheduler_fake, fiber.stack.get(), kStackBytes);
  swapcontext(&current->scheduler, &fiber.context);
  __sanitizer_finish_switch_fiber(current->scheduler_fake, nullptr, nullptr);
#else
  if (_setjmp(current->scheduler_jump) != 0) return;
  if (fiber.started) _longjmp(fiber.jump, 1);
  fiber.started = true;
  getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = fiber.stack.get();
  fiber.context.uc_stack.ss_size = kStackBytes;
  fiber.context.uc_link = nullptr;
  makecontext(&fiber.context, fiber_main, 0);
  setcontext(&fiber.context);
#endif
}

// A permutation of 0..count-1 in the order that the test asked for.
std::vector<unsigned> sequence(unsigned count) {
  static std::uint64_t state = 1;
  std::vector<unsigned> order(count);
  for (unsigned i = 0; i < count; ++i) order[i] = device().order == Order::backward ? count - 1 - i : i;
  if (device().order == Order::shuffled) {
    for (unsigned i = count; i > 1; --i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      std::swap(order[i - 1], order[static_cast<unsigned>(state >> 33) % i]);
    }
  }
  return order;
}

std::unique_ptr<Block> make_block(dim3 index, std::size_t shared_bytes) {
  auto block = std::make_unique<Block>();
  block->index = index;
  const unsigned threads = current->block.x;
  block->fibers.resize(threads);
  block->warps.resize((threads + 31) / 32);
  block->shared.assign(shared_bytes, 0xa5);  // not zero: nobody cleared it
  block->shadow.resize((shared_bytes + kGranule - 1) / kGranule);
  for (unsigned t = 0; t < threads; ++t) {
    Fiber& fiber = block->fibers[t];
    if (free_stacks.empty()) {
      fiber.stack.reset(new char[kStackBytes]);
    } else {
      fiber.stack = std::move(free_stacks.back());
      free_stacks.pop_back();
    }
    fiber.thread = {{t, 0, 0}, index};
    fiber.block = block.get();
    fiber.index = static_cast<int>(t);
    block->warps[t / 32].present |= 1u << t % 32;
  }
  return block;
}

void record(const char* text) {
  if (fault_text[0] == 0) std::snprintf(fault_text, sizeof fault_text, "%s", text);
  current->failed = true;
}

void report_stuck(const Block& block) {
  const Fiber* stuck = nullptr;
  for (const Fiber& fiber : block.fibers) {
    if (fiber.wait == Wait::block || fiber.wait == Wait::warp) stuck = &fiber;
  }
  char text[400];
  std::snprintf(text, sizeof text, "divergence: thread %d of block %u waits at %s:%d and others never come",
                stuck->index, block.index.x, stuck->file, stuck->line);
  record(text);
}

void run_blocks(std::vector<std::unique_ptr<Block>>& blocks) {
  bool alive = true;
  while (alive && !current->failed) {
    alive = false;
    bool moved = false;
    for (const unsigned b : sequence(static_cast<unsigned>(blocks.size()))) {
      Block& block = *blocks[b];
      for (const unsigned t : sequence(static_cast<unsigned>(block.fibers.size()))) {
        Fiber& fiber = block.fibers[t];
        if (fiber.wait != Wait::none) continue;
        resume(fiber);
        moved = true;
        if (current->failed) return;
      }
      alive = alive || block.finished < static_cast<int>(block.fibers.size());
    }
    if (alive && !moved) {
      for (const auto& block : blocks) {
        if (block->finished < static_cast<int>(block->fibers.size())) return report_stuck(*block);
      }
    }
  }
}

void reclaim(std::vector<std::unique_ptr<Block>>& blocks) {
  for (auto& block : blocks) {
    for (Fiber& fiber : block->fibers) free_stacks.push_back(std::move(fiber.stack));
  }
  blocks.clear();
}

Fiber& me() { return *current->running; }

bool same_file(const char* a, const char* b) { return a == b || std::strcmp(a, b) == 0; }

// Stops until every lane named has come to the same place; returns the number of the operation. last() runs in the
// lane that comes last.
template <class F>
std::uint64_t meet(std::uint32_t lanes, int op, const char* file, int line, const F& last) {
  Fiber& fiber = me();
  Warp& warp = fiber.block->warps[static_cast<std::size_t>(fiber.index / 32)];
  const std::uint32_t bit = 1u << fiber.index % 32;
  lanes &= warp.present;
  if ((lanes & bit) == 0) fault("%s:%d: lane %d is not in its own mask", file, line, fiber.index % 32);
  if (warp.arrived == 0) {
    warp.lanes = lanes;
    warp.op = op;
    warp.file = file;
    warp.line = line;
  } else if (warp.lanes != lanes || warp.op != op || warp.line != line || !same_file(warp.file, file)) {
    fault("divergence: lanes of warp %d of block %u meet at %s:%d and at %s:%d", fiber.index / 32, fiber.block->index.x,
          warp.file, warp.line, file, line);
  }
  warp.arrived |= bit;
  const std::uint64_t number = warp.done;
  if (warp.arrived == warp.lanes) {
    last(warp);
    warp.arrived = 0;
    ++warp.done;
    Fiber* const first = &fiber.block->fibers[static_cast<std::size_t>(fiber.index / 32 * 32)];
    for (int l = 0; l < 32; ++l) {
      if (lanes >> l & 1) {
        first[l].wait = Wait::none;
        ++first[l].warp_epoch;
      }
    }
  } else {
    fiber.wait = Wait::warp;
    fiber.file = file;
    fiber.line = line;
    to_scheduler();
  }
  return number;
}

}  // namespace

Device& device() {
  static Device state;
  return state;
}

const char* take_fault() {
  static char taken[sizeof fault_text];
  std::memcpy(taken, fault_text, sizeof taken);
  fault_text[0] = 0;
  return taken;
}

const Thread& self() { return me().thread; }
const dim3& block_dim() { return current->block; }
const dim3& grid_dim() { return current->grid; }
int lane() { return me().index % 32; }

void fault(const char* format, ...) {
  char text[400];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  record(text);
  me().wait = Wait::warp;  // never resumed: its launch has failed
  to_scheduler();
  std::abort();
}

cudaError_t launch(dim3 grid, dim3 block, std::size_t shared_bytes, bool cooperative,
                   const std::function<void()>& body) {
  if (grid.x == 0 || block.x == 0 || block.x > 1024 || grid.y != 1 || block.y != 1 ||
      shared_bytes > static_cast<std::size_t>(device().shared_limit)) {
    return cudaErrorInvalidValue;
  }
  Launch state;
  state.grid = grid;
  state.block = block;
  state.body = &body;
  current = &state;
  std::vector<std::unique_ptr<Block>> blocks;
  for (const unsigned b : sequence(grid.x)) {
    blocks.push_back(make_block({b, 0, 0}, shared_bytes));
    if (cooperative) continue;
    run_blocks(blocks);
    reclaim(blocks);
    if (state.failed) break;
  }
  if (cooperative) run_blocks(blocks);
  reclaim(blocks);
  current = nullptr;
  return state.failed ? cudaErrorLaunchFailure : cudaSuccess;
}

void barrier(const char* file, int line) {
  Fiber& fiber = me();
  Block& block = *fiber.block;
  for (const Fiber& other : block.fibers) {
    if (other.wait != Wait::block) continue;
    if (other.line != line || !same_file(other.file, file)) {
      fault("divergence: threads of block %u wait at the barriers %s:%d and %s:%d", block.index.x, other.file,
            other.line, file, line);
    }
    break;
  }
  if (block.finished > 0) fault("divergence: %s:%d: a barrier after threads have left", file, line);
  fiber.file = file;
  fiber.line = line;
  if (++block.waiting < static_cast<int>(block.fibers.size())) {
    fiber.wait = Wait::block;
    return to_scheduler();
  }
  block.waiting = 0;
  ++block.epoch;
  for (Fiber& other : block.fibers) {
    other.wait = Wait::none;
    ++other.warp_epoch;
  }
}

void warp_barrier(std::uint32_t lanes, const char* file, int line) {
  meet(lanes, 0, file, line, [](Warp&) {});
}

std::uint64_t exchange(std::uint32_t lanes, std::uint64_t in, int from, const char* file, int line) {
  Fiber& fiber = me();
  Warp& warp = fiber.block->warps[static_cast<std::size_t>(fiber.index / 32)];
  warp.given[fiber.index % 32] = in;
  const std::uint64_t number =
      meet(lanes, 1, file, line, [](Warp& w) { std::memcpy(w.taken[w.done % 2], w.given, sizeof w.given); });
  if (from < 0 || from > 31 || (lanes & warp.present & 1u << from) == 0) {
    fault("%s:%d: lane %d reads lane %d, which takes no part", file, line, fiber.index % 32, from);
  }
  return warp.taken[number % 2][from];
}

std::uint32_t ballot(std::uint32_t lanes, bool bit, const char* file, int line) {
  Fiber& fiber = me();
  Warp& warp = fiber.block->warps[static_cast<std::size_t>(fiber.index / 32)];
  warp.given[fiber.index % 32] = bit ? 1 : 0;
  const std::uint64_t number =
      meet(lanes, 2, file, line, [](Warp& w) { std::memcpy(w.taken[w.done % 2], w.given, sizeof w.given); });
  std::uint32_t bits = 0;
  for (int l = 0; l < 32; ++l) {
    if (((lanes & warp.present) >> l & 1) && warp.taken[number % 2][l] != 0) bits |= 1u << l;
  }
  return bits;
}

void pause() {
  if (++current->pauses > kMostPauses) fault("stuck: a loop waits for what never comes");
  to_scheduler();
}

void* access(std::size_t offset, std::size_t bytes, bool write) {
  Fiber& fiber = me();
  Block& block = *fiber.block;
  if (offset > block.shared.size() || bytes > block.shared.size() - offset) {
    fault("shared memory: %zu bytes at %zu of %zu", bytes, offset, block.shared.size());
  }
  const int warp = fiber.index / 32;
  for (std::size_t g = offset / kGranule; g * kGranule < offset + bytes; ++g) {
    Shadow& seen = block.shadow[g];
    if (seen.epoch != block.epoch) {
      seen = Shadow();
      seen.epoch = block.epoch;
    }
    const auto before = [&](int thread, std::uint32_t epoch) {  // in the same warp, with a warp barrier since
      return thread / 32 == warp && epoch < fiber.warp_epoch;
    };
    const bool after_write =
        seen.writer < 0 || seen.writer == fiber.index || before(seen.writer, seen.write_warp_epoch);
    const bool after_read =
        seen.reader < 0 ||
        (!seen.many_readers && (seen.reader == fiber.index || before(seen.reader, seen.read_warp_epoch)) &&
         (!seen.other_reader || before(seen.reader, seen.other_warp_epoch)));
    if (!after_write || (write && !after_read)) {
      fault("race: thread %d of block %u %s shared byte %zu that thread %d %s without a barrier between", fiber.index,
            block.index.x, write ? "writes" : "reads", g * kGranule, after_write ? seen.reader : seen.writer,
            after_write ? "reads" : "writes");
    }
    if (write) {
      seen.writer = fiber.index;
      seen.write_warp_epoch = fiber.warp_epoch;
      continue;
    }
    if (seen.reader >= 0 && seen.reader != fiber.index) {
      seen.many_readers = seen.many_readers || seen.reader / 32 != warp;
      seen.other_reader = true;
      seen.other_warp_epoch = seen.read_warp_epoch;
    }
    seen.reader = fiber.index;
    seen.read_warp_epoch = fiber.warp_epoch;
  }
  return block.shared.data() + offset;
}

}  // namespace simt

using simt::device;

cudaError_t cudaGetDeviceCount(int* count) {
  *count = device().devices;
  return device().devices > 0 ? cudaSuccess : cudaErrorNoDevice;
}
cudaError_t cudaGetDevice(int* which) {
  *which = device().current;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int which) {
  if (which < 0 || which >= device().devices) return cudaErrorInvalidValue;
  device().current = which;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  *value = attribute == cudaDevAttrMultiProcessorCount ? device().multiprocessors : device().shared_limit;
  return cudaSuccess;
}
cudaError_t cudaGetLastError() { return cudaSuccess; }
const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess: return "no error";
    case cudaErrorInvalidValue: return "invalid argument";
    case cudaErrorNoDevice: return "no CUDA-capable device is detected";
    default: return "unspecified launch failure";
  }
}
cudaError_t cudaMemsetAsync(void* data, int value, std::size_t bytes, cudaStream_t) {
  std::memset(data, value, bytes);
  return cudaSuccess;
}
