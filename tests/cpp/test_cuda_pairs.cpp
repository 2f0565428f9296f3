// The CUDA twins of the pair sums and of their adjoint against the CPU's kernels.
//
// Both add in f64, in different sequences. No sum has more than 2**19 terms, and any sequence of additions is off by
// less than (terms) 2**-53 times the sum of their magnitudes; added as both do, by far less than the tolerance here,
// 1e-12 times that sum. An entry without terms is 0 exactly.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "cuda_twin.hpp"

namespace {

constexpr int kLeastShared = 64 << 10;  // bytes a block may have on every device from sm_75 on
constexpr double kTolerance = 1e-12, kGuard = 77;

template <class T>
std::vector<T> magnitudes(std::vector<T> x) {
  for (T& value : x) value = std::abs(value);
  return x;
}

// x, what the CPU makes of it, and of its magnitudes.
template <class T>
struct Case {
  int n;
  std::int64_t batch;
  std::vector<T> x;
  std::vector<double> expected, scale;
};

template <class T>
Case<T> sums_case(int n, std::int64_t batch) {
  Case<T> given{
      n, batch, Random(static_cast<std::uint64_t>(n)).vector<T>(static_cast<std::size_t>(batch) << n), {}, {}};
  given.expected = harsanyi::pair_sums(given.x.data(), n, batch);
  given.scale = harsanyi::pair_sums(magnitudes(given.x).data(), n, batch);
  return given;
}

Case<double> adjoint_case(int n, std::int64_t batch) {
  const std::size_t size = harsanyi::pair_rows(n) * static_cast<std::size_t>(n + 1) * static_cast<std::size_t>(batch);
  Case<double> given{n, batch, Random(static_cast<std::uint64_t>(n)).vector<double>(size), {}, {}};
  given.expected = harsanyi::pair_sums_adjoint(given.x.data(), n, batch);
  given.scale = harsanyi::pair_sums_adjoint(magnitudes(given.x).data(), n, batch);
  return given;
}

template <class T>
void compare(const Case<T>& given, const std::vector<double>& found) {
  const std::size_t size = given.expected.size();
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < size; ++i) {
    if (!(std::abs(found[i + 1] - given.expected[i]) <= kTolerance * given.scale[i])) ++wrong;
  }
  CHECK(wrong == 0);
  if (wrong > 0) std::fprintf(stderr, "n = %d: %zu of %zu entries\n", given.n, wrong, size);
  CHECK(found[0] == kGuard && found[size + 1] == kGuard);
}

std::size_t parts_of(int n) { return n < 15 ? 1 : std::size_t{1} << (n - 13); }  // the tables of a vector, n <= 22

// With room for `tables` tables of a part, or for all that are asked for.
template <class T>
std::vector<double> cuda_sums(const Case<T>& given, std::size_t tables = 0) {
  const harsanyi_dtype dtype = sizeof(T) == 4 ? HARSANYI_F32 : HARSANYI_F64;
  const std::size_t table = harsanyi_cuda_pair_sums_workspace(given.n, 1) / parts_of(given.n);
  const std::size_t bytes = tables > 0 ? tables * table : harsanyi_cuda_pair_sums_workspace(given.n, given.batch);
  std::vector<double> workspace(bytes / sizeof(double) + 1, kGuard), found(given.expected.size() + 2, kGuard);
  check_ok(harsanyi_cuda_pair_sums(1, nullptr, dtype, given.n, given.batch, given.x.data(), found.data() + 1,
                                   workspace.data(), bytes));
  CHECK(workspace.back() == kGuard);
  compare(given, found);
  return found;
}

std::vector<double> cuda_adjoint(const Case<double>& given) {
  std::vector<double> found(given.expected.size() + 2, kGuard);
  check_ok(harsanyi_cuda_pair_sums_adjoint(1, nullptr, given.n, given.batch, given.x.data(), found.data() + 1));
  compare(given, found);
  return found;
}

// f(), in every order of threads, gives the same bits.
template <class F>
void same_in_every_order(const F& f) {
  std::vector<double> first;
  on_every_device({kLeastShared}, [&] {
    const std::vector<double> found = f();
    if (first.empty()) first = found;
    CHECK(found == first);
  });
}

void test_every_size() {
  for (int n = 0; n <= 16; ++n) {
    const std::int64_t batch = n < 12 ? 3 : 1;
    const auto narrow = sums_case<float>(n, batch);
    const auto wide = sums_case<double>(n, batch);
    const auto back = adjoint_case(n, batch);
    same_in_every_order([&] { return cuda_sums(narrow); });
    same_in_every_order([&] { return cuda_sums(wide); });
    same_in_every_order([&] { return cuda_adjoint(back); });
  }
}

void test_odd_batches() {
  const auto sums = sums_case<float>(5, 23);
  const auto back = adjoint_case(5, 23);
  same_in_every_order([&] { return cuda_sums(sums); });
  same_in_every_order([&] { return cuda_adjoint(back); });
  const auto split = sums_case<double>(15, 3);
  const auto split_back = adjoint_case(15, 3);
  same_in_every_order([&] { return cuda_sums(split); });
  same_in_every_order([&] { return cuda_adjoint(split_back); });
}

// A vector's sums are the same, to the bit, whether its batch is worked on at once or vector by vector; with less room
// its parts come in several launches.
void test_little_workspace() {
  simt::device().shared_limit = kLeastShared;
  const auto given = sums_case<float>(16, 3);  // 8 parts
  const std::vector<double> whole = cuda_sums(given);
  for (const std::size_t tables : {8, 9, 16, 23}) CHECK(cuda_sums(given, tables) == whole);
  for (const std::size_t tables : {1, 3, 4, 7}) cuda_sums(given, tables);
  const auto large = sums_case<double>(19, 1);  // 64 parts: several warps combine them
  cuda_sums(large);
  cuda_sums(large, 40);
  cuda_adjoint(adjoint_case(19, 1));
  CHECK(simt::take_fault()[0] == 0);
}

void test_workspace_is_bounded() {
  CHECK(harsanyi_cuda_pair_sums_workspace(14, 1000) == 0);
  CHECK(harsanyi_cuda_pair_sums_workspace(-1, 1) == 0 && harsanyi_cuda_pair_sums_workspace(31, 1) == 0);
  for (int n = 15; n <= 30; ++n) {
    const std::size_t one = harsanyi_cuda_pair_sums_workspace(n, 1);
    CHECK(one > 0 && one <= harsanyi_cuda_pair_sums_workspace(n, 7));
    CHECK(harsanyi_cuda_pair_sums_workspace(n, std::int64_t{1} << (60 - n)) <= std::size_t{16} << 20);
  }
}

void test_refusals() {
  simt::device().shared_limit = kLeastShared;
  double x[256] = {}, out[256] = {};
  const auto refused = [](harsanyi_status status, harsanyi_status expected, const char* text) {
    CHECK(status == expected && std::strstr(harsanyi_last_error(), text) != nullptr);
  };
  const auto sums = [&](int device, harsanyi_dtype dtype, int n, std::int64_t batch, const void* src,
                        std::size_t bytes) {
    return harsanyi_cuda_pair_sums(device, nullptr, dtype, n, batch, src, out, x, bytes);
  };
  refused(sums(-1, HARSANYI_F64, 2, 1, x, 0), HARSANYI_ERROR_ARGUMENT, "device");
  refused(sums(7, HARSANYI_F64, 2, 1, x, 0), HARSANYI_ERROR_SYSTEM, "cuda: invalid argument");
  refused(sums(0, HARSANYI_I64, 2, 1, x, 0), HARSANYI_ERROR_UNSUPPORTED, "dtype");
  refused(sums(0, HARSANYI_F64, 31, 1, x, 0), HARSANYI_ERROR_ARGUMENT, "n:");
  refused(sums(0, HARSANYI_F64, 2, -1, x, 0), HARSANYI_ERROR_ARGUMENT, "batch");
  refused(sums(0, HARSANYI_F64, 2, 1, nullptr, 0), HARSANYI_ERROR_ARGUMENT, "null");
  const std::size_t table = harsanyi_cuda_pair_sums_workspace(15, 1) / parts_of(15);
  refused(sums(0, HARSANYI_F64, 15, 1, x, table - 1), HARSANYI_ERROR_WORKSPACE, "workspace");
  refused(harsanyi_cuda_pair_sums(0, nullptr, HARSANYI_F32, 15, 1, x, out, nullptr, 2 * table),
          HARSANYI_ERROR_WORKSPACE, "workspace: 0 bytes");
  refused(harsanyi_cuda_pair_sums(0, nullptr, HARSANYI_F32, 15, 1, x, out, reinterpret_cast<char*>(x) + 4, 2 * table),
          HARSANYI_ERROR_ARGUMENT, "aligned");
  CHECK(sums(0, HARSANYI_F64, 14, 0, nullptr, 0) == HARSANYI_OK);
  refused(harsanyi_cuda_pair_sums_adjoint(7, nullptr, 2, 1, x, out), HARSANYI_ERROR_SYSTEM, "cuda: invalid argument");
  refused(harsanyi_cuda_pair_sums_adjoint(0, nullptr, -1, 1, x, out), HARSANYI_ERROR_ARGUMENT, "n:");
  refused(harsanyi_cuda_pair_sums_adjoint(0, nullptr, 2, 1, x, nullptr), HARSANYI_ERROR_ARGUMENT, "null");
  CHECK(harsanyi_cuda_pair_sums_adjoint(0, nullptr, 2, 0, nullptr, nullptr) == HARSANYI_OK);
}

}  // namespace

int main() {
  CHECK(harsanyi_cuda_available());
  test_every_size();
  test_odd_batches();
  test_little_workspace();
  test_workspace_is_bounded();
  test_refusals();
  return check_report("cuda pairs");
}
