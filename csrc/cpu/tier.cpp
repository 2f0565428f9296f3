// One instruction-set tier: compiled once per tier with its flags (see cmake/isa.cmake).
#include "kernels.hpp"

#include "cholesky.inl.hpp"
#include "masking.inl.hpp"
#include "pairs.inl.hpp"
#include "reduce.inl.hpp"
#include "simplex.inl.hpp"
#include "step.inl.hpp"
#include "transform.inl.hpp"

#define HARSANYI_TEXT_(x) #x
#define HARSANYI_TEXT(x) HARSANYI_TEXT_(x)
#define HARSANYI_JOIN_(a, b) a##b
#define HARSANYI_JOIN(a, b) HARSANYI_JOIN_(a, b)

namespace harsanyi {

const KernelTable HARSANYI_JOIN(kernels_, HARSANYI_ISA) = {
    HARSANYI_TEXT(HARSANYI_ISA),         HARSANYI_ISA::cut_transform,          HARSANYI_ISA::transform_blocks,
    HARSANYI_ISA::transform_tile,        HARSANYI_ISA::reduce_orders_of,       HARSANYI_ISA::player_sums_of,
    HARSANYI_ISA::fill_pair_leaf_of,     HARSANYI_ISA::merge_pairs<false>,     HARSANYI_ISA::close_pairs<false>,
    HARSANYI_ISA::read_pair_leaf,        HARSANYI_ISA::merge_pairs<true>,      HARSANYI_ISA::close_pairs<true>,
    HARSANYI_ISA::masked_rows,           HARSANYI_ISA::invert<double>,         HARSANYI_ISA::invert<long double>,
    HARSANYI_ISA::simplex_kernels,       HARSANYI_ISA::simplex_passes<float>,  HARSANYI_ISA::simplex_passes<double>,
    HARSANYI_ISA::sparse_kernels<float>, HARSANYI_ISA::sparse_kernels<double>,
};

}  // namespace harsanyi
