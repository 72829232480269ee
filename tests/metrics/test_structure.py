import pytest
import torch

from semsynth.data.scenes import Scenes
from semsynth.data.scenes.dataset import SceneParts
from semsynth.data.scenes.parts import DOOR, PARTS, REST, WHEEL, WINDOW
from semsynth.metrics.structure import flattened, part_iou

BUILDING, CAR = 7, 9


def batch(count=12, flat=False, moved=0):
    scenes = Scenes(count, 64, "val", instances=True)
    samples = [scenes[i] for i in range(count)]
    images = torch.stack([flattened(s["image"], s["instances"]) if flat else s["image"] for s in samples])
    return images, torch.stack([scenes.parts(i) for i in range(count)]).roll(moved, -1)


def test_parts_lie_in_their_objects():
    """A roll by a pixel, or parts of another scene, would leave them."""
    scenes = Scenes(24, 64, "val", flip=True)
    for index in range(24):
        parts, labels = scenes.parts(index), scenes[index]["labels"]
        assert set(labels[(parts == WINDOW) | (parts == DOOR)].tolist()) <= {BUILDING}
        assert set(labels[parts > DOOR].tolist()) <= {CAR}
    assert (torch.stack([scenes.parts(i) for i in range(24)]) == WHEEL).any()


def test_a_flipped_scene_has_flipped_parts():
    plain, mirrored = Scenes(16, 64, "val"), Scenes(16, 64, "val", flip=True)
    flipped = [i for i in range(16) if not mirrored[i]["labels"].equal(plain[i]["labels"])]
    assert len(flipped) > 2
    for index in flipped:
        assert mirrored.parts(index).equal(plain.parts(index).flip(-1))


def test_the_parts_are_labels_for_a_segmenter():
    parts, plain = SceneParts(4, 32, "train", seed=3), Scenes(4, 32, "train", seed=3)
    assert parts[2]["image"].equal(plain[2]["image"])
    assert parts[2]["labels"].equal(plain.parts(2))


def test_own_pictures_have_their_parts_and_flat_objects_none():
    own, flat = part_iou([batch()]), part_iou([batch(flat=True)])
    assert own.keys() == {*PARTS[1:], "mean"}
    assert own["mean"] > 0.7
    assert flat["mean"] < 0.05
    assert own["mean"] == pytest.approx(sum(own[name] for name in PARTS[1:]) / 4)


def test_parts_at_another_place_of_the_box_do_not_count():
    assert part_iou([batch(moved=3)])["mean"] < 0.25


def test_batches_are_counted_together():
    images, parts = batch(8)
    assert part_iou([(images[:3], parts[:3]), (images[3:], parts[3:])]) == part_iou([(images, parts)])


def test_a_part_that_occurs_nowhere_has_no_score():
    images, parts = batch(8)
    assert "door" not in part_iou([(images, parts.where(parts != DOOR, torch.tensor(REST)))])
