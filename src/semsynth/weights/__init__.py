"""Files of weights: a run's networks, single networks, and the one reader of files that others wrote."""
