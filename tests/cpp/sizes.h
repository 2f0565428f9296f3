/* Sizes that follow the kernels' blocking, for C and C++ tests. */
#ifndef HARSANYI_TESTS_SIZES_H
#define HARSANYI_TESTS_SIZES_H

#include "harsanyi/harsanyi.h"

/* The smallest n whose transform needs a workspace in the tier in use: tiles go through scratch memory there. */
static int first_with_workspace(harsanyi_dtype dtype) {
  int n = 0;
  while (n < HARSANYI_MAX_LATTICE_PLAYERS && harsanyi_transform_workspace(dtype, n) == 0) ++n;
  return n;
}

#endif
