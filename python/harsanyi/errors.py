"""Errors: each names the argument, what it was and what it may be."""

from __future__ import annotations

__all__ = [
    "ArgumentError",
    "ArgumentTypeError",
    "HarsanyiError",
    "MissingDependencyError",
    "NonFiniteError",
    "NotEnoughMemoryError",
    "RecordError",
]


class HarsanyiError(Exception):
    """Base of every error that harsanyi raises on purpose."""


def _message(name: str, got: object, expected: str) -> str:
    text = got if isinstance(got, str) else repr(got)
    return f"{name}: got {text}, but it must be {expected}"


class ArgumentError(HarsanyiError, ValueError):
    """A value outside what the argument may be.

    Args:
        name: the argument, as the caller spelt it.
        got: what it was; a string is shown as it is, anything else by its repr.
        expected: what it may be, to follow "it must be".
    """

    def __init__(self, name: str, got: object, expected: str) -> None:
        super().__init__(_message(name, got, expected))
        self.name = name


class ArgumentTypeError(HarsanyiError, TypeError):
    """A type or dtype that the argument may not have; the same three parts as ArgumentError."""

    def __init__(self, name: str, got: object, expected: str) -> None:
        super().__init__(_message(name, got, expected))
        self.name = name


class NonFiniteError(HarsanyiError, ValueError):
    """A model or game returned NaN or infinity; `subset` is the first such subset."""

    def __init__(self, message: str, subset: int) -> None:
        super().__init__(message)
        self.subset = subset


class NotEnoughMemoryError(HarsanyiError, MemoryError):
    """A request that cannot fit; says how much it needs and how much there is."""


class MissingDependencyError(HarsanyiError, ImportError):
    """An optional package is not installed; says which extra brings it."""


class RecordError(HarsanyiError, ValueError):
    """A saved record is unreadable, truncated or of another format."""
