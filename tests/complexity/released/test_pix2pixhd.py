"""The released pix2pixHD draws what ours draws, by a convolution of a one-hot map."""

import pytest
import torch
from torch.testing import assert_close

from semsynth.complexity.released.pix2pixhd import PublishedPix2PixHD
from semsynth.generators import label_input
from semsynth.generators.pix2pixhd import Pix2PixHDGenerator
from semsynth.generators.pix2pixhd_local import Pix2PixHDLocalGenerator
from semsynth.semantics import Semantics

K = 5


@pytest.mark.parametrize("build", [Pix2PixHDGenerator, Pix2PixHDLocalGenerator])
def test_it_draws_the_same_pictures_without_rows(monkeypatch, build):
    generator = build(K, size=(64, 64), ngf=4, blocks=1, init_deviation=0.2).eval()
    published, maps = PublishedPix2PixHD(generator), Semantics(torch.randint(K, (2, 64, 64)), K)
    with torch.no_grad():
        expected = generator(generator.prepare(maps))
        monkeypatch.delattr(label_input, "one_hot_conv2d")
        with pytest.raises(NameError):
            generator(maps)
        found = published(published.prepare(maps))
    assert expected.std() > 0.01
    assert_close(found, expected, rtol=0, atol=1e-4)
