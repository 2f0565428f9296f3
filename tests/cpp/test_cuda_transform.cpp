// The transforms' CUDA twins against the CPU's kernels, to the bit.
#include <cstdint>
#include <cstring>
#include <vector>

#include "cuda_twin.hpp"

namespace {

template <class T>
constexpr harsanyi_dtype dtype_of() {
  if (std::is_same_v<T, float>) return HARSANYI_F32;
  return std::is_same_v<T, double> ? HARSANYI_F64 : HARSANYI_I64;
}

template <class T>
struct Case {
  int n;
  std::int64_t batch;
  std::vector<T> x;

  Case(int players, std::int64_t vectors)
      : n(players),
        batch(vectors),
        x(Random(static_cast<std::uint64_t>(players)).vector<T>(static_cast<std::size_t>(vectors) << players)) {}
};

// In place and not, at a 16-byte boundary and one entry after it, always with a guard behind.
template <class T, class F, class G>
void compare(const Case<T>& given, const F& cpu, const G& cuda) {
  const std::size_t size = given.x.size();
  std::vector<T> expected(size);
  cpu(given.x.data(), expected.data());
  for (const std::size_t shift : {0, 1}) {
    std::vector<T> src(size + 3, T(77)), dst(size + 3, T(77));
    std::memcpy(src.data() + shift, given.x.data(), size * sizeof(T));
    cuda(src.data() + shift, dst.data() + shift);
    CHECK(std::memcmp(dst.data() + shift, expected.data(), size * sizeof(T)) == 0);
    CHECK(std::memcmp(src.data() + shift, given.x.data(), size * sizeof(T)) == 0);
    CHECK(dst[size + shift] == T(77) && (shift == 0 || dst[0] == T(77)));
    cuda(src.data() + shift, src.data() + shift);
    CHECK(std::memcmp(src.data() + shift, expected.data(), size * sizeof(T)) == 0);
    CHECK(src[size + shift] == T(77) && (shift == 0 || src[0] == T(77)));
  }
}

template <class T>
void check_named(harsanyi_kind kind, const Case<T>& given) {
  const auto cpu = [&](const T* src, T* dst) {
    std::vector<char> workspace(harsanyi_transform_workspace(dtype_of<T>(), given.n));
    check_ok(
        harsanyi_transform(kind, dtype_of<T>(), given.n, given.batch, src, dst, workspace.data(), workspace.size()));
  };
  compare(given, cpu, [&](const T* src, T* dst) {
    check_ok(harsanyi_cuda_transform(1, nullptr, kind, dtype_of<T>(), given.n, given.batch, src, dst));
  });
}

template <class T>
void check_matrix(const Case<T>& given) {
  const double matrix[4] = {0.7, -0.3, 0.25, 1.1};
  const auto cpu = [&](const T* src, T* dst) {
    std::vector<char> workspace(harsanyi_transform_workspace(dtype_of<T>(), given.n));
    check_ok(
        harsanyi_kronecker(matrix, dtype_of<T>(), given.n, given.batch, src, dst, workspace.data(), workspace.size()));
  };
  compare(given, cpu, [&](const T* src, T* dst) {
    check_ok(harsanyi_cuda_kronecker(1, nullptr, matrix, dtype_of<T>(), given.n, given.batch, src, dst));
  });
}

template <int First, int Step>
void check_sizes() {
  for (int n = First; n <= 16; n += Step) {
    const std::int64_t batch = n < 12 ? 3 : 1;
    check_named(n % 2 == 0 ? HARSANYI_ZETA : HARSANYI_WALSH_HADAMARD, Case<float>(n, batch));
    check_named(n % 2 == 0 ? HARSANYI_OR : HARSANYI_MOBIUS, Case<double>(n, batch));
    check_named(HARSANYI_OR_INVERSE, Case<std::uint64_t>(n, batch));
  }
}

// Little shared memory takes two passes from n = 10 (f64) on and three from n = 16.
void test_every_size() {
  on_every_device({227 << 10}, check_sizes<0, 1>);
  on_every_device({4 << 10}, check_sizes<10, 3>);
}

void test_every_kind() {
  on_every_device({8 << 10}, [] {
    for (const int n : {1, 8, 11}) {
      for (int kind = HARSANYI_ZETA; kind <= HARSANYI_WALSH_HADAMARD; ++kind) {
        check_named(static_cast<harsanyi_kind>(kind), Case<float>(n, 3));
        check_named(static_cast<harsanyi_kind>(kind), Case<double>(n, 3));
        check_named(static_cast<harsanyi_kind>(kind), Case<std::uint64_t>(n, 3));
      }
      check_matrix(Case<float>(n, 3));
      check_matrix(Case<double>(n, 3));
    }
  });
}

// Narrow rows: a vector of 2**17 entries in 2**9-entry chunks and rows of 64 or 32 bytes.
void test_narrow_rows() {
  on_every_device({5 << 10}, [] {
    check_named(HARSANYI_MOBIUS, Case<double>(17, 1));
    check_named(HARSANYI_SUPERSET_ZETA, Case<float>(18, 1));
  });
}

void test_odd_batches_fill_no_chunk() {
  on_every_device({227 << 10}, [] {
    for (const std::int64_t batch : {1, 2, 31, 257, 1023}) {
      check_named(HARSANYI_ZETA, Case<float>(0, batch));
      check_named(HARSANYI_OR, Case<float>(1, batch));
      check_named(HARSANYI_MOBIUS, Case<double>(4, batch));
    }
  });
}

void test_refusals() {
  double x[4] = {};
  CHECK(harsanyi_cuda_available());
  const auto refused = [](harsanyi_status status, harsanyi_status expected, const char* text) {
    CHECK(status == expected && std::strstr(harsanyi_last_error(), text) != nullptr);
  };
  refused(harsanyi_cuda_transform(-1, nullptr, HARSANYI_ZETA, HARSANYI_F64, 2, 1, x, x), HARSANYI_ERROR_ARGUMENT,
          "device");
  refused(harsanyi_cuda_transform(7, nullptr, HARSANYI_ZETA, HARSANYI_F64, 2, 1, x, x), HARSANYI_ERROR_SYSTEM,
          "cuda: invalid argument");
  refused(harsanyi_cuda_transform(0, nullptr, HARSANYI_ZETA, HARSANYI_F64, 31, 1, x, x), HARSANYI_ERROR_ARGUMENT, "n:");
  refused(harsanyi_cuda_transform(0, nullptr, HARSANYI_ZETA, HARSANYI_F64, 2, -1, x, x), HARSANYI_ERROR_ARGUMENT,
          "batch");
  refused(harsanyi_cuda_transform(0, nullptr, static_cast<harsanyi_kind>(7), HARSANYI_F64, 2, 1, x, x),
          HARSANYI_ERROR_ARGUMENT, "kind");
  refused(harsanyi_cuda_transform(0, nullptr, HARSANYI_ZETA, HARSANYI_F64, 2, 1, nullptr, x), HARSANYI_ERROR_ARGUMENT,
          "null");
  refused(harsanyi_cuda_transform(0, nullptr, HARSANYI_ZETA, HARSANYI_F64, 1, 1, x, x + 1), HARSANYI_ERROR_ARGUMENT,
          "overlap");
  refused(harsanyi_cuda_kronecker(0, nullptr, nullptr, HARSANYI_F64, 2, 1, x, x), HARSANYI_ERROR_ARGUMENT, "matrix");
  const double matrix[4] = {1, 0, 0, 1};
  refused(harsanyi_cuda_kronecker(0, nullptr, matrix, HARSANYI_I64, 2, 1, x, x), HARSANYI_ERROR_UNSUPPORTED, "dtype");
  CHECK(harsanyi_cuda_transform(0, nullptr, HARSANYI_ZETA, HARSANYI_F64, 2, 0, nullptr, nullptr) == HARSANYI_OK);
}

}  // namespace

int main() {
  test_every_size();
  test_every_kind();
  test_narrow_rows();
  test_odd_batches_fill_no_chunk();
  test_refusals();
  return check_report("cuda transform");
}
