"""A class's name comes out everywhere as it was written, whatever markup it looks like."""

import io

import pytest
import yaml
from commands import composed
from matplotlib.figure import Figure
from rich.console import Console

from semsynth import config
from semsynth.class_names import fault_of
from semsynth.data.check_report import show_report
from semsynth.errors import ConfigError
from semsynth.evaluation.plots import plot_confusion, plot_iou
from semsynth.evaluation.segmenter_report import table
from semsynth.pictures.charts import patches

NAMES = ["[bold]sky[/bold]", ":smile:", "$x^", "_road", "a|b <script>", "{x}", "50 %", "=1+1", "C:\\x", "ü"]


def test_markup_is_a_name():
    assert not any(map(fault_of, NAMES))


@pytest.mark.parametrize("name", ["${oc.env:HOME}", "a ${x} b", "???", "", " ", "a\nb", "a\x1b[31m", "\u202esky",
                                  "a" * 201, 3, None, ["sky"]])
def test_what_is_none(name):
    assert fault_of(name)


def test_a_training_is_stored_with_the_names_of_classes_yaml(tmp_path):
    """No reference in a name is looked up, nothing in a name is lost."""
    (tmp_path / "classes.yaml").write_text(yaml.safe_dump({"classes": NAMES, "masks": "ids"}, allow_unicode=True))
    cfg = config.finalize(composed("train", "dataset=folder", f"dataset.root={tmp_path}", "run_dir=x"))
    assert list(cfg.dataset.classes) == NAMES
    (tmp_path / "classes.yaml").write_text("classes: ['${oc.env:HOME}', sky]")
    with pytest.raises(ConfigError, match="begins a reference"):
        config.finalize(composed("train", "dataset=folder", f"dataset.root={tmp_path}", "run_dir=x"))


def test_tables_show_names_as_they_are():
    console = Console(file=io.StringIO(), width=200)
    show_report({}, NAMES, console)
    shares = dict.fromkeys(NAMES, 0.1)
    console.print(table({"miou": 0.5, "accuracy": 0.5, "iou": shares, "frequency": shares, "images": 1}, "x"))
    text = console.file.getvalue()
    assert [name for name in NAMES if text.count(name) < 2] == []


def test_figures_draw_names_as_they_are(tmp_path):
    shares = dict.fromkeys(NAMES, 0.1)
    plot_iou(tmp_path / "iou.png", {"iou": shares, "frequency": shares})
    matrix = [[1] * len(NAMES)] * len(NAMES)
    plot_confusion(tmp_path / "confusion.png", {"classes": NAMES, "answers": NAMES, "confusion": matrix})
    figure = Figure()
    patches(figure, [(name, (0, 0, 0)) for name in NAMES])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == NAMES
    figure.savefig(tmp_path / "legend.png")
