#include "threads.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <new>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace harsanyi {
namespace {

int count_from(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return 0;
  const long value = std::strtol(text, nullptr, 10);
  return value >= 1 && value <= 1024 ? static_cast<int>(value) : 0;
}

int default_threads() {
  if (const int chosen = count_from("HARSANYI_NUM_THREADS")) return chosen;
  if (const int chosen = count_from("OMP_NUM_THREADS")) return chosen;
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set) > 0 ? CPU_COUNT(&set) : 1;
#endif
  const unsigned hardware = std::thread::hardware_concurrency();
  return hardware > 0 ? static_cast<int>(hardware) : 1;
}

// Workers sleep between jobs; a job is a shared counter that the caller and the workers draw indices from. Worker
// threads are detached and the pool is leaked on purpose: joining at exit can deadlock inside a host that is being
// unloaded.
class Pool {
 public:
  void run(int64_t count, harsanyi_task task, void* argument, int threads) {
    const int helpers = start(static_cast<int>(threads - 1 < count - 1 ? threads - 1 : count - 1));
    {
      std::lock_guard<std::mutex> lock(mutex_);
      task_ = task;
      argument_ = argument;
      count_ = count;
      next_.store(0, std::memory_order_relaxed);
      wanted_ = helpers;
      active_ = helpers;
      ++generation_;
    }
    if (helpers > 0) wake_.notify_all();
    work(task, argument, count, 0);
    if (helpers > 0) {
      std::unique_lock<std::mutex> lock(mutex_);
      done_.wait(lock, [this] { return active_ == 0; });
    }
  }

  std::mutex busy;  // held for the length of one job

 private:
  int start(int wanted) {
    try {
      while (started_ < wanted) {
        std::thread(&Pool::serve, this, started_ + 1, generation_).detach();
        ++started_;
      }
    } catch (...) {  // out of threads: go on with those there are
    }
    return wanted < started_ ? wanted : started_;
  }

  void work(harsanyi_task task, void* argument, int64_t count, int worker) {
    for (int64_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < count;) task(argument, i, worker);
  }

  void serve(int worker, uint64_t seen) {
    for (;;) {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [&] { return generation_ != seen; });
      seen = generation_;
      if (worker > wanted_) continue;
      const harsanyi_task task = task_;
      void* const argument = argument_;
      const int64_t count = count_;
      lock.unlock();
      work(task, argument, count, worker);
      lock.lock();
      if (--active_ == 0) done_.notify_one();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::atomic<int64_t> next_{0};
  harsanyi_task task_ = nullptr;
  void* argument_ = nullptr;
  int64_t count_ = 0;
  int started_ = 0, wanted_ = 0, active_ = 0;
  uint64_t generation_ = 0;
};

std::atomic<Pool*> pool{nullptr};
std::atomic<int> chosen_threads{0};
std::atomic<harsanyi_parallel_for> host_run{nullptr};
std::atomic<void*> host_context{nullptr};

// A child process inherits the pool's memory but none of its threads: forget it and start another when needed.
void forget_pool() { pool.store(nullptr); }

Pool* the_pool() {
  Pool* current = pool.load();
  if (current != nullptr) return current;
#if defined(__unix__) || defined(__APPLE__)
  static const int registered = pthread_atfork(nullptr, nullptr, forget_pool);
  (void)registered;
#endif
  Pool* made = new (std::nothrow) Pool;
  if (made == nullptr) return nullptr;
  if (pool.compare_exchange_strong(current, made)) return made;
  delete made;
  return current;
}

// Set while this thread runs a task: a kernel called from inside one must not wait for the pool it occupies.
thread_local bool inside_task = false;

}  // namespace

int num_threads() noexcept {
  const int chosen = chosen_threads.load(std::memory_order_relaxed);
  if (chosen > 0) return chosen;
  int expected = 0;
  chosen_threads.compare_exchange_strong(expected, default_threads());
  return chosen_threads.load();
}

void set_num_threads(int count) noexcept { chosen_threads.store(count); }

void set_parallel_for(harsanyi_parallel_for run, void* context) noexcept {
  host_context.store(context);
  host_run.store(run);
}

void parallel_for(int64_t count, int threads, harsanyi_task task, void* argument) noexcept {
  if (count > 1 && threads > 1 && !inside_task) {
    if (const harsanyi_parallel_for run = host_run.load()) return run(host_context.load(), count, task, argument);
    Pool* const workers = the_pool();
    if (workers != nullptr && workers->busy.try_lock()) {
      inside_task = true;
      workers->run(count, task, argument, threads);
      inside_task = false;
      workers->busy.unlock();
      return;
    }
  }
  for (int64_t i = 0; i < count; ++i) task(argument, i, 0);
}

}  // namespace harsanyi
