import torch

from semsynth.weights.differences import difference_table, shape_in_words


def test_columns_stand_below_each_other_and_the_table_is_short():
    rows = [(f"layer.{i}", "3x4", "missing") for i in range(10)]
    assert difference_table(rows, ("key", "network", "file"), shown=2).splitlines() == [
        "  key      network  file", "  layer.0  3x4      missing", "  layer.1  3x4      missing", "  ... and 8 more"]
    assert difference_table(rows[:1]).splitlines()[0] == "  tensor   expected  file"


def test_shapes():
    assert [shape_in_words(torch.zeros(size)) for size in ((2, 3, 1), (5,), ())] == ["2x3x1", "5", "scalar"]
