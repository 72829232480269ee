"""The segmenter of an unpaired run: scored on real images, and caught where it agrees on swapped classes."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from semsynth.evaluation.assembly import silent
from semsynth.evaluation.by_product import draw_confusion, score_by_product
from semsynth.evaluation.confusion import rare_classes, rare_iou
from semsynth.evaluation.protocol import Protocol
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


class Maps(torch.utils.data.Dataset):
    """Real images in the colours of their classes; every third pixel row unknown."""

    def __len__(self):
        return 5

    def __getitem__(self, index):
        labels = torch.randint(1, 4, (8, 8), generator=torch.Generator().manual_seed(index))
        labels[::3] = 0
        return {"image": COLOURS[labels].movedim(-1, 0), "labels": labels, "truth": labels, "name": str(index)}


def painter(order):
    """Draws every class in the colour of another one."""
    return SimpleNamespace(draw=lambda samples, positions: COLOURS[order][samples["labels"]].movedim(-1, 1))


def found(of_segmenter, of_generator):
    segmenter = LoopSegmenter(Palette(of_segmenter), classes=NAMES, ignore=0)
    return score_by_product(segmenter, Maps(), painter(of_generator), Protocol("p"), [1, 2, 3], batch=2,
                            progress=silent)


def test_a_good_segmenter_and_generator():
    result = found([0, 1, 2, 3], [0, 1, 2, 3])
    assert all(value == pytest.approx(1) for value in result.scores.values())
    assert set(result.scores) == {"segmenter/miou", "segmenter/accuracy", "segmenter/miou_rare", "agreement/miou",
                                  "agreement/accuracy"}
    assert result.swapped == []
    assert result.names == NAMES[1:]
    counts = sum(torch.bincount(Maps()[i]["labels"].flatten(), minlength=4) for i in range(5))
    assert [row[i] for i, row in enumerate(result.confusion)] == counts[1:].tolist()


def test_agreement_on_swapped_classes_is_seen():
    """Both take sky for grass and the other way round: full agreement, and the real images tell."""
    result = found([0, 2, 1, 3], [0, 2, 1, 3])
    assert result.scores["agreement/accuracy"] == 1
    assert result.scores["segmenter/miou"] == pytest.approx(1 / 3)
    assert result.swapped == [("sky", "grass", 1.0), ("grass", "sky", 1.0)]
    assert result.as_dict()["swapped"] == [["sky", "grass", 1.0], ["grass", "sky", 1.0]]


@pytest.mark.parametrize("count", [3, 30, 70])
def test_the_picture_is_drawn_for_any_number_of_classes(tmp_path, count):
    result = found([0, 1, 2, 3], [0, 1, 2, 3])
    result.names = [f"class {i}" for i in range(count)]
    result.confusion = np.random.default_rng(0).integers(0, 9, (count, count)).tolist()
    draw_confusion(tmp_path / "plots" / "c.png", result)
    with Image.open(tmp_path / "plots" / "c.png") as picture:
        assert min(picture.size) > 300
    assert [p.name for p in (tmp_path / "plots").iterdir()] == ["c.png"]


def test_rare_classes_are_the_third_with_the_fewest_pixels():
    frequency = torch.tensor([0.5, 0.0, 0.1, 0.25, 0.15])
    assert rare_classes(frequency, range(5)) == [2, 4]  # a third of four, rounded up; the absent one does not count
    assert rare_classes(frequency, [0, 3]) == [3]
    assert rare_iou(torch.tensor([0.9, float("nan"), 0.2, 0.5, 0.4]), frequency, range(5)) == pytest.approx(0.3)
    assert np.isnan(rare_iou(torch.zeros(2), torch.zeros(2), range(2)))
