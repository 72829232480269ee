"""The styles that label maps are drawn in, from wishes as they are typed to pictures."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import composed
from PIL import Image

from semsynth.commands.synthesize import by_class
from semsynth.encoders.group import GroupEncoder
from semsynth.encoders.instance import InstanceEncoder
from semsynth.encoders.instance_features import InstanceFeatureEncoder
from semsynth.errors import StyleError
from semsynth.generators.groupdnet import GroupDNetGenerator
from semsynth.generators.inade import INADEGenerator
from semsynth.generators.pix2pixhd import Pix2PixHDGenerator
from semsynth.norms.clade import CLADE
from semsynth.norms.inade import INADE
from semsynth.synthesis.codes import load_codes
from semsynth.synthesis.map_styles import MapStyles, choose_styles
from semsynth.synthesis.maps import MapReader, mask_decoder
from semsynth.synthesis.pictures import synthesize
from semsynth.synthesis.styles import read_reference

NAMES, COLOURS = ["sky", "road", "car"], [[0, 0, 255], [90, 90, 90], [255, 0, 0]]
SIZE = (32, 32)


@pytest.fixture
def files(tmp_path):
    """Two pictures with their label maps and instance maps, of a road with two cars."""
    found = {}
    for k, name in enumerate("ab"):
        labels = np.zeros((48, 48), np.uint8)
        labels[24:] = 1
        labels[30:36, 4:14 + 2 * k] = labels[38:44, 20:30] = 2
        things = np.where(labels == 2, 7, labels).astype(np.uint16)
        things[38:44, 20:30] = 500
        pixels = np.random.default_rng(k).integers(0, 255, (48, 48, 3)).astype(np.uint8)
        for kind, values in (("picture", pixels), ("map", labels), ("things", things)):
            Image.fromarray(values).save(tmp_path / f"{name}_{kind}.png")
            found[f"{name}_{kind}"] = str(tmp_path / f"{name}_{kind}.png")
    return found


def groupdnet():
    torch.manual_seed(0)
    return (GroupDNetGenerator(CLADE, 3, size=SIZE, ngf=3, init_gain=1.0).eval(),
            GroupEncoder(3, size=SIZE, class_width=2, init_gain=1.0).eval(), reader(False))


def inade():
    torch.manual_seed(0)
    return (INADEGenerator(INADE, 3, size=SIZE, ngf=2, upsamplings=3, init_gain=1.0).eval(),
            InstanceEncoder(nef=2, init_gain=1.0).eval(), reader(True))


def pix2pixhd():
    torch.manual_seed(0)
    generator = Pix2PixHDGenerator(3, size=SIZE, ngf=4, blocks=1, features=3, clusters=4, init_deviation=0.2).eval()
    generator.clusters.fit(torch.randn(60, 3), torch.arange(60) % 3)
    return generator, InstanceFeatureEncoder(nef=2).eval(), reader(True)


def reader(edges):
    return MapReader(NAMES, COLOURS, mask_decoder(NAMES, COLOURS, masks="ids"), None, edges, None, SIZE)


def both(files, **more):
    return {"style": {"all": [files["a_picture"]], "car": [files["b_picture"]]},
            "style_labels": {"all": [files["a_map"]], "car": [files["b_map"]]}} | more


def test_a_class_of_another_picture(files):
    generator, encoder, read = groupdnet()
    semantics = read.read(files["a_map"])
    alone = {key: {"all": group["all"]} for key, group in both(files).items()}
    before, other = (choose_styles(generator, encoder, read, SIZE, **wishes).of(semantics).classes for wishes in (
        alone, {"style": {"all": [files["b_picture"]]}, "style_labels": {"all": [files["b_map"]]}}))
    after = choose_styles(generator, encoder, read, SIZE, **both(files)).of(semantics).classes
    assert after[0, :2].equal(before[0, :2])
    assert after[0, 2].equal(other[0, 2])
    half = choose_styles(generator, encoder, read, SIZE, **both(files, share=0.5)).of(semantics).classes
    torch.testing.assert_close(half[0, 2], (before[0, 2] + other[0, 2]) / 2)


def test_samples_differ_in_one_class_alone(files):
    generator, encoder, read = groupdnet()
    semantics = read.read(files["a_map"])
    alone = {key: {"all": group["all"]} for key, group in both(files).items()}
    chosen = choose_styles(generator, encoder, read, SIZE, **alone, resample=["road"], samples=3, seed=1)
    codes = chosen.of(semantics).classes
    assert chosen.count == len(codes) == 3
    assert codes[0, [0, 2]].equal(codes[2, [0, 2]])
    assert not codes[0, 1].allclose(codes[2, 1])
    fewer = choose_styles(generator, encoder, read, SIZE, **alone, resample=["road"], samples=2, seed=1)
    assert fewer.of(semantics).classes.equal(codes[:2])
    drawn = choose_styles(generator, None, read, SIZE, style={}, resample=["road"], samples=3, seed=1).of(semantics)
    assert drawn.classes[0, [0, 2]].equal(drawn.classes[1, [0, 2]])
    walked = choose_styles(generator, None, read, SIZE, style={}, resample=["road"], interpolate=4, seed=1)
    assert walked.count == 4
    torch.testing.assert_close(walked.of(semantics).classes[2, [0, 2]], drawn.classes[0, [0, 2]])


def test_one_car_in_files(files, tmp_path):
    generator, encoder, read = inade()
    wishes = both(files, style_instances={"all": [files["a_things"]], "car": [files["b_things"]]})
    pictures = []
    for name, more in (("own", {"style": {"all": [files["a_picture"]]}, "style_labels": {"all": [files["a_map"]]},
                                "style_instances": {"all": [files["a_things"]]}}),
                       ("id", wishes | {"instance": 500}), ("point", wishes | {"instance": [27, 16]})):
        styles = choose_styles(generator, encoder, read, SIZE, **more)
        synthesize(generator, read, {"a": Path(files["a_map"])}, styles, tmp_path / name, instances=files["a_things"])
        pictures.append(np.asarray(Image.open(tmp_path / name / "a.png")).astype(int))
    assert (pictures[1] == pictures[2]).all()
    change = np.abs(pictures[1] - pictures[0]).mean(2)
    assert change[26:29, 14:20].mean() > 5 * change[20:24, 3:9].mean()  # the other car
    styles = choose_styles(generator, encoder, read, SIZE, **wishes, instance=12)
    with pytest.raises(StyleError, match=r"a_map\.png: instance=12 is not in .* map, which has 7, 500 of car"):
        synthesize(generator, read, {"a": Path(files["a_map"])}, styles, tmp_path / "no", instances=files["a_things"])
    assert not (tmp_path / "no").exists()


def test_a_class_that_label_maps_lack(files, tmp_path, capsys):
    generator, _, read = groupdnet()
    Image.fromarray(np.zeros((32, 32), np.uint8)).save(tmp_path / "sky.png")
    masks = {"a": Path(files["a_map"]), "sky": tmp_path / "sky.png"}
    styles = choose_styles(generator, None, read, SIZE, style={}, resample=["car"])
    synthesize(generator, read, masks, styles, tmp_path / "both")
    assert capsys.readouterr().out.count("1 of 2 label maps show no car") == 1
    with pytest.raises(StyleError, match=r"sky\.png shows no car, whose style is to change: leave car out of"):
        synthesize(generator, read, {"sky": masks["sky"]}, styles, tmp_path / "one")
    assert not (tmp_path / "one").exists()


@pytest.mark.parametrize("wish", [{"samples": 3}, {"interpolate": 3}])
def test_a_cluster_for_each_instance(wish, files, tmp_path):
    """Several styles of a label map, in which two cars are of different clusters."""
    generator, _, read = pix2pixhd()
    styles = choose_styles(generator, None, read, SIZE, style={}, seed=1, **wish)
    synthesize(generator, read, {"a": Path(files["a_map"])}, styles, tmp_path / "out", instances=files["a_things"])
    pictures = [np.asarray(Image.open(tmp_path / "out" / f"a_0{k}.png")).astype(int) for k in (1, 2, 3)]
    assert all(np.abs(one - two).mean() > 1 for one, two in pairwise(pictures))
    semantics = read.read(files["a_map"], files["a_things"])
    codes = styles.of(semantics).instances
    cars = codes[:, semantics.regions().classes[0] == 2]
    assert cars.shape == (3, 2, 3)
    assert not cars[:, 0].equal(cars[:, 1])


def test_saved_codes_draw_the_same(files, tmp_path):
    for network, things in ((groupdnet(), None), (inade(), files["a_things"])):
        generator, encoder, read = network
        wishes = both(files) | ({"style_instances": {"all": [things]}} if things else {})
        styles = choose_styles(generator, encoder, read, SIZE, **wishes)
        semantics = read.read(files["a_map"], things)
        path = styles.save(tmp_path / "codes.npz", NAMES, semantics)
        again = choose_styles(generator, None, read, SIZE, style={"all": [str(path)]}).of(semantics)
        for name, code in styles.of(semantics).codes().items():
            torch.testing.assert_close(again.codes()[name], code)
    with pytest.raises(StyleError, match=r"instances of one label map, input= has 2"):
        styles.save(tmp_path / "codes.npz", NAMES, semantics, maps=2)
    with pytest.raises(StyleError, match=r"codes\.npz holds .*instances.*this run reads classes \(N,3,128\): they are"):
        choose_styles(*groupdnet(), SIZE, style={"all": [str(path)]})


def test_instances_are_read_where_edges_are_not(files):
    read = reader(False)
    assert read.read(files["a_map"], files["a_things"]).instances is None
    read.instances = True
    semantics = read.read(files["a_map"], files["a_things"])
    assert semantics.edges is None
    assert semantics.instances.unique().tolist() == [0, 1, 7, 500]


def test_saved_codes_beside_a_picture(files, tmp_path):
    generator, encoder, read = inade()
    semantics = read.read(files["a_map"], files["a_things"])
    path = choose_styles(generator, None, read, SIZE, style={}, seed=3).save(tmp_path / "codes.npz", NAMES, semantics)
    reference = read_reference(encoder, files["a_picture"], SIZE, NAMES, semantics)
    for given in ([load_codes(path, NAMES), reference], [reference, load_codes(path, NAMES)]):
        style = MapStyles(generator, given).of(semantics)
        assert style.vector.shape == (2, 256)
        assert style.instances.shape == (2, 4, 128)


@pytest.mark.parametrize(("change", "words"), [
    ({"style_labels": {}}, r"a_picture\.png: this .* it needs the label map of the picture .*: give style_labels=FILE"),
    ({"style_labels": {"all": ["x.png"], "sky": ["y.png"]}}, r"style_labels\.sky= .*: give style\.sky= as well"),
    ({"style_instances": {"all": ["x.png"]}}, "style_instances=: this run has no styles by instance"),
    ({"style": {}}, r"style_labels= is of .*: give style= as well"),
    ({"style_labels": {"all": ["x.png", "y.png"]}}, "style_labels of all: 2 files for 1 pictures"),
    ({"style": {"all": ["a.png"], "car": ["b.png", "c.png"]}, "style_labels": {}}, "a.png: the file is missing"),
    ({"instance": 9}, "instance=: the styles of this run are those of classes"),
    ({"samples": 3}, "unless resample= draws a class of it anew"),
])
def test_wishes_that_cannot_be(change, words, files):
    generator, encoder, read = groupdnet()
    with pytest.raises(ValueError, match=words):
        choose_styles(generator, encoder, read, SIZE, **both(files) | change)


def test_the_label_map_that_a_class_lacks(files):
    wishes = both(files)
    del wishes["style_labels"]["car"]
    with pytest.raises(StyleError, match=r"b_picture\.png: .*: give style_labels\.car=FILE"):
        choose_styles(*groupdnet(), SIZE, **wishes)


def test_a_style_of_a_class_is_typed_beside_that_of_all():
    typed = ["run=r", "style=a.png", "style.hair=b.png", "+style.skin=c.npz", "style_labels=a_map.png",
             "share.hair=0.5"]
    words = by_class(typed)
    assert words == ["run=r", "++style.all=a.png", "++style.hair=b.png", "++style.skin=c.npz",
                     "style_labels=a_map.png", "++share.hair=0.5"]
    cfg = composed("synthesize", *words)
    assert dict(cfg.style) == {"all": "a.png", "hair": "b.png", "skin": "c.npz"}
    assert dict(cfg.share) == {"hair": 0.5}
    assert cfg.style_labels == "a_map.png"
    assert by_class(["style=a.png", "stylelabels.x=3"]) == ["style=a.png", "stylelabels.x=3"]
