// The CUDA twins of subsets against the CPU's kernels, to the bit.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <vector>

#include "cuda_twin.hpp"

namespace {

// f(out) writes `size` entries, all of them like `expected`, at a 16-byte boundary and one entry after it, and none
// before or behind.
template <class T, class F>
void check_written(const std::vector<T>& expected, const F& f) {
  for (const std::size_t shift : {0, 1}) {
    std::vector<T> out(expected.size() + 2, T(77));
    f(out.data() + shift);
    CHECK(expected.empty() || std::memcmp(out.data() + shift, expected.data(), expected.size() * sizeof(T)) == 0);
    CHECK(out[expected.size() + shift] == T(77) && (shift == 0 || out[0] == T(77)));
  }
}

std::vector<std::int64_t> subsets_of_order(int n, int k) {
  std::vector<std::int64_t> sets(harsanyi_binomial(n, k));
  check_ok(harsanyi_subsets_of_order(n, k, sets.data()));
  return sets;
}

void test_orders_and_enumeration() {
  on_every_device({48 << 10}, [] {
    for (int n = 0; n <= 16; ++n) {
      std::vector<std::uint8_t> orders(std::size_t{1} << n);
      check_ok(harsanyi_orders(n, orders.data()));
      check_written(orders, [&](std::uint8_t* out) { check_ok(harsanyi_cuda_orders(1, nullptr, n, out)); });
      for (const int k : {0, 1, n / 2, n - 1, n}) {
        if (k < 0 || k > n) continue;
        check_written(subsets_of_order(n, k),
                      [&](std::int64_t* out) { check_ok(harsanyi_cuda_subsets_of_order(1, nullptr, n, k, out)); });
      }
    }
    for (const int k : {0, 1, 2, 61, 62, 63}) {
      check_written(subsets_of_order(63, k),
                    [&](std::int64_t* out) { check_ok(harsanyi_cuda_subsets_of_order(1, nullptr, 63, k, out)); });
    }
  });
}

void test_ranks() {
  Random random(1);
  std::vector<std::int64_t> sets(1001);
  for (std::int64_t& set : sets) set = static_cast<std::int64_t>(random.word() >> (1 + random.word() % 63));
  sets[0] = 0;
  sets[1] = INT64_MAX;
  std::vector<std::int64_t> ranks(sets.size());
  check_ok(harsanyi_rank_subsets(1001, sets.data(), ranks.data()));
  std::vector<std::int64_t> refused = sets, positions(1001);
  refused[5] = -1;
  refused[7] = INT64_MIN;
  on_every_device({48 << 10}, [&] {
    check_written(ranks,
                  [&](std::int64_t* out) { check_ok(harsanyi_cuda_rank_subsets(1, nullptr, 1001, sets.data(), out)); });
    std::vector<std::int64_t> expected = ranks;
    expected[5] = expected[7] = -1;
    check_written(expected, [&](std::int64_t* out) {
      check_ok(harsanyi_cuda_rank_subsets(1, nullptr, 1001, refused.data(), out));
    });
    for (const int n : {0, 1, 5, 16, 40, 63}) {
      for (const int k : {0, n / 3, n / 2, n}) {
        const std::uint64_t total = harsanyi_binomial(n, k);
        for (std::int64_t& position : positions) position = static_cast<std::int64_t>(random.word() % total);
        positions.back() = static_cast<std::int64_t>(total - 1);
        expected.assign(positions.size(), 0);
        check_ok(harsanyi_unrank_subsets(n, k, 1001, positions.data(), expected.data()));
        positions[3] = static_cast<std::int64_t>(total);
        positions[4] = -1;
        expected[3] = expected[4] = -1;
        check_written(expected, [&](std::int64_t* out) {
          check_ok(harsanyi_cuda_unrank_subsets(1, nullptr, n, k, 1001, positions.data(), out));
        });
      }
    }
  });
}

void test_masks() {
  Random random(2);
  on_every_device({48 << 10}, [&] {
    for (const int n : {0, 1, 2, 7, 10, 16, 31, 32, 33, 63}) {
      for (const std::int64_t count : {1, 255, 600}) {
        const std::size_t rows = static_cast<std::size_t>(count), bytes = rows * static_cast<std::size_t>(n);
        std::vector<std::int64_t> sets(rows), wide(rows);
        for (std::size_t i = 0; i < rows; ++i) {
          wide[i] = static_cast<std::int64_t>(random.word());  // bits of players that are not there do not count
          sets[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(wide[i]) & ((std::uint64_t{1} << n) - 1));
        }
        std::vector<std::uint8_t> masks(bytes + 1);
        check_ok(harsanyi_masks_from_subsets(n, count, sets.data(), masks.data()));
        masks.pop_back();
        check_written(masks, [&](std::uint8_t* out) {
          check_ok(harsanyi_cuda_masks_from_subsets(1, nullptr, n, count, wide.data(), out));
        });
        for (std::uint8_t& keep : masks) {
          if (keep != 0) keep = static_cast<std::uint8_t>(1 + random.word() % 255);  // any but 0
        }
        masks.insert(masks.begin(), 0);  // an odd address
        for (const std::size_t shift : {0, 1}) {
          if (shift == 0) std::rotate(masks.begin(), masks.begin() + 1, masks.end());
          if (shift == 1) std::rotate(masks.begin(), masks.end() - 1, masks.end());
          check_written(sets, [&](std::int64_t* out) {
            check_ok(harsanyi_cuda_subsets_from_masks(1, nullptr, n, count, masks.data() + shift, out));
          });
        }
      }
    }
  });
}

// 2 KiB of shared memory hold rows of up to 512 players; longer ones are drawn in place.
void test_draws() {
  on_every_device({48 << 10, 2 << 10}, [] {
    for (const int n : {0, 1, 2, 10, 33, 63, 196, 700}) {
      std::vector<std::int32_t> players(static_cast<std::size_t>(n));
      std::iota(players.begin(), players.end(), 0);
      if (n > 2) players.erase(players.begin() + 1);
      const int candidates = static_cast<int>(players.size());
      for (const int size : {0, candidates / 2, candidates}) {
        const std::int64_t count = n < 100 ? 300 : 130;
        const std::uint64_t seed = 0xfedcba9876543210u, first = 0xfffffff0u;
        std::vector<std::uint8_t> masks(static_cast<std::size_t>(count * n) + 1);
        check_ok(harsanyi_sample_masks(n, players.data(), candidates, size, count, seed, first, masks.data()));
        masks.pop_back();
        check_written(masks, [&](std::uint8_t* out) {
          check_ok(
              harsanyi_cuda_sample_masks(1, nullptr, n, players.data(), candidates, size, count, seed, first, out));
        });
        if (n > 63) continue;
        std::vector<std::int64_t> sets(static_cast<std::size_t>(count));
        check_ok(harsanyi_sample_subsets(n, players.data(), candidates, size, count, seed, first, sets.data()));
        check_written(sets, [&](std::int64_t* out) {
          check_ok(
              harsanyi_cuda_sample_subsets(1, nullptr, n, players.data(), candidates, size, count, seed, first, out));
        });
      }
    }
  });
}

// Players that do not exist are in no subset; as masks and as integers the draws are the same.
void test_draws_of_players_out_of_range() {
  constexpr int n = 20;
  std::vector<std::int32_t> players(n);
  std::iota(players.begin(), players.end(), 0);
  players[3] = n;
  players[4] = -1;
  players[5] = INT32_MAX;
  on_every_device({48 << 10, 64}, [&] {
    std::vector<std::int64_t> sets(200);
    check_ok(harsanyi_cuda_sample_subsets(1, nullptr, n, players.data(), n, 12, 200, 1, 0, sets.data()));
    for (const std::int64_t set : sets) CHECK(set > 0 && (set & (7 << 3)) == 0 && set < 1 << n);
    std::vector<std::uint8_t> masks(200 * n);
    check_ok(harsanyi_masks_from_subsets(n, 200, sets.data(), masks.data()));
    check_written(masks, [&](std::uint8_t* out) {
      check_ok(harsanyi_cuda_sample_masks(1, nullptr, n, players.data(), n, 12, 200, 1, 0, out));
    });
  });
}

void test_refusals() {
  std::int64_t sets[4] = {};
  std::uint8_t masks[4] = {};
  const std::int32_t players[2] = {0, 1};
  const auto refused = [](harsanyi_status status, const char* text) {
    CHECK(status == HARSANYI_ERROR_ARGUMENT && std::strstr(harsanyi_last_error(), text) != nullptr);
  };
  refused(harsanyi_cuda_subsets_of_order(0, nullptr, 64, 1, sets), "n: 64");
  refused(harsanyi_cuda_subsets_of_order(0, nullptr, 3, 4, sets), "k: 4");
  refused(harsanyi_cuda_subsets_of_order(0, nullptr, 3, 1, nullptr), "out");
  refused(harsanyi_cuda_subsets_of_order(-2, nullptr, 3, 1, sets), "device");
  refused(harsanyi_cuda_rank_subsets(0, nullptr, -1, sets, sets), "subsets, ranks");
  refused(harsanyi_cuda_unrank_subsets(0, nullptr, 3, -1, 1, sets, sets), "k: -1");
  refused(harsanyi_cuda_unrank_subsets(0, nullptr, 3, 1, 1, nullptr, sets), "ranks, subsets");
  refused(harsanyi_cuda_orders(0, nullptr, 31, masks), "n: 31");
  refused(harsanyi_cuda_orders(0, nullptr, 2, nullptr), "out");
  refused(harsanyi_cuda_sample_masks(0, nullptr, 1, players, 2, 1, 1, 0, 0, masks), "candidates");
  refused(harsanyi_cuda_sample_masks(0, nullptr, 2, players, 2, 3, 1, 0, 0, masks), "size");
  refused(harsanyi_cuda_sample_subsets(0, nullptr, 64, players, 2, 1, 1, 0, 0, sets), "n: 64");
  refused(harsanyi_cuda_sample_subsets(0, nullptr, 2, nullptr, 2, 1, 1, 0, 0, sets), "players");
  refused(harsanyi_cuda_masks_from_subsets(0, nullptr, 2, 1, sets, nullptr), "subsets, masks");
  refused(harsanyi_cuda_subsets_from_masks(0, nullptr, -1, 1, masks, sets), "n: -1");
  refused(harsanyi_cuda_subsets_from_masks(0, nullptr, 2, 1, nullptr, sets), "masks, subsets");
  check_ok(harsanyi_cuda_rank_subsets(0, nullptr, 0, nullptr, nullptr));
  check_ok(harsanyi_cuda_masks_from_subsets(0, nullptr, 0, 4, sets, nullptr));
}

}  // namespace

int main() {
  test_orders_and_enumeration();
  test_ranks();
  test_masks();
  test_draws();
  test_draws_of_players_out_of_range();
  test_refusals();
  return check_report("cuda subsets");
}
