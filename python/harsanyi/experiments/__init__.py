"""Data, networks and training for the demo and for the papers' experiments.

The modules `data`, `networks`, `fit` and `cache` import torch or the data packages; this package imports none
of them.
"""
