"""Metrics: distances between sets of images, segmentation scores, and the protocol that fixes what moves them."""
