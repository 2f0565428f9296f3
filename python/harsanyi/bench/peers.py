"""What the cases are measured beside: numpy, torch and, where installed, HiGHS, fht-cpu, shapiq and others.

Each function prepares outside the timed region and returns the call to time. The calls that transform in
place return the transformed array.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial, reduce
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

__all__ = [
    "dense_first_order",
    "fht",
    "highs",
    "numpy_butterfly",
    "shapiq_exact",
    "shapiq_values",
    "shapley_numba_shapley",
    "torch_butterfly",
]

Float = npt.NDArray[Any]


def numpy_butterfly(x: Float) -> Callable[[], Float]:
    """The in-place Möbius transform as one writes it in numpy: one strided subtraction for each player.

    Args:
        x: lattice vectors, shape [..., 2**n], contiguous; each call transforms them in place.

    Example:
        >>> import numpy as np
        >>> from harsanyi.bench import peers
        >>> peers.numpy_butterfly(np.array([1.0, 3.0, 4.0, 10.0]))()
        array([1., 2., 3., 4.])
    """

    def call() -> Float:
        for bit in range(x.shape[-1].bit_length() - 1):
            pairs = x.reshape(-1, 2, 1 << bit)
            pairs[:, 1] -= pairs[:, 0]
        return x

    return call


def torch_butterfly(x: Float) -> Callable[[], torch.Tensor]:
    """The same in torch, on the same memory.

    Args:
        x: lattice vectors, shape [..., 2**n], contiguous; each call transforms them in place.

    Example:
        >>> import numpy as np
        >>> from harsanyi.bench import peers
        >>> peers.torch_butterfly(np.array([1.0, 3.0, 4.0, 10.0]))().tolist()
        [1.0, 2.0, 3.0, 4.0]
    """
    import torch

    tensor = torch.from_numpy(x)

    def call() -> torch.Tensor:
        for bit in range(x.shape[-1].bit_length() - 1):
            pairs = tensor.view(-1, 2, 1 << bit)
            pairs[:, 1].sub_(pairs[:, 0])
        return tensor

    return call


def fht(x: Float) -> Callable[[], Float]:
    """fht-cpu's Walsh-Hadamard transform in place: as many butterflies as Möbius, two additions in each.

    Args:
        x: one lattice vector, shape [2**n], float32 or float64; each call transforms it in place.
    """
    return partial(import_module("fht_cpu").fht, x)


def shapiq_exact(table: Float, index: str, order: int) -> Callable[[], Any]:
    """The exact indices that shapiq gives of a table game; the game is evaluated outside the timed region.

    Args:
        table: v, shape [2**n], indexed by subset.
        index: shapiq's name of the index: "Moebius" (O(3**n) steps of Python), "SV".
        order: its highest order.

    Returns:
        A call that returns shapiq's InteractionValues; `shapiq_values` reads them.
    """
    n = table.shape[-1].bit_length() - 1
    weights = 1 << np.arange(n)
    computer = import_module("shapiq").ExactComputer(
        lambda coalitions: table[coalitions @ weights], n, evaluate_game=True
    )

    def call() -> Any:
        computer._computed.clear()  # results that it keeps; the evaluated game stays
        return computer(index, order)

    return call


def shapiq_values(values: Any, subsets: Iterable[int]) -> Float:
    """The entries of shapiq's InteractionValues for `subsets`; bit i of a subset set means player i is in.

    Example:
        >>> from harsanyi.bench import peers
        >>> peers.shapiq_values({(): 1.0, (0, 2): 5.0}, [0, 5])
        array([1., 5.])
    """
    return np.array([values[tuple(i for i in range(s.bit_length()) if s >> i & 1)] for s in subsets])


def shapley_numba_shapley(table: Float) -> Callable[[], Float]:
    """Exact Shapley values of a table game by shapley-numba, compiled outside the timed region.

    The game reads an array, which is faster than the typed dictionary of the package's own table game.

    Args:
        table: v, shape [2**n], float64, indexed by subset.

    Returns:
        A call that returns the Shapley values, shape [n].
    """
    float64 = import_module("numba").float64

    @import_module("shapley_numba").numba_game([("table", float64[:])])
    class ArrayGame:
        def __init__(self, table: Float) -> None:
            self.table = table

        def value(self, subset: npt.NDArray[np.int32]) -> Any:
            index = 0
            for player in range(len(subset)):
                index |= subset[player] << player
            return self.table[index]

    shapley = import_module("shapley_numba.shapley").shapley
    return partial(shapley, ArrayGame(table), table.shape[-1].bit_length() - 1)


def dense_first_order(v: Float, zeta: float, *, steps: int, lr: float) -> Callable[[], tuple[Float, Float]]:
    """The sparse AND-OR decomposition as published: autograd through dense 2**n x 2**n matrices, float32.

    Args:
        v: a game, shape [2**n].
        zeta: half the width of the noise term's box.
        steps: iterations, one fewer updates.
        lr: the first learning rate; the last is a tenth of it.

    Returns:
        A call that returns gamma and delta, shape [2**n] each, float64; `subgradient.first_order` is the
        same without the matrices and says what they are.

    Example:
        >>> import numpy as np
        >>> from harsanyi.bench import peers
        >>> gamma, delta = peers.dense_first_order(np.array([0.0, 1, 1, 1]), 0.0, steps=200, lr=1e-2)()
        >>> gamma.round(1) + 0.0  # all of it is OR
        array([ 0.4, -0.1, -0.1, -0.1])
    """
    import torch

    n, noise = v.shape[-1].bit_length() - 1, bool(zeta > 0)

    def dense(matrix: list[list[int]]) -> torch.Tensor:
        whole = reduce(np.kron, [np.array(matrix, np.float32)] * n, np.ones((1, 1), np.float32))
        whole[0] = 0  # the empty set is not in the objective
        return torch.from_numpy(whole)

    to_and, to_or = dense([[1, 0], [-1, 1]]), -dense([[0, 1], [1, -1]])
    output = torch.tensor(v, dtype=torch.float32)
    rates = lr * np.logspace(0, -1, steps)

    def call() -> tuple[Float, Float]:
        gamma = torch.zeros_like(output, requires_grad=True)
        delta = torch.zeros_like(output, requires_grad=noise)
        optimizer = torch.optim.SGD([gamma, delta] if noise else [gamma], lr=lr, momentum=0.9)
        for rate in rates[:-1]:
            half = 0.5 * (output - delta)
            loss = (to_and @ (half + gamma)).abs().sum() + (to_or @ (half - gamma)).abs().sum()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.param_groups[0]["lr"] = rate
            optimizer.step()
            delta.data.clamp_(-zeta, zeta)
        return gamma.detach().double().numpy(), delta.detach().double().numpy()

    return call


def highs(v: Float, zeta: float) -> Callable[[], tuple[Float, Float, Float]]:
    """The sparse AND-OR decomposition as a linear program, by HiGHS through scipy.

    Args:
        v: a game, shape [2**n].
        zeta: half the width of the noise term's box.

    Returns:
        A call that returns AND interactions, OR interactions and the noise term, shape [2**n] each. Those of
        the empty set are 0: where they are kept is the caller's choice.

    Example:
        >>> import numpy as np
        >>> from harsanyi.bench import peers
        >>> and_, or_, delta = peers.highs(np.array([2.0, 3.0, 3.0, 3.0]), 0.0)()
        >>> or_
        array([0., 0., 0., 1.])
    """
    optimize, sparse = import_module("scipy.optimize"), import_module("scipy.sparse")
    length = v.shape[-1]
    n = length.bit_length() - 1
    scale = float(np.abs(v - v[0]).max()) or 1.0  # HiGHS has absolute tolerances

    def columns(matrix: list[list[int]]) -> Any:
        """All but that of the empty set."""
        factor = sparse.csr_matrix(np.array(matrix, float))
        return reduce(sparse.kron, [factor] * n, sparse.identity(1)).tocsr()[:, 1:]

    # An OR interaction is a constant minus one that pays where none of its players is: that matrix is sparse.
    one, other = columns([[1, 0], [1, 1]]), columns([[1, 1], [1, 0]])
    parts = [one, -one, other, -other, sparse.csr_matrix(np.ones((length, 1))), sparse.identity(length)]
    rows = sparse.hstack(parts, format="csc")
    cost = np.concatenate([np.ones(4 * (length - 1)), np.zeros(1 + length)])
    bounds = [(0, None)] * (4 * (length - 1)) + [(None, None)] + [(-zeta / scale, zeta / scale)] * length

    def call() -> tuple[Float, Float, Float]:
        found = optimize.linprog(cost, A_eq=rows, b_eq=(v - v[0]) / scale, bounds=bounds, method="highs")
        split, delta = found.x[: 4 * (length - 1)].reshape(4, -1), found.x[-length:]
        and_, or_ = np.zeros(length), np.zeros(length)
        and_[1:], or_[1:] = split[0] - split[1], split[3] - split[2]
        return and_ * scale, or_ * scale, delta * scale

    return call
