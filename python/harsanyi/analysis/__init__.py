"""Analyses of interactions: pure functions on arrays and tensors, batched.

`interactions` are lattice vectors such as dividends, [..., 2**n], or a sparse pair: a tuple `(and_, or_)` or
a record with both. The last axis but one is the axis of samples, over which a paper's mean E_x is taken;
axes in front of it (checkpoints, networks) stay. Nothing here calls a model, and importing it loads no torch.
"""

from __future__ import annotations

from harsanyi.analysis._common import nan_mean, nan_std
from harsanyi.analysis.bottleneck import (
    area_between,
    each_pair,
    instability,
    interaction_strength,
    noise_floor,
)
from harsanyi.analysis.bottleneck_theory import (
    DifferenceWeights,
    DimensionFit,
    difference_weights,
    expected_difference,
    fit_dimension,
    learning_strength,
    order_weights,
)
from harsanyi.analysis.similarity import class_similarity, inconsistency, jaccard, learning_progress
from harsanyi.analysis.sparsity import (
    SparsityBound,
    SparsityConditions,
    near_zero_share,
    sparsity_bound,
    sparsity_conditions,
)
from harsanyi.analysis.strength import (
    OrderStrength,
    boolean_strength,
    largest_strength,
    mean_order,
    order_strength,
    order_sums,
    output_range,
    salient,
    sorted_strengths,
)
from harsanyi.analysis.variance import (
    GrowthFit,
    and_moment,
    fit_growth,
    interaction_variance,
    white_noise_variance,
)

__all__ = [
    "DifferenceWeights",
    "DimensionFit",
    "GrowthFit",
    "OrderStrength",
    "SparsityBound",
    "SparsityConditions",
    "and_moment",
    "area_between",
    "boolean_strength",
    "class_similarity",
    "difference_weights",
    "each_pair",
    "expected_difference",
    "fit_dimension",
    "fit_growth",
    "inconsistency",
    "instability",
    "interaction_strength",
    "interaction_variance",
    "jaccard",
    "largest_strength",
    "learning_progress",
    "learning_strength",
    "mean_order",
    "nan_mean",
    "nan_std",
    "near_zero_share",
    "noise_floor",
    "order_strength",
    "order_sums",
    "order_weights",
    "output_range",
    "salient",
    "sorted_strengths",
    "sparsity_bound",
    "sparsity_conditions",
    "white_noise_variance",
]
