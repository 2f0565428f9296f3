// Finds and loads the CUDA plugin, once, at the first use.
#pragma once

#include "plugin.h"

namespace harsanyi {

// Null where there is none, it does not load, or no device is there: cuda_absence() says which.
const CudaTable* cuda_table() noexcept;
const char* cuda_absence() noexcept;

}  // namespace harsanyi
