import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from semsynth.encoders.style import StyleEncoder
from semsynth.errors import DataError, StyleError
from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.clade import CLADE, CLADE_ICPE
from semsynth.semantics.icpe import Offsets, icpe_offsets
from semsynth.synthesis.map_styles import MapStyles, choose_styles
from semsynth.synthesis.maps import MapReader, chosen_size, find_masks, mask_decoder
from semsynth.synthesis.pictures import synthesize
from semsynth.synthesis.styles import draw_styles, walk

NAMES, COLOURS = ["sky", "road", "car"], [[0, 0, 255], [90, 90, 90], [255, 0, 0]]


def reader(**changes):
    decode = mask_decoder(NAMES, COLOURS, masks="ids")
    values = {"names": NAMES, "colours": COLOURS, "decode": decode, "unknown": None, "edges": False, "icpe": None,
              "size": (32, 32)}
    return MapReader(**(values | changes))


@pytest.fixture
def masks(tmp_path):
    ids = np.random.default_rng(0).integers(0, 3, (32, 32)).astype(np.uint8)
    folder = tmp_path / "maps"
    folder.mkdir()
    Image.fromarray(ids).save(folder / "ids.png")
    Image.fromarray(np.array(COLOURS, np.uint8)[ids]).save(folder / "colours.png")
    palette = Image.fromarray(2 - ids)  # indices in another order than the classes: the colours tell
    palette.putpalette(np.array(COLOURS[::-1], np.uint8).tobytes())
    palette.save(folder / "palette.png")
    return folder, ids


def test_masks_are_read_as_the_run_reads_its_own(masks):
    folder, ids = masks
    of_colours = reader(decode=mask_decoder(NAMES, COLOURS, masks="colours"))
    for name, read in (("ids", reader()), ("colours", reader()), ("colours", of_colours), ("palette", of_colours)):
        assert_close(read.read(folder / f"{name}.png").labels[0].numpy(), ids.astype(np.int64), msg=name)
    assert_close(reader().read(folder / "palette.png").labels[0].numpy(), 2 - ids.astype(np.int64))
    with pytest.raises(DataError, match=r"ids\.png: a grey mask, but dataset\.masks=colours"):
        of_colours.read(folder / "ids.png")


def test_ids_of_classes_yaml_hold_for_a_run_too(tmp_path):
    Image.fromarray(np.array([[0, 255], [7, 0]], np.uint8)).save(tmp_path / "m.png")
    decode = mask_decoder(NAMES, COLOURS, ids=[7, 0, 255], masks="ids")
    assert reader(decode=decode, size=None).read(tmp_path / "m.png").labels[0].tolist() == [[1, 2], [0, 1]]


def test_published_data_sets_go_by_palette_indices_even_where_colours_repeat(masks):
    folder, ids = masks
    same = mask_decoder(NAMES, [[0, 0, 0]] * 3)
    assert (same(folder / "palette.png") == 2 - ids).all()


def test_sizes_to_choose():
    assert chosen_size(None, (3, 4)) == (3, 4)
    assert chosen_size("native", (3, 4)) is None
    assert chosen_size([5, 6], (3, 4)) == (5, 6)
    for wrong in (100, "big", [1, 2, 3], [0, 4]):
        with pytest.raises(DataError, match=r"must be \[HEIGHT,WIDTH\]"):
            chosen_size(wrong, (3, 4))


def test_label_maps_are_never_overwritten(masks):
    folder, ids = masks
    network = SPADEGenerator(CLADE, 3, size=(32, 32), ngf=2)
    with pytest.raises(DataError, match="take another folder"):
        synthesize(network, reader(), find_masks(folder), MapStyles(network), folder)
    assert (np.asarray(Image.open(folder / "ids.png")) == ids).all()


def test_edges_and_offsets_are_those_of_training(masks):
    folder, ids = masks
    semantics = reader(edges=True, icpe=Offsets(enabled=True)).read(folder / "ids.png")
    assert_close(semantics.offsets[0].numpy(), icpe_offsets(ids))
    inside = (ids[1:-1, 1:-1] != ids[1:-1, :-2]) | (ids[1:-1, 1:-1] != ids[1:-1, 2:]) \
        | (ids[1:-1, 1:-1] != ids[:-2, 1:-1]) | (ids[1:-1, 1:-1] != ids[2:, 1:-1])
    assert_close(semantics.edges[0, 0, 1:-1, 1:-1].numpy(), inside.astype(np.float32))


def test_a_run_refuses_maps_that_its_classes_do_not_cover(masks, tmp_path):
    folder, _ = masks
    Image.fromarray(np.full((8, 8), 3, np.uint8)).save(tmp_path / "other.png")
    with pytest.raises(DataError, match=r"other\.png: label id 3 at row 0, column 0.*allowed are 0 to 2"):
        reader().read(tmp_path / "other.png")
    Image.fromarray(np.full((8, 8, 3), (1, 200, 3), np.uint8)).save(tmp_path / "colour.png")
    with pytest.raises(DataError, match=r"colour\.png: unknown colour \[1, 200, 3\]"):
        reader().read(tmp_path / "colour.png")
    with pytest.raises(DataError, match="both to the same size"):
        reader().read(folder / "ids.png", tmp_path / "other.png")
    with pytest.raises(DataError, match="no such file"):
        find_masks(tmp_path / "nowhere")


def test_pictures_of_several_styles(masks, tmp_path):
    folder, _ = masks
    network = SPADEGenerator(CLADE_ICPE, 3, size=(32, 32), ngf=2, z_dim=4).eval()
    styles = MapStyles(network, samples=3, seed=1)
    maps = reader(icpe=Offsets(enabled=True))
    grid = synthesize(network, maps, find_masks(folder), styles, tmp_path / "out", batch=2)
    assert grid.is_file()
    names = sorted(p.name for p in (tmp_path / "out").glob("*.png"))
    assert names == [f"{m}_{i:02d}.png" for m in ("colours", "ids", "palette") for i in (1, 2, 3)]
    semantics = network.prepare(maps.read(folder / "ids.png"))
    with torch.no_grad():
        alone = network(semantics, draw_styles(network, 3, 1)[2:])[0]
    picture = np.asarray(Image.open(tmp_path / "out" / "ids_03.png")).transpose(2, 0, 1)
    assert np.abs(picture - ((alone.numpy() + 1) * 127.5).round()).max() <= 1


def test_low_precision_draws_nearly_the_same(masks, tmp_path):
    folder, _ = masks
    network = SPADEGenerator(CLADE, 3, size=(32, 32), ngf=2, init_gain=0.5)
    pictures = []
    for name, dtype in (("exact", None), ("low", torch.bfloat16)):
        synthesize(network, reader(), {"ids": folder / "ids.png"}, MapStyles(network), tmp_path / name, dtype=dtype)
        pictures.append(np.asarray(Image.open(tmp_path / name / "ids.png")).astype(int))
    difference = np.abs(pictures[0] - pictures[1])
    assert 0 < difference.max() <= 8


def test_other_sizes_where_the_network_allows(masks, tmp_path):
    folder, _ = masks
    plain = SPADEGenerator(CLADE, 3, size=(32, 32), ngf=2)
    synthesize(plain, reader(size=(64, 96)), {"ids": folder / "ids.png"}, MapStyles(plain), tmp_path / "a")
    assert Image.open(tmp_path / "a" / "ids.png").size == (96, 64)
    styled = SPADEGenerator(CLADE, 3, size=(32, 32), ngf=2, z_dim=2)
    with pytest.raises(DataError, match=r"ids\.png.*32x32 images only"):
        synthesize(styled, reader(size=(64, 96)), {"ids": folder / "ids.png"}, MapStyles(styled), tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_styles(masks, tmp_path):
    encoder = StyleEncoder((32, 32), z_dim=4, nef=2).eval()
    paths = []
    for name in ("a", "b"):
        pixels = np.random.default_rng(ord(name)).integers(0, 255, (40, 50, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        paths.append(str(tmp_path / f"{name}.png"))
    network, plain = (SPADEGenerator(CLADE, 3, size=(32, 32), ngf=2, z_dim=z_dim) for z_dim in (4, 0))
    semantics = reader().read(masks[0] / "ids.png")

    def chosen(generator, encoder, **wishes):
        return choose_styles(generator, encoder, reader(), (32, 32), **{"style": {"all": paths}} | wishes)

    two = chosen(network, encoder).of(semantics)
    walked = chosen(network, encoder, interpolate=5)
    assert two.vector.shape == (2, 4)
    assert walked.count == 5
    assert walked.of(semantics).vector.shape == (5, 4)
    assert_close(walked.of(semantics).vector[[0, -1]], two.vector)
    assert_close(draw_styles(network, 2, 7).vector, draw_styles(network, 5, 7).vector[:2])
    assert not torch.equal(draw_styles(network, 2, 7).vector, draw_styles(network, 2, 8).vector)
    assert chosen(plain, None, style={}).of(semantics) is None
    for wrong in ({"style": {"all": paths[:1]}}, {"style": {}, "samples": 2}):
        with pytest.raises(StyleError, match="no style vector"):
            chosen(plain, None, **wrong)
    with pytest.raises(StyleError, match="exclude each other"):
        chosen(network, encoder, samples=2)
    with pytest.raises(StyleError, match="needs a run with a style encoder"):
        chosen(network, None)
    with pytest.raises(StyleError, match="at least 2 steps, got 1 styles"):
        chosen(network, encoder, style={"all": paths[:1]}, interpolate=3)
    with pytest.raises(StyleError, match="at least 2 steps"):
        walk(two[:1], 4)
