"""Trainings by one process and by several, which share its batch: python forked.py FOLDER WORDS.json.

All of them through the command, in forks of one process that has everything imported: what torchrun and srun tell their
processes is made up here.
"""

import contextlib
import csv
import json
import os
import socket
import sys
from itertools import chain
from pathlib import Path

import torch
from processes import Process

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


def trainings(folder, words, cases):
    """What the cases of these names leave that train with these words."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "SEMSYNTH_RUN", "LOCAL_", "MASTER_"))}
    (folder / "words.json").write_text(json.dumps([words, cases]))
    process = Process([__file__, folder], folder, {**clean, "PYTHONPATH": os.pathsep.join(sys.path)})
    out = process.stdout.read()
    assert process.wait() == 0, out
    return [Trained(folder / name) for name in cases]


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
        main([*words, f"run_dir={folder}/run"])
    (folder / f"{rank}.json").write_text(json.dumps(found))


def start(folder, common):
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
                work(folder, rank, [*common, *words], {**environment, **place})
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

    place = Path(sys.argv[1])
    given, names = json.loads((place / "words.json").read_text())
    for name in names:
        start(place / name, given)
