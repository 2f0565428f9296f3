"""How alike two sets of interactions are, order by order: between data sets, under attack, over training.

Conventions are those of `strength`: lattice vectors or pairs, samples on the last axis but one, orders 0..n
on the last axis of a result. A ratio of 0 by 0 is NaN and left out of means; order 0 therefore is NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from harsanyi._arrays import Array, ArrayT, as_array, is_tensor
from harsanyi.analysis._common import (
    double,
    namespace,
    nan_mean,
    ratio,
    sample_axis,
    two_of_a_kind,
)
from harsanyi.analysis.strength import DEFAULT_SHARE, largest_strength, order_sums
from harsanyi.errors import ArgumentError, ArgumentTypeError
from harsanyi.reductions import like

if TYPE_CHECKING:
    from harsanyi.analysis._common import Interactions, Threshold

__all__ = ["class_similarity", "inconsistency", "jaccard", "learning_progress"]


def jaccard(first: Interactions[ArrayT], second: Interactions[ArrayT]) -> ArrayT:
    """Jaccard similarity of two vectors of interactions, order by order.

    With the m-order interactions of each kind split into positive and negative parts, all of them one vector
    of non-negative numbers: `sum of min / sum of max` of the two vectors. 1 for equal vectors; 0 if no
    interaction has the same sign in both.

    Args:
        first: [..., 2**n], float32, float64 or int64, or a pair.
        second: like `first`, of a shape that broadcasts with its.

    Returns:
        float64, shape [..., n + 1], from 0 to 1; NaN for an order where all of both are 0. Differentiable.

    Raises:
        ArgumentError: the last axis is not a power of two or holds no player, the batch is empty, the two do
            not fit together, or one is a pair and the other is not.
        ArgumentTypeError: another dtype, or two of them.

    Source: Zhou et al., AAAI 2024, eq. 3.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis import jaccard
        >>> jaccard(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 1.0, 1.0, -3.0]))
        array([       nan, 0.66666667, 0.        ])
    """
    a, b = two_of_a_kind(first, second, ("first", "second"))
    try:
        np.broadcast_shapes(tuple(a[0].shape), tuple(b[0].shape))
    except ValueError as error:
        expected = f"of a shape that broadcasts with that of first, {tuple(a[0].shape)}"
        raise ArgumentError("second", f"shape {tuple(b[0].shape)}", expected) from error
    similarity: ArrayT = _jaccard([_parts(x) for x in a], [_parts(x) for x in b])
    return similarity


def class_similarity(
    train: Interactions[ArrayT],
    test: Interactions[ArrayT],
    train_labels: npt.ArrayLike | Array,
    test_labels: npt.ArrayLike | Array,
    *,
    parts: Literal["of_mean", "mean_of_parts"] = "of_mean",
) -> ArrayT:
    """How well the interactions of each class generalise: Jaccard similarity of train and test, by order.

    Of every class the interactions of the training samples are averaged, those of the test samples too, and
    the two means compared as `jaccard` does. The papers' curve is the mean over classes,
    `nan_mean(class_similarity(...), -2)`.

    Args:
        train: [..., samples, 2**n], float32, float64 or int64, or a pair.
        test: the same for the test samples, of any number; the axes in front as in `train`.
        train_labels: integers, one for each sample of `train`.
        test_labels: integers, one for each sample of `test`.
        parts: "of_mean": the positive and negative parts of the mean, in which effects of opposite sign
            cancel; "mean_of_parts": the mean of the samples' positive and negative parts.

    Returns:
        float64, shape [..., classes, n + 1]: the classes are all labels that occur, ascending. NaN for a
        class that has samples in only one of the sets. Differentiable.

    Raises:
        ArgumentError: as for `jaccard`, labels of another length, or another word for `parts`.
        ArgumentTypeError: as for `jaccard`, or labels that are not integers.

    Source: Zhou et al., AAAI 2024, eq. 3 and Fig. 4 ("of_mean"); Cheng et al., "Revisiting generalization
    power", Definition 2.2 and footnote 6 ("mean_of_parts").

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis import class_similarity, nan_mean
        >>> train = np.array([[0.0, 1.0, 2.0, 3.0], [0.0, 5.0, 0.0, 0.0]])
        >>> test = np.array([[0.0, 1.0, 1.0, -3.0], [0.0, 4.0, 0.0, 0.0]])
        >>> nan_mean(class_similarity(train, test, [7, 8], [7, 8]), -2).round(3)
        array([  nan, 0.733, 0.   ])
    """
    if parts not in ("of_mean", "mean_of_parts"):
        raise ArgumentError("parts", parts, '"of_mean" or "mean_of_parts"')
    a, b = two_of_a_kind(train, test, ("train", "test"))
    a, b = tuple(map(sample_axis, a)), tuple(map(sample_axis, b))
    if a[0].shape[:-2] != b[0].shape[:-2]:
        expected = f"like train, with {tuple(a[0].shape[:-2])} in front of samples and subsets"
        raise ArgumentError("test", f"shape {tuple(b[0].shape)}", expected)
    in_train = _labels(train_labels, a[0].shape[-2], "train_labels")
    in_test = _labels(test_labels, b[0].shape[-2], "test_labels")
    xp = namespace(a[0])
    of_classes = [
        _jaccard(
            [_mean_parts(x, in_train == label, parts) for x in a],
            [_mean_parts(x, in_test == label, parts) for x in b],
        )
        for label in np.union1d(in_train, in_test)
    ]
    similarity: ArrayT = xp.stack(of_classes, -2)
    return similarity


def inconsistency(
    clean: Interactions[ArrayT], attacked: Interactions[ArrayT], *, threshold: Threshold | None = None
) -> ArrayT:
    """The ratio r[m] of salient m-order interactions whose effect changes sign on the attacked sample.

    `r[m] = E_x #{S salient on x, |S| = m, I(S|x) I(S|x~) < 0} / #{S salient on x, |S| = m}`; a sample without
    salient interactions of an order is left out of the mean of that order.

    Args:
        clean: interactions on samples x, [..., samples, 2**n], float32, float64 or int64, or a pair.
        attacked: those on the attacked samples x~, of the same shape; the kinds of a pair one by one.
        threshold: salient on x is `|I(S|x)| > threshold`: a number, or one for each vector, of a shape that
            broadcasts to the batch's; None: 0.05 of the largest `|I|` of the clean sample.

    Returns:
        float64, shape [..., n + 1], from 0 to 1; a sample axis of length 1 gives that of each sample.

    Raises:
        ArgumentError: two shapes, as for `jaccard`, or a threshold that is negative, NaN or of another shape.
        ArgumentTypeError: as for `jaccard`.

    Source: Zhou et al., AAAI 2024, Fig. 5, of dividends. A sparse pair is not always unique: a sign that
    changes in it may be another choice among pairs of the same norm.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis import inconsistency
        >>> inconsistency(np.array([0.0, 4.0, -2.0, 1.0]), np.array([0.0, 3.0, 0.5, 1.0]))
        array([nan, 0.5, 0. ])
    """
    a, b = two_of_a_kind(clean, attacked, ("clean", "attacked"))
    if a[0].shape != b[0].shape:
        expected = f"of the shape of clean, {tuple(a[0].shape)}"
        raise ArgumentError("attacked", f"shape {tuple(b[0].shape)}", expected)
    limit = DEFAULT_SHARE * largest_strength(clean) if threshold is None else threshold
    xp = namespace(a[0])
    # Signs, not products, which could round to zero.
    changed = tuple(xp.where(xp.sign(x) * xp.sign(y) < 0, x, 0) for x, y in zip(a, b, strict=True))
    counts = order_sums(changed if len(changed) == 2 else changed[0], threshold=limit).count
    per_sample = ratio(double(counts), double(order_sums(clean, threshold=limit).count))
    result: ArrayT = nan_mean(sample_axis(per_sample), -2)
    return result


def learning_progress(interactions: Interactions[ArrayT], final: Interactions[ArrayT]) -> ArrayT:
    """The learning progress Sim[m, t]: how near a checkpoint's m-order interactions are to the final ones.

    `Sim[m, t] = E_x jaccard(I_t(x), I*(x))[m]`, of the same samples.

    Args:
        interactions: at checkpoints, [..., samples, 2**n], such as [checkpoints, samples, 2**n]: float32,
            float64 or int64, or a pair.
        final: those of the trained network, [samples, 2**n], or of a shape that broadcasts to that of
            `interactions`.

    Returns:
        float64, shape [..., n + 1], such as [checkpoints, n + 1]. Differentiable.

    Raises:
        ArgumentError, ArgumentTypeError: as for `jaccard`.

    Source: Zhou et al., AAAI 2024, Claim 2 and Fig. 8.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis import learning_progress
        >>> checkpoints = np.array([[[0.0, 1.0, 0.0, 0.0]], [[0.0, 2.0, 4.0, 0.0]], [[0.0, 2.0, 4.0, 3.0]]])
        >>> learning_progress(checkpoints, checkpoints[-1])[:, 1:].round(3)
        array([[0.167, 0.   ],
               [1.   , 0.   ],
               [1.   , 1.   ]])
    """
    progress: ArrayT = nan_mean(sample_axis(jaccard(interactions, final)), -2)
    return progress


def _parts(x: Any) -> tuple[Any, Any]:
    """The positive and the negative part, both non-negative."""
    return x.clip(0), (-x).clip(0)


def _mean_parts(x: Any, chosen: npt.NDArray[np.bool_], parts: str) -> tuple[Any, Any]:
    """The two parts of the chosen samples' mean, or the mean of their parts; of no sample NaN."""
    rows = double(x[..., like(np.flatnonzero(chosen), x), :])
    if not chosen.any():
        missing = rows.sum(-2) + np.nan
        return missing, missing
    if parts == "of_mean":
        return _parts(rows.mean(-2))
    positive, negative = _parts(rows)
    return positive.mean(-2), negative.mean(-2)


def _jaccard(first: list[tuple[Any, Any]], second: list[tuple[Any, Any]]) -> Any:
    """`sum of min / sum of max` by order, over kinds and parts."""
    xp = namespace(first[0][0])
    pairs = [tuple(zip(ours, theirs, strict=True)) for ours, theirs in zip(first, second, strict=True)]
    shared, united = (
        sum(order_sums(extreme(*positive) + extreme(*negative)).sum for positive, negative in pairs)
        for extreme in (xp.minimum, xp.maximum)
    )
    return ratio(shared, united)


def _labels(labels: Any, samples: int, name: str) -> npt.NDArray[np.int64]:
    array: Any = as_array(labels, name)
    if is_tensor(array):
        array = array.detach().cpu().numpy()
    if array.dtype.kind not in "biu":
        raise ArgumentTypeError(name, f"dtype {array.dtype}", "integers")
    if array.shape != (samples,):
        raise ArgumentError(name, f"shape {array.shape}", f"one for each sample, of shape {(samples,)}")
    integers: npt.NDArray[np.int64] = array.astype(np.int64)
    return integers
