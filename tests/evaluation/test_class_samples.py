"""Samples that differ in one class: of codes by class, by instance, by pixel."""

from functools import partial

import pytest
import torch
from evaluated import FEW, by_judge, make_run, read

from semsynth.errors import EvaluationError
from semsynth.evaluation.class_samples import class_samples, instance_samples, parts_of
from semsynth.evaluation.sampler import Sampler
from semsynth.generators.groupdnet import GroupDNetGenerator
from semsynth.generators.inade import INADEGenerator
from semsynth.generators.oasis import OASISGenerator
from semsynth.norms.clade import CLADE
from semsynth.norms.clade_noise import CLADE_Noise
from semsynth.norms.inade import INADE

LABELS = torch.zeros(2, 32, 32, dtype=torch.int64)
LABELS[0, 16:] = 1
LABELS[1, :, 16:] = 2


def sampler(noise_per):
    torch.manual_seed(0)
    generator = OASISGenerator(partial(CLADE_Noise, noise=4), 3, size=(32, 32), ngf=2, noise=4, noise_per=noise_per,
                               init_gain=1.0)
    return Sampler(generator, None, num_classes=3)


def batch():
    return {"name": ["a", "b"], "labels": LABELS}


@pytest.mark.parametrize("noise_per", ["class", "pixel"])
def test_every_class_is_drawn_anew_where_it_is(noise_per):
    drawer = sampler(noise_per)
    assert parts_of(drawer, batch()) == ("class",)
    found = list(class_samples(drawer, batch(), torch.tensor([4, 7]), 3))
    assert [images.shape[:2] for images, _ in found] == [(3, 2), (3, 1), (3, 1)]  # class 0 is in both pictures
    assert [mask.float().mean().item() for _, mask in found] == [0.5, 0.5, 0.5]
    for images, _ in found:
        assert not images[0].equal(images[1])
    again = list(class_samples(drawer, {"name": ["b"], "labels": LABELS[1:]}, torch.tensor([7]), 3))
    torch.testing.assert_close(again[1][0], found[2][0])  # in whatever batch


@pytest.mark.parametrize("make", [
    lambda: INADEGenerator(INADE, num_classes=3, size=(32, 32), ngf=2, upsamplings=3, init_gain=1.0),
    lambda: GroupDNetGenerator(CLADE, num_classes=3, size=(32, 32), ngf=3, init_gain=1.0)], ids=["INADE", "GroupDNet"])
def test_codes_of_instances_and_of_groups_are_drawn_anew(make):
    torch.manual_seed(0)
    drawer = Sampler(make(), None, num_classes=3)
    instances = torch.arange(32)[None, :, None].expand(2, 32, 32) // 8
    samples = {**batch(), "instances": instances}
    assert parts_of(drawer, samples)[0] == "class"
    for images, inside in class_samples(drawer, samples, torch.tensor([4, 7]), 2):
        change = (images[0] - images[1]).abs().mean(1)
        assert change[inside].mean() > 0
        assert inside.shape == change.shape


def test_every_instance_is_drawn_anew_by_itself():
    torch.manual_seed(0)
    drawer = Sampler(INADEGenerator(INADE, num_classes=3, size=(32, 32), ngf=2, upsamplings=3, init_gain=1.0), None,
                     num_classes=3)
    instances = torch.arange(32)[None, :, None].expand(2, 32, 32) // 8  # four bands: 4 and 8 instances
    samples = {**batch(), "instances": instances}
    assert parts_of(drawer, samples) == ("class", "instance")
    assert parts_of(drawer, batch()) == ("class",)
    found = list(instance_samples(drawer, samples, torch.tensor([4, 7]), 3))
    assert [images.shape[:2] for images, _ in found] == [(3, 2)] * 4 + [(3, 1)] * 4
    assert sum(inside.sum() for _, inside in found) == 2 * 32 * 32  # each pixel is some instance's, once
    for images, inside in found:
        change = (images[0] - images[1]).abs().mean(1)
        assert change[inside].mean() > change[~inside].mean()
        assert not torch.equal(images[1], images[2])
    alone = {"name": ["b"], "labels": LABELS[1:], "instances": instances[1:]}
    again = list(instance_samples(drawer, alone, torch.tensor([7]), 3))
    torch.testing.assert_close(again[5][0], found[5][0])  # in whatever batch


def test_one_vector_has_no_parts():
    assert parts_of(sampler("picture"), batch()) == ()


def test_a_run_with_codes_by_class_is_scored(evaluate, judge, tmp_path):
    words = ["generator=oasis", "norm=clade_noise", "encoder=none", "generator.noise_per=class"]
    path = make_run(tmp_path / "run", *words, "size=32")
    scored = [f"run={path}", *by_judge(judge), *FEW, "protocol.style=normal"]
    evaluate(*scored, "wanted=[mcsd,mocd]")
    first = read(path / "scores.json")
    assert first["scores"].keys() == {"mcsd/tiny", "mocd/tiny"}
    assert first["protocol"]["class_restriction"] == "mask_images"
    evaluate(*scored, "wanted=[mcsd,mocd]", "batch=1")
    assert read(path / "scores.json")["scores"] == pytest.approx(first["scores"], rel=1e-3)
    evaluate(*scored, "wanted=[mcsd,mocd]", "protocol.class_restriction=mask_map")
    assert read(path / "scores.json")["scores"]["mcsd/tiny"] > first["scores"]["mcsd/tiny"]
    with pytest.raises(EvaluationError, match=r"reconstruction/ssim: the images are not in the style of given phot"):
        evaluate(*scored, "wanted=[reconstruction]")


def test_instances_are_scored_where_they_are_asked_for(evaluate, judge, tmp_path):
    words = ["experiments=inade_scenes", "size=32", "generator.start=8", "generator.noise=4", "encoder.nef=2"]
    path = make_run(tmp_path / "run", *words)
    scored = [f"run={path}", *by_judge(judge), *FEW, "protocol.style=normal"]
    evaluate(*scored, "wanted=[misd,moisd]")
    assert read(path / "scores.json")["scores"].keys() == {"misd/tiny", "moisd/tiny"}
    evaluate(*scored)
    found = read(path / "scores.json")
    assert {"mcsd/tiny", "mocd/tiny"} <= found["scores"].keys()
    assert not [key for key in [*found["scores"], *found["skipped"]] if key.startswith(("misd", "moisd"))]
