#include "cuda_loader.hpp"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "harsanyi/version.h"

namespace harsanyi {
namespace {

struct Plugin {
  const CudaTable* table = nullptr;
  char absence[4608] = "";  // a path and a sentence

  // HARSANYI_CUDA_PLUGIN, else libharsanyi_cuda.so in the folder of this library.
  Plugin() noexcept {
    char path[4096];
    const char* const asked = std::getenv("HARSANYI_CUDA_PLUGIN");
    if (asked != nullptr && *asked != 0) {
      std::snprintf(path, sizeof path, "%s", asked);
    } else if (!beside_this_library(path, sizeof path)) {
      std::snprintf(absence, sizeof absence, "the folder of libharsanyi is unknown");
      return;
    }
    // Never closed: its kernels may still run when the process ends.
    void* const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      std::snprintf(absence, sizeof absence, "the plugin does not load: %s", dlerror());
      return;
    }
    using Entry = const CudaTable* (*)();
    const Entry entry = reinterpret_cast<Entry>(dlsym(library, "harsanyi_cuda_table"));
    const CudaTable* const found = entry != nullptr ? entry() : nullptr;
    if (found == nullptr || std::strcmp(found->version, HARSANYI_VERSION) != 0 || found->bytes != sizeof(CudaTable)) {
      std::snprintf(absence, sizeof absence, "%s is not the plugin of harsanyi %s", path, HARSANYI_VERSION);
      return;
    }
    int devices = 0;
    if (const int code = found->count_devices(&devices); code != 0 || devices == 0) {
      std::snprintf(absence, sizeof absence, "no device: %s", code != 0 ? found->error_text(code) : "none found");
      return;
    }
    table = found;
  }

  static bool beside_this_library(char* path, size_t bytes) noexcept {
    Dl_info info;
    if (dladdr(reinterpret_cast<const void*>(&cuda_table), &info) == 0 || info.dli_fname == nullptr) return false;
    const char* const slash = std::strrchr(info.dli_fname, '/');
    const int folder = slash != nullptr ? static_cast<int>(slash - info.dli_fname) + 1 : 0;
    return std::snprintf(path, bytes, "%.*slibharsanyi_cuda.so", folder, info.dli_fname) < static_cast<int>(bytes);
  }
};

const Plugin& plugin() noexcept {
  static const Plugin loaded;
  return loaded;
}

}  // namespace

const CudaTable* cuda_table() noexcept { return plugin().table; }
const char* cuda_absence() noexcept { return plugin().absence; }

}  // namespace harsanyi
