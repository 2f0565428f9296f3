"""The papers' findings, one module each; listing them loads neither torch nor matplotlib.

How to write one is said in `harsanyi.experiments.finding`.
"""

from __future__ import annotations

import difflib
import importlib
from typing import TYPE_CHECKING, Any

from harsanyi.errors import ArgumentError

if TYPE_CHECKING:
    from harsanyi.experiments.finding import Finding

__all__ = ["SUMMARIES", "load"]

# Name on the command line: the finding in a few words. The module has the name with underscores.
SUMMARIES = {
    "sparsity": "most interactions of a network are nearly zero",
    "order-histogram": "salient interactions are mostly of middle order",
    "jaccard": "interactions of low order generalise to test samples better than those of high order",
    "inconsistency": "under attack, interactions of high order change sign more often",
    "variance": "under noise, the variance of interactions grows exponentially with their order",
    "detour": "a concept of high order is first learned as low orders",
    "label-noise": "more wrong labels, stronger interactions of high order",
    "learning-speed": "fewer wrong labels, low orders learned sooner",
    "mislabelled": "samples with a wrong label use interactions of higher order",
    "two-phase": "low orders first, then rising orders as the loss gap opens",
    "spindle": "injected noise adds interactions in the form of a spindle",
    "disentangle": "with more injected noise the spindle part grows, the decay part stays",
    "training-parts": "training removes a spindle, learns the decay part, then overfits into a spindle",
    "decay-prediction": "the final interactions under uncertainty predict the earlier ones",
    "sparsity-bound": "few valid interactions; the mean output decays with an exponent near 1",
    "bottleneck": "interactions of middle order are the weakest ones",
    "bottleneck-training": "interactions of middle order are weak during all of the training",
    "bottleneck-theory": "theory gives the strength of interactions of each order",
    "order-losses": "two losses strengthen and weaken chosen orders",
    "order-accuracy": "networks of low, middle and high orders are equally accurate",
    "structure": "networks of high orders depend more on the structure of images",
    "order-robustness": "networks of high orders are easier to attack",
    "instability": "interactions are stable from a hundred contexts on",
}


def load(name: str) -> Finding[Any]:
    """A finding by name.

    Args:
        name: one of SUMMARIES.

    Raises:
        ArgumentError: another name; the message proposes the nearest.
        MissingDependencyError: a package that experiments need is not installed.

    Example:
        >>> from harsanyi.experiments import findings
        >>> findings.load("sparsity").interactions
        'dividends'
    """
    if name not in SUMMARIES:
        near = difflib.get_close_matches(name, SUMMARIES, n=3, cutoff=0.5)
        guess = f" (did you mean {' or '.join(near)}?)" if near else ""
        raise ArgumentError("finding", name, f"one of {', '.join(SUMMARIES)}{guess}")
    module = importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
    finding: Finding[Any] = module.FINDING
    return finding
