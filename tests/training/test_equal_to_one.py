"""Two processes on one node, and two nodes, train what one process trains with the same total batch.

All of it through the command, in forks of one process that has everything imported: what torchrun and srun tell their
processes is made up here. Plain gradient descent, since Adam makes whole steps of what only rounding leaves.
"""

import contextlib
import csv
import json
import os
import socket
import sys
from collections import Counter
from itertools import chain
from pathlib import Path

import pytest
import torch
from processes import Process
from torch.testing import assert_close

TOTAL, LENGTH, EPOCHS = 4, 11, 2  # two steps an epoch, three samples are left out
WORDS = ["size=32", "generator.ngf=4", "generator.upsamplings=5", "discriminator.ndf=4", "encoder=style",
         "encoder.nef=4", "recipe.z_dim=4", f"batch.total={TOTAL}", f"epochs={EPOCHS}", "data.num_workers=0",
         "data.precheck_seconds=0", f"dataset.train_length={LENGTH}", "dataset.val_length=4", "logger=csv",
         "scores=none", "loss=spade_no_vgg", "trainer.accelerator=cpu", "trainer.log_every_n_steps=1",
         *(f"optim.{part}._target_=torch.optim.SGD" for part in ("generator", "discriminator")),
         *(f"optim.{part}.lr=0.01" for part in ("generator", "discriminator")),
         *(f"~optim.{part}.betas" for part in ("generator", "discriminator"))]
SLURM = {"SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "train", "SLURM_NTASKS": "2", "SLURM_NNODES": "2",
         "SLURM_NTASKS_PER_NODE": "1", "SLURM_LOCALID": "0", "SLURM_CPUS_PER_TASK": "1", "SLURM_STEP_NUM_TASKS": "2",
         "SLURM_STEP_NUM_NODES": "2"}
TORCHRUN = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "GROUP_RANK": "0", "TORCHELASTIC_RUN_ID": "7"}
# by name: words, and the environments of the processes
CASES = {
    "alone": ([], [{}]),
    "one node": (["gpus=2"], [{**TORCHRUN, "RANK": r, "LOCAL_RANK": r} for r in "01"]),
    "two nodes": ([], [{**SLURM, "SLURM_PROCID": r, "SLURM_NODEID": r} for r in "01"]),
}
# vectors of spectral norms, of length one, are apart by up to 4e-6 after four steps, as are means of features
ROUNDING = {"rtol": 1e-4, "atol": 2e-5}


class Trained:
    """What a case has left."""

    def __init__(self, folder):
        self.run = folder / "run"
        self.ranks = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
        self.said = [path.read_text() for path in sorted(folder.glob("*.txt"))]
        self.checkpoint = torch.load(self.run / "checkpoints" / "last.ckpt", weights_only=True)
        self.rows = list(csv.DictReader((self.run / "metrics.csv").open()))
        self.files = sorted(str(path.relative_to(self.run)) for path in self.run.rglob("*") if path.is_file())

    def samples(self):
        """The names of the samples of each step, of all processes together."""
        return [sorted(chain(*batches)) for batches in zip(*(rank["samples"] for rank in self.ranks), strict=True)]


@pytest.mark.ddp
def test_several_processes_train_what_one_trains(tmp_path):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "SEMSYNTH_RUN", "LOCAL_", "MASTER_"))}
    process = Process([__file__, tmp_path], tmp_path, {**clean, "PYTHONPATH": os.pathsep.join(sys.path)})
    out = process.stdout.read()
    assert process.wait() == 0, out
    one, *others = [Trained(tmp_path / name) for name in CASES]
    for several in others:
        losses_are_equal(one, several)
        weights_are_equal(one, several)
        every_sample_is_seen_once(one, several)
        the_first_process_alone_writes_and_speaks(one, several)


def losses_are_equal(one, several):
    assert len(one.rows) == len(several.rows) == 2 * EPOCHS
    for expected, found in zip(one.rows, several.rows, strict=True):
        assert {k: float(v) for k, v in found.items() if v} == pytest.approx(
            {k: float(v) for k, v in expected.items() if v}, rel=1e-4, abs=1e-6)


def weights_are_equal(one, several):
    """Of generator, discriminator and encoder, with the statistics of the batch norms and the moving average."""
    assert_close(several.checkpoint["state_dict"], one.checkpoint["state_dict"], **ROUNDING)
    averages = [{k: v for k, v in t.checkpoint["callbacks"]["EMA"].items() if k != "updates"} for t in (one, several)]
    assert_close(averages[1], averages[0], **ROUNDING)


def every_sample_is_seen_once(one, several):
    assert several.samples() == one.samples()
    per_epoch = several.samples()[:LENGTH // TOTAL]
    assert set(Counter(chain(*per_epoch)).values()) == {1}
    assert [len(step) for step in per_epoch] == [TOTAL] * (LENGTH // TOTAL)


def the_first_process_alone_writes_and_speaks(one, several):
    assert several.files == one.files
    assert several.ranks[0]["written"] == one.ranks[0]["written"]
    assert several.ranks[1]["written"] == {}
    assert several.said[1] == ""
    assert several.said[0].count("an optimizer step sees 4 samples (2 devices x batch.device=2)") == 1


# ---- the processes


def observe(run, found):
    """Note the files that this process opens for writing in a run directory, and the samples of its batches."""
    from semsynth.training.adversarial import AdversarialSystem

    def opened(event, arguments):
        if event == "open" and str(arguments[0]).startswith(str(run)) and set(str(arguments[1])) & set("wax+"):
            name = Path(str(arguments[0])).name.split(".")[0]
            found["written"][name] = found["written"].get(name, 0) + 1

    step = AdversarialSystem.training_step

    def noted(self, batch, batch_idx):
        found["samples"].append(list(batch["name"]))
        return step(self, batch, batch_idx)

    AdversarialSystem.training_step = noted
    sys.addaudithook(opened)


def work(folder, rank, words, environment):
    """Train as one of the processes."""
    from semsynth.commands.train import main

    os.environ.update(environment)
    found = {"samples": [], "written": {}}
    observe(folder / "run", found)
    with (folder / f"{rank}.txt").open("w") as out, contextlib.redirect_stdout(out):
        main([*WORDS, *words, f"run_dir={folder}/run"])
    (folder / f"{rank}.json").write_text(json.dumps(found))


def start(folder):
    """Fork all the processes of a case, and wait for them."""
    words, environments = CASES[folder.name]
    folder.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])} if len(environments) > 1 else {}
    children = []
    for rank, environment in enumerate(environments):
        child = os.fork()
        if child == 0:
            try:
                work(folder, rank, words, {**environment, **place})
                code = 0
            except BaseException:
                import traceback

                traceback.print_exc()
                code = 1
            sys.stderr.flush()
            os._exit(code)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert codes == [0] * len(children)


if __name__ == "__main__":
    import semsynth.runs.training
    import semsynth.training.launch
    import semsynth.training.paired  # noqa: F401

    for case in CASES:
        start(Path(sys.argv[1]) / case)
