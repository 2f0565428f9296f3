"""Output functions: from what a model returns, [rows, classes], to the one number a row that players share.

Values are float64 (float32 where a device has no float64), computed from the differences of the logits to
that of the target class: never from a rounded probability, so that a probability of 1 - 1e-300 still has its
log-odds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from harsanyi._arrays import Array, as_array, check_players
from harsanyi.errors import ArgumentError, ArgumentTypeError

__all__ = ["ClassOutput", "Output", "ScalarOutput", "as_float64", "log_odds", "log_prob", "logit", "scalar"]


class Output(Protocol):
    """What a game asks of an output function."""

    @property
    def target(self) -> int | None:
        """The class whose output this is; None: not of one class, or not yet resolved."""

    def resolve(self, full: Any) -> Output:
        """This output with its target settled and checked, given the model's output on the sample."""

    def __call__(self, raw: Any) -> Array:
        """Values [rows] from the model's output [rows, ...]."""


def log_odds(target: int | None = None) -> ClassOutput:
    """Log-odds of a class, `log(p / (1 - p)) = z[y] - logsumexp(z[c] over c != y)`: the usual output.

    Args:
        target: the class y; None: the one predicted on the whole sample. A head with a single logit z has the
            classes 0 and 1, with log-odds -z and z.

    Returns:
        A callable from logits, [rows, classes], [rows, 1] or [rows], to values, [rows] float64.

    Raises:
        ArgumentError: `target` is negative; on the call, it is not a class of the model.

    Source: Ren et al., ICLR 2024, section 2.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> hs.outputs.log_odds(0)(np.array([[800.0, 0.0, 0.0]])).round(3)
        array([799.307])
    """
    return ClassOutput("log_odds", _target(target))


def logit(target: int | None = None) -> ClassOutput:
    """The logit z[y] of a class, before any softmax; of a head with a single logit, -z and z.

    Arguments, result and errors as for `log_odds`.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> hs.outputs.logit(1)(np.array([[3.0, 5.0]]))
        array([5.])
    """
    return ClassOutput("logit", _target(target))


def log_prob(target: int | None = None) -> ClassOutput:
    """Log-probability of a class, `z[y] - logsumexp(z)`, accurate where the probability rounds to 1 as well.

    Arguments, result and errors as for `log_odds`; of a head with a single logit, log sigmoid of -z and z.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> hs.outputs.log_prob(1)(np.array([[0.0, 50.0]]))
        array([-1.92874985e-22])
    """
    return ClassOutput("log_prob", _target(target))


def scalar(function: Callable[[Any], Any]) -> ScalarOutput:
    """Any function of the model's output with one number a row.

    Args:
        function: from what the model returns for a batch (of any type) to [rows] real numbers.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> hs.outputs.scalar(lambda y: y[:, 0] - y[:, 1])(np.array([[3.0, 5.0]]))
        array([-2.])
    """
    if not callable(function):
        raise ArgumentTypeError("function", type(function).__name__, "callable on the model's output")
    return ScalarOutput(function)


@dataclass(frozen=True)
class ClassOutput:
    """An output of one class: what `log_odds`, `logit` and `log_prob` return.

    Attributes:
        kind: "log_odds", "logit" or "log_prob".
        target: the class, or None for the one predicted on the whole sample.
    """

    kind: str
    target: int | None = None

    def resolve(self, full: Any) -> ClassOutput:
        """This output for the class predicted in row 0, or for its own target if the model has that class."""
        z = _logits(full)
        if self.target is not None:
            self._check_target(z)
            return self
        predicted = z[0, 0] > 0 if z.shape[1] == 1 else z[0].argmax()
        return replace(self, target=int(predicted))

    def __call__(self, raw: Any) -> Array:
        """Values [rows] from logits [rows, classes], [rows, 1] or [rows]."""
        z = _logits(raw)
        y = self._check_target(z)
        if z.shape[1] == 1:
            signed = z[:, 0] if y == 1 else -z[:, 0]
            return _log_sigmoid(signed) if self.kind == "log_prob" else signed
        if self.kind == "logit":
            return z[:, y]
        odds = _log_odds(z, y)
        return odds if self.kind == "log_odds" else _log_sigmoid(odds)

    def _check_target(self, z: Array) -> int:
        classes = max(int(z.shape[1]), 2)
        if self.target is None:
            raise ArgumentError(
                "target", None, f"a class from 0 to {classes - 1}; `resolve` takes the predicted one"
            )
        if self.target >= classes:
            raise ArgumentError("target", self.target, f"a class from 0 to {classes - 1}")
        return self.target


@dataclass(frozen=True)
class ScalarOutput:
    """A function of the model's whole output: what `scalar` returns. It has no target."""

    function: Callable[[Any], Any]

    @property
    def target(self) -> None:
        """None: not of one class."""
        return None

    def resolve(self, full: Any) -> ScalarOutput:
        """Itself: nothing depends on the sample."""
        return self

    def __call__(self, raw: Any) -> Array:
        """Values [rows]."""
        return as_float64(self.function(raw), "output")


def as_float64(values: Any, name: str) -> Array:
    """Real numbers as float64, on their device; float32 where that has no float64."""
    x = as_array(values, name)
    if isinstance(x, np.ndarray):
        if x.dtype.kind not in "biuf":
            raise ArgumentTypeError(
                name, f"dtype {x.dtype} ({type(values).__name__})", "an array of real numbers"
            )
        return x.astype(np.float64, copy=False)
    import torch

    if x.is_complex():
        raise ArgumentTypeError(name, f"dtype {x.dtype}", "a tensor of real numbers")
    return x.to(torch.float32 if x.device.type == "mps" else torch.float64)


def _target(target: int | None) -> int | None:
    return None if target is None else check_players(target, most=(1 << 31) - 1, name="target")


def _logits(raw: Any) -> Array:
    """Logits as [rows, classes] in float64."""
    if isinstance(raw, (tuple, list, dict)):
        raise ArgumentTypeError(
            "model's output",
            type(raw).__name__,
            "an array or tensor of logits; outputs.scalar takes anything else",
        )
    z = as_float64(raw, "model's output")
    if len(z.shape) == 1:
        return z[:, None]
    if len(z.shape) != 2 or z.shape[1] == 0:
        raise ArgumentError(
            "model's output", f"shape {tuple(z.shape)}", "logits of shape [rows, classes] or [rows]"
        )
    return z


def _log_odds(z: Array, y: int) -> Array:
    """`-logsumexp(z[c] - z[y] over c != y)`: differences first, exact where logits are large and close."""
    if not isinstance(z, np.ndarray):
        import torch

        return -(torch.cat((z[:, :y], z[:, y + 1 :]), dim=1) - z[:, y : y + 1]).logsumexp(1)
    with np.errstate(all="ignore"):  # infinite logits end as NaN, which the game reports
        gaps = np.concatenate((z[:, :y], z[:, y + 1 :]), axis=1) - z[:, y : y + 1]
        top = gaps.max(axis=1)
        odds: Array = -(top + np.log(np.exp(gaps - top[:, None]).sum(axis=1)))
    return odds


def _log_sigmoid(x: Array) -> Array:
    """`log(1 / (1 + exp(-x)))`; of the log-odds of a class this is its log-probability."""
    if not isinstance(x, np.ndarray):
        import torch

        return torch.nn.functional.logsigmoid(x)
    with np.errstate(all="ignore"):
        return np.minimum(x, 0.0) - np.log1p(np.exp(-np.abs(x)))
