"""What networks are conditioned on: label maps, prepared once for all sizes, with edges and positional offsets."""

from semsynth.semantics.semantics import Reading, Semantics

__all__ = ["Reading", "Semantics"]
