"""Analyses of interactions: pure functions on arrays and tensors, batched.

`interactions` are lattice vectors such as dividends, [..., 2**n], or a sparse pair: a tuple `(and_, or_)` or
a record with both. The last axis but one is the axis of samples, over which a paper's mean E_x is taken;
axes in front of it (checkpoints, networks) stay, and a lone vector is a set of one sample. Strengths by order
are an `OrderStrength`. Nothing here calls a model, and importing it loads no torch.

- `strength`: strengths by order, salient sets, thresholds, the mean order, the curve of sparsity.
- `similarity`: Jaccard similarity of data sets and of checkpoints, sign changes under attack.
- `variance`: variance under noise and how it grows with the order.
- `sparsity`: the conditions of sparsity, the bound on the number of interactions.
- `emerged`: interactions that noise brings, strengths that changed.
- `spindle`: the model of interactions that do not generalise, and its fit.
- `decay`: what uncertainty leaves of interactions; strengths of that for many sizes of it.
- `disentangle`: strengths fitted by a decay part, or by a decay part and a spindle.
- `phases`: a training run followed over its checkpoints.
- `bottleneck`: strengths of multi-order interactions by order, their instability.
- `bottleneck_theory`: how hard each order is to learn, and what a change of the output weighs.
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
from harsanyi.analysis.decay import DecayTable, decay, decay_strengths, decay_table
from harsanyi.analysis.disentangle import DecayFit, Disentangled, disentangle, fit_decay
from harsanyi.analysis.emerged import newly_emerged, strength_change
from harsanyi.analysis.phases import PhaseTrack, normal_phase_end, track_phases
from harsanyi.analysis.similarity import class_similarity, inconsistency, jaccard, learning_progress
from harsanyi.analysis.sparsity import (
    SparsityBound,
    SparsityConditions,
    near_zero_share,
    sparsity_bound,
    sparsity_conditions,
)
from harsanyi.analysis.spindle import SpindleFit, fit_spindle, spindle
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
    "DecayFit",
    "DecayTable",
    "DifferenceWeights",
    "DimensionFit",
    "Disentangled",
    "GrowthFit",
    "OrderStrength",
    "PhaseTrack",
    "SparsityBound",
    "SparsityConditions",
    "SpindleFit",
    "and_moment",
    "area_between",
    "boolean_strength",
    "class_similarity",
    "decay",
    "decay_strengths",
    "decay_table",
    "difference_weights",
    "disentangle",
    "each_pair",
    "expected_difference",
    "fit_decay",
    "fit_dimension",
    "fit_growth",
    "fit_spindle",
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
    "newly_emerged",
    "noise_floor",
    "normal_phase_end",
    "order_strength",
    "order_sums",
    "order_weights",
    "output_range",
    "salient",
    "sorted_strengths",
    "sparsity_bound",
    "sparsity_conditions",
    "spindle",
    "strength_change",
    "track_phases",
    "white_noise_variance",
]
