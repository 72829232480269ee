"""Change outside a region over change inside it."""

import pytest
import torch

from semsynth.metrics.edit_leak import FURTHEST, EditLeak, distances

REGION = torch.zeros(1, 40, 40, dtype=torch.bool)
REGION[0, :4, :4] = True


def edited(*changes):
    """Pictures before and after: a change inside, at one pixel's distance and everywhere else."""
    inside, beside, rest = changes
    away = distances(REGION)
    change = torch.where(away == 0, inside, torch.where(away == 1, beside, rest))
    return torch.zeros(1, 3, 40, 40), change[:, None].expand(-1, 3, -1, -1)


def test_distances_grow_as_squares():
    away = distances(REGION)[0]
    assert away[3, 3] == 0
    assert away[4, 4] == away[0, 4] == 1  # the corner is as near as the side
    assert away[2, 9] == 6
    assert away[19, 0] == 16
    assert away[20, 0] == FURTHEST + 1


def test_every_edit_counts_once():
    leak = EditLeak(reach=1)
    leak.update(*edited(0.5, 0.25, 0.05), REGION, ["car"])
    leak.update(*edited(0.1, 0.05, 0.0), REGION, ["car"])
    leak.update(*edited(1.0, 0.0, 0.0), REGION, ["sky"])
    assert leak.edits == 3
    car = leak.compute("car")
    assert car["inside"] == pytest.approx(0.3)
    assert car["far"] == pytest.approx(0.025 / 0.3)
    outside = (9 * 0.25 + 1575 * 0.05) / 1584, 9 * 0.05 / 1584
    assert car["leak"] == pytest.approx(sum(outside) / 2 / 0.3)
    assert leak.compute()["leak"] == pytest.approx(car["leak"] / 2)  # the mean over the classes
    assert leak.compute()["inside"] == pytest.approx(0.65)
    assert leak.profile("car")[:2] == pytest.approx([0.15 / 0.3, 0.025 / 0.3])


def test_edits_without_pixels_at_a_distance_do_not_count_there():
    leak = EditLeak(reach=1)
    whole = torch.ones(1, 40, 40, dtype=torch.bool)
    leak.update(torch.zeros(1, 3, 40, 40), torch.ones(1, 3, 40, 40), whole, ["sky"])
    leak.update(*edited(0.5, 0.5, 0.1), REGION, ["sky"])
    assert leak.compute()["far"] == pytest.approx(0.2)
    assert leak.compute()["inside"] == pytest.approx(0.75)
