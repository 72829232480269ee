import numpy as np

from semsynth.papers.budgets import _head, _rows

MIOU = "score/miou"


def curve(*points):
    return {MIOU: np.array(points, dtype=float)}


def test_a_slow_setting_is_read_early_and_a_short_one_is_marked():
    """The reference has 400 iterations of 1 s. One of 2 s has 200 in that time; one of 1/4 s would have 1,600."""
    curves = {"clade": [curve((200, 40), (400, 60)), curve((200, 42), (400, 64))],
              "slow": [curve((200, 50), (400, 80))], "fast": [curve((400, 10), (800, 30))]}
    rows = _rows(curves, {"clade": 1.0, "slow": 2.0, "fast": 0.25}, 400, "clade")
    assert rows == [["fast", "1", "0.250", "10.00", "1600", "30.00*"],
                    ["clade", "2", "1.000", "62.00 ± 2.83", "400", "62.00 ± 2.83"],
                    ["slow", "1", "2.000", "80.00", "200", "50.00"]]
    assert _head(curves) == ["setting", "n", "CPU s / iteration", "mIoU %, equal iterations",
                             "iterations in equal time", "mIoU %, equal time"]
