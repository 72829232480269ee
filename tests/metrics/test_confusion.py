"""Held against scikit-learn's and numpy's confusion matrices."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, confusion_matrix, jaccard_score
from torch.testing import assert_close

from semsynth.metrics import confusion as own
from semsynth.metrics.confusion import Confusion


def maps(classes=5, seed=0, images=6, missing=()):
    rng = np.random.default_rng(seed)
    labels = rng.choice([c for c in range(classes) if c not in missing], (images, 8, 9))
    guess = np.where(rng.random(labels.shape) < 0.6, labels, rng.integers(0, classes, labels.shape))
    return torch.from_numpy(guess), torch.from_numpy(labels)


def scored(guess, labels, classes, **settings):
    found = Confusion(classes, **settings)
    for start in range(0, len(labels), 2):
        found.update(guess[start:start + 2], labels[start:start + 2])
    return found.compute()


@pytest.mark.parametrize(("classes", "missing"), [(5, ()), (7, (2, 6)), (2, (1,)), (1, ())])
def test_scores_are_scikit_learns(classes, missing):
    guess, labels = maps(classes, missing=missing)
    found = scored(guess, labels, classes)
    truth, told = labels.flatten().numpy(), guess.flatten().numpy()
    matrix = confusion_matrix(truth, told, labels=range(classes))
    assert (own.confusion_matrix(guess, labels, classes).numpy() == matrix).all()
    occurring = sorted(set(truth) | set(told))
    iou = jaccard_score(truth, told, labels=occurring, average=None)
    assert_close(found.iou[occurring].numpy(), iou)
    assert found.miou == pytest.approx(iou.mean())
    assert found.accuracy == pytest.approx(accuracy_score(truth, told))
    assert_close(found.frequency.numpy(), matrix.sum(1) / matrix.sum())


def test_conventions_of_the_class_mean():
    """Class 0 half right, class 1 predicted only, class 2 nowhere, class 3 all right."""
    labels = torch.tensor([[[0, 0, 3, 3]]])
    guess = torch.tensor([[[0, 1, 3, 3]]])
    means = {mean: scored(guess, labels, 4, class_mean=mean).miou for mean in ("all", "present", "nan_mean")}
    assert means == pytest.approx({"all": (0.5 + 0 + 0 + 1) / 4, "present": 1.5 / 2, "nan_mean": 1.5 / 3})


def test_ignored_pixels():
    guess, labels = maps()
    hidden = torch.where(labels == 2, -1, labels)
    found, direct = scored(guess, labels, 5, counted=[0, 1, 3, 4]), scored(guess, hidden, 5, counted=[0, 1, 3, 4])
    kept = (labels != 2).numpy()
    truth, told = labels.numpy()[kept], guess.numpy()[kept]
    assert found.accuracy == direct.accuracy == pytest.approx(accuracy_score(truth, told))
    assert found.miou == pytest.approx(jaccard_score(truth, told, labels=[0, 1, 3, 4], average="macro"))
    wrong = scored(guess, labels, 5, counted=[0, 1, 3, 4], void_is_wrong=True)
    assert wrong.accuracy == pytest.approx((truth == told).sum() / labels.numel())
    assert wrong.miou == found.miou


def test_scores_of_images_averaged():
    guess, labels = maps(4)
    found = scored(guess, labels, 4, accumulate="per_image")
    each = [scored(guess[i:i + 1], labels[i:i + 1], 4) for i in range(len(labels))]
    assert found.miou == pytest.approx(np.mean([s.miou for s in each]))
    assert found.accuracy == pytest.approx(np.mean([s.accuracy for s in each]))
    assert found.miou != pytest.approx(scored(guess, labels, 4).miou)


def test_an_image_without_counted_pixels_has_an_accuracy_where_void_is_wrong_and_no_iou():
    """Three images: half right, all right, all void. The IoU is a mean of two, the accuracy of three."""
    labels = torch.tensor([[[0, 1, 1, 1]], [[1, 1, 1, 1]], [[-1, -1, -1, -1]]])
    guess = torch.tensor([[[0, 1, 0, 0]], [[1, 1, 1, 1]], [[0, 0, 1, 1]]])
    found = scored(guess, labels, 2, accumulate="per_image", void_is_wrong=True)
    assert found.miou == pytest.approx(((1 / 3 + 1 / 3) / 2 + 1) / 2)
    assert found.accuracy == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert scored(guess, labels, 2, accumulate="per_image").accuracy == pytest.approx((1 / 2 + 1) / 2)


def test_one_class_everywhere():
    same = torch.full((2, 3, 3), 1)
    found = scored(same, same, 3)
    assert (found.miou, found.accuracy) == (1, 1)
    assert scored(same, same, 3, class_mean="all").miou == pytest.approx(1 / 3)


def test_nothing_counts():
    nothing = scored(torch.zeros(1, 2, 2, dtype=torch.int64), torch.full((1, 2, 2), -1), 3)
    assert math.isnan(nothing.miou)
    assert math.isnan(nothing.accuracy)


def test_rare_classes_are_the_third_with_the_fewest_pixels():
    frequency = torch.tensor([0.5, 0.0, 0.1, 0.25, 0.15])
    assert own.rare_classes(frequency, range(5)) == [2, 4]  # a third of four, rounded up; the absent one does not count
    assert own.rare_classes(frequency, [0, 3]) == [3]
    assert own.rare_iou(torch.tensor([0.9, float("nan"), 0.2, 0.5, 0.4]), frequency, range(5)) == pytest.approx(0.3)
    assert math.isnan(own.rare_iou(torch.zeros(2), torch.zeros(2), range(2)))


def test_what_does_not_fit():
    with pytest.raises(ValueError, match="differ in shape"):
        own.confusion_matrix(torch.zeros(2, 2), torch.zeros(2, 3), 2)
    with pytest.raises(ValueError, match="hold the class 5, there are 3"):
        Confusion(3).update(torch.zeros(1, 2, 2, dtype=torch.int64), torch.full((1, 2, 2), 5))
    with pytest.raises(ValueError, match=r"outside \[0, 2\)"):
        own.confusion_matrix(torch.full((2, 2), 3), torch.zeros(2, 2), 2)
    with pytest.raises(ValueError, match="class_mean must be one of"):
        Confusion(3, "mean")
