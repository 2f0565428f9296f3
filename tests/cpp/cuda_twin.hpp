// What the tests of the CUDA twins share: the simulated device in every order and with little or much shared memory.
#pragma once

#include <cstdio>
#include <initializer_list>
#include <string>

#include "check.h"
#include "harsanyi/cuda.h"
#include "harsanyi/harsanyi.hpp"
#include "random.hpp"
#include "simt/cuda_runtime.h"

// f() in every order of threads, with each limit of shared memory in bytes; no fault may come, and the current device
// must be the same afterwards.
template <class F>
void on_every_device(std::initializer_list<int> shared_limits, const F& f) {
  for (const int limit : shared_limits) {
#if defined(__SANITIZE_ADDRESS__)  // whose switches of fibers are slow
    for (const simt::Order order : {simt::Order::shuffled}) {
#else
    for (const simt::Order order : {simt::Order::forward, simt::Order::backward, simt::Order::shuffled}) {
#endif
      simt::device() = {};
      simt::device().order = order;
      simt::device().shared_limit = limit;
      f();
      const std::string fault = simt::take_fault();
      CHECK(fault.empty());
      if (!fault.empty()) std::fprintf(stderr, "%s\n", fault.c_str());
      CHECK(simt::device().current == 0);
    }
  }
  simt::device() = {};
}

inline void check_ok(harsanyi_status status) {
  CHECK(status == HARSANYI_OK);
  if (status != HARSANYI_OK) std::fprintf(stderr, "%s\n", harsanyi_last_error());
}
