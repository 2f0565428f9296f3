"""Analyses of interactions: pure functions on arrays and tensors, batched; none of them calls a model."""
