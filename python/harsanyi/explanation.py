"""`explain`: from a model and a sample to the interactions between its parts, as one small record."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from harsanyi._arrays import Array, check_players, lattice_players, require_memory
from harsanyi._pairs import SparsePair, describe_pair, pair_facts, pair_of, vectors_of
from harsanyi._records import read_record, write_record
from harsanyi.errors import ArgumentError, HarsanyiError, MissingDependencyError, RecordError
from harsanyi.games.evaluate import evaluate
from harsanyi.games.game import ModelGame
from harsanyi.games.maskers import Masker
from harsanyi.games.masking import Masking, host_array
from harsanyi.games.outputs import Output
from harsanyi.lattice import mobius, or_inverse, or_transform, zeta as zeta_transform
from harsanyi.sparse import MAX_DECOMPOSE_PLAYERS, Decomposition, decompose, required_bytes
from harsanyi.subsets import players_of

if TYPE_CHECKING:
    import torch

__all__ = ["Explanation", "Interaction", "SparsePair", "explain"]

Kind = Literal["and", "or"]
_FORMAT, _VERSION = "harsanyi.explanation", 1


@dataclass(frozen=True)
class Interaction:
    """One interaction between players.

    Attributes:
        subset: the players as an integer, bit i set for player i.
        players: their indices, ascending.
        names: their names.
        order: how many they are.
        value: the effect on the output.
        kind: "and", present when all of them are, or "or", present when any of them is.
    """

    subset: int
    players: tuple[int, ...]
    names: tuple[str, ...]
    order: int
    value: float
    kind: Kind


@dataclass(frozen=True, eq=False)
class Explanation:
    """A model's outputs on all masked versions of one sample, and the interactions that they consist of.

    Two readings of the output stand beside each other. `dividends` are the AND interactions that explain the
    whole of it alone, `or_interactions` the OR interactions that explain the whole of it alone. The sparse
    pair `and_`, `or_` shares it between both kinds, with as little l1 norm as there can be up to the gap that
    `decomposition` certifies; it is there once a decomposition is.

    Attributes:
        v: output on every subset of players kept, [2**n] float64; `v[0]` all masked, `v[-1]` the sample.
        dividends: Harsanyi dividends, `mobius(v)`, [2**n].
        or_interactions: plain OR interactions, `or_transform(v)`, [2**n].
        masking: the sample with its players: names, baseline, and for images the rectangles.
        target: the class explained, or None for an output that is not of one class.
        decomposition: of `decompose`, with the certificate; another sparse pair with attributes `and_` and
            `or_`; or None.

    Raises:
        ArgumentError: a lattice vector that is not of shape [2**n].
    """

    v: Array
    dividends: Array
    or_interactions: Array
    masking: Masking
    target: int | None = None
    decomposition: Any = None

    def __post_init__(self) -> None:
        vectors = {"v": self.v, "dividends": self.dividends, "or_interactions": self.or_interactions}
        vectors |= vectors_of(self.decomposition)
        for name, x in vectors.items():
            if lattice_players(x, name) != self.n or len(x.shape) != 1:
                raise ArgumentError(
                    name, f"shape {tuple(x.shape)}", f"of shape [2**n] for n = {self.n} players"
                )

    def __repr__(self) -> str:
        last, first = float(self.v[-1]), float(self.v[0])
        target = "" if self.target is None else f"target={self.target}, "
        pair = "none" if self.decomposition is None else describe_pair(self.decomposition)
        return f"Explanation(n={self.n}, {target}v={last:.4g} from {first:.4g}, sparse pair: {pair})"

    @property
    def n(self) -> int:
        """The number of players."""
        return self.masking.n

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the players."""
        return self.masking.names

    @property
    def sample(self) -> Array:
        """What was masked: the sample, or its feature map (then `masking.source` is the sample)."""
        return self.masking.sample

    @property
    def baseline(self) -> Array:
        """What stands in the place of absent players, of the sample's shape."""
        return self.masking.baseline

    @property
    def boxes(self) -> tuple[tuple[int, int, int, int], ...] | None:
        """(top, left, height, width) of each player in pixels of `sample`, if they are rectangles of it."""
        return self.masking.boxes

    @property
    def and_(self) -> Array:
        """AND interactions of the sparse pair, [2**n].

        Raises:
            ArgumentError: there is no decomposition yet.
        """
        return self._pair().and_  # type: ignore[no-any-return]

    @property
    def or_(self) -> Array:
        """OR interactions of the sparse pair, [2**n].

        Raises:
            ArgumentError: there is no decomposition yet.
        """
        return self._pair().or_  # type: ignore[no-any-return]

    def salient(
        self, threshold: float = 0.05, *, kind: Kind = "and", relative: bool = True, sparse: bool = False
    ) -> npt.NDArray[np.int64]:
        """The subsets with `|I[S]| > tau`, strongest first; the empty set is no interaction.

        Args:
            threshold: tau, or with `relative` the share of the largest `|I|` of both kinds together that tau
                is.
            kind: "and" or "or".
            relative: whether `threshold` is a share.
            sparse: of the sparse pair instead of the plain interactions.

        Returns:
            int64 [count]; equal strengths in ascending order of the subset.

        Raises:
            ArgumentError: a threshold that is negative or not finite, another kind, or no sparse pair.

        Source: Ren et al., ICLR 2024: 0.05 of the largest.
        """
        if not np.isfinite(threshold) or threshold < 0:
            raise ArgumentError("threshold", threshold, "a number from 0 up")
        both = {name: np.abs(self._interactions(name, sparse)[1:]) for name in ("and", "or")}
        strength = both[_check_kind(kind)]
        if relative:
            threshold = threshold * max((float(x.max()) for x in both.values() if x.size), default=0.0)
        ranked = np.argsort(-strength, kind="stable")
        return ranked[: np.count_nonzero(strength > threshold)].astype(np.int64) + 1

    def top(self, k: int = 10, *, kind: Kind = "and", sparse: bool = False) -> list[Interaction]:
        """The k interactions of the largest `|I|`, strongest first.

        Args:
            k: how many, at least 1; fewer come back where there are fewer.
            kind: "and" or "or".
            sparse: of the sparse pair instead of the plain interactions.

        Raises:
            ArgumentError: k below 1, another kind, or no sparse pair.
        """
        k = check_players(k, least=1, most=1 << 62, name="k")
        values = self._interactions(_check_kind(kind), sparse)
        ranked = np.argsort(-np.abs(values[1:]), kind="stable")[:k] + 1
        return [self._interaction(int(subset), float(values[subset]), kind) for subset in ranked]

    @property
    def matching_error(self) -> dict[str, float]:
        """How far interactions are from adding up to v: largest difference / largest |v|.

        Universal matching holds up to rounding. "and": `v[T]` is the sum of `dividends[S]` over S in T. "or":
        `v[T] - v[0]` is the sum of `or_interactions[S]` over S that meet T. "sparse", of a decomposition:
        `v[T] - delta[T]` is `and_[{}]`, the sum of `and_[S]` over S in T and of `or_[S]` over S that meet T.
        """
        v, sums = host_array(self.v), {}
        sums["and"] = zeta_transform(host_array(self.dividends))
        sums["or"] = or_inverse(host_array(self.or_interactions))
        if isinstance(self.decomposition, Decomposition):
            and_, or_, _, delta, _ = map(host_array, vectors_of(self.decomposition).values())
            sums["sparse"] = zeta_transform(and_) + or_inverse(or_) + delta
        scale = float(np.abs(v).max()) or 1.0
        return {kind: float(np.abs(total - v).max()) / scale for kind, total in sums.items()}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the record as a safetensors file, whole or not at all.

        A decomposition goes with its certificate; of any other pair only `and_` and `or_` do.

        Args:
            path: of the file; its folder exists. A file that is there is replaced.

        Raises:
            OSError: it cannot be written.
            MissingDependencyError: safetensors is not installed.
        """
        masking = self.masking
        arrays = {
            "v": self.v,
            "dividends": self.dividends,
            "or_interactions": self.or_interactions,
            "sample": masking.sample,
            "baseline": masking.baseline,
            "player": masking.player,
        }
        if masking.source is not None:
            arrays["source"] = masking.source
        arrays |= vectors_of(self.decomposition)
        facts = {
            "names": masking.names,
            "boxes": masking.boxes,
            "target": self.target,
            "certificate": pair_facts(self.decomposition),
            # What numpy cannot hold (bfloat16) is written as float32: a tensor gets its dtype back.
            "dtypes": {name: str(array.dtype).removeprefix("torch.") for name, array in arrays.items()},
        }
        write_record(path, _FORMAT, _VERSION, {name: host_array(x) for name, x in arrays.items()}, facts)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, as_tensors: bool = False) -> Explanation:
        """A record that `save` wrote.

        Args:
            path: of the file.
            as_tensors: torch tensors on the CPU, in the dtypes they had, instead of numpy arrays.

        Raises:
            RecordError: the file cannot be read, is truncated, or is no such record.
            MissingDependencyError: safetensors is not installed, or torch for `as_tensors`.
        """
        arrays, facts = read_record(path, _FORMAT, _VERSION)
        try:
            player = arrays.pop("player")
            held = _as_tensors(arrays, facts["dtypes"]) if as_tensors else arrays
            boxes = facts["boxes"]
            masking = Masking(
                held["sample"],
                held["baseline"],
                player,
                tuple(facts["names"]),
                None if boxes is None else tuple((int(t), int(l), int(h), int(w)) for t, l, h, w in boxes),
                held.get("source"),
            )
            pair = pair_of(held, facts.get("certificate"))  # which early records lack
            target = facts["target"]
            return cls(
                held["v"],
                held["dividends"],
                held["or_interactions"],
                masking,
                None if target is None else int(target),
                pair,
            )
        except MissingDependencyError:
            raise
        except (AttributeError, KeyError, TypeError, ValueError, HarsanyiError) as error:
            raise RecordError(f"{os.fspath(path)}: damaged or incomplete ({error})") from error

    def _pair(self) -> Any:
        if self.decomposition is None:
            raise ArgumentError(
                "decomposition", None, "a sparse AND-OR pair: this explanation holds plain ones only"
            )
        return self.decomposition

    def _interactions(self, kind: str, sparse: bool) -> npt.NDArray[Any]:
        if kind == "and":
            return host_array(self.and_ if sparse else self.dividends)
        return host_array(self.or_ if sparse else self.or_interactions)

    def _interaction(self, subset: int, value: float, kind: Kind) -> Interaction:
        players = players_of(subset)
        return Interaction(subset, players, tuple(self.names[i] for i in players), len(players), value, kind)


def explain(
    model: Any,
    sample: Any,
    *,
    masker: Masker,
    output: Output | None = None,
    sparse: bool = True,
    noise: float = 0.02,
    gap: float = 1e-3,
    tie_break: float = 0.01,
    max_steps: int = 20000,
    zeta: float | npt.ArrayLike | torch.Tensor | None = None,
    batch_size: int | None = None,
    progress: bool = False,
) -> Explanation:
    """The AND and OR interactions that a model uses on one sample, from its 2**n masked versions.

    The interactions of either kind alone are exact. The sparse pair of both kinds comes with a proof of how
    far it is from the sparsest one; where the time ran out before the gap asked for, a warning says so.

    Args:
        model: a torch module, or any callable on batches; see `ModelGame`.
        sample: without a batch axis, a tensor or an array.
        masker: one of `harsanyi.maskers`: what the players are, and what stands for an absent one.
        output: one of `harsanyi.outputs`; None: the log-odds of the class predicted on the sample.
        sparse: whether to find the sparse pair, too, for n up to 22; it can be added later:
            `dataclasses.replace(explanation, decomposition=hs.decompose(explanation.v))`.
        noise: of the sparse pair, as in `decompose`: the noise term's bound / |v[full] - v[0]|.
        gap: to certify, (norm - its lower bound) / norm.
        tie_break: among pairs of equal norm, how much to prefer low orders.
        max_steps: at most, towards the gap.
        zeta: the noise term's bound itself, instead of `noise`.
        batch_size: rows a forward pass; None: chosen, see `evaluate`.
        progress: show bars.

    Returns:
        A frozen record; its arrays are numpy arrays, or tensors on the model's device where the model takes
        tensors.

    Raises:
        ArgumentError: a masker, target, output or option that does not fit the sample or the model; n > 22
            with `sparse`; n > 30.
        NonFiniteError: the model returned NaN or infinity; names the subset.
        NotEnoughMemoryError: 2**n values cannot fit, before anything is computed.

    Source: Ren et al., ICLR 2024 (AND); Cheng et al., "Revisiting generalization power of a DNN in terms
        of symbolic interactions" (AND and OR).

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> model = lambda x: x[:, 0] * x[:, 1] + x[:, 2]
        >>> output = hs.outputs.scalar(lambda y: y)
        >>> explanation = hs.explain(model, [2.0, 3.0, 1.0], masker=hs.maskers.Features(), output=output)
        >>> [(found.names, found.value) for found in explanation.top(2)]
        [(('x0', 'x1'), 6.0), (('x2',), 1.0)]
        >>> str(explanation.decomposition.status), float(explanation.decomposition.gap) <= 1e-3
        ('optimal', True)
    """
    game = ModelGame(model, sample, masker=masker, output=output)
    if game.n <= 62:  # above, `evaluate` says what is wrong
        require_memory(4 * 8 << game.n, f"v, its interactions and a copy to check them by, at n = {game.n},")
        if sparse:  # checked before the evaluation, so that its time is not lost
            _check_pair(game.n, noise=noise, gap=gap, tie_break=tie_break, max_steps=max_steps, zeta=zeta)
    v: Any = evaluate(game, batch_size=batch_size, progress=progress)
    plain = (v, mobius(v), or_transform(v), game.masking, game.output.target)
    if not sparse:
        return Explanation(*plain)
    found = decompose(
        v, noise=noise, gap=gap, tie_break=tie_break, max_steps=max_steps, zeta=zeta, progress=progress
    )
    if found.status == "max_steps":
        warnings.warn(
            f"the sparse pair has a gap of {float(found.gap):.2g} after {int(found.steps)} steps, not the "
            f"{gap:g} asked for: it explains v all the same, but a sparser one may exist; raise max_steps",
            RuntimeWarning,
            stacklevel=2,
        )
    return Explanation(*plain, found)


def _check_pair(n: int, **options: Any) -> None:
    if n > MAX_DECOMPOSE_PLAYERS:
        expected = f"False for {n} players: a sparse pair is found for up to {MAX_DECOMPOSE_PLAYERS}"
        raise ArgumentError("sparse", True, expected)
    require_memory(required_bytes(n, **options) + (4 * 8 << n), f"v and its sparse pair at n = {n}")


def _check_kind(kind: str) -> Kind:
    if kind not in ("and", "or"):
        raise ArgumentError("kind", kind, '"and" or "or"')
    return kind  # type: ignore[return-value]


def _as_tensors(arrays: dict[str, npt.NDArray[Any]], dtypes: dict[str, str]) -> dict[str, Any]:
    try:
        import torch
    except ImportError as error:
        raise MissingDependencyError("as_tensors=True needs torch, which harsanyi[torch] brings") from error
    return {name: torch.tensor(array, dtype=getattr(torch, dtypes[name])) for name, array in arrays.items()}
