"""Games: from a model and a sample to its outputs on masked versions of the sample."""

from __future__ import annotations

from harsanyi.games import attacks, maskers, outputs
from harsanyi.games.evaluate import evaluate
from harsanyi.games.game import CallableGame, Game, ModelGame, TableGame

__all__ = ["CallableGame", "Game", "ModelGame", "TableGame", "attacks", "evaluate", "maskers", "outputs"]
