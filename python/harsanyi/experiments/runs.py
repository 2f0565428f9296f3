"""A training run followed by the sparse pairs of its checkpoints, which five findings share.

`follow` gives the interactions of a few test samples at every checkpoint; `inject` those of the network at
the end of its normal learning phase after noise on its parameters or on the samples. Both come at both ends
of what an optimum may be (`pairs.ENDS`), and from the cache where another finding has computed them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from harsanyi.analysis import normal_phase_end, order_strength
from harsanyi.experiments import setups
from harsanyi.experiments.finding import Context, Samples, Settings, Setup, Subject
from harsanyi.experiments.fit import Recipe
from harsanyi.experiments.pairs import ENDS, sparse_pairs
from harsanyi.experiments.values import game_values
from harsanyi.explanation import SparsePair
from harsanyi.games.attacks import fgsm

if TYPE_CHECKING:
    from harsanyi.analysis._common import Threshold

__all__ = [
    "DEFAULT",
    "FULL",
    "KINDS",
    "QUICK",
    "InjectionSettings",
    "Run",
    "RunSettings",
    "follow",
    "followed",
    "inject",
    "perturbed",
]

Floats = npt.NDArray[np.float64]
Pairs = dict[str, SparsePair]

KINDS = ("parameters", "FGSM")

# Cheng et al., "Revisiting generalization power", appendix I.1: 1 % of the labels of MNIST are reset, so that
# the network ends by learning them by heart. The quick size takes the network of other findings.
_LABEL_NOISE = 0.01
QUICK = tuple(setups.noisy(setups.NOISY_QUICK, [0.1]))
DEFAULT = (
    Setup(
        "mnist32",
        Recipe("lenet", epochs=50),
        train=2000,
        label_noise=_LABEL_NOISE,
        epochs=(0, 1, 2, 4, 6, 8, 12, 20, 30),
    ),
)
FULL = tuple(
    Setup(
        "mnist32",
        Recipe(network, epochs=100, width=width, learning_rate=1e-3),
        label_noise=_LABEL_NOISE,
        epochs=(0, 1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 80),
    )
    for network, width in (("lenet", None), ("resnet-20", 16), ("vgg-11", 64))
)


@dataclass(frozen=True, kw_only=True)
class RunSettings(Settings):
    """What the findings on a training run are told.

    Attributes:
        share: the normal learning phase ends where the loss gap is last below this share of its maximum.
    """

    share: float = 0.1


@dataclass(frozen=True, kw_only=True)
class InjectionSettings(RunSettings):
    """What the findings on injected noise are told.

    Attributes:
        sigma: standard deviations of the Gaussian noise on the parameters, ascending.
        radius: sizes of the FGSM step, ascending, in units of the samples, which are in 0..1.
    """

    sigma: tuple[float, ...] = (0.005, 0.01, 0.02, 0.04)
    radius: tuple[float, ...] = (0.01, 0.02, 0.04, 0.08)

    def levels(self, kind: str) -> tuple[float, ...]:
        """Of one of KINDS."""
        return self.sigma if kind == KINDS[0] else self.radius


R = TypeVar("R", bound=RunSettings)


@dataclass(frozen=True, eq=False)
class Run:
    """A training run and the interactions of some samples at its checkpoints.

    Attributes:
        subject: what was trained.
        samples: of its test data.
        v: their games, [checkpoints, samples, 2**n].
        pairs: for each of ENDS the sparse pair, arrays of the shape of v.
        train_loss: at the checkpoints, [checkpoints].
        test_loss: likewise.
        phase_end: index of the checkpoint at which the normal learning phase ends.
    """

    subject: Subject
    samples: Samples
    v: Floats
    pairs: Pairs
    train_loss: Floats
    test_loss: Floats
    phase_end: int

    @property
    def epochs(self) -> tuple[int, ...]:
        """Of the checkpoints."""
        return self.subject.epochs

    def at(self, end: str, checkpoint: int) -> SparsePair:
        """The pair of one checkpoint at one of ENDS, [samples, 2**n]."""
        pair = self.pairs[end]
        return SparsePair(pair.and_[checkpoint], pair.or_[checkpoint])

    def first_order(self, *, threshold: Threshold = 0.0) -> Floats:
        """The strength of the first order, which strengths of a checkpoint are divided by, [checkpoints, 1].

        That of the lowest orders for both ends: at the other, order 2 can take all of it over. See
        `order_strength` for the threshold.
        """
        strength: Any = order_strength(self.pairs[ENDS[0]], threshold=threshold).absolute
        first: Floats = strength[:, 1:2]
        return first


def follow(context: Context[R], setup: Setup, seed: int) -> Run:
    """Trains a network, or takes it from the cache, and finds the sparse pairs of its checkpoints."""
    subject = context.train(setup, seed)
    samples = subject.samples("test", context.settings.samples)
    v = context.values(subject, samples, epochs=subject.epochs)
    train, test = subject.trajectory.train_loss, subject.trajectory.test_loss
    end = normal_phase_end(test - train, share=context.settings.share)
    return Run(subject, samples, v, sparse_pairs(v, folder=context.cache), train, test, end)


def followed(context: Context[R]) -> Iterator[tuple[str, Run]]:
    """Every run of the settings, with the name of its setup."""
    for setup, seed in context.each():
        yield setup.name, follow(context, setup, seed)


def inject(context: Context[InjectionSettings], run: Run, kind: str) -> Pairs:
    """The sparse pairs after noise of every level on the network at the end of its normal learning phase.

    Args:
        context: whose settings hold the levels.
        run: of `follow`.
        kind: "parameters", a Gaussian draw that grows with the level, or "FGSM", on the samples.

    Returns:
        For each of ENDS a pair of arrays [levels, samples, 2**n].

    Source: Cheng et al., "Revisiting generalization power of a DNN in terms of symbolic interactions",
    section 2.2.2; neither sigma is given there.
    """
    network = run.subject.trajectory.network(run.epochs[run.phase_end])
    levels, x, y = context.settings.levels(kind), run.samples.x, run.samples.y
    networks, inputs = [network], x
    if kind == KINDS[0]:
        networks = [perturbed(network, level, seed=run.subject.seed) for level in levels]
    else:
        clean = torch.from_numpy(x)
        attacked = [fgsm(network, clean, radius=level, labels=y, maximise=True) for level in levels]
        inputs, y = torch.cat(attacked).numpy(), np.tile(y, len(levels))
    v = game_values(networks, inputs, y, run.subject.players, folder=context.cache, progress=context.progress)
    return sparse_pairs(v.reshape(len(levels), len(x), -1), folder=context.cache)


def perturbed(network: nn.Sequential, sigma: float, *, seed: int) -> nn.Sequential:
    """A copy of a network with Gaussian noise on all parameters; `sigma` scales one draw of the seed.

    Example:
        >>> import torch
        >>> from harsanyi.experiments.runs import perturbed
        >>> network = torch.nn.Sequential(torch.nn.Linear(100, 100))
        >>> noisy = perturbed(network, 0.1, seed=0)
        >>> round(float((noisy[0].weight - network[0].weight).detach().std()), 2)
        0.1
    """
    generator = torch.Generator().manual_seed(seed)
    weights = network.state_dict()
    for name, parameter in network.named_parameters():
        weights[name] = parameter.detach() + sigma * torch.randn(parameter.shape, generator=generator)
    noisy = copy.deepcopy(network)
    noisy.load_state_dict(weights)
    return noisy.eval()
