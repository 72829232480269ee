import pytest
import torch

from semsynth.encoders.none import no_encoder
from semsynth.encoders.style import StyleEncoder


def test_published_parameter_count():
    assert sum(p.numel() for p in StyleEncoder().parameters()) / 1e6 == pytest.approx(10.46, abs=0.006)


@pytest.mark.parametrize("size", [(8, 8), (64, 64), (96, 128), (192, 256), (300, 512)])
def test_any_crop_size(size):
    mu, logvar = StyleEncoder(size, z_dim=5, nef=2)(torch.rand(2, 3, *size))
    assert mu.shape == logvar.shape == (2, 5)


def test_too_small_a_crop_and_a_style_without_encoder():
    with pytest.raises(ValueError, match="8 pixels"):
        StyleEncoder((4, 4))
    assert no_encoder() is None
    with pytest.raises(ValueError, match="encoder=style"):
        no_encoder(3)
