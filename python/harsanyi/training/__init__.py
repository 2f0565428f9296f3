"""Losses that make a network learn, or avoid, interactions of chosen orders."""

from __future__ import annotations

from harsanyi.training.orders import (
    RECIPES,
    OrderRecipe,
    encouraging_loss,
    nested_batch,
    nested_sizes,
    order_loss,
    output_change,
    penalising_loss,
)

__all__ = [
    "RECIPES",
    "OrderRecipe",
    "encouraging_loss",
    "nested_batch",
    "nested_sizes",
    "order_loss",
    "output_change",
    "penalising_loss",
]
