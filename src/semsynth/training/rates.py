"""The learning-rate schedule of the SPADE family."""


def linear_decay(epoch: int, epochs: int, decay_epochs: int) -> float:
    """Factor on the learning rate in `epoch` (from 0): 1, then a straight line to 1 / decay_epochs in the last epoch.

    With e = epoch + 1 counted from 1 the factor is 1 - max(0, e - 1 - (epochs - decay_epochs)) / decay_epochs, as in
    the released SPADE code. `decay_epochs` 0 keeps the rate constant; epochs after the last stay at the last factor.

    Raises:
        ValueError: `decay_epochs` is negative or above `epochs`.
    """
    if not 0 <= decay_epochs <= epochs:
        raise ValueError(f"decay_epochs must be in [0, epochs={epochs}], got {decay_epochs}")
    if decay_epochs == 0:
        return 1.0
    constant = epochs - decay_epochs
    return 1.0 - max(0, min(epoch, epochs - 1) - constant) / decay_epochs
