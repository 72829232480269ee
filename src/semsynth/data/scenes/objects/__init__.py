"""What stands in a scene: one file per kind of thing, each with a random description and a way to paint itself.

An object is a frozen dataclass in unit coordinates with `label` (its class), `random(rng, ...)` and `paint(canvas)`.
What stands on the ground has a `base`, the y of its foot: such objects are painted in this order and their depth
follows from it. What lies behind them or on the ground has a fixed `depth`, which haze depends on.
"""
