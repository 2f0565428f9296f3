"""Pictures of explanations; matplotlib is imported when the first one is drawn."""

from __future__ import annotations

from harsanyi.plot.figures import interactions, strength_per_order

__all__ = ["interactions", "strength_per_order"]
