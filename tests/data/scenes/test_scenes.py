"""What the pictures must show for the claims of the methods to be measurable."""

from itertools import pairwise

import numpy as np
import pytest

from semsynth.data.scenes import CLASSES, COLOURS, Scenes, classes
from semsynth.data.scenes.layout import random_scene
from semsynth.data.scenes.render import render


@pytest.fixture(scope="module")
def samples():
    dataset = Scenes(200, 32, instances=True)
    return [{k: np.asarray(v) for k, v in dataset[i].items() if k != "name"} for i in range(200)]


def scene(seed, aspect=1.0):
    return random_scene(np.random.default_rng(seed), aspect)


def test_every_class_is_frequent(samples):
    assert len(CLASSES) == len(COLOURS) == 12
    present = np.mean([np.bincount(np.unique(s["labels"]), minlength=12) for s in samples], axis=0)
    area = np.mean([np.bincount(s["labels"].ravel(), minlength=12) for s in samples], axis=0) / 32**2
    assert present.min() > 0.2, dict(zip(CLASSES, present, strict=True))
    assert area.min() > 0.003, dict(zip(CLASSES, area, strict=True))
    assert area.max() < 0.45


def test_palette_is_distinct():
    colours = np.array(COLOURS, dtype=float)
    gaps = np.linalg.norm(colours[:, None] - colours, axis=-1) + 1e3 * np.eye(12)
    assert gaps.min() > 45


def test_classes_differ_in_mean_colour():
    """Under one style, so that the light does not blur the means."""
    style = np.array([0.1, 0.1, 0.5])
    total, count = np.zeros((12, 3)), np.zeros(12)
    for seed in range(60):
        image, labels, _ = render(scene(seed), style, 32, 32)
        for label in np.unique(labels):
            total[label] += image[:, labels == label].sum(1)
            count[label] += (labels == label).sum()
    means = total / count[:, None]
    gaps = np.linalg.norm(means[:, None] - means, axis=-1) + np.eye(12)
    assert gaps.min() > 0.05
    assert np.median(gaps[~np.eye(12, dtype=bool)]) > 0.3


def test_each_instance_has_one_label_and_stuff_one_instance(samples):
    things = 0
    for sample in samples:
        pairs = np.unique(np.stack([sample["instances"].ravel(), sample["labels"].ravel()]), axis=1)
        assert len(np.unique(pairs[0])) == pairs.shape[1]
        for instance, label in pairs.T.tolist():
            assert instance == label or (label in classes.THINGS and instance // 1000 == label)
        things += len(np.unique(sample["instances"])) > len(np.unique(sample["labels"]))
    assert things > 100  # several objects of a class are common


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("aspect", [1, 2])
def test_same_scene_at_every_size(seed, aspect):
    style = np.array([0.2, 0.3, 0.5])
    small_image, small, _ = render(scene(seed, aspect), style, 64, 64 * aspect)
    large_image, large, _ = render(scene(seed, aspect), style, 256, 256 * aspect)
    assert (small == large[2::4, 2::4]).mean() > 0.94
    pooled = large_image.reshape(3, 64, 4, 64 * aspect, 4).mean((2, 4))
    assert np.abs(pooled - small_image).mean() < 0.05


def test_width_adds_scenery_without_stretching_it():
    def objects(aspect):
        return np.mean([len(scene(seed, aspect).near) for seed in range(60)])

    assert objects(3.0) > 2 * objects(1.0)
    round_suns = 0
    for seed in range(20):
        _, labels, _ = render(scene(seed, 3.0), np.full(3, 0.5), 64, 192)
        rows, columns = np.nonzero(labels == classes.SUN)
        round_suns += rows.size > 0 and abs(np.ptp(rows) - np.ptp(columns)) <= 1
    assert round_suns >= 5  # the others are absent or partly hidden


def brightness(style):
    return np.mean([render(scene(seed), np.array(style), 32, 32)[0].mean() for seed in range(12)])


def test_brightness_falls_with_the_time_of_day():
    levels = [brightness((time, 0.2, 0.5)) for time in (0.0, 0.35, 0.6, 0.8, 1.0)]
    assert all(a > b for a, b in pairwise(levels))
    assert levels[-1] < 0.5 * levels[0]


def test_haze_lowers_contrast_most_at_a_distance():
    def deviation(haze, rows):
        pictures = [render(scene(seed), np.array((0.1, haze, 0.5)), 32, 32)[0][:, rows] for seed in range(24)]
        return np.mean([picture.std(axis=(1, 2)).mean() for picture in pictures])

    far, near = slice(14, 20), slice(28, 32)
    assert deviation(1, far) < 0.75 * deviation(0, far)
    assert deviation(1, far) / deviation(0, far) < deviation(1, near) / deviation(0, near)


def test_hue_turns_vegetation_from_green_to_gold():
    def redness(hue):
        image, labels, _ = render(scene(1), np.array((0.1, 0.1, hue)), 32, 32)
        red, green, blue = image[:, labels == classes.GRASS].mean(1)
        return red - 0.5 * (green + blue)

    assert redness(0.0) < redness(0.5) < redness(1.0)


def test_style_leaves_labels_alone():
    day, night = (render(scene(2), np.array(style), 48, 48) for style in ((0, 0, 0), (1, 1, 1)))
    assert np.array_equal(day[1], night[1])
    assert np.array_equal(day[2], night[2])
    assert not np.allclose(day[0], night[0], atol=0.05)


def test_lit_windows_make_buildings_uneven_at_night():
    def spread(time):
        values = []
        for seed in range(30):
            image, labels, _ = render(scene(seed), np.array((time, 0.0, 0.5)), 64, 64)
            grey = image.mean(0)[labels == classes.BUILDING]
            if grey.size > 50:
                values.append(np.percentile(grey, 98) / np.median(grey))
        return np.median(values)

    assert spread(1.0) > 1.4 * spread(0.0)


def test_cars_differ_in_colour_between_instances():
    colours = []
    for seed in range(80):
        image, _, instances = render(scene(seed), np.array((0.1, 0.0, 0.5)), 64, 64)
        for instance in np.unique(instances[instances // 1000 == classes.CAR]):
            pixels = image[:, instances == instance]
            if pixels.shape[1] > 40:
                colours.append(np.median(pixels, axis=1))
    assert len(colours) > 30
    assert np.std(colours, axis=0).min() > 0.15
