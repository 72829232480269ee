"""Samples that differ in one class: of codes by class, by instance, by pixel."""

from functools import partial

import pytest
import torch
from evaluated import FEW, by_judge, make_run, read

from semsynth.errors import EvaluationError
from semsynth.evaluation.class_samples import class_samples, has_parts, redrawn
from semsynth.evaluation.sampler import Sampler
from semsynth.generators.oasis import OASISGenerator
from semsynth.norms.clade_noise import CLADE_Noise
from semsynth.semantics import Semantics
from semsynth.style import Style

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
    assert has_parts(drawer, batch())
    found = list(class_samples(drawer, batch(), torch.tensor([4, 7]), 3))
    assert [images.shape[:2] for images, _ in found] == [(3, 2), (3, 1), (3, 1)]  # class 0 is in both pictures
    assert [mask.float().mean().item() for _, mask in found] == [0.5, 0.5, 0.5]
    for images, _ in found:
        assert not images[0].equal(images[1])
    again = list(class_samples(drawer, {"name": ["b"], "labels": LABELS[1:]}, torch.tensor([7]), 3))
    torch.testing.assert_close(again[1][0], found[2][0])  # in whatever batch


def test_one_vector_has_no_parts():
    assert not has_parts(sampler("picture"), batch())


def test_only_the_class_changes():
    semantics = Semantics(LABELS, 3)
    one, two = (Style(classes=torch.full((2, 3, 4), float(k))) for k in (0, 1))
    assert redrawn(one, two, 1, semantics).classes.sum(-1).tolist() == [[0, 4, 0]] * 2
    instances = torch.arange(32)[None, :, None].expand(2, 32, 32) // 8  # four bands
    semantics = Semantics(LABELS, 3, instances=instances)  # picture 0: 2 of class 0, 2 of class 1; picture 1: 4 and 4
    one, two = (Style(instances=torch.full((2, 8, 4), float(k)), vector=torch.full((2, 1), float(k))) for k in (0, 1))
    changed = redrawn(one, two, 1, semantics)
    assert changed.instances[..., 0].tolist() == [[0, 0, 1, 1, 0, 0, 0, 0], [0] * 8]
    assert changed.vector.sum() == 0
    one, two = (Style(noise=torch.full((2, 1, 16, 16), float(k))) for k in (0, 1))
    assert redrawn(one, two, 2, semantics).noise[1, 0].mean(0).tolist() == [0] * 8 + [1] * 8
    assert redrawn(Style(vector=torch.zeros(2, 4)), Style(vector=torch.ones(2, 4)), 0, semantics) is None


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
