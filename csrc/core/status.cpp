#include "status.hpp"

#include <cstdarg>
#include <cstdio>

namespace harsanyi {
namespace {
thread_local char text[256] = "";
}

harsanyi_status fail(harsanyi_status status, const char* format, ...) noexcept {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  return status;
}

const char* last_error() noexcept { return text; }

}  // namespace harsanyi
