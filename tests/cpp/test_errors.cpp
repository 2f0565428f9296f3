// Every refusal: the status, a text that names the argument, and nothing written.
#include <cstdint>
#include <cstring>
#include <vector>

#include "check.h"
#include "harsanyi/harsanyi.h"
#include "sizes.h"

namespace {

constexpr harsanyi_status bad = HARSANYI_ERROR_ARGUMENT;
constexpr harsanyi_status unsupported = HARSANYI_ERROR_UNSUPPORTED;

void refused(harsanyi_status got, harsanyi_status expected, const char* argument) {
  CHECK(got == expected);
  if (std::strstr(harsanyi_last_error(), argument) == nullptr) {
    fprintf(stderr, "'%s' does not name '%s'\n", harsanyi_last_error(), argument);
    CHECK(!"the text names the argument");
  }
}

void test_transform() {
  double x[8] = {}, matrix[4] = {1, 0, 1, 1};
  const auto run = [&](int kind, int dtype, int n, std::int64_t batch, const void* src, void* dst) {
    return harsanyi_transform(static_cast<harsanyi_kind>(kind), static_cast<harsanyi_dtype>(dtype), n, batch, src, dst,
                              nullptr, 0);
  };
  refused(run(7, HARSANYI_F64, 2, 1, x, x), bad, "kind");
  refused(run(-1, HARSANYI_F64, 2, 1, x, x), bad, "kind");
  refused(run(HARSANYI_ZETA, 3, 2, 1, x, x), unsupported, "dtype");
  refused(run(HARSANYI_ZETA, HARSANYI_F64, -1, 1, x, x), bad, "n");
  refused(run(HARSANYI_ZETA, HARSANYI_F64, 31, 1, x, x), bad, "n");
  refused(run(HARSANYI_ZETA, HARSANYI_F64, 2, -1, x, x), bad, "batch");
  refused(run(HARSANYI_ZETA, HARSANYI_F64, 30, std::int64_t{1} << 40, x, x), bad, "batch");
  refused(run(HARSANYI_ZETA, HARSANYI_F64, 2, 1, nullptr, x), bad, "src");
  refused(run(HARSANYI_ZETA, HARSANYI_F64, 2, 1, x, nullptr), bad, "dst");
  refused(run(HARSANYI_ZETA, HARSANYI_F64, 2, 1, x, x + 3), bad, "overlap");
  refused(run(HARSANYI_ZETA, HARSANYI_F64, 2, 1, x + 3, x), bad, "overlap");
  CHECK(run(HARSANYI_ZETA, HARSANYI_F64, 2, 1, x, x + 4) == HARSANYI_OK);
  CHECK(run(HARSANYI_ZETA, HARSANYI_F64, 2, 0, nullptr, nullptr) == HARSANYI_OK);

  refused(harsanyi_kronecker(nullptr, HARSANYI_F64, 2, 1, x, x, nullptr, 0), bad, "matrix");
  refused(harsanyi_kronecker(matrix, HARSANYI_I64, 2, 1, x, x, nullptr, 0), unsupported, "dtype");
  refused(harsanyi_kronecker(matrix, HARSANYI_F64, 31, 1, x, x, nullptr, 0), bad, "n");

  const int n = first_with_workspace(HARSANYI_F64);
  std::vector<double> large(std::size_t{1} << n);
  const std::size_t bytes = harsanyi_transform_workspace(HARSANYI_F64, n);
  std::vector<char> workspace(bytes);
  const auto with = [&](void* memory, std::size_t size) {
    return harsanyi_transform(HARSANYI_ZETA, HARSANYI_F64, n, 1, large.data(), large.data(), memory, size);
  };
  refused(with(nullptr, bytes), HARSANYI_ERROR_WORKSPACE, "workspace");
  refused(with(workspace.data(), bytes - 1), HARSANYI_ERROR_WORKSPACE, "workspace");
  CHECK(with(workspace.data(), bytes) == HARSANYI_OK);
  CHECK(harsanyi_transform_workspace(HARSANYI_F64, 31) == 0 && harsanyi_transform_workspace(HARSANYI_F64, -1) == 0);
  CHECK(harsanyi_transform_workspace(static_cast<harsanyi_dtype>(9), n) == 0);
}

void test_reductions() {
  double x[4] = {1, 2, 3, 4}, weights[3] = {}, out[2];
  char workspace[1024];
  const harsanyi_order_sums nowhere = {nullptr, nullptr, nullptr, nullptr, nullptr};
  refused(harsanyi_reduce_orders(HARSANYI_I64, 2, 1, x, nullptr, 0, &nowhere), unsupported, "dtype");
  refused(harsanyi_reduce_orders(HARSANYI_F64, 31, 1, x, nullptr, 0, &nowhere), bad, "n");
  refused(harsanyi_reduce_orders(HARSANYI_F64, 2, 1, nullptr, nullptr, 0, &nowhere), bad, "src");
  refused(harsanyi_reduce_orders(HARSANYI_F64, 2, 1, x, nullptr, 0, nullptr), bad, "out");
  CHECK(harsanyi_reduce_orders(HARSANYI_F64, 2, 1, x, nullptr, 0, &nowhere) == HARSANYI_OK);

  const auto run = [&](harsanyi_dtype dtype, int n, const void* src, const double* by_order, double* to, void* memory,
                       std::size_t size) { return harsanyi_player_sums(dtype, n, 1, src, by_order, to, memory, size); };
  CHECK(harsanyi_set_num_threads(1) == HARSANYI_OK);
  const std::size_t bytes = harsanyi_player_sums_workspace(2);
  CHECK(bytes <= sizeof workspace);
  refused(run(HARSANYI_I64, 2, x, weights, out, workspace, bytes), unsupported, "dtype");
  refused(run(HARSANYI_F64, 31, x, weights, out, workspace, bytes), bad, "n");
  refused(run(HARSANYI_F64, 2, nullptr, weights, out, workspace, bytes), bad, "src");
  refused(run(HARSANYI_F64, 2, x, nullptr, out, workspace, bytes), bad, "weights");
  refused(run(HARSANYI_F64, 2, x, weights, nullptr, workspace, bytes), bad, "out");
  refused(run(HARSANYI_F64, 2, x, weights, out, nullptr, bytes), HARSANYI_ERROR_WORKSPACE, "workspace");
  refused(run(HARSANYI_F64, 2, x, weights, out, workspace, 8), HARSANYI_ERROR_WORKSPACE, "workspace");
  CHECK(run(HARSANYI_F64, 0, x, nullptr, nullptr, nullptr, 0) == HARSANYI_OK);  // no player, no sum
}

void test_pair_sums() {
  double x[4] = {1, 2, 3, 4}, sums[4 * 3];
  CHECK(harsanyi_set_num_threads(1) == HARSANYI_OK);
  const std::size_t bytes = harsanyi_pair_sums_workspace(2);
  std::vector<char> workspace(bytes);
  const auto run = [&](harsanyi_dtype dtype, int n, std::int64_t batch, const void* src, double* out, void* memory,
                       std::size_t size) { return harsanyi_pair_sums(dtype, n, batch, src, out, memory, size); };
  refused(run(HARSANYI_I64, 2, 1, x, sums, workspace.data(), bytes), unsupported, "dtype");
  refused(run(HARSANYI_F64, 31, 1, x, sums, workspace.data(), bytes), bad, "n");
  refused(run(HARSANYI_F64, 2, -1, x, sums, workspace.data(), bytes), bad, "batch");
  refused(run(HARSANYI_F64, 2, 1, nullptr, sums, workspace.data(), bytes), bad, "src");
  refused(run(HARSANYI_F64, 2, 1, x, nullptr, workspace.data(), bytes), bad, "out");
  refused(run(HARSANYI_F64, 2, 1, x, sums, nullptr, bytes), HARSANYI_ERROR_WORKSPACE, "workspace");
  refused(run(HARSANYI_F64, 2, 1, x, sums, workspace.data(), bytes - 1), HARSANYI_ERROR_WORKSPACE, "workspace");
  CHECK(run(HARSANYI_F64, 2, 1, x, sums, workspace.data(), bytes) == HARSANYI_OK);
  CHECK(run(HARSANYI_F64, 2, 0, nullptr, nullptr, nullptr, 0) == HARSANYI_OK);
  CHECK(harsanyi_pair_sums_workspace(31) == 0 && harsanyi_pair_sums_workspace(-1) == 0);

  const auto back = [&](int n, const double* src, double* out, void* memory, std::size_t size) {
    return harsanyi_pair_sums_adjoint(n, 1, src, out, memory, size);
  };
  refused(back(-1, sums, x, workspace.data(), bytes), bad, "n");
  refused(back(2, nullptr, x, workspace.data(), bytes), bad, "src");
  refused(back(2, sums, nullptr, workspace.data(), bytes), bad, "out");
  refused(back(2, sums, x, workspace.data(), bytes - 1), HARSANYI_ERROR_WORKSPACE, "workspace");
  CHECK(back(2, sums, x, workspace.data(), bytes) == HARSANYI_OK);
}

void test_subsets() {
  std::int64_t set[2] = {1, -1}, out[8];
  std::uint8_t bytes[8];
  const std::int32_t players[2] = {0, 9};
  refused(harsanyi_subsets_of_order(64, 1, out), bad, "n");
  refused(harsanyi_subsets_of_order(4, 5, out), bad, "k");
  refused(harsanyi_subsets_of_order(4, -1, out), bad, "k");
  refused(harsanyi_subsets_of_order(4, 1, nullptr), bad, "out");
  refused(harsanyi_rank_subsets(2, set, out), bad, "subsets[1]");
  refused(harsanyi_rank_subsets(1, nullptr, out), bad, "subsets");
  refused(harsanyi_rank_subsets(-1, set, out), bad, "subsets");
  refused(harsanyi_unrank_subsets(4, 2, 2, set, out), bad, "ranks[1]");
  set[1] = 6;
  refused(harsanyi_unrank_subsets(4, 2, 2, set, out), bad, "outside 0..5");
  refused(harsanyi_unrank_subsets(4, 9, 2, set, out), bad, "k");
  refused(harsanyi_unrank_subsets(4, 2, 2, nullptr, out), bad, "ranks");
  refused(harsanyi_orders(31, bytes), bad, "n");
  refused(harsanyi_orders(3, nullptr), bad, "out");
  refused(harsanyi_masks_from_subsets(2, 2, set, bytes), bad, "subsets[1]");
  refused(harsanyi_masks_from_subsets(64, 1, set, bytes), bad, "n");
  refused(harsanyi_masks_from_subsets(2, 1, nullptr, bytes), bad, "subsets");
  refused(harsanyi_subsets_from_masks(2, 1, nullptr, out), bad, "masks");
  refused(harsanyi_subsets_from_masks(-1, 1, bytes, out), bad, "n");
  refused(harsanyi_sample_subsets(4, players, 2, 1, 1, 0, 0, out), bad, "players[1]");
  refused(harsanyi_sample_subsets(10, players, 2, 3, 1, 0, 0, out), bad, "size");
  refused(harsanyi_sample_subsets(1, players, 2, 1, 1, 0, 0, out), bad, "candidates");
  refused(harsanyi_sample_subsets(10, players, 2, 1, -1, 0, 0, out), bad, "count");
  refused(harsanyi_sample_subsets(10, nullptr, 2, 1, 1, 0, 0, out), bad, "players");
  refused(harsanyi_sample_subsets(64, players, 2, 1, 1, 0, 0, out), bad, "n");
  refused(harsanyi_sample_masks(10, players, 2, 1, 1, 0, 0, nullptr), bad, "out");
  CHECK(harsanyi_binomial(64, 1) == 0 && harsanyi_binomial(-1, 0) == 0 && harsanyi_binomial(5, -1) == 0);
}

void test_masking() {
  float sample[2] = {1, 2}, out[2] = {7, 7};
  const std::int32_t player[2] = {0, 1};
  const std::int64_t subsets[1] = {0};
  const std::uint8_t masks[2] = {0, 0};
  const auto run = [&](std::size_t size, std::int64_t elements, const void* x, const std::int32_t* owner, int n,
                       std::int64_t rows, const std::int64_t* sets,
                       void* to) { return harsanyi_masked_batch(size, elements, x, sample, owner, n, rows, sets, to); };
  refused(run(3, 2, sample, player, 2, 1, subsets, out), unsupported, "element_bytes");
  refused(run(4, -1, sample, player, 2, 1, subsets, out), bad, "elements");
  refused(run(4, 2, sample, player, 2, -1, subsets, out), bad, "rows");
  refused(run(4, 2, sample, player, -2, 1, subsets, out), bad, "n");
  refused(run(4, 2, sample, player, 1, 1, subsets, out), bad, "player[1]");
  refused(run(4, 2, sample, player, 64, 1, subsets, out), bad, "n");
  refused(run(4, 2, nullptr, player, 2, 1, subsets, out), bad, "null");
  refused(run(4, 2, sample, nullptr, 2, 1, subsets, out), bad, "null");
  refused(run(4, 2, sample, player, 2, 1, nullptr, out), bad, "null");
  refused(run(4, 2, sample, player, 2, 1, subsets, nullptr), bad, "null");
  refused(harsanyi_masked_batch_from_masks(4, 2, sample, sample, player, 1, 1, masks, out), bad, "player[1]");
  CHECK(out[0] == 7 && out[1] == 7);
  CHECK(run(4, 0, nullptr, nullptr, 2, 1, subsets, nullptr) == HARSANYI_OK);
  CHECK(run(4, 2, nullptr, nullptr, 2, 0, nullptr, nullptr) == HARSANYI_OK);
}

void test_settings() {
  refused(harsanyi_set_isa("sse9"), unsupported, "sse9");
  refused(harsanyi_set_isa(nullptr), unsupported, "isa");
  refused(harsanyi_set_num_threads(0), bad, "num_threads");
  refused(harsanyi_set_num_threads(1025), bad, "num_threads");
}

}  // namespace

int main() {
  test_transform();
  test_reductions();
  test_pair_sums();
  test_subsets();
  test_masking();
  test_settings();
  return check_report("test_errors");
}
