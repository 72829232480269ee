import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image, ImageDraw
from rich.console import Console

from semsynth.commands import check_data
from semsynth.data.check import scan
from semsynth.data.classes import load_classes
from semsynth.data.draft import draft_classes, write_draft
from semsynth.errors import DataError

TOOL = Path(__file__).parents[2] / "tools" / "check_data.py"


@pytest.fixture
def run(compose):
    """Run the command in this process; returns (code, output)."""
    def run(root, *overrides):
        cfg = compose("folder", root, *overrides)
        console = Console(file=io.StringIO(), width=200)
        code = check_data.run(cfg, console)
        return code, console.file.getvalue()

    return run


def test_counts(fx, build, tmp_path):
    dataset = build("coco_stuff", fx.coco_stuff(tmp_path), strict=False)
    report = scan(dataset, threads=2)
    labels = [dataset.read_labels(index) for index in range(len(dataset))]
    assert report.samples == 4
    assert report.faults == []
    assert report.pixels[16] == sum((part == 16).sum() for part in labels)
    assert report.pictures[182] == sum((part == 182).any() for part in labels)
    assert report.shares.sum() == pytest.approx(1)


def test_every_fault_is_found(fx, build, tmp_path):
    root = fx.camvid(tmp_path, counts=(6, 1))
    (root / "trainannot/train_1.png").unlink()
    (root / "train/train_2.jpg").write_text("x")
    (root / "trainannot/train_2.png").write_text("x")
    fx.save(np.full((48, 64), 99, np.uint8), root / "trainannot/train_3.png")
    fx.save(np.zeros((8, 8), np.uint8), root / "trainannot/train_4.png")
    report = scan(build("camvid", root, strict=False))
    assert len(report.faults) == 5
    for part in ("train_1.jpg", "train_2.jpg", "train_2.png", "train_3.png: label id 99", "train_4.png: 8x8"):
        assert any(part in fault for fault in report.faults)


def test_command(fx, run, tmp_path):
    root = fx.folder(tmp_path)
    code, output = run(root, "dataset.instances=true")
    assert code == 0
    for word in ("sky", "grass", "house", "train: 4 pairs, 0 faults", "val: 2 pairs, 0 faults"):
        assert word in output
    path = root / "val/labels/val1.png"
    fx.save(np.full((48, 64), 9, np.uint8), path)
    code, output = run(root)
    assert code == 1
    assert f"{path}: label id 9 at row 0, column 0" in output


def test_command_drafts_classes(fx, run, tmp_path):
    root = fx.folder(tmp_path, kind="colours")
    code, output = run(root, "write_classes=true")
    assert code == 1
    assert "overwrite=true" in output
    (root / "classes.yaml").unlink()
    assert "write_classes=true" in run(root)[1]
    assert run(root, "write_classes=true")[0] == 0
    assert sorted(load_classes(root).colours) == sorted(fx.COLOURS)
    assert run(root)[0] == 0


def test_command_line_ends_with_1_on_faults(tmp_path):
    command = [sys.executable, str(TOOL), "dataset=camvid", f"dataset.root={tmp_path}/nowhere"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert result.returncode == 1, result.stderr
    assert "Expected layout" in result.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["ids", "palette", "colours"])
def test_a_draft_reads_the_masks_it_was_made_from(kind, fx, build, tmp_path):
    root = fx.folder(tmp_path, kind=kind)
    write_draft(root / "classes.yaml", lambda: draft_classes(root), overwrite=True)
    table = load_classes(root)
    assert len(table.names) == 3
    report = scan(build("folder", root))
    assert report.faults == []
    assert (report.pixels > 0).all()
    if kind == "palette":
        assert table.colours == fx.COLOURS
    if kind == "colours":
        assert (np.diff(draft_classes(root).shares) <= 0).all()


def test_draft_of_ids_with_gaps_and_dont_care(fx, build, tmp_path):
    root = fx.folder(tmp_path)
    for path in root.rglob("labels/*.png"):
        fx.save(np.array([0, 40, 255], np.uint8)[np.array(Image.open(path))], path)
    draft = draft_classes(root)
    assert (draft.ids, draft.unknown) == ([0, 40, 255], 2)
    write_draft(root / "classes.yaml", lambda: draft, overwrite=True)
    assert load_classes(root).names[2] == "unknown"
    assert load_classes(root).unknown == 2
    dataset = build("folder", root)
    assert dataset.unknown == 2
    labels = dataset.read_labels(0)
    assert np.unique(labels).tolist() == [0, 1, 2]


def test_draft_of_binary_masks(fx, tmp_path):
    root = fx.folder(tmp_path)
    for path in root.rglob("labels/*.png"):
        fx.save(np.where(np.array(Image.open(path)) > 0, 255, 0).astype(np.uint8), path)
    draft = draft_classes(root)
    assert (draft.ids, draft.unknown) == ([0, 255], None)
    assert [row["id"] for row in yaml.safe_load(draft.text())["classes"]] == [0, 255]


def test_draft_of_grey_rgb(fx, build, tmp_path):
    root = fx.folder(tmp_path)
    plain = build("folder", root).read_labels(0)
    for path in root.rglob("labels/*.png"):
        fx.save(np.repeat(np.array(Image.open(path))[:, :, None], 3, 2), path)
    write_draft(root / "classes.yaml", lambda: draft_classes(root), overwrite=True)
    np.testing.assert_array_equal(build("folder", root).read_labels(0), plain)


def test_draft_errors(fx, tmp_path):
    root = fx.folder(tmp_path, kind="colours")
    with pytest.raises(DataError, match="overwrite=true"):
        write_draft(root / "classes.yaml", lambda: draft_classes(root))
    path = root / "train/labels/train2.png"
    fx.save(fx.picture(), path)
    with pytest.raises(DataError, match=f"{path}: with this mask there are more than"):
        draft_classes(root)
    fx.save(np.zeros((48, 64), np.uint8), path)
    with pytest.raises(DataError, match="bring all masks to one kind"):
        draft_classes(root)
    path.write_text("x")
    assert len(draft_classes(root).skipped) == 1
    with pytest.raises(DataError, match="no masks to draft"):
        draft_classes(tmp_path / "nowhere")


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_draft_of_smoothed_masks_is_refused(mode, fx, tmp_path):
    path = tmp_path / "labels" / "a.png"
    path.parent.mkdir()
    sharp = Image.new(mode, (64, 48))
    ImageDraw.Draw(sharp).ellipse([8, 8, 50, 40], fill=200 if mode == "L" else (200, 30, 90))
    sharp.save(path)
    assert len(draft_classes(tmp_path).colours) == 2
    sharp.resize((70, 50), Image.Resampling.BILINEAR).save(path)
    with pytest.raises(DataError, match=r"a\.png: \d+ of the \d+ (ids|colours) in all masks fill no 3x3 pixels"):
        draft_classes(tmp_path)


def test_faults_of_one_set_are_printed_once(fx, run, tmp_path):
    root = fx.folder(tmp_path, counts=(6, 0), one_set=True)
    (root / "labels/train3.png").unlink()
    code, output = run(root)
    assert code == 1
    assert output.count("train3.jpg: image without labels") == 1
    assert "1 faults, 1 of them shown above" in output
