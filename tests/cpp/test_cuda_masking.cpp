// The CUDA twins of masked batches against the CPU's kernels, to the bit.
#include <cstdint>
#include <cstring>
#include <vector>

#include "cuda_twin.hpp"

namespace {

// Random bytes, players and rows; the batch goes to 16-byte boundaries, and 1 and 4 elements after one, with guards.
template <class U>
void check_batches(Random& random, std::int64_t elements, int n, std::int64_t rows) {
  const auto count = static_cast<std::size_t>(elements), size = count * static_cast<std::size_t>(rows);
  const auto sample = random.vector<U>(count), baseline = random.vector<U>(count);
  std::vector<std::int32_t> player(count), odd(count);  // -1 is never masked, and neither are players out of range
  for (std::size_t e = 0; e < count; ++e) {
    player[e] = static_cast<std::int32_t>(random.word() % static_cast<std::uint64_t>(n + 1)) - 1;
    odd[e] = player[e] >= 0 ? player[e] : (e % 2 == 0 ? INT32_MIN : n + static_cast<std::int32_t>(e % 3));
  }
  std::vector<std::uint8_t> masks(static_cast<std::size_t>(rows * n) + 1);
  for (std::uint8_t& keep : masks) keep = static_cast<std::uint8_t>(random.word() % 2 * (1 + random.word() % 255));
  std::vector<std::int64_t> sets(static_cast<std::size_t>(rows));
  const auto compare = [&](const auto& cpu, const auto& cuda) {
    std::vector<U> expected(size);
    check_ok(cpu(expected.data()));
    for (const std::size_t shift : {0, 1, 4}) {
      std::vector<U> out(size + 5, U(77));
      check_ok(cuda(out.data() + shift));
      CHECK(std::memcmp(out.data() + shift, expected.data(), size * sizeof(U)) == 0);
      CHECK(out[size + shift] == U(77) && (shift == 0 || out[shift - 1] == U(77)));
    }
  };
  compare(
      [&](U* out) {
        return harsanyi_masked_batch_from_masks(sizeof(U), elements, sample.data(), baseline.data(), player.data(), n,
                                                rows, masks.data(), out);
      },
      [&](U* out) {
        return harsanyi_cuda_masked_batch_from_masks(1, nullptr, sizeof(U), elements, sample.data(), baseline.data(),
                                                     odd.data(), n, rows, masks.data(), out);
      });
  if (n > 63) return;
  check_ok(harsanyi_subsets_from_masks(n, rows, masks.data(), sets.data()));
  compare(
      [&](U* out) {
        return harsanyi_masked_batch(sizeof(U), elements, sample.data(), baseline.data(), player.data(), n, rows,
                                     sets.data(), out);
      },
      [&](U* out) {
        return harsanyi_cuda_masked_batch(1, nullptr, sizeof(U), elements, sample.data(), baseline.data(), odd.data(),
                                          n, rows, sets.data(), out);
      });
}

void check_widths(Random& random, std::int64_t elements, int n, std::int64_t rows) {
  check_batches<std::uint8_t>(random, elements, n, rows);
  check_batches<std::uint16_t>(random, elements, n, rows);
  check_batches<std::uint32_t>(random, elements, n, rows);
  check_batches<std::uint64_t>(random, elements, n, rows);
}

// Rows of any length: of whole packs, whole words, and odd ones; shorter than a block and longer.
void test_shapes() {
  Random random(1);
  on_every_device({48 << 10}, [&] {
    for (int n = 0; n <= 16; ++n) check_widths(random, 1 + 5 * n, n, 3);
    check_widths(random, 16, 10, 257);
    check_widths(random, 100, 63, 40);
    check_widths(random, 4099, 300, 3);
    check_widths(random, 8192, 14, 2);
  });
}

// With one multiprocessor a thread does 32 rows; these end amid them.
void test_many_rows() {
  Random random(2);
  on_every_device({48 << 10}, [&] {
    simt::device().multiprocessors = 1;
    check_batches<std::uint32_t>(random, 1028, 12, 1001);
    check_batches<std::uint8_t>(random, 513, 100, 599);
  });
}

void test_refusals() {
  double x[4] = {};
  const std::int32_t player[4] = {};
  const std::int64_t sets[4] = {};
  const std::uint8_t masks[4] = {};
  const auto refused = [](harsanyi_status status, harsanyi_status expected, const char* text) {
    CHECK(status == expected && std::strstr(harsanyi_last_error(), text) != nullptr);
  };
  refused(harsanyi_cuda_masked_batch(0, nullptr, 3, 4, x, x, player, 2, 1, sets, x), HARSANYI_ERROR_UNSUPPORTED,
          "element_bytes: 3");
  refused(harsanyi_cuda_masked_batch(0, nullptr, 8, -1, x, x, player, 2, 1, sets, x), HARSANYI_ERROR_ARGUMENT,
          "elements");
  refused(harsanyi_cuda_masked_batch(0, nullptr, 8, 4, x, x, player, 64, 1, sets, x), HARSANYI_ERROR_ARGUMENT, "n: 64");
  refused(harsanyi_cuda_masked_batch(0, nullptr, 8, 4, x, x, player, 2, 1, nullptr, x), HARSANYI_ERROR_ARGUMENT,
          "null");
  refused(harsanyi_cuda_masked_batch(-1, nullptr, 8, 4, x, x, player, 2, 1, sets, x), HARSANYI_ERROR_ARGUMENT,
          "device");
  refused(harsanyi_cuda_masked_batch_from_masks(0, nullptr, 8, 4, x, x, nullptr, 2, 1, masks, x),
          HARSANYI_ERROR_ARGUMENT, "null");
  refused(harsanyi_cuda_masked_batch_from_masks(0, nullptr, 8, 1, reinterpret_cast<char*>(x) + 4, x, player, 2, 1,
                                                masks, x),
          HARSANYI_ERROR_ARGUMENT, "aligned");
  check_ok(harsanyi_cuda_masked_batch(0, nullptr, 8, 4, nullptr, nullptr, nullptr, 2, 0, nullptr, nullptr));
}

}  // namespace

int main() {
  test_shapes();
  test_many_rows();
  test_refusals();
  return check_report("cuda masking");
}
