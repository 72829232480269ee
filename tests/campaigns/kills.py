"""Kills at random instants: small trainings are killed, resumed, and compared with one that was left alone.

    PYTHONPATH=src:tests python -m campaigns.kills count=100 seed=0 output=DIR

Chains of kills: a training is started with `resume=auto`, killed somewhere, started again, and so on; the last start is
left alone. Then every weight, moving average and state of an optimizer must be bit-equal to those of the training that
was left alone, every row of metrics.csv stand once, and the other files be the same. A kill may cost the batches since
the last checkpoint, a signal none.
"""

import json
import os
import selectors
import shutil
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from campaigns.kills_child import PLACES, STEP, Trap, prepare, start

EVERY = 2  # batches between two checkpoints: as many are trained again after a kill, at most
WORDS = ("size=64", "generator.ngf=2", "discriminator.ndf=2", "encoder.nef=2", "encoder.z_dim=2", "batch=2", "epochs=3",
         "dataset.train_length=8", "dataset.val_length=2", "logger=csv", "trainer.accelerator=cpu", "threads=1",
         "scores.assess.count=4", "trainer.log_every_n_steps=1", f"callbacks.checkpoints.every_n_batches={EVERY}",
         "callbacks.panels.samples=2", "callbacks.ema.recalibrate_batches=2", "resume=auto", "data.precheck_seconds=0")
VARIANTS = ((), ("data.num_workers=1",), ("trainer.val_check_interval=2",), ("batch.device=2", "batch.accumulation=2"))
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
CHAIN = 5  # kills before a training is left alone
SECONDS = 120.0  # within which a training of seconds must end
SAME = ("checkpoints/last.ckpt", "checkpoints/best.ckpt")
COUNTED_AGAIN = "val_loop.batch_progress.total"  # batches of validations that were done again: they decide nothing


@dataclass
class Report:
    """What the kills did.

    Attributes:
        kills: By place and signal.
        missed: Trainings that ended before their kill.
        redone: Batches that were trained again, by kill.
        chains: Trainings that were compared.
        faults: What is wrong, in words; should be empty.
    """

    kills: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    redone: list[int] = field(default_factory=list)
    chains: int = 0
    faults: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """As plain values."""
        return {"kills": sum(self.kills.values()), "by": dict(sorted(self.kills.items())), "missed": self.missed,
                "chains": self.chains, "redone_at_most": max(self.redone, default=0), "redone": sum(self.redone),
                "faults": self.faults}


def run(count: int, seed: int, folder: Path) -> Report:
    """Kill `count` trainings, in chains of `CHAIN`, and compare what becomes of them."""
    prepare()
    random, report = np.random.default_rng(seed), Report()
    while sum(report.kills.values()) < count and len(report.faults) < 5:
        number = report.chains % len(VARIANTS)
        words, whole = [*WORDS, *VARIANTS[number]], folder / f"whole_{number}"
        if not (whole / "run" / "finished").is_file():
            shutil.rmtree(whole, ignore_errors=True)
            _undisturbed(words, whole)
        chain = folder / f"chain_{report.chains:03d}"
        shutil.rmtree(chain, ignore_errors=True)
        _chain(words, whole, chain, min(CHAIN, count - sum(report.kills.values())), random, report)
        report.chains += 1
    return report


def _undisturbed(words: list[str], folder: Path) -> None:
    """Train without a kill, and note how often each place is reached, and for how long."""
    folder.mkdir(parents=True)
    child, pipe = start([*words, f"run_dir={folder}/run"], folder / "output", folder / "steps", timed=True)
    lines = _read(pipe, b"", time.monotonic() + SECONDS).decode().splitlines()
    code = _wait(child, time.monotonic() + SECONDS)
    if code:
        raise SystemExit(f"the training that is left alone ends with {code}:\n{(folder / 'output').read_text()}")
    seconds: dict[str, list[float]] = {}
    for place, length in map(str.split, lines):
        seconds.setdefault(place, []).append(float(length))
    (folder / "places.json").write_text(json.dumps(seconds))


def _chain(words: list[str], whole: Path, folder: Path, kills: int, random: np.random.Generator, report: Report
           ) -> None:
    folder.mkdir(parents=True)
    places = json.loads((whole / "places.json").read_text())
    done = 0  # steps that no later start has to train again
    story: list[str] = []
    for attempt in range(kills + 1):
        trap = _trap(places, random) if attempt < kills else None
        steps = folder / f"steps_{attempt}"
        child, pipe = start([*words, f"run_dir={folder}/run"], folder / "output", steps, trap)
        limit = time.monotonic() + SECONDS
        reached = trap is not None and b"here" in _read(pipe, b"here", limit)
        if trap is not None and reached:
            time.sleep(trap.delay)
            os.kill(child, trap.signum)
        os.close(pipe)
        code = _wait(child, limit)
        name = "left alone" if trap is None else f"{signal.Signals(trap.signum).name} in {trap.place} {trap.call}"
        story.append(f"{name} -> {code}")
        _judge_end(trap if reached else None, code, story, folder, report)
        before, done = done, _steps_kept(folder / "run")
        trained = len(steps.read_bytes()) if steps.is_file() else 0
        if trap is not None and reached and code:
            report.kills[f"{trap.place} {signal.Signals(trap.signum).name}"] += 1
            redone = before + trained - done
            report.redone.append(redone)
            if not 0 <= redone <= (EVERY if trap.signum == signal.SIGKILL else 0):
                report.faults.append(f"{folder}: {redone} batches are trained again: {story}")
        elif trap is not None:
            report.missed += 1
        if not code:
            break
    unlike = differences(whole / "run", folder / "run")
    if unlike:
        more = f" and {len(unlike) - 4} more" if len(unlike) > 4 else ""
        report.faults.append(f"{folder}: {'; '.join(unlike[:4])}{more}: {story}")


def _trap(places: dict[str, list[float]], random: np.random.Generator) -> Trap:
    place = str(random.choice(sorted(places)))
    lengths = places[place]
    call = int(random.integers(1, min(len(lengths), 7) + 1))
    return Trap(place, call, float(random.uniform(0, 1.2 * lengths[call - 1])), int(random.choice(SIGNALS)))


def _judge_end(trap: Trap | None, code: int, story: list[str], folder: Path, report: Report) -> None:
    """Whether a training ended as it should: killed, or with 128 and the signal, or whole."""
    right = {0} if trap is None else {0, -trap.signum if trap.signum == signal.SIGKILL else 128 + trap.signum}
    if trap is not None and trap.place == "end":
        right.add(-trap.signum)  # all is done, and nobody looks at signals any more
    text = (folder / "output").read_text(errors="replace")
    if code not in right:
        report.faults.append(f"{folder}: ends with {code}: {story}")
    if "Traceback" in text:
        report.faults.append(f"{folder}: a traceback in {folder}/output: {story}")


def _steps_kept(run: Path) -> int:
    """Training steps that the last checkpoint holds, by the order of what was trained."""
    path = run / "checkpoints" / "last.ckpt"
    if not path.is_file():
        return 0
    progress = torch.load(path, "cpu", weights_only=True)["loops"]["fit_loop"]["epoch_loop.batch_progress"]
    return int(progress["total"]["ready"])


def differences(whole: Path, part: Path) -> list[str]:
    """What differs between two run directories, in words."""
    found = [f"{name}: {words}" for name in SAME for words in _unequal(*(
        torch.load(run / name, "cpu", weights_only=True) if (run / name).is_file() else None
        for run in (whole, part)))]
    for name in ("metrics.csv", "finished", *(f"grids/{path.name}" for path in (whole / "grids").iterdir())):
        contents = [(run / name).read_bytes() if (run / name).is_file() else None for run in (whole, part)]
        if contents[0] != contents[1]:
            found.append(f"{name} differs" if contents[1] is not None else f"{name} is missing")
    names = [{str(path.relative_to(run)) for path in run.rglob("*")} for run in (whole, part)]
    # a run that was killed once all was trained is not started again; its lock is open, whatever lies there
    return found + [f"{name} is left behind" for name in sorted(names[1] - names[0] - {"in_use"})]


def _unequal(a: Any, b: Any, path: str = "") -> list[str]:
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return [] if a.dtype == b.dtype and torch.equal(a, b) else [path]
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return [words for key in a for words in _unequal(a[key], b[key], f"{path}.{key}")
                if COUNTED_AGAIN not in words]
    if isinstance(a, list | tuple) and isinstance(b, list | tuple) and len(a) == len(b):
        return [words for i, pair in enumerate(zip(a, b, strict=True)) for words in _unequal(*pair, f"{path}[{i}]")]
    return [] if type(a) is type(b) and a == b else [f"{path}: {str(a)[:40]} and {str(b)[:40]}"]


def _read(pipe: int, until: bytes, limit: float) -> bytes:
    """What comes through a pipe, to its end, to some words, or until time is up."""
    text = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while (left := limit - time.monotonic()) > 0 and selector.select(left):
            piece = os.read(pipe, 65536)
            text += piece
            if not piece or (until and until in text):
                break
    return text


def _wait(child: int, limit: float) -> int:
    """The exit code of a process; one that hangs is killed, which counts as -9 without a trap."""
    while time.monotonic() < limit:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -int(signal.SIGALRM)  # it hung


def main(words: list[str]) -> None:
    """Run with `count=`, `seed=` and `output=`; print the counts, write them as kills.json, end with 1 on a fault."""
    given = dict(word.split("=", 1) for word in words)
    folder = Path(given.get("output", "campaign_kills")).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    summary = run(int(given.get("count", 100)), int(given.get("seed", 0)), folder).summary()
    summary["seconds"] = round(time.monotonic() - began)
    (folder / "kills.json").write_text(json.dumps(summary, indent=2) + "\n")
    print(json.dumps(summary, indent=2))
    sys.exit(bool(summary["faults"]))


if __name__ == "__main__":
    assert STEP in PLACES
    main(sys.argv[1:])
