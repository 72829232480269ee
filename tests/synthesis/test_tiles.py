"""Pictures of any size from the command line and in Python: in tiles, and with a resized start grid."""

from functools import partial

import numpy as np
import pytest
import torch
from commands import composed
from peaks import peaks_of_drawing
from PIL import Image

from semsynth import Synthesizer
from semsynth.commands.synthesize import draw
from semsynth.complexity import memory
from semsynth.errors import DataError, StyleError
from semsynth.generators.crn import CRNGenerator
from semsynth.generators.sean import SEANGenerator
from semsynth.norms.ace import ACE
from semsynth.norms.schedule import Mixed
from semsynth.semantics import Semantics
from semsynth.synthesis.map_styles import MapStyles
from semsynth.synthesis.maps import MapReader
from semsynth.synthesis.pictures import synthesize
from semsynth.synthesis.styles import with_noise_of

SIZE = (96, 160)
MB = 2 ** 20


def label_map():
    return np.random.default_rng(0).integers(0, 5, (12, 20)).astype(np.uint8).repeat(8, 0).repeat(8, 1)


@pytest.fixture
def mask(tmp_path):
    (tmp_path / "maps").mkdir()
    Image.fromarray(label_map()).save(tmp_path / "maps" / "a.png")
    return tmp_path / "maps" / "a.png"


def pictures(run, mask, name, *words):
    """What the command writes, as integers, by name."""
    out = mask.parents[1] / name
    draw(composed("synthesize", f"run={run}", f"input={mask}", f"output={out}", "device=cpu", "size=native", *words))
    return {path.name: np.asarray(Image.open(path)).astype(int) for path in sorted(out.glob("*.png"))}


@pytest.mark.parametrize(("made", "words"), [
    ({"norm": "spade", "edges": True}, []),
    ({"norm": "clade_icpe"}, []),
    ({"norm": "clade", "z_dim": 3}, ["start=resized", "samples=3"]),
])
def test_the_command_draws_the_same_in_tiles(made, words, tiny_run, mask, capfd):
    run = tiny_run(**made)
    whole, tiled = pictures(run, mask, "whole", *words), pictures(run, mask, "tiled", *words, "tile=64")
    assert whole.keys() == tiled.keys()
    for name, picture in whole.items():
        assert picture.shape == (*SIZE, 3)
        assert picture.std() > 5
        assert np.abs(picture - tiled[name]).max() <= 1  # rounded to 8 bits
    assert "tiles" in capfd.readouterr().err  # how far it has come


def test_tiles_go_on_where_one_piece_stopped(tiny_run, mask):
    """They are the same pictures: those that are there are kept. A resized start grid makes others."""
    run = tiny_run()
    pictures(run, mask, "out")
    written = (mask.parents[1] / "out" / "a.png").stat().st_mtime_ns
    pictures(run, mask, "out", "tile=[64,80]")
    assert (mask.parents[1] / "out" / "a.png").stat().st_mtime_ns == written
    styled = tiny_run(z_dim=3)
    pictures(styled, mask, "styled", "start=resized")
    with pytest.raises(DataError, match="32x32 images only"):
        pictures(styled, mask, "styled")


@pytest.mark.parametrize(("made", "words", "error", "message"), [
    ({"z_dim": 3}, [], DataError, r"a\.png: .*32x32 images only.*start=resized"),
    ({"z_dim": 3}, ["start=nearest"], StyleError, "start=nearest must be resized, or left out"),
    ({}, ["start=resized"], StyleError, "draws other sizes without it: leave it out"),
    ({}, ["tile=32"], DataError, r"tile=32 must be the side of the tiles in pixels, or \[HEIGHT,WIDTH\], from 64 on"),
    ({"size": (64, 64), "base": {"_target_": "torch.nn.InstanceNorm2d", "_partial_": True}}, ["tile=64"], DataError,
     r"cannot draw in tiles: its norms \(InstanceNorm2d\).*Without tile="),
])
def test_mistakes_are_told_before_anything_is_drawn(made, words, error, message, tiny_run, mask):
    with pytest.raises(error, match=message):
        pictures(tiny_run(**made), mask, "out", *words)
    assert not (mask.parents[1] / "out").exists()


def test_networks_that_see_whole_pictures_say_so(mask, tmp_path):
    reader = MapReader(list("abcde"), [[k, 0, 0] for k in range(5)], lambda path: label_map(), None, False, None, SIZE)
    network = CRNGenerator(5, size=(32, 32), ngf=1)
    with pytest.raises(DataError, match="its layer norms take statistics over the whole picture"):
        synthesize(network, reader, {"a": mask}, MapStyles(network), tmp_path / "out", tile=64)


def test_synthesizer(tiny_run):
    labels = torch.from_numpy(label_map())[None].long()
    plain, counted = Synthesizer.from_run(tiny_run(norm="spade")), []
    expected = plain(labels)
    image = plain(labels, tile=64, progress=lambda tiles, title, count: (counted.append(count), tiles)[1])
    torch.testing.assert_close(image, expected, atol=1e-5, rtol=0)
    assert counted == [6]
    run = tiny_run(z_dim=3)
    with pytest.raises(ValueError, match=r"32x32 images only.*start=resized"):
        Synthesizer.from_run(run)(labels)
    styled = Synthesizer.from_run(run, start="resized")
    torch.testing.assert_close(styled(labels, seed=1, tile=(64, 96)), styled(labels, seed=1), atol=1e-5, rtol=0)
    own = labels[:, 32:64, 32:64]
    assert torch.equal(styled(own, seed=1), Synthesizer.from_run(run)(own, seed=1))  # of its own size nothing changes
    with pytest.raises(StyleError, match="leave it out"):
        Synthesizer.from_run(tiny_run(), start="resized")
    with pytest.raises(ValueError, match="tile=1 must be"):
        plain(labels, tile=1)


def test_noise_is_drawn_for_the_whole_picture():
    """Not that of the training size, enlarged."""
    generator = SEANGenerator(Mixed(partial(ACE, codes=3), partial(ACE, styled=False), 6), 5, size=(32, 32), ngf=2)
    generator.codes.fit(torch.ones(5).long(), torch.zeros(5, 3), torch.ones(5, 3))
    semantics = Semantics(torch.zeros(1, 32, 32, dtype=torch.int64), 5)
    styles = MapStyles(generator, samples=2, seed=3).of(semantics)
    assert with_noise_of(styles, (32, 32), 3) is styles
    noise = with_noise_of(styles, SIZE, 3).noise
    assert noise.shape == (2, generator.layers, *SIZE)
    assert 0.95 < noise.std() < 1.05
    assert not torch.equal(noise[..., ::2, :], noise[..., 1::2, :])
    assert torch.equal(with_noise_of(styles[:1], SIZE, 3).noise, noise[:1])  # more pictures begin with the same
    walked = with_noise_of(MapStyles(generator, interpolate=3, seed=3).of(semantics), SIZE, 3, walked=True).noise
    torch.testing.assert_close(walked[[0, -1]], noise)


@pytest.mark.seldom
@pytest.mark.skipif(not memory.RESET.exists(), reason="needs /proc")
def test_memory_is_that_of_a_tile():
    small, large = ((512, 512), (1024, 1024))
    tiled, larger, whole = memory.in_child(partial(peaks_of_drawing, [(small, 128), (large, 128), (small, None)]))
    assert tiled < whole / 3
    # labels and their sizes, the picture, and the features that are kept: 8 + 12 + 16 bytes a pixel, some of it twice
    assert larger - tiled < 3 * 2 ** 20 * 36
