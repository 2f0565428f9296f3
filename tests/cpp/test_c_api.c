/* The C ABI from C99: harsanyi.h compiles as C, and each family of functions gives a hand-checked answer. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "harsanyi/harsanyi.h"
#include "harsanyi/version.h"
#include "sizes.h"

static void test_build(void) {
  const char* chosen = harsanyi_isa();
  int i, found = 0;
  CHECK(strcmp(harsanyi_version(), HARSANYI_VERSION) == 0);
  CHECK(strcmp(harsanyi_last_error(), "") == 0);
  CHECK(harsanyi_isa_count() >= 1);
  CHECK(strcmp(harsanyi_isa_name(0), "baseline") == 0);
  CHECK(harsanyi_isa_name(-1) == NULL);
  CHECK(harsanyi_isa_name(harsanyi_isa_count()) == NULL);
  for (i = 0; i < harsanyi_isa_count(); ++i) {
    found += strcmp(harsanyi_isa_name(i), chosen) == 0;
    CHECK(harsanyi_set_isa(harsanyi_isa_name(i)) == HARSANYI_OK);
    CHECK(strcmp(harsanyi_isa(), harsanyi_isa_name(i)) == 0);
  }
  CHECK(found == 1);
  CHECK(harsanyi_set_num_threads(2) == HARSANYI_OK);
  CHECK(harsanyi_get_num_threads() == 2);
}

/* The dividends of v = 1 + 2 x0 + 4 x1 - 8 x0 x1 are its coefficients. */
static void test_transform(void) {
  const double v[4] = {1, 3, 5, -1};
  const double zeta[4] = {1, 0, 1, 1};
  double dividends[4], back[4];
  int64_t big[2] = {INT64_MAX, INT64_MIN};
  CHECK(harsanyi_transform_workspace(HARSANYI_F64, 2) == 0);
  CHECK(harsanyi_transform(HARSANYI_MOBIUS, HARSANYI_F64, 2, 1, v, dividends, NULL, 0) == HARSANYI_OK);
  CHECK(dividends[0] == 1 && dividends[1] == 2 && dividends[2] == 4 && dividends[3] == -8);
  CHECK(harsanyi_kronecker(zeta, HARSANYI_F64, 2, 1, dividends, back, NULL, 0) == HARSANYI_OK);
  CHECK(memcmp(back, v, sizeof v) == 0);
  /* int64 wraps around and comes back. */
  CHECK(harsanyi_transform(HARSANYI_MOBIUS, HARSANYI_I64, 1, 1, big, big, NULL, 0) == HARSANYI_OK);
  CHECK(big[1] == 1);
  CHECK(harsanyi_transform(HARSANYI_ZETA, HARSANYI_I64, 1, 1, big, big, NULL, 0) == HARSANYI_OK);
  CHECK(big[0] == INT64_MAX && big[1] == INT64_MIN);
}

static void test_workspace(void) {
  const int n = first_with_workspace(HARSANYI_F64);
  const size_t entries = (size_t)1 << n, bytes = harsanyi_transform_workspace(HARSANYI_F64, n);
  double* x = malloc(entries * sizeof *x);
  void* workspace = malloc(bytes);
  size_t i;
  CHECK(bytes > 0 && x != NULL && workspace != NULL);
  for (i = 0; i < entries; ++i) x[i] = 1;
  CHECK(harsanyi_transform(HARSANYI_MOBIUS, HARSANYI_F64, n, 1, x, x, workspace, bytes - 1) ==
        HARSANYI_ERROR_WORKSPACE);
  CHECK(strstr(harsanyi_last_error(), "workspace") != NULL);
  CHECK(harsanyi_transform(HARSANYI_MOBIUS, HARSANYI_F64, n, 1, x, x, workspace, bytes) == HARSANYI_OK);
  CHECK(x[0] == 1);
  for (i = 1; i < entries; ++i) {
    if (x[i] != 0) break;
  }
  CHECK(i == entries); /* a constant game has no interaction */
  free(workspace);
  free(x);
}

static void test_subsets(void) {
  const int64_t pairs[6] = {3, 5, 6, 9, 10, 12};
  const uint8_t order_of[8] = {0, 1, 1, 2, 1, 2, 2, 3};
  const int32_t players[3] = {1, 2, 4};
  int64_t out[6], ranks[6], drawn[5];
  uint8_t orders[8], masks[24];
  int i;
  CHECK(harsanyi_binomial(63, 31) == UINT64_C(916312070471295267));
  CHECK(harsanyi_binomial(4, 5) == 0);
  CHECK(harsanyi_subsets_of_order(4, 2, out) == HARSANYI_OK);
  CHECK(memcmp(out, pairs, sizeof pairs) == 0);
  CHECK(harsanyi_rank_subsets(6, out, ranks) == HARSANYI_OK);
  for (i = 0; i < 6; ++i) CHECK(ranks[i] == i);
  CHECK(harsanyi_unrank_subsets(4, 2, 6, ranks, out) == HARSANYI_OK);
  CHECK(memcmp(out, pairs, sizeof pairs) == 0);
  CHECK(harsanyi_orders(3, orders) == HARSANYI_OK);
  CHECK(memcmp(orders, order_of, sizeof orders) == 0);
  CHECK(harsanyi_masks_from_subsets(4, 6, pairs, masks) == HARSANYI_OK);
  CHECK(masks[0] == 1 && masks[1] == 1 && masks[2] == 0 && masks[3] == 0 && masks[23] == 1);
  CHECK(harsanyi_subsets_from_masks(4, 6, masks, out) == HARSANYI_OK);
  CHECK(memcmp(out, pairs, sizeof pairs) == 0);
  CHECK(harsanyi_sample_subsets(5, players, 3, 2, 5, 7, 0, drawn) == HARSANYI_OK);
  for (i = 0; i < 5; ++i) CHECK(drawn[i] == 6 || drawn[i] == 18 || drawn[i] == 20);
}

static void test_reductions(void) {
  const double dividends[4] = {1, 2, 4, -8};
  const double threshold = 3, weights[3] = {0, 1, 0.5};
  double sum[3], absolute[3], values[2];
  int64_t count[3];
  harsanyi_order_sums to = {NULL, NULL, NULL, NULL, NULL};
  size_t bytes = harsanyi_player_sums_workspace(2);
  void* workspace = malloc(bytes);
  to.sum = sum;
  to.absolute = absolute;
  to.count = count;
  CHECK(harsanyi_reduce_orders(HARSANYI_F64, 2, 1, dividends, &threshold, 0, &to) == HARSANYI_OK);
  CHECK(sum[0] == 1 && sum[1] == 6 && sum[2] == -8 && absolute[2] == 8);
  CHECK(count[0] == 0 && count[1] == 1 && count[2] == 1);
  CHECK(harsanyi_player_sums(HARSANYI_F64, 2, 1, dividends, weights, values, workspace, bytes) == HARSANYI_OK);
  CHECK(values[0] == -2 && values[1] == 0); /* Shapley values: 2 - 8/2, 4 - 8/2 */
  free(workspace);
}

static void test_masking(void) {
  const float sample[3] = {1, 2, 3}, baseline[3] = {-1, -2, NAN};
  const int32_t player[3] = {0, -1, 1};
  const int64_t subsets[2] = {0, 2};
  const uint8_t masks[4] = {0, 0, 0, 1};
  float out[6], again[6];
  CHECK(harsanyi_masked_batch(4, 3, sample, baseline, player, 2, 2, subsets, out) == HARSANYI_OK);
  CHECK(out[0] == -1 && out[1] == 2 && isnan(out[2]));
  CHECK(out[3] == -1 && out[4] == 2 && out[5] == 3);
  CHECK(harsanyi_masked_batch_from_masks(4, 3, sample, baseline, player, 2, 2, masks, again) == HARSANYI_OK);
  CHECK(memcmp(out, again, sizeof out) == 0);
}

int main(void) {
  test_build();
  test_transform();
  test_workspace();
  test_subsets();
  test_reductions();
  test_masking();
  return check_report("test_c_api");
}
