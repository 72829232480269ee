"""Label maps as the released networks read them."""

import pytest
import torch

from semsynth.complexity.released.maps import Maps
from semsynth.semantics import Semantics


@pytest.mark.parametrize("edges", [None, torch.ones(2, 1, 4, 6)])
@pytest.mark.parametrize("noise", [None, torch.zeros(2, 3, 4, 6)])
def test_channels_lie_in_memory_as_the_released_code_scatters_them(edges, noise):
    """With edges and without alike: another layout takes another time, on a CPU up to half of CLADE's."""
    maps = Maps.of(Semantics(torch.zeros(2, 4, 6, dtype=torch.int64), 5, edges), noise)
    assert maps.channels.is_contiguous()
    assert maps.at(2, 3).channels.is_contiguous()
