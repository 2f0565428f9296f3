// The C ABI of the CUDA twins of subsets: checks what lies in host memory, then the plugin.
#include "c_api_cuda.hpp"

using namespace harsanyi;

extern "C" {

harsanyi_status harsanyi_cuda_subsets_of_order(int device, void* stream, int n, int k, int64_t* out) {
  if (const harsanyi_status status = check_order(n, k)) return status;
  if (out == nullptr) return fail(bad, "out: null pointer");
  return on_device(device, stream, [&](const CudaTable& table, const CudaPlace& place) {
    return table.subsets_of_order(place, n, k, out);
  });
}

harsanyi_status harsanyi_cuda_rank_subsets(int device, void* stream, int64_t count, const int64_t* subsets,
                                           int64_t* ranks) {
  if (const harsanyi_status status = check_each(count, subsets, ranks, "subsets, ranks")) return status;
  return on_device(device, stream, [&](const CudaTable& table, const CudaPlace& place) {
    return table.rank_subsets(place, count, subsets, ranks);
  });
}

harsanyi_status harsanyi_cuda_unrank_subsets(int device, void* stream, int n, int k, int64_t count,
                                             const int64_t* ranks, int64_t* subsets) {
  if (const harsanyi_status status = check_order(n, k)) return status;
  if (const harsanyi_status status = check_each(count, ranks, subsets, "ranks, subsets")) return status;
  return on_device(device, stream, [&](const CudaTable& table, const CudaPlace& place) {
    return table.unrank_subsets(place, n, k, count, ranks, subsets);
  });
}

harsanyi_status harsanyi_cuda_orders(int device, void* stream, int n, uint8_t* out) {
  if (!is_lattice(n)) return fail(bad, "n: %d is outside 0..%d", n, kMaxLatticePlayers);
  if (out == nullptr) return fail(bad, "out: null pointer");
  return on_device(device, stream,
                   [&](const CudaTable& table, const CudaPlace& place) { return table.orders(place, n, out); });
}

harsanyi_status harsanyi_cuda_sample_masks(int device, void* stream, int n, const int32_t* players, int candidates,
                                           int size, int64_t count, uint64_t seed, uint64_t first, uint8_t* masks) {
  if (const harsanyi_status status = check_draw(n, players, candidates, size, count, masks)) return status;
  const SubsetDraw draw{n, players, candidates, size, seed, first};
  return on_device(device, stream, [&](const CudaTable& table, const CudaPlace& place) {
    return table.sample_masks(place, draw, count, masks);
  });
}

harsanyi_status harsanyi_cuda_sample_subsets(int device, void* stream, int n, const int32_t* players, int candidates,
                                             int size, int64_t count, uint64_t seed, uint64_t first, int64_t* subsets) {
  if (const harsanyi_status status = check_players(n)) return status;
  if (const harsanyi_status status = check_draw(n, players, candidates, size, count, subsets)) return status;
  const SubsetDraw draw{n, players, candidates, size, seed, first};
  return on_device(device, stream, [&](const CudaTable& table, const CudaPlace& place) {
    return table.sample_subsets(place, draw, count, subsets);
  });
}

harsanyi_status harsanyi_cuda_masks_from_subsets(int device, void* stream, int n, int64_t count, const int64_t* subsets,
                                                 uint8_t* masks) {
  if (const harsanyi_status status = check_masks(n, count, subsets, masks, "subsets, masks")) return status;
  return on_device(device, stream, [&](const CudaTable& table, const CudaPlace& place) {
    return table.masks_from_subsets(place, n, count, subsets, masks);
  });
}

harsanyi_status harsanyi_cuda_subsets_from_masks(int device, void* stream, int n, int64_t count, const uint8_t* masks,
                                                 int64_t* subsets) {
  if (const harsanyi_status status = check_masks(n, count, subsets, masks, "masks, subsets")) return status;
  return on_device(device, stream, [&](const CudaTable& table, const CudaPlace& place) {
    return table.subsets_from_masks(place, n, count, masks, subsets);
  });
}

}  // extern "C"
