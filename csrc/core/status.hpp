// The per-thread error text behind harsanyi_last_error().
#pragma once

#include "harsanyi/harsanyi.h"

namespace harsanyi {

// Records the text (printf style, cut at 255 characters) and returns the status, so that a check is one line:
// `return fail(HARSANYI_ERROR_ARGUMENT, ...)`.
harsanyi_status fail(harsanyi_status status, const char* format, ...) noexcept __attribute__((format(printf, 2, 3)));
const char* last_error() noexcept;

}  // namespace harsanyi
