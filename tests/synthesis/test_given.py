"""Styles by class and by instance, given to `Synthesizer`."""

import pytest
import torch

from semsynth import Synthesizer
from semsynth.encoders.group import GroupEncoder
from semsynth.encoders.instance import InstanceEncoder
from semsynth.encoders.instance_features import InstanceFeatureEncoder
from semsynth.errors import StyleError
from semsynth.generators.groupdnet import GroupDNetGenerator
from semsynth.generators.inade import INADEGenerator
from semsynth.generators.pix2pixhd import Pix2PixHDGenerator
from semsynth.norms.clade import CLADE
from semsynth.norms.inade import INADE
from semsynth.synthesis.condition import Condition

LABELS = torch.zeros(1, 32, 32, dtype=torch.int64)
LABELS[:, 16:] = 1
LABELS[:, 20:28, 2:12] = LABELS[:, 20:28, 18:30] = 2
THINGS = LABELS.clone()
THINGS[:, 20:28, 18:30] = 9
COLOURS = ((0, 0, 0), (100, 100, 100), (255, 0, 0))


def synthesizer(edges):
    torch.manual_seed(0)
    condition = Condition(("sky", "road", "car"), COLOURS, None, edges, None, (32, 32))
    if edges:
        return Synthesizer(INADEGenerator(INADE, 3, size=(32, 32), ngf=2, upsamplings=3, init_gain=1.0),
                           InstanceEncoder(nef=2, init_gain=1.0), condition)
    return Synthesizer(GroupDNetGenerator(CLADE, 3, size=(32, 32), ngf=3, groups=[3] * 7, init_gain=1.0),
                       GroupEncoder(3, size=(32, 32), class_width=2, init_gain=1.0), condition)


def pictures(count=2):
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_instances_are_read_where_edges_are_not():
    config = {"dataset": {"classes": ["sky", "road", "car"], "colours": COLOURS, "unknown": None, "edges": False,
                           "instances": True}, "icpe": {"enabled": False}, "size": [32, 32]}
    semantics = Condition.of(config).semantics(LABELS, THINGS)
    assert semantics.edges is None
    assert semantics.instances.equal(THINGS)
    assert Condition.of(config).semantics(LABELS).instances is None
    config["dataset"]["instances"] = False
    assert Condition.of(config).semantics(LABELS, THINGS).instances is None


def test_a_class_takes_its_style_from_another_picture():
    draw, (one, two) = synthesizer(False), pictures().split(1)
    a, b = (draw.encode(picture, LABELS) for picture in (one, two))
    by_hand = draw(LABELS, style=a.with_class(2, b))
    maps = {"all": LABELS, "car": LABELS}
    assert draw(LABELS, style={"all": one, "car": two}, style_labels=maps).equal(by_hand)
    half = draw(LABELS, style={"all": one, "car": two}, style_labels=maps, share={"car": 0.5})
    assert half.equal(draw(LABELS, style=a.between(a.with_class(2, b), 0.5)))
    seeds = [draw(LABELS, style=a, resample="car", seed=seed) for seed in (1, 1, 2)]
    assert seeds[0].equal(seeds[1])
    assert not seeds[0].allclose(seeds[2])
    with pytest.raises(StyleError, match="there is none of sky"):
        draw(LABELS, style=a, style_labels={"sky": LABELS})
    with pytest.raises(StyleError, match="all instances of a class look alike"):
        draw(LABELS, style=a, resample="car", instance=2)


def test_one_instance_changes_by_id_and_by_point():
    draw, picture = synthesizer(True), pictures(1)
    given = {"style": picture, "style_labels": LABELS, "style_instances": THINGS}
    before = draw(LABELS, THINGS, **given)
    by_id, by_point = (draw(LABELS, THINGS, **given, resample="car", instance=place, seed=3)
                       for place in (9, (24, 20)))
    assert by_id.equal(by_point)
    change = (by_id - before).abs().mean(1)[0]
    assert change[22:26, 20:28].mean() > 10 * change[22:26, 4:10].mean()
    both = (draw(LABELS, THINGS, **given, resample="car", seed=3) - before).abs().mean(1)[0]
    assert both[22:26, 4:10].mean() > 10 * change[22:26, 4:10].mean()


def test_codes_of_instances_go_to_other_label_maps():
    draw, picture = synthesizer(True), pictures(1)
    given = {"style_labels": LABELS, "style_instances": THINGS}
    turned, things = LABELS.flip(2), THINGS.flip(2)
    draw(turned, things, style=picture, **given)
    alone = draw.encode(picture, LABELS, THINGS)
    assert alone.instances.shape[1] == 4
    own = draw(LABELS, THINGS, style=alone)
    torch.testing.assert_close(draw(LABELS, THINGS, style=picture, **given), own)
    alike = draw.encode(picture, LABELS)  # an instance for each class
    assert alike.instances.shape[1] == 3


def test_codes_of_another_label_map_go_to_their_own_classes():
    """pix2pixHD's and INADE's: an instance is of its class in both label maps, whatever its place in the order."""
    condition = Condition(("sky", "road", "car"), COLOURS, None, False, None, (32, 32))
    generator = Pix2PixHDGenerator(3, size=(32, 32), ngf=2, blocks=1, features=3)
    networks = {"trunk.first": Synthesizer(generator, InstanceFeatureEncoder(nef=2), condition), "": synthesizer(True)}
    for name, draw in networks.items():
        road_and_car = LABELS.clamp_min(1)  # without sky: its first code is the road's
        codes = draw.encode(pictures(1), road_and_car).instances[0]
        sky_and_car = torch.where(LABELS == 1, 0, LABELS)
        seen = []
        module = draw._generator.get_submodule(name)
        handle = module.register_forward_hook(lambda _, inputs, __, seen=seen: seen.append(inputs[1]))
        draw(sky_and_car, sky_and_car, style=pictures(1), style_labels=road_and_car, seed=0)
        handle.remove()
        sky, car = seen[0].instances[0]
        assert car.equal(codes[1])
        assert not sky.allclose(codes[0])


def test_codes_are_saved_and_given_again(tmp_path):
    draw, picture = synthesizer(True), pictures(1)
    path = draw.save_codes(tmp_path / "codes.npz", picture, LABELS, THINGS)
    wanted = draw(LABELS, THINGS, style=picture, style_labels=LABELS, style_instances=THINGS)
    torch.testing.assert_close(draw(LABELS, THINGS, style=path), wanted)
    drawn = draw(LABELS, THINGS, seed=5)
    taken = draw(LABELS, THINGS, seed=5, style={"car": str(path)})
    change = (taken - drawn).abs().mean(1)[0]
    assert change[22:26, 20:28].mean() > 5 * change[:10].mean()
    with pytest.raises(StyleError, match="codes, which need no label map"):
        draw(LABELS, THINGS, style=path, style_labels=LABELS)
    with pytest.raises(StyleError, match="codes of another network"):
        synthesizer(False)(LABELS, style=path)
