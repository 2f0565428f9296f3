/* Prints the dividends of v = 1 + 2 x0 + 4 x1 - 8 x0 x1: its coefficients. */
#include <harsanyi/harsanyi.h>
#include <stdio.h>

int main(void) {
  double x[4] = {1, 3, 5, -1};
  if (harsanyi_transform(HARSANYI_MOBIUS, HARSANYI_F64, 2, 1, x, x, NULL, 0) != HARSANYI_OK) {
    fprintf(stderr, "%s\n", harsanyi_last_error());
    return 1;
  }
  printf("%s: %g %g %g %g\n", harsanyi_version(), x[0], x[1], x[2], x[3]);
  return x[0] == 1 && x[1] == 2 && x[2] == 4 && x[3] == -8 ? 0 : 1;
}
