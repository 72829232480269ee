"""Colours of objects, on pictures whose colours are changed by hand."""

import pytest
import torch

from semsynth.data.scenes import Scenes
from semsynth.metrics.colour_recovery import ColourRecovery
from semsynth.metrics.paired_score import Rows

COUNT, CAR = 60, 9


@pytest.fixture(scope="module")
def samples():
    scenes = Scenes(COUNT, 64, "val")
    return [(scenes[i]["image"], scenes.colours(i)) for i in range(COUNT)]


def scores(samples, change):
    found = Rows(ColourRecovery())
    for image, known in samples:
        batch = {key: value[None] for key, value in known.items()}
        found.add(found.score.measure(change(image.clone(), known)[None], image[None], batch))
    return found.compute()


def painted(colour):
    """Gives all cars one colour (3,), in the light that they stand in."""
    def change(image, known):
        lit, strength = known["colours"].split(3)
        return torch.where(known["objects"] // 1000 == CAR, image + 2 * (strength * colour[:, None, None] - lit), image)

    return change


def test_the_photograph_has_its_own_colours(samples):
    found = scores(samples, lambda image, known: image)
    assert found.keys() == {f"region/{kind}/{name}" for kind in ("r2", "r") for name in ("building", "car", "person")}
    assert all(value == pytest.approx(1) for value in found.values())


def test_one_colour_for_all_cars_is_nothing(samples):
    """Of all colours, the mean of the cars' (weighted by their light) comes nearest to 0; none has a correlation."""
    mean = torch.tensor([0.43, 0.39, 0.35])
    grey = scores(samples, painted(mean))
    assert grey["region/r2/car"] == pytest.approx(0, abs=0.05)
    assert grey["region/r/car"] == pytest.approx(0, abs=0.1)
    assert grey["region/r2/building"] == pytest.approx(1)  # left as they were
    assert scores(samples, painted(mean + 0.2))["region/r2/car"] < grey["region/r2/car"] - 0.1


def test_wrong_light_costs_the_one_and_not_the_other(samples):
    brighter = scores(samples, lambda image, known: image + 0.4)
    assert brighter["region/r2/car"] < 0.5
    assert brighter["region/r/car"] == pytest.approx(1)


def test_colours_of_other_objects_are_far_off(samples):
    """Every car's colour inverted: where it was redder than the others, it is less red by as much."""
    def inverted(image, known):
        lit, strength = known["colours"].split(3)
        mean = torch.tensor([0.43, 0.39, 0.35])[:, None, None]
        return torch.where(known["objects"] // 1000 == CAR, image + 4 * (strength * mean - lit), image)

    found = scores(samples, inverted)
    assert found["region/r/car"] == pytest.approx(-1, abs=0.02)
    assert found["region/r2/car"] == pytest.approx(-3, abs=0.2)


def test_small_objects_and_lone_ones_do_not_count(samples):
    image, known = samples[0]
    few = {"colours": known["colours"], "objects": torch.full_like(known["objects"], -1)}
    few["objects"][0, :7] = 9000
    few["objects"][1, :8] = 9001
    score = ColourRecovery()
    rows = score.measure(image[None], image[None], {key: value[None] for key, value in few.items()})
    assert rows[:, :2].tolist() == [[9, 8]]
    assert all(value != value for value in score.compute(rows).values())
