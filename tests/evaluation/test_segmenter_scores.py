"""The segmenter of an unpaired run: scored on real images, and caught where it agrees on swapped classes."""

import pytest
import torch
from torch import nn

from semsynth.evaluation.segmenter_scores import OwnSegmenter
from semsynth.metrics.protocol import Protocol
from semsynth.segmenters.loop import LoopSegmenter

NAMES = ["unknown", "sky", "grass", "road"]
COLOURS = torch.tensor([[-1.0, -1, -1], [0, 0, 1], [0, 1, 0], [1, 0, 0]])


class Palette(nn.Module):
    """Answers with the class whose colour is nearest; `order` swaps answers."""

    def __init__(self, order) -> None:
        super().__init__()
        self.order = order

    def forward(self, x):
        distance = (x[:, None] - COLOURS[None, self.order, :, None, None]).square().sum(2)
        return -distance


def maps(count=5):
    """Real images in the colours of their classes; every third row of pixels unknown."""
    labels = torch.randint(1, 4, (count, 8, 8))
    labels[:, ::3] = 0
    return {"image": COLOURS[labels].movedim(-1, 1), "labels": labels}


def found(of_segmenter, of_generator, samples, counted=(1, 2, 3)):
    """The generator draws every class in the colour of another one."""
    own = OwnSegmenter(LoopSegmenter(Palette(of_segmenter), classes=NAMES, ignore=0), Protocol("p"), counted)
    own.update(samples, samples["image"])
    own.reset()
    for part in ([0, 1, 2], [3, 4]):
        batch = {key: value[part] for key, value in samples.items()}
        own.update(batch, COLOURS[of_generator][batch["labels"]].movedim(-1, 1))
    return own.compute()


def test_a_good_segmenter_and_generator():
    samples = maps()
    result = found([0, 1, 2, 3], [0, 1, 2, 3], samples)
    assert all(value == pytest.approx(1) for value in result.scores.values())
    assert set(result.scores) == {"segmenter/miou", "segmenter/accuracy", "segmenter/miou_rare", "agreement/miou",
                                  "agreement/accuracy"}
    assert result.swapped == []
    assert result.classes == result.answers == NAMES[1:]
    assert result.confusion == torch.bincount(samples["labels"].flatten(), minlength=4)[1:].diag().tolist()


def test_agreement_on_swapped_classes_is_seen():
    """Both take sky for grass and the other way round: full agreement, and the real images tell."""
    result = found([0, 2, 1, 3], [0, 2, 1, 3], maps())
    assert result.scores["agreement/accuracy"] == 1
    assert result.scores["segmenter/miou"] == pytest.approx(1 / 3)
    assert result.swapped == [("sky", "grass", 1.0), ("grass", "sky", 1.0)]
    assert result.as_dict()["swapped"] == [["sky", "grass", 1.0], ["grass", "sky", 1.0]]


def test_answers_outside_the_counted_classes_are_shown():
    """Road does not count: a sky that is taken for road has a column, and no row is one of road."""
    result = found([0, 3, 2, 1], [0, 1, 2, 3], maps(), counted=[1, 2])
    assert (result.classes, result.answers) == (["sky", "grass"], ["sky", "grass", "road"])
    assert [len(row) for row in result.confusion] == [3, 3]
    assert result.swapped == [("sky", "road", 1.0)]
    assert result.scores["segmenter/accuracy"] < 1


def test_no_pixel_counts():
    result = found([0, 1, 2, 3], [0, 1, 2, 3], maps(), counted=[0])  # the unknown class cannot be answered
    assert (result.scores, result.classes, result.confusion, result.swapped) == ({}, [], [], [])
