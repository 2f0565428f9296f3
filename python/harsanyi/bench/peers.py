"""What the cases are measured beside: numpy, torch and, where installed, fht-cpu, shapiq and shapley-numba.

Each function prepares outside the timed region and returns the call to time. The calls that transform in
place return the transformed array.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

__all__ = [
    "fht",
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
