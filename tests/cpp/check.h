/* CHECK for C and C++ tests: prints every failure, and main ends with `return check_report("name");`. */
#ifndef HARSANYI_TESTS_CHECK_H
#define HARSANYI_TESTS_CHECK_H

#include <stdio.h>

static int check_failures = 0;
static long check_count = 0;

static void check_that(int holds, const char* text, const char* file, int line) {
  ++check_count;
  if (holds) return;
  if (++check_failures <= 20) fprintf(stderr, "%s:%d: CHECK(%s) failed\n", file, line, text);
}
#define CHECK(condition) check_that((condition) ? 1 : 0, #condition, __FILE__, __LINE__)

static int check_report(const char* name) {
  if (check_count == 0) ++check_failures; /* a test that checked nothing has not passed */
  printf("%s: %ld checks, %d failures\n", name, check_count, check_failures);
  return check_failures == 0 ? 0 : 1;
}

#endif
