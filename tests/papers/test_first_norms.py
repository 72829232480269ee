import pytest

from semsynth.papers.first_norms import NETWORKS, first_norm
from semsynth.papers.washaway import treated


@pytest.mark.parametrize("name", NETWORKS)
def test_instance_norm_washes_away_what_modulation_keeps(name):
    found = first_norm(name, 6, num_classes=8, ngf=2)
    assert treated("", found.before).distinct == 6
    assert treated("", found.normalised).distinct == 0
    assert treated("", found.after).distinct == (0 if name == "pix2pixHD" else 6)
