"""The commands of docs/dashboard.md are understood."""

import shlex

from commands import ROOT, composed

from semsynth import config
from semsynth.runs.jobs import sweep_jobs

TEXT = (ROOT / "docs" / "dashboard.md").read_text()


def test_trainings_compose():
    """Also with what is left of a sweep: its first job."""
    blocks = [block.partition("```")[0].replace("\\\n", " ") for block in TEXT.split("```sh\n")[1:]]
    commands = [line.partition("#")[0].partition("&&")[0] for block in blocks for line in block.splitlines()
                if line.startswith("python train.py")]
    assert len(commands) > 4
    for command in commands:
        words = [word for word in shlex.split(command)[2:] if word != "-m" and not word.startswith("hydra")]
        job = sweep_jobs([word for word in words if "(" not in word], ROOT / "conf" / "train.yaml")[0][0]
        config.finalize(composed("train", *job, "run_dir=x"))


def test_the_sweep_of_the_pictures_scores_as_few_samples_as_it_says():
    words = shlex.split(TEXT.partition("python train.py -m ")[2].partition("\npython")[0].replace("\\\n", " "))
    job = sweep_jobs([word for word in words if not word.startswith("hydra")], ROOT / "conf" / "train.yaml")[0][0]
    assert composed("train", *job, "run_dir=x").scores.assess.count == 64
