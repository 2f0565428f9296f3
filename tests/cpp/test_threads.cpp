// The pool, the host's own parallel_for, calls from inside tasks, concurrent callers, errors per thread, and fork().
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "harsanyi/harsanyi.hpp"
#include "random.hpp"
#include "sizes.h"

namespace {

constexpr int n = 12;
constexpr std::int64_t batch = 24;

const std::vector<double>& input() {
  static const std::vector<double> x = Random(11).vector<double>(static_cast<std::size_t>(batch) << n);
  return x;
}

std::vector<double> dividends() {
  std::vector<double> y(input().size());
  harsanyi::mobius(input().data(), y.data(), n, batch);
  return y;
}

const std::vector<double>& expected() {
  static const std::vector<double> y = [] {
    harsanyi::set_num_threads(1);
    return dividends();
  }();
  return y;
}

void test_pool() {
  for (const int threads : {1, 2, 5, 3, 8, 1, 4}) {  // the pool grows, and uses fewer than it has
    harsanyi::set_num_threads(threads);
    for (int repeat = 0; repeat < 20; ++repeat) CHECK(dividends() == expected());
  }
}

void test_concurrent_callers() {
  harsanyi::set_num_threads(3);
  std::vector<int> right(4);
  std::vector<std::thread> callers;
  for (int& count : right) {
    callers.emplace_back([&count] {
      for (int repeat = 0; repeat < 50; ++repeat) count += dividends() == expected();
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (const int count : right) CHECK(count == 50);
}

// A call takes as many workers as its workspace has room for, whatever happens to the number of threads meanwhile.
void test_changing_count() {
  harsanyi::set_num_threads(2);
  const int large = first_with_workspace(HARSANYI_F64);
  std::vector<char> workspace(harsanyi_transform_workspace(HARSANYI_F64, large));
  std::vector<double> x(std::size_t{1} << large);
  std::atomic<bool> stop{false};
  std::thread changer([&] {
    for (int count = 1; !stop; count = count % 4 + 1) harsanyi_set_num_threads(count);
  });
  for (int repeat = 0; repeat < 20; ++repeat) {
    std::fill(x.begin(), x.end(), 1.0);
    const harsanyi_status status = harsanyi_transform(HARSANYI_MOBIUS, HARSANYI_F64, large, 1, x.data(), x.data(),
                                                      workspace.data(), workspace.size());
    CHECK(status == HARSANYI_ERROR_WORKSPACE || (status == HARSANYI_OK && x[0] == 1 && x.back() == 0));
  }
  stop = true;
  changer.join();
}

// A host scheduler of two threads, which counts what it was given.
struct Host {
  std::atomic<std::int64_t> tasks{0};
  std::atomic<int> most{0};
};

void run_on_host(void* context, std::int64_t count, harsanyi_task task, void* argument) {
  Host& host = *static_cast<Host*>(context);
  const auto serve = [&](int worker) {
    for (std::int64_t i = worker; i < count; i += 2) {
      task(argument, i, worker);
      ++host.tasks;
    }
  };
  std::thread other(serve, 1);
  serve(0);
  other.join();
}

void test_host_scheduler() {
  harsanyi::set_num_threads(2);
  Host host;
  harsanyi_set_parallel_for(run_on_host, &host);
  CHECK(dividends() == expected());
  CHECK(host.tasks.load() > 1);

  const std::int64_t before = host.tasks.load();
  std::vector<double> large(std::size_t{1} << first_with_workspace(HARSANYI_F64), 1.0);  // one scratch tile a worker
  harsanyi::mobius(large);
  CHECK(large[0] == 1 && large[1] == 0 && large.back() == 0);
  CHECK(host.tasks.load() > before);

  harsanyi_set_parallel_for(nullptr, nullptr);
  const std::int64_t after = host.tasks.load();
  CHECK(dividends() == expected());
  CHECK(host.tasks.load() == after);
}

// A kernel called from inside a task of another kernel: from the caller's thread and from a helper's.
void nested(void* context, std::int64_t count, harsanyi_task task, void* argument) {
  int& depth = *static_cast<int*>(context);
  const bool outermost = depth++ == 0;
  for (std::int64_t i = 0; i < count; ++i) {
    if (outermost && i == 0) CHECK(dividends() == expected());
    task(argument, i, 0);
  }
  --depth;
}

void test_nested_calls() {
  harsanyi::set_num_threads(2);
  int depth = 0;
  harsanyi_set_parallel_for(nested, &depth);
  CHECK(dividends() == expected());
  harsanyi_set_parallel_for(nullptr, nullptr);
  CHECK(depth == 0);
}

void test_errors_are_per_thread() {
  CHECK(harsanyi_set_num_threads(-5) == HARSANYI_ERROR_ARGUMENT);
  const std::string mine = harsanyi_last_error();
  std::string before, after;
  std::thread([&] {
    before = harsanyi_last_error();
    harsanyi_set_isa("none such");
    after = harsanyi_last_error();
  }).join();
  CHECK(before.empty());
  CHECK(after.find("none such") != std::string::npos);
  CHECK(mine == harsanyi_last_error());
}

#if !defined(__SANITIZE_THREAD__)  // that sanitizer ends a child that starts threads
// A child has the pool's memory and none of its threads: it must neither wait for them nor compute less.
void test_fork() {
  harsanyi::set_num_threads(3);
  CHECK(dividends() == expected());
  const pid_t child = fork();
  if (child == 0) _exit(dividends() == expected() && dividends() == expected() ? 0 : 1);
  int status = -1;
  CHECK(child > 0 && waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  CHECK(dividends() == expected());
}
#else
void test_fork() {}
#endif

}  // namespace

int main() {
  expected();
  test_pool();
  test_concurrent_callers();
  test_changing_count();
  test_host_scheduler();
  test_nested_calls();
  test_errors_are_per_thread();
  test_fork();
  return check_report("test_threads");
}
