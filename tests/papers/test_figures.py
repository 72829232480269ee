"""What the figures show, and that each makes its page's sections and pictures."""

import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from semsynth.complexity.published import FIGURE_5
from semsynth.errors import ReportError
from semsynth.generators.pix2pixhd import Pix2PixHDGenerator
from semsynth.papers import figure2, figure3, figure5, figure6, figure8_to_10, figure11, figure12, washaway
from semsynth.papers import trained as trained_runs
from semsynth.papers.results import Results
from semsynth.papers.trained import find
from semsynth.reporting.collect import Run
from semsynth.semantics import Semantics
from semsynth.style import Style


@pytest.mark.parametrize("output", [
    figure2.ModulationMapsFigure(samples=2), figure3.ModulationHistograms(settings=["spade", "clade"]),
    figure6.OffsetsFigure(samples=2), figure11.Styles(samples=2, styles=3),
    figure12.PositionalEffect(classes=["house"]),
    washaway.WashAway(["spade", "clade"], networks=["pix2pixHD", "OASIS"], ngf=4),
], ids=lambda output: type(output).__name__)
def test_an_output_makes_sections_and_pictures(output, trained, monkeypatch, tmp_path):
    place = sys.modules[type(output).__module__]
    monkeypatch.setattr(place, "find", lambda results, setting: setting)
    monkeypatch.setattr(place, "open_run", lambda setting: trained(setting, 4 if "figure11" in place.__name__ else 0))
    sections = output(Results("name", (), (), tmp_path))
    pictures = [section.picture for section in sections if section.picture]
    assert pictures
    for path in pictures:
        assert path.parent == tmp_path
        assert np.asarray(Image.open(path)).std() > 10
    for table in (section.table for section in sections if section.table):
        assert all(len(row) == len(table.head) for row in table.rows)


def test_uniform_maps_are_washed_away_by_parameter_free_norms_alone():
    found = {one.name: one.distinct for one in washaway.wash_away(6, channels=8)}
    assert list(found.values()) == [6, 0, 0, 6, 6, 6]
    # it is not the border: with zeros there, a class would show in its frame
    assert washaway.wash_away(6, channels=8)[1].features.abs().max() < 1e-2


def test_rounding_that_norms_enlarge_is_no_class(trained, monkeypatch, tmp_path):
    """Of a uniform map pix2pixHD has rounding left: its pictures differ from class to class, and mean nothing."""
    networks = {"spade": trained("spade"), "pix2pixHD": replace(
        trained("spade"), generator=Pix2PixHDGenerator(5, size=(32, 32), ngf=16, blocks=4, init_deviation=0.1).eval())}
    assert washaway.treated("", washaway.draw_flat(networks["pix2pixHD"])).distinct == 5
    monkeypatch.setattr(washaway, "find", lambda results, setting: setting)
    monkeypatch.setattr(washaway, "open_run", networks.get)
    drawn = washaway.WashAway(list(networks))(Results("name", (), (), tmp_path))[-1].table
    assert [row[-1] for row in drawn.rows] == ["5 of 5", "0 of 5"]


def test_scales_are_what_the_offsets_do_to_gamma_and_beta(trained):
    one = trained("clade_icpe")
    semantics = one.semantics(one.batch([0]))
    maps = figure6.offset_maps(semantics, one.generator)[0]
    norm = one.generator.blocks["up_3"].norm_1
    for table, scaled, scales in zip((norm.gamma, norm.beta), norm.modulation(semantics), maps.scales, strict=True):
        expected = table[semantics.labels[0]][..., 0] * torch.from_numpy(scales)
        torch.testing.assert_close(scaled[0, 0], expected)
    assert maps.offsets[0, 8, 6] < 0 < maps.offsets[0, 17, 6]  # roof and ground floor of the house
    with pytest.raises(ValueError, match=r"carry no offsets"):
        figure6.offset_maps(Semantics(semantics.labels, 5))


def test_the_box_is_around_an_object_and_not_around_the_background(trained):
    labels = trained().split[0]["labels"].numpy()
    box, pixels = figure12.object_box(labels)
    inside = box.of(labels)
    assert (inside == 3).sum() == pixels == 80  # the whole house; sky and grass are larger
    assert box.side < 14
    assert (figure12.object_box(labels, [4])[0].of(labels) == 4).sum() == 18
    assert figure12.object_box(labels, [2]) is None
    marked = box.on(np.zeros((32, 32, 3), np.uint8))
    assert marked.any(2).sum() == 4 * (box.side - 2) - 4
    assert not box.of(marked)[2:-2, 2:-2].any()


def test_a_column_has_the_style_at_its_head(trained):
    one = trained("clade", z_dim=1)
    one.generator.forward = lambda semantics, style: style.vector[:, :1, None, None].expand(-1, 3, *semantics.size)
    images = figure11.in_styles(one, one.batch([0, 1]), Style(vector=torch.tensor([[-1.0], [0.0], [1.0]])))
    assert images[:, :, 0, 5, 5].tolist() == [[-1, 0, 1]] * 2
    assert figure11.spread_of_styles(images) == pytest.approx(100 * (0.5 + 0.5 + 1) / 3)
    pictures = one.batch([2, 3])["image"]
    grid = np.asarray(figure11.draw_references(one, [0, 1], [2, 3]))
    grey = (pictures[1].mean((1, 2))[0] + 1) * 127.5
    assert abs(grid[-60, 300].astype(float) - float(grey)).max() <= 1  # last row, second picture


def test_ratios_stand_beside_the_published_ones():
    def layer(conv, macs):
        return {"ratios": {"conv": conv, "published": {"macs": macs}}}

    record = {"setting": {"dataset": "ade20k", "norm": "spade", "method": "spade", "ngf": 64},
              "ratios": {"published": {"parameters": 0.5, "macs": 2.0}, "measured": {"parameters": 0.6, "macs": 3.0}},
              "layers": [layer("blocks.a", 1.0), layer("blocks.up_3.conv_1", 8.72), {"ratios": None}]}
    elsewhere = record | {"setting": record["setting"] | {"dataset": "scenes"}}
    rows = figure5.ratios([record, elsewhere]).rows
    assert rows[0][2:] == ["39.21%", "50.00%", "60.00%", "234.73%", "200.00%", "300.00%"]
    assert rows[1][2:] == ["-", "50.00%", "60.00%", "-", "200.00%", "300.00%"]
    assert FIGURE_5["clade"]["parameters"] == 0.0457
    assert figure5.highest(record) == ("up_3.conv_1", 8.72)


def test_figures_are_drawn_with_the_checkpoint_that_is_scored(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(trained_runs.runs, "Run", lambda run, checkpoint, weights: (
        asked.append((checkpoint, weights)) or SimpleNamespace(generator=torch.nn.Identity(), encoder=None)))
    monkeypatch.setattr(trained_runs.runs, "validation", lambda config: [])
    trained_runs.open_run(Run(tmp_path, {}, None, None, None))
    assert asked == [("auto", "auto")]


def test_the_first_seed_that_is_trained_is_taken(tmp_path):
    def run(norm, seed, done=True):
        folder = tmp_path / f"{norm}{seed}"
        (folder / "checkpoints").mkdir(parents=True)
        if done:
            (folder / "checkpoints" / "last.ckpt").touch()
        config = {"norm": {"_target_": f"norms.{norm}"}, "dataset": {"name": "scenes", "val": {}}, "seed": seed}
        return Run(folder, config, None, None, None)

    runs = run("CLADE", 2), run("CLADE", 1), run("CLADE", 0, done=False), run("SPADE", 0, done=False)
    results = Results("name", runs, (), tmp_path)
    assert find(results, "clade") is runs[1]
    with pytest.raises(ReportError, match=r"no training of spade is done yet \(done: clade\)"):
        find(results, "spade")
    with pytest.raises(ReportError, match="no training of clade on ade20k"):
        find(results, "clade", "ade20k")
    with pytest.raises(ReportError, match="no training of spade on scenes"):
        figure8_to_10.Grids()(results)
