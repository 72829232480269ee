"""Weights that others published: one folder with fixed names, `$SEMSYNTH_WEIGHTS`, for losses, features and judges."""
