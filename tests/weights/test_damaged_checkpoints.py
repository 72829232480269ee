"""A checkpoint that is cut off or holds NaN is named by every command, with the other one of the run that can serve."""

import shutil

import pytest
import torch
from commands import composed
from PIL import Image

from semsynth import Synthesizer, runs
from semsynth.commands.export import write
from semsynth.commands.synthesize import draw
from semsynth.errors import ConfigError
from semsynth.evaluation import sources
from semsynth.weights.run_file import read_weights


@pytest.fixture
def run(tiny_run, tmp_path):
    """A run with checkpoints as a training writes them, `last.ckpt` and `best.ckpt`."""
    run = tmp_path / "run"
    shutil.copytree(tiny_run(), run)
    folder = run / "checkpoints"
    weights = read_weights(folder / "last.safetensors")
    state = {f"{part}.{key}": value for part, values in weights.raw.items() for key, value in values.items()}
    (folder / "last.safetensors").unlink()
    for name in ("last", "best"):
        torch.save({"state_dict": state, "callbacks": {}}, folder / f"{name}.ckpt")
    return run


def cut(path, length):
    path.write_bytes(path.read_bytes()[:length])


def spoil(path, key="generator.conv_img.weight"):
    saved = torch.load(path, weights_only=True)
    saved["state_dict"][key].flatten()[0] = float("nan")
    torch.save(saved, path)


def resume(run):
    runs.train(runs.resumed(str(run), []), runs.Run(run, "last").checkpoint)


COMMANDS = {
    "synthesizer": lambda run: Synthesizer.from_run(run, "last"),
    "evaluate": lambda run: sources.of_run(runs.Run(run, "last"), None, None),
    "synthesize": lambda run: draw(composed(
        "synthesize", f"run={run}", "checkpoint=last", f"input={run.parent / 'map.png'}",
        f"output={run.parent / 'out'}")),
    "export": lambda run: write(composed(
        "export", f"run={run}", "checkpoint=last", "format=official", f"output={run.parent / 'out'}")),
    "init_from": lambda run: runs.inherit(composed("train", f"init_from={run}")),
    "resume": resume,
}


@pytest.mark.parametrize("fault", ["cut", "nan"])
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_names_it_and_the_other(command, fault, run, tmp_path):
    Image.new("L", (32, 32)).save(tmp_path / "map.png")
    last, best = (run / "checkpoints" / f"{name}.ckpt" for name in ("last", "best"))
    cut(last, 5000) if fault == "cut" else spoil(last)
    before = (run / "config.yaml").stat().st_mtime_ns
    with pytest.raises(ConfigError) as caught:
        COMMANDS[command](run)
    said = str(caught.value)
    what = "cannot be read" if fault == "cut" else "hold NaN or infinite numbers, the first is"
    assert str(last) in said
    assert what in said
    assert "best.ckpt beside it can serve: checkpoint=best" in said
    assert f"init_from={best}; to resume from it, copy it over last.ckpt" in said
    assert (run / "config.yaml").stat().st_mtime_ns == before


def test_where_the_best_is_taken_the_last_can_serve(run):
    """Without a word, networks are drawn with the best checkpoint."""
    last, best = (run / "checkpoints" / f"{name}.ckpt" for name in ("last", "best"))
    cut(last, 5000)
    Synthesizer.from_run(run)
    shutil.copy(best, last)
    cut(best, 5000)
    with pytest.raises(ConfigError, match=r"best\.ckpt cannot be read.*\nlast\.ckpt beside it can serve: check"):
        Synthesizer.from_run(run)


def test_any_length_and_what_can_serve(run):
    folder = run / "checkpoints"
    whole = (folder / "last.ckpt").read_bytes()
    for length in (0, 1, 7, 64, 600, len(whole) // 3, len(whole) - 200, len(whole) - 1):
        (folder / "last.ckpt").write_bytes(whole[:length])
        with pytest.raises(ConfigError, match=r"last\.ckpt (cannot be read|is empty).*\nbest\.ckpt beside it can"):
            read_weights(folder / "last.ckpt")
    spoil(folder / "best.ckpt")  # cannot serve either
    with pytest.raises(ConfigError, match=r"last\.ckpt cannot be read") as caught:
        read_weights(folder / "last.ckpt")
    assert "best.ckpt" not in str(caught.value)


def test_what_is_used_is_looked_at(run):
    """Drawing needs no discriminator; going on with the training does."""
    spoil(run / "checkpoints" / "last.ckpt", "discriminator.scales.0.layers.0.0.bias")
    assert runs.Run(run, "last").generator is not None
    with pytest.raises(ConfigError, match=r"the first is scales\.0"):
        runs.Run(run, "last").saved.check()
