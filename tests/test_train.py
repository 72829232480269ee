"""train.py as it is typed."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from processes import Process

ROOT = Path(__file__).parents[1]
SMALL = ["size=64", "generator.ngf=4", "discriminator.ndf=4", "encoder.nef=4", "encoder.z_dim=4", "batch=2",
         "data.num_workers=0", "dataset.train_length=8", "dataset.val_length=2", "logger=csv",
         "trainer.accelerator=cpu", "scores.assess.count=4"]
DDP = ["trainer.strategy=ddp_find_unused_parameters_true", "trainer.devices=2"]
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("SEMSYNTH_RUN", "SEMSYNTH_CHECK", "LOCAL_RANK"))}
ENVIRONMENT = {**CLEAN, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


def start(*arguments, script=("train.py",), **variables):
    return Process([*script, *arguments], ROOT, ENVIRONMENT | variables)


def train(*arguments, code=0, script=("train.py",), **variables):
    """What a training says that is forked from imported libraries."""
    process = start(*arguments, script=script, **variables)
    try:
        out = process.stdout.read()
        assert process.wait() == code, out
    finally:
        process.kill()
    return out


def train_from_nothing(*arguments, code=0):
    """The same in a process that begins as a user's."""
    done = subprocess.run([sys.executable, "train.py", *arguments], cwd=ROOT, env=ENVIRONMENT, text=True, timeout=240,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == code, done.stdout
    return done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["batch=0"], 2, "batch=0 must be a whole number from 1 to 1000000"),
        (["norm=spdae"], 2, "norm=spdae: there is no such choice; did you mean spade or spade_noise or ace?"),
        (["epochz=3"], 2, "epochz: there is no such key; did you mean epochs"),
        (["resume=nowhere"], 2, "nowhere is no run directory"),
    ],
)
def test_a_wrong_word_is_answered_in_five_seconds_without_a_traceback(arguments, code, message):
    began = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = train_from_nothing(*arguments, code=code)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert message in out
    assert "Traceback" not in out
    # of the processor, whatever else it does
    assert ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime < 5


@pytest.mark.slow
def test_stopped_by_a_signal_and_resumed(tmp_path):
    """As if it had never been stopped; the first and the last line say where a run is and what it made."""
    common = [*SMALL, "epochs=3", "callbacks.progress.seconds=0"]
    out = train_from_nothing(*common, f"run_dir={tmp_path}/whole").splitlines()
    assert out[0] == f"run directory: {tmp_path}/whole"
    assert out[-3] == f"{tmp_path}/whole/grids/epoch-003_batch-0000012.png"
    assert Path(out[-3]).is_file()
    assert out[-1] == f"  python synthesize.py run={tmp_path}/whole input=MAP.png output=FOLDER snap=true"
    assert f"first pictures: {tmp_path}/whole/grids/epoch-001_batch-0000004.png" in out
    assert sum(" to go for 3 epochs of 4 batches" in line for line in out) == 1
    process = start(*common, f"run_dir={tmp_path}/part")
    for line in process.stdout:
        if line.startswith("epoch 2/3  batch 1/4"):
            process.send_signal(signal.SIGTERM)
            break
    rest = process.stdout.read()
    assert process.wait() == 128 + signal.SIGTERM, rest
    assert f"continue with: python train.py resume={tmp_path}/part" in rest
    out = train(f"resume={tmp_path}/part", "data.num_workers=1")
    assert "epoch 1/3" not in out
    whole, part = (torch.load(tmp_path / name / "checkpoints" / "last.ckpt", weights_only=True)
                   for name in ("whole", "part"))
    for name, value in whole["state_dict"].items():
        assert torch.equal(part["state_dict"][name], value), name
    tables = [(tmp_path / name / "metrics.csv").read_text() for name in ("whole", "part")]
    assert tables[0] == tables[1]


@pytest.mark.slow
def test_a_signal_to_all_processes_stops_no_worker_first(tmp_path):
    """As Ctrl-C in a terminal sends it."""
    process = start(*SMALL, "data.num_workers=2", "epochs=3", "callbacks.progress.seconds=0", f"run_dir={tmp_path}")
    for line in process.stdout:
        if line.startswith("epoch 2/3  batch 1/4"):
            os.killpg(process.pid, signal.SIGINT)
            break
    rest = process.stdout.read()
    assert process.wait() == 128 + signal.SIGINT, rest
    assert "Stopped by SIGINT after writing last.ckpt" in rest
    assert "Traceback" not in rest


@pytest.mark.slow
def test_one_bad_job_does_not_end_a_sweep(tmp_path):
    out = train("-m", "decay_epochs=9,0", *SMALL, "trainer=smoke", f"hydra.sweep.dir={tmp_path}/sweep", code=1)
    assert "\ndecay_epochs=9 is more than epochs=1\n" in out
    assert len(list((tmp_path / "sweep").glob("*/checkpoints/last.ckpt"))) == 1


@pytest.mark.ddp
@pytest.mark.parametrize("installed", [False, True], ids=["train.py", "semsynth train"])
def test_two_processes_inside_a_sweep(installed, tmp_path):
    """The second process of a job must not start the sweep again; both train the same weights."""
    entry = tmp_path / "semsynth"  # as pip writes it
    entry.write_text("import sys\nfrom semsynth.__main__ import main\nsys.exit(main())\n")
    script = (entry, "train") if installed else ("train.py",)
    out = train("-m", *SMALL, *DDP, "trainer=smoke", f"hydra.sweep.dir={tmp_path}/sweep", script=script)
    assert out.count("Launching 1 jobs") == 1
    checkpoint, = (tmp_path / "sweep").glob("*/checkpoints/last.ckpt")
    # 8 samples: 2 steps of 2 x 2, each of 2 optimizers
    assert torch.load(checkpoint, weights_only=True)["global_step"] == 4


@pytest.mark.ddp
def test_torchrun_says_how_many_processes_there_are(tmp_path):
    """Without trainer.devices; without run_dir it is told what to set."""
    words = [*SMALL, "trainer=ddp", "trainer.limit_train_batches=2", "epochs=1"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "train.py"]
    environment = {**ENVIRONMENT, "MASTER_PORT": str(20000 + os.getpid() % 20000)}
    done = subprocess.run([*torchrun, *words, f"run_dir={tmp_path}/run"], cwd=ROOT, env=environment, text=True,
                          capture_output=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())["trainer"]["devices"] == 2
    assert (tmp_path / "run" / "finished").read_text() == "1\n"
    of_torchrun = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    assert "set run_dir=runs/NAME" in train(*words, code=2, **of_torchrun)


@pytest.mark.ddp
def test_two_processes_stop_together_and_resume(tmp_path):
    process = start(*SMALL, *DDP, "epochs=2", "callbacks.progress.seconds=0", f"run_dir={tmp_path}/run")
    for line in process.stdout:
        if line.startswith("epoch 1/2  batch 1/2"):
            process.send_signal(signal.SIGUSR1)
            break
    rest = process.stdout.read()
    assert process.wait() == 128 + signal.SIGUSR1, rest
    out = train(f"resume={tmp_path}/run")
    assert out.splitlines()[-3].endswith("epoch-002_batch-0000004.png")


@pytest.mark.slow
@pytest.mark.seldom
def test_a_sweep_through_submitit(tmp_path):
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    train("-m", "norm=clade_icpe", *SMALL, "trainer=smoke", "hydra/launcher=submitit_local",
          "hydra.launcher.timeout_min=5", "hydra.launcher.cpus_per_task=1", f"hydra.sweep.dir={tmp_path}")
    assert len(list(tmp_path.glob("*/checkpoints/last.ckpt"))) == 1
