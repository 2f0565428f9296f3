"""The analyses as benchmark cases, each beside nothing but the time that it should take."""

from __future__ import annotations

from functools import partial
from itertools import combinations
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harsanyi.bench.case import Case, Data, Series
from harsanyi.reductions import order_table

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["decay", "disentangle", "full_analysis", "multi_order", "noise_variance"]

Floats = npt.NDArray[np.float64]
_NETWORK = ("torch", "tqdm", "safetensors")


def _case(name: str, n: int, ours: Series, setup: Callable[[int], Data], *, dtype: str = "float64") -> Case:
    return Case(f"{name}-n{n}", "analyses", n, dtype, ours, (), setup, check_n=5)


def decay(n: int) -> Case:
    """The decay operator on one lattice vector."""

    def prepare(data: Data) -> Callable[[], Any]:
        from harsanyi.analysis.decay import decay

        return partial(decay, data.x, 1e-3)

    def dense(data: Data) -> Floats:
        x = data.x.copy()
        x[0] = 0
        zeta = np.array([[float(s & ~t == 0) for s in range(len(x))] for t in range(len(x))])
        gram = zeta.T @ zeta
        ridge = len(x) * 2.0 ** order_table(data.n) * 1e-3
        return np.asarray(np.linalg.solve(gram + np.diag(ridge), gram @ x))

    return _case("decay", n, Series("decay", prepare, dense, quantity="value", target=1.0), _random)


def multi_order(n: int) -> Case:
    """Multi-order interactions of all pairs and all orders, on two threads."""

    def prepare(data: Data) -> Callable[[], Any]:
        from harsanyi.pairwise import multi_order

        return partial(multi_order, data.x)

    def definition(data: Data) -> Floats:
        v, n = data.x, data.n
        out = np.zeros((n, n, n - 1))
        for i, j in combinations(range(n), 2):
            pair = 1 << i | 1 << j
            for m in range(n - 1):
                contexts = [s for s in range(1 << n) if not s & pair and s.bit_count() == m]
                change = [v[s | pair] - v[s | 1 << i] - v[s | 1 << j] + v[s] for s in contexts]
                out[i, j, m] = out[j, i, m] = np.mean(change)
        return out

    ours = Series("multi_order", prepare, definition, quantity="value", target=2.0, threads=2)
    return _case("multi-order", n, ours, _random)


def disentangle(n: int) -> Case:
    """The two parts of strengths over orders told apart, 50 samples; the table is made before."""

    def setup(n: int) -> SimpleNamespace:
        from harsanyi.analysis import OrderStrength, decay_table, spindle

        rng = np.random.default_rng(n)
        decayed = 0.5 ** order_table(n)
        table = decay_table(
            (rng.normal(size=(50, 1 << n)) * decayed, rng.normal(size=(50, 1 << n)) * decayed)
        )
        noise = 1 + 0.01 * rng.normal(size=(2, n + 1))
        positive, negative = (table.evaluate(1e-3) + spindle(n, 0.8, 0.1)) * noise
        strength = OrderStrength(positive=positive, negative=negative)
        return SimpleNamespace(n=n, strength=strength, table=table)

    def prepare(data: Data) -> Callable[[], Any]:
        from harsanyi.analysis import disentangle

        return partial(disentangle, data.strength, data.table)

    ours = Series("disentangle", prepare, quantity="value", target=0.05, read=lambda data, found: found.gamma)
    return _case("disentangle", n, ours, setup)


def noise_variance(n: int) -> Case:
    """1,000 noisy versions of a sample through a five-layer network, and how the variance grows by order."""

    def setup(n: int) -> SimpleNamespace:
        import torch

        from harsanyi.experiments.networks import mlp

        torch.manual_seed(n)
        return SimpleNamespace(n=n, network=mlp(n, 2).eval(), sample=np.linspace(-1, 1, n, dtype=np.float32))

    def prepare(data: Data) -> Callable[[], Any]:
        from harsanyi.analysis import fit_growth, interaction_variance
        from harsanyi.games import ModelGame, evaluate, maskers, outputs
        from harsanyi.lattice import mobius

        def study() -> Any:
            rng = np.random.default_rng(0)
            masker, output = maskers.Features(baseline=0.0), outputs.log_odds(0)
            draws = np.empty((1000, 1 << data.n))
            for draw in draws:
                sample = data.sample + 0.1 * rng.normal(size=data.n).astype(np.float32)
                draw[:] = evaluate(ModelGame(data.network, sample, masker=masker, output=output))
            return fit_growth(interaction_variance(mobius(draws, out=draws)))

        return study

    ours = Series(
        "variance of 1,000 draws",
        prepare,
        quantity="value",
        target=30.0,
        requires=_NETWORK,
        read=lambda data, growth: float(np.exp(growth.slope)),
    )
    return _case("variance", n, ours, setup, dtype="float32")


def full_analysis(n: int) -> Case:
    """50 digits through a LeNet: all outputs, sparse pairs with noise, strength per order; two threads."""

    def setup(n: int) -> SimpleNamespace:
        from harsanyi.experiments import data as datasets
        from harsanyi.experiments.cache import cached_fit
        from harsanyi.experiments.fit import RECIPES

        dataset = datasets.mnist()
        network = cached_fit(RECIPES["mnist"], dataset).network
        return SimpleNamespace(n=n, network=network, x=dataset.x_test[:50], y=dataset.y_test[:50])

    def prepare(data: Data) -> Callable[[], Any]:
        from harsanyi.analysis import order_strength, output_range
        from harsanyi.games import ModelGame, evaluate, maskers, outputs
        from harsanyi.sparse import decompose

        masker = maskers.Patches((3, 4), baseline=0.0, players=range(data.n))

        def analysis() -> Any:
            games = [
                ModelGame(data.network, x, masker=masker, output=outputs.log_odds(int(y)))
                for x, y in zip(data.x, data.y, strict=True)
            ]
            v = np.stack([np.asarray(evaluate(game)) for game in games])
            pair = decompose(v, gap=1e-3)
            return order_strength(pair, threshold=0.02 * output_range(v))

        return analysis

    ours = Series(
        "50 samples, evaluated and decomposed",
        prepare,
        quantity="value",
        target=10.0,
        threads=2,
        requires=(*_NETWORK, "mlxtend"),
        read=lambda data, strength: float(strength.absolute.sum()),
    )
    return _case("full-analysis", n, ours, setup, dtype="float32")


def _random(n: int) -> SimpleNamespace:
    return SimpleNamespace(n=n, x=np.random.default_rng(n).normal(size=1 << n))
