"""What is wrong with the data is told first: before networks, loggers and, where nothing is there, before Lightning."""

import resource
import subprocess
import sys

import numpy as np
import pytest
from campaigns.folders import make_folder
from commands import SMALL
from PIL import Image

from semsynth import runs
from semsynth.commands.train import main

SAID = """
import sys
from semsynth.commands.train import main
try:
    main(sys.argv[1:])
except SystemExit as stop:
    print(stop.code, *sorted({"torch", "pytorch_lightning"} & set(sys.modules)))
"""


@pytest.mark.parametrize(("words", "told"), [
    (["batch=foo", "seed=-1", "recipe.kl=nan"], ["batch=foo", "seed=-1", "recipe.kl=nan"]),
    (["dataset=ade20k", "dataset.root=NOWHERE", "loss=spade"], ["there is no folder NOWHERE"]),
    (["dataset=folder", "dataset.root=NOWHERE", "scores=fid"], ["there is no folder NOWHERE"]),
])
def test_keys_values_and_roots_are_looked_at_before_anything_is_imported(words, told, tmp_path):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", SAID, *words], capture_output=True, text=True, check=False,
                          cwd=tmp_path)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.stdout.split() == ["2"]
    for part in told:
        assert part in done.stderr
    assert "VGG" not in done.stderr
    # far above what it takes, far below the imports of a training
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 6
    assert list(tmp_path.iterdir()) == []


def test_faults_of_files_are_told_together_before_networks_and_loggers(tmp_path, monkeypatch, capsys):
    root = make_folder(tmp_path / "data", 3)
    Image.fromarray(np.full((40, 48), 9, np.uint8)).save(root / "train/labels/001.png")
    (root / "val/images/000.png").write_bytes(b"")
    monkeypatch.setattr("semsynth.training.paired.PairedSystem.__init__", None)
    monkeypatch.setattr("semsynth.training.csv_metrics.CsvMetrics.__init__", None)
    with pytest.raises(SystemExit) as stop:
        main([*SMALL, "dataset=folder", f"dataset.root={root}", "size=32", "scores=none", "loss=spade_no_vgg",
              f"run_dir={tmp_path / 'run'}", "trainer=smoke"])
    said = capsys.readouterr().err
    assert stop.value.code
    assert "train/labels/001.png: label id 9" in said
    assert "val/images/000.png" in said
    assert not (tmp_path / "run" / runs.directory.METRICS).exists()
