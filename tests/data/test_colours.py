from pathlib import Path

import numpy as np
import pytest

from semsynth.data.colours import ColourCode
from semsynth.errors import DataError


def test_the_share_of_unknown_colours_is_written_out():
    mask = np.zeros((20, 20, 3), np.uint8)
    mask[0, 0] = 255  # the only pixel of a class
    with pytest.raises(DataError, match=r"\(100 % of the pixels have colours of no class; the nearest class is"):
        ColourCode(["a", "b"], [[255, 255, 255], [9, 9, 9]]).decode(mask, Path("mask.png"))
