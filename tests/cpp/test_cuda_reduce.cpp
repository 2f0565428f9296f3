// The CUDA twins of the reductions against the CPU's kernels.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "cuda_twin.hpp"

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

template <class T>
constexpr harsanyi_dtype dtype = std::is_same_v<T, float> ? HARSANYI_F32 : HARSANYI_F64;

// A buffer with a guard behind.
template <class T>
struct Guarded {
  std::vector<T> data;
  explicit Guarded(std::size_t count) : data(count + 1, T(77)) {}
  T* get() { return data.data(); }
  std::size_t size() const { return data.size() - 1; }
  bool intact() const { return data.back() == T(77); }
};

struct OrderSums {
  Guarded<double> sum, absolute, positive, negative;
  Guarded<std::int64_t> count;
  explicit OrderSums(std::size_t size) : sum(size), absolute(size), positive(size), negative(size), count(size) {}
  harsanyi_order_sums out() { return {sum.get(), absolute.get(), positive.get(), negative.get(), count.get()}; }
  bool intact() const {
    return sum.intact() && absolute.intact() && positive.intact() && negative.intact() && count.intact();
  }
};

// Where `exact`, all sums are integers below 2**53: the same in any order of additions.
void check_close(const Guarded<double>& a, const Guarded<double>& b, const Guarded<double>& size, bool exact) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double tolerance = exact ? 0 : 80 * std::numeric_limits<double>::epsilon() * size.data[i];
    CHECK(a.data[i] == b.data[i] || std::fabs(a.data[i] - b.data[i]) <= tolerance ||
          (std::isnan(a.data[i]) && std::isnan(b.data[i])));
  }
}

// Vectors at a 16-byte boundary and one entry after it.
template <class T, class F>
void at_both_boundaries(const std::vector<T>& x, const F& f) {
  for (const std::size_t shift : {0, 1}) {
    std::vector<T> src(x.size() + shift);
    std::memcpy(src.data() + shift, x.data(), x.size() * sizeof(T));
    f(src.data() + shift);
  }
}

template <class T>
void check_orders(const std::vector<T>& x, int n, std::int64_t batch, const double* thresholds, bool salient_only,
                  bool exact) {
  const auto size = static_cast<std::size_t>(batch * (n + 1));
  OrderSums expected(size);
  const harsanyi_order_sums cpu = expected.out();
  check_ok(harsanyi_reduce_orders(dtype<T>, n, batch, x.data(), thresholds, salient_only, &cpu));
  Guarded<double> workspace(harsanyi_cuda_reduce_orders_workspace(dtype<T>, n, batch) / sizeof(double));
  at_both_boundaries(x, [&](const T* src) {
    OrderSums found(size);
    const harsanyi_order_sums out = found.out();
    check_ok(harsanyi_cuda_reduce_orders(1, nullptr, dtype<T>, n, batch, src, thresholds, salient_only, &out,
                                         workspace.get(), workspace.size() * sizeof(double)));
    check_close(found.sum, expected.sum, expected.absolute, exact);
    check_close(found.absolute, expected.absolute, expected.absolute, exact);
    check_close(found.positive, expected.positive, expected.absolute, exact);
    check_close(found.negative, expected.negative, expected.absolute, exact);
    CHECK(found.count.data == expected.count.data);
    CHECK(found.intact() && workspace.intact());
  });
}

template <class T>
void check_players(const std::vector<T>& x, int n, std::int64_t batch, const std::vector<double>& weights, bool exact) {
  const auto size = static_cast<std::size_t>(batch * n);
  Guarded<double> expected(size), absolute(size);
  std::vector<char> scratch(harsanyi_player_sums_workspace(n));
  std::vector<T> magnitudes(x);
  std::vector<double> sizes(weights);
  for (T& value : magnitudes) value = std::fabs(value);
  for (double& weight : sizes) weight = std::fabs(weight);
  check_ok(harsanyi_player_sums(dtype<T>, n, batch, x.data(), weights.data(), expected.get(), scratch.data(),
                                scratch.size()));
  check_ok(harsanyi_player_sums(dtype<T>, n, batch, magnitudes.data(), sizes.data(), absolute.get(), scratch.data(),
                                scratch.size()));
  Guarded<double> workspace(harsanyi_cuda_player_sums_workspace(dtype<T>, n, batch) / sizeof(double));
  at_both_boundaries(x, [&](const T* src) {
    Guarded<double> found(size);
    check_ok(harsanyi_cuda_player_sums(1, nullptr, dtype<T>, n, batch, src, weights.data(), found.get(),
                                       workspace.get(), workspace.size() * sizeof(double)));
    check_close(found, expected, absolute, exact);
    CHECK(found.intact() && workspace.intact());
  });
}

// Uniform numbers, where sums round, and small integers, where they do not.
template <class T>
void check_both(Random& random, int n, std::int64_t batch) {
  const std::size_t entries = static_cast<std::size_t>(batch) << n;
  const std::vector<T> uniform = random.vector<T>(entries);
  std::vector<T> integers(entries);
  for (T& value : integers) value = static_cast<T>(static_cast<int>(random.word() % 9) - 4);
  std::vector<double> thresholds(static_cast<std::size_t>(batch)), whole(static_cast<std::size_t>(n) + 1);
  for (double& threshold : thresholds) threshold = std::fabs(random.value<double>());
  for (double& weight : whole) weight = static_cast<double>(random.word() % 7);
  check_orders(uniform, n, batch, n % 3 == 0 ? nullptr : thresholds.data(), n % 2 == 0, false);
  check_orders(integers, n, batch, thresholds.data(), n % 2 == 1, true);
  check_players(uniform, n, batch, random.vector<double>(whole.size()), false);
  check_players(integers, n, batch, whole, true);
}

// Short vectors share a block, long ones have several, whose sums are merged.
void test_every_size() {
  Random random(1);
  on_every_device({48 << 10}, [&] {
    for (int n = 0; n <= 16; ++n) {
      const std::int64_t batch = n < 6 ? 131 : (n < 12 ? 5 : (n < 14 ? 2 : 1));
      check_both<float>(random, n, batch);
      check_both<double>(random, n, batch);
    }
  });
}

// Two launches of merges.
void test_long_vectors() {
  Random random(2);
  simt::device().order = simt::Order::shuffled;
  check_both<double>(random, 19, 2);
  CHECK(simt::take_fault()[0] == 0);
  simt::device() = {};
}

// A vector's sums have the same bits alone, in a batch, whatever else is asked for, and whatever thread comes first.
void test_sums_are_reproducible() {
  constexpr int n = 14, batch = 3;
  constexpr std::size_t entries = std::size_t{1} << n, orders = n + 1;
  const std::vector<float> x = Random(3).vector<float>(batch * entries);
  std::vector<double> workspace(harsanyi_cuda_reduce_orders_workspace(HARSANYI_F32, n, batch) / sizeof(double));
  std::vector<double> first;
  on_every_device({48 << 10}, [&] {
    const auto reduce = [&](const float* src, std::int64_t vectors, const harsanyi_order_sums& out) {
      check_ok(harsanyi_cuda_reduce_orders(0, nullptr, HARSANYI_F32, n, vectors, src, nullptr, 0, &out,
                                           workspace.data(), workspace.size() * sizeof(double)));
    };
    OrderSums together(batch * orders), alone(batch * orders);
    reduce(x.data(), batch, together.out());
    for (std::size_t b = 0; b < batch; ++b) {
      reduce(x.data() + b * entries, 1, {alone.sum.get() + b * orders, nullptr, nullptr, nullptr, nullptr});
    }
    CHECK(alone.sum.data == together.sum.data);
    CHECK(alone.absolute.data == Guarded<double>(batch * orders).data);  // not asked for, not written
    if (first.empty()) first = together.sum.data;
    CHECK(first == together.sum.data);
  });
}

// NaN is salient and negative, as on the CPU; infinities of both signs cancel to NaN.
void test_special_values() {
  Random random(4);
  on_every_device({48 << 10}, [&] {
    for (const int n : {2, 6, 10}) {
      std::vector<double> x = random.vector<double>(std::size_t{1} << n);
      const double threshold = 0.5, undefined = kNaN;
      x[1] = kNaN;
      check_orders(x, n, 1, &threshold, true, false);
      x[2] = std::numeric_limits<double>::infinity();
      check_orders(x, n, 1, &threshold, false, false);
      x[0] = -0.0;
      check_orders(x, n, 1, &undefined, true, false);
    }
  });
}

void test_refusals() {
  double x[8] = {};
  const harsanyi_order_sums out{x, nullptr, nullptr, nullptr, nullptr};
  const auto refused = [](harsanyi_status status, harsanyi_status expected, const char* text) {
    CHECK(status == expected && std::strstr(harsanyi_last_error(), text) != nullptr);
  };
  const auto orders = [&](int device, harsanyi_dtype type, int n, const void* src, const harsanyi_order_sums* to,
                          void* workspace, std::size_t bytes) {
    return harsanyi_cuda_reduce_orders(device, nullptr, type, n, 1, src, nullptr, 0, to, workspace, bytes);
  };
  refused(orders(0, HARSANYI_I64, 2, x, &out, nullptr, 0), HARSANYI_ERROR_UNSUPPORTED, "dtype");
  refused(orders(0, HARSANYI_F64, 31, x, &out, nullptr, 0), HARSANYI_ERROR_ARGUMENT, "n: 31");
  refused(orders(0, HARSANYI_F64, 2, nullptr, &out, nullptr, 0), HARSANYI_ERROR_ARGUMENT, "src");
  refused(orders(0, HARSANYI_F64, 2, x, nullptr, nullptr, 0), HARSANYI_ERROR_ARGUMENT, "out");
  refused(orders(-1, HARSANYI_F64, 2, x, &out, nullptr, 0), HARSANYI_ERROR_ARGUMENT, "device");
  refused(orders(0, HARSANYI_F64, 16, x, &out, nullptr, 1 << 20), HARSANYI_ERROR_WORKSPACE, "workspace");
  refused(orders(0, HARSANYI_F64, 16, x, &out, x, 8), HARSANYI_ERROR_WORKSPACE, "workspace: 8 bytes");
  refused(orders(0, HARSANYI_F64, 16, x, &out, reinterpret_cast<char*>(x) + 4, 1 << 20), HARSANYI_ERROR_WORKSPACE,
          "aligned");
  CHECK(harsanyi_cuda_reduce_orders_workspace(HARSANYI_I64, 20, 1) == 0);
  CHECK(harsanyi_cuda_reduce_orders_workspace(HARSANYI_F32, 31, 1) == 0);
  CHECK(harsanyi_cuda_player_sums_workspace(HARSANYI_F32, 20, -1) == 0);
  CHECK(harsanyi_cuda_player_sums_workspace(HARSANYI_F64, 11, 1000) == 0);
  CHECK(harsanyi_cuda_reduce_orders_workspace(HARSANYI_F64, 30, 1) < (std::size_t{8} << 30) / 50);  // 2 % of the vector
  refused(harsanyi_cuda_player_sums(0, nullptr, HARSANYI_I64, 2, 1, x, x, x, nullptr, 0), HARSANYI_ERROR_UNSUPPORTED,
          "dtype");
  refused(harsanyi_cuda_player_sums(0, nullptr, HARSANYI_F64, 2, 1, x, nullptr, x, nullptr, 0), HARSANYI_ERROR_ARGUMENT,
          "weights");
  refused(harsanyi_cuda_player_sums(0, nullptr, HARSANYI_F64, 20, 1, x, x, x, nullptr, 0), HARSANYI_ERROR_WORKSPACE,
          "workspace");
  check_ok(harsanyi_cuda_player_sums(0, nullptr, HARSANYI_F64, 0, 1, nullptr, nullptr, nullptr, nullptr, 0));
  check_ok(harsanyi_cuda_reduce_orders(0, nullptr, HARSANYI_F64, 2, 0, nullptr, nullptr, 0, nullptr, nullptr, 0));
}

}  // namespace

int main() {
  test_every_size();
  test_long_vectors();
  test_sums_are_reproducible();
  test_special_values();
  test_refusals();
  return check_report("cuda reduce");
}
