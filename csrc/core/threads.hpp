// A small thread pool behind one function, replaceable by the host's own.
#pragma once

#include <cstdint>

#include "harsanyi/harsanyi.h"

namespace harsanyi {

int num_threads() noexcept;
void set_num_threads(int count) noexcept;
void set_parallel_for(harsanyi_parallel_for run, void* context) noexcept;

// task(argument, i, worker) for i in [0, count), on at most `threads` threads, worker < threads. Never fails: where no
// thread can be started the caller's own does the work.
void parallel_for(int64_t count, int threads, harsanyi_task task, void* argument) noexcept;

template <class F>
void parallel_for(int64_t count, int threads, const F& body) noexcept {
  if (count <= 1 || threads <= 1) {
    for (int64_t i = 0; i < count; ++i) body(i, 0);
    return;
  }
  parallel_for(
      count, threads,
      [](void* argument, int64_t index, int worker) { (*static_cast<const F*>(argument))(index, worker); },
      const_cast<F*>(&body));
}

// How many items of `bytes` each one task should take, so that handing it out costs little beside doing it.
inline int64_t grain(int64_t items, int64_t bytes) noexcept {
  constexpr int64_t task_bytes = 64 << 10;
  const int64_t together = bytes >= task_bytes ? 1 : task_bytes / (bytes > 0 ? bytes : 1);
  return together < items ? together : (items > 0 ? items : 1);
}

// body(first, count, worker) over [0, items) in grains. Where the workers share out a workspace, `threads` must be the
// number that it was measured with: num_threads() may change between two calls.
template <class F>
void parallel_ranges(int64_t items, int64_t bytes, const F& body, int threads = num_threads()) noexcept {
  const int64_t step = grain(items, bytes);
  parallel_for((items + step - 1) / step, threads, [&](int64_t chunk, int worker) {
    const int64_t first = chunk * step;
    body(first, items - first < step ? items - first : step, worker);
  });
}

}  // namespace harsanyi
