"""Configurations of runs, exports and segmenters as a stranger could have written them."""

import importlib.metadata
import json
import sys
from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from safetensors.torch import load_file, save_file

from campaigns import readers
from campaigns.outcomes import Case
from semsynth import runs
from semsynth.segmenters.judge import load_judge, save_judge
from semsynth.segmenters.network_file import METADATA, read_about
from semsynth.segmenters.unet import UNet

KIND = "configurations"
SECRET = "SEMSYNTH_SECRET"
TAILS = ("", ".load", ".loads", ".run", ".system", ".open", ".main", ".Popen", ".__init__", ".os.system",
         ".__builtins__.exec", ".x.y")
THROUGH = ("semsynth.weights.run_file.os.system", "semsynth.evaluation.report.subprocess.run",
           "torch.nn.modules.module.torch.hub.load", "torch.nn.BatchNorm2d.__init__.__globals__",
           "pytorch_lightning.Trainer.save_checkpoint", "hydra.utils.get_method", "hydra.utils.instantiate",
           "semsynth.norms.clade.nn.Module.load_state_dict", "semsynth.data.masks.Image.open", "builtins.exec",
           "semsynth.signatures.locate", "semsynth", "semsynth.norms.clade", "semsynth.segmenters.loop.torch.load")
INTERPOLATIONS = ("${oc.env:%s}", "${oc.decode:${oc.env:%s}}", "${oc.create:{a: ${oc.env:%s}}}", "x${oc.env:%s}y",
                  "${hydra:runtime.cwd}", "${now:%%Y}", "${size}", "${.x}", "${oc.dict.values:dataset}", "???",
                  "\\${oc.env:%s}", "${oc.env:%s,${size}}", "${run_name:x}")
VALUES = (None, [], {}, "", "x", -1, 0, 2, 10**6, 10**9, 10**30, 0.5, -1e308, float("nan"), float("inf"), True, [1],
          [[]], {"a": 1}, "1e5", "no", [None], {1: 2}, "a" * 5000, "\x07", "../../x")
NAMES = ("a|b", "<script>alert(1)</script>", "{x}", "$x^", "_hidden", "=cmd()", "[red]sky[/red]", ":smile:", "`ls`",
         "a,b", '"a"', "a/b", "..", "no", "1e5", "ü ß 空", "%s", "\\", "C:\\x", "'")
NESTED = "a: &a [x,x]\n" + "".join(f"{new}: &{new} [{','.join([f'*{old}'] * 6)}]\n"
                                   for old, new in pairwise("abcdefghi"))
TEXTS = ("a: [1", "[" * 3000, "\0", "a: &a [*a]", "!!python/object/apply:os.system [ls]", "a: 1\n---\nb: 2", "", "~",
         "3", NESTED, "- a", "? {a: 1}\n: 2", "size: 2026-02-31", "x: !!binary =", "\ufeff", "{" * 200 + "}" * 200)


def cases(random: np.random.Generator, folder: Path) -> Iterator[Case]:
    """Endless."""
    bases = [readers.tiny(folder), readers.trained(folder)]
    segmenter = _segmenter(folder)
    kinds: list[Callable[..., Case]] = [_target, _interpolation, _value, _missing, _text, _bytes, _names, _metadata]
    for number in count():
        make = kinds[number % len(kinds)]
        name = f"{number:05d}"
        if make is _metadata:
            yield _metadata(random, segmenter, folder / "cases" / name, name)
        else:
            base = bases[int(random.integers(len(bases)))]
            yield make(random, readers.copied(base, folder, name), name)


@cache
def foreign() -> list[str]:
    """Modules of the standard library and of all that is installed, in order."""
    names = {*sys.stdlib_module_names, *importlib.metadata.packages_distributions()}
    return sorted(name for name in names if name.isidentifier() and name != "semsynth")


def hostile(random: np.random.Generator) -> str:
    """A name that nothing may build."""
    if random.random() < 0.3:
        return str(random.choice(THROUGH))
    return str(random.choice(foreign())) + str(random.choice(TAILS))


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of everything in a plain node."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in list(items):
        yield (*path, key)
        yield from places(child, (*path, key))


def _changed(random: np.random.Generator, run: Path, value: Any) -> str:
    """Put a value somewhere into a run's configuration; return where."""
    plain = readers.plain(run)
    found = list(places(plain))
    path = found[int(random.integers(len(found)))]
    node = plain
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    _write(run, plain)
    return ".".join(map(str, path))


def _write(run: Path, plain: Any) -> None:
    (run / runs.CONFIG).write_text(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _reader(random: np.random.Generator, run: Path) -> tuple[str, Callable[[], Any]]:
    name = str(random.choice(list(readers.READERS)))
    return name, partial(readers.READERS[name], run)


def _fine(value: dict[str, Any]) -> str | None:
    """Whatever can be used may be."""
    return f"files outside of the report: {value['outside']}" if value.get("outside") else None


def _target(random: np.random.Generator, run: Path, name: str) -> Case:
    target = {"_target_": hostile(random)}
    shape = int(random.integers(5))
    node = [target, {**target, "_partial_": True}, [target], {"x": [{"y": target}]},
            {"_target_": "semsynth.norms.clade.CLADE", "_args_": [target], "_recursive_": False}][shape]
    where = _changed(random, run, node)
    reader, call = _reader(random, run)
    return Case(f"{name} {reader}: {where}={node}", call, "refused")


def _interpolation(random: np.random.Generator, run: Path, name: str) -> Case:
    text = str(random.choice(INTERPOLATIONS))
    text = text % SECRET if "%s" in text else text.replace("%%", "%")
    value = [text, [text], {text: 1}, {"x": {"y": text}}][int(random.integers(4))]
    where = _changed(random, run, value)
    reader, call = _reader(random, run)
    return Case(f"{name} {reader}: {where}={value}", call, "refused")


def _value(random: np.random.Generator, run: Path, name: str) -> Case:
    value = VALUES[int(random.integers(len(VALUES)))]
    where = _changed(random, run, value)
    reader, call = _reader(random, run)
    return Case(f"{name} {reader}: {where}={value!r:.60}", call, _fine)


def _missing(random: np.random.Generator, run: Path, name: str) -> Case:
    plain = readers.plain(run)
    found = [path for path in places(plain) if isinstance(path[-1], str)]
    path = found[int(random.integers(len(found)))]
    node = plain
    for key in path[:-1]:
        node = node[key]
    value = node.pop(path[-1])
    renamed = random.random() < 0.5
    if renamed:
        node[str(path[-1]) + "x"] = value
    _write(run, plain)
    reader, call = _reader(random, run)
    return Case(f"{name} {reader}: {'.'.join(map(str, path))} {'renamed' if renamed else 'left out'}", call, _fine)


def _text(random: np.random.Generator, run: Path, name: str) -> Case:
    text = str(random.choice(TEXTS))
    (run / runs.CONFIG).write_text(text, encoding="utf-8")
    reader, call = _reader(random, run)
    return Case(f"{name} {reader}: {text[:40]!r}", call, "refused")


def _bytes(random: np.random.Generator, run: Path, name: str) -> Case:
    path = run / runs.CONFIG
    data = bytearray(path.read_bytes())
    if random.random() < 0.5:
        cut = int(random.integers(len(data)))
        del data[cut:]
        what = f"cut at {cut}"
    else:
        for at in random.integers(len(data), size=int(random.integers(1, 6))):
            data[at] = int(random.integers(256))
        what = "changed bytes"
    path.write_bytes(data)
    reader, call = _reader(random, run)
    return Case(f"{name} {reader}: {what}", call, _fine)


def _names(random: np.random.Generator, run: Path, name: str) -> Case:
    plain = readers.plain(run)
    chosen = [str(word) for word in random.permutation(NAMES)]
    old = list(plain["dataset"]["classes"])
    new = [chosen[k] if k < len(chosen) else word for k, word in enumerate(old)]
    plain["dataset"]["classes"] = new
    _write(run, plain)
    reader, call = _reader(random, run)

    def literal(value: dict[str, Any]) -> str | None:
        if value.get("classes") not in (None, [], new):
            return f"the classes came out as {value['classes']}"
        return _fine(value) or ("a tag in the page" if "<script" in value.get("page", "") else None)

    return Case(f"{name} {reader}: classes {new[:3]}", call, literal)


def _segmenter(folder: Path) -> Path:
    path = folder / "segmenter.safetensors"
    save_judge(path, UNet(3, (4, 6)), {"num_classes": 3, "widths": [4, 6]}, name="x", classes=["a", "b", "c"])
    return path


def _metadata(random: np.random.Generator, segmenter: Path, folder: Path, name: str) -> Case:
    folder.mkdir(parents=True)
    path, about = folder / "x.safetensors", read_about(segmenter)
    if random.random() < 0.5:
        about["network"] = hostile(random)
        what, right = f"network={about['network']}", "refused"
    else:
        found = list(places(about))
        place = found[int(random.integers(len(found)))]
        node = about
        for key in place[:-1]:
            node = node[key]
        node[place[-1]] = VALUES[int(random.integers(len(VALUES)))]
        what, right = f"{place}={node[place[-1]]!r:.60}", lambda value: None
    save_file(load_file(segmenter), path, {METADATA: json.dumps(about)})
    return Case(f"{name} segmenter: {what}", lambda: load_judge(path).name, right)
