"""Layers below the norms: convolutions, spectral normalisation, initialisation."""
