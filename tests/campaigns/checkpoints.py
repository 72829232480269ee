"""Files of weights of every format that were damaged, or made to mislead their readers."""

import os
import pickle
import shutil
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from commands import composed
from official import Model, generator_state
from safetensors.torch import load_file, save_file

from campaigns import readers
from campaigns.isolation import CANARY
from campaigns.outcomes import Case
from semsynth import runs
from semsynth.losses.perceptual import load_vgg_weights
from semsynth.metrics.features import InceptionFeatures
from semsynth.metrics.given_statistics import read_statistics
from semsynth.metrics.style_regressor import SHIPPED, load_style_regressor
from semsynth.runs.importing import import_checkpoint
from semsynth.segmenters.judge import load_judge, save_judge
from semsynth.segmenters.unet import UNet
from semsynth.weights.tensor_files import read_tensors

KIND = "checkpoints"
FITTING = ("integers", "shape", "empty")  # what only a network tells to be wrong
COMMANDS = ("synthesizer", "synthesize", "evaluate", "export", "official", "init_from", "resume")


class Call:
    """A pickle that would write the canary."""

    def __reduce__(self) -> tuple[Any, ...]:
        return eval, (f"open(__import__('os').environ[{CANARY!r}], 'w').close()",)


def cases(random: np.random.Generator, folder: Path) -> Iterator[Case]:
    """Endless."""
    run, files = readers.trained(folder), _files(folder)
    known = readers.sums(run)
    for number in count():
        name = f"{number:05d}"
        if number % 2:
            form = list(files)[int(random.integers(len(files)))]
            source, read, summed = files[form]
            path = folder / "cases" / name / source.name
            path.parent.mkdir(parents=True)
            shutil.copy(source, path)
            what, whole = damaged(path, random)
            right = "refused" if whole is False or (whole is None and summed) else _anything
            yield Case(f"{name} {form}: {what}", partial(read, path), right)
        else:
            mine = readers.copied(run, folder, name)
            form = str(random.choice(["ckpt", "safetensors"]))
            path = mine / "checkpoints" / f"last.{form}"
            if form == "safetensors":
                _as_safetensors(mine)
            what, whole = damaged(path, random)
            yield _of_run(random, mine, f"{name} last.{form}: {what}", whole, known)


def _of_run(random: np.random.Generator, run: Path, name: str, whole: bool | None, known: dict[str, str]) -> Case:
    """Any command on a run whose last checkpoint is damaged: it is refused, or as it was."""
    command = str(random.choice(COMMANDS))

    def call() -> Any:
        (run / "checkpoints" / "best.ckpt").rename(run / "spare.ckpt")  # else it would be taken
        value = readers.READERS[command](run)
        return readers.sums(run), value

    def unchanged(value: Any) -> str | None:
        return None if whole or value[0] == known else "other weights were taken up in silence"

    return Case(f"{command} {name}", call, unchanged if whole is not False else "refused")


def _as_safetensors(run: Path) -> None:
    """Let a run hold the same weights as an import does."""
    from semsynth.weights.run_file import save_weights

    saved = runs.Run(run, "last").saved
    (run / "checkpoints" / "last.ckpt").unlink()
    save_weights(run / "checkpoints" / "last.safetensors", saved.raw)


def _anything(value: Any) -> str | None:
    return None


def damaged(path: Path, random: np.random.Generator) -> tuple[str, bool | None]:
    """Damage a file in place; return what was done, and whether it can be used: False: it cannot; True: it may be, with
    other numbers; None: where the format has sums only as it was."""
    ways: list[Callable[[Path, np.random.Generator], tuple[str, bool | None]]] = [
        _cut, _flipped, _flipped, _zeros, _replaced, _special, _content, _content, _content]
    return ways[int(random.integers(len(ways)))](path, random)


def _cut(path: Path, random: np.random.Generator) -> tuple[str, bool | None]:
    data = path.read_bytes()
    place = int(random.integers(len(data)))
    path.write_bytes(data[:place])
    return f"cut at {place} of {len(data)}", False


def _flipped(path: Path, random: np.random.Generator) -> tuple[str, bool | None]:
    data, places = bytearray(path.read_bytes()), []
    for at in random.integers(min(len(data), 10**9), size=int(random.integers(1, 4))):
        data[at] ^= 1 << int(random.integers(8))
        places.append(int(at))
    path.write_bytes(data)
    return f"bits flipped at {places} of {len(data)}", None


def _zeros(path: Path, random: np.random.Generator) -> tuple[str, bool | None]:
    data = bytearray(path.read_bytes())
    place = int(random.integers(len(data)))
    length = int(random.integers(1, 5000))
    data[place:place + length] = bytes(len(data[place:place + length]))
    path.write_bytes(data)
    return f"{length} zeros at {place} of {len(data)}", None


def _replaced(path: Path, random: np.random.Generator) -> tuple[str, bool | None]:
    way = int(random.integers(6))
    if way == 0:
        path.write_bytes(random.bytes(int(random.integers(1, 5000))))
    elif way == 1:
        path.write_text("<!DOCTYPE html><title>404</title>")
    elif way == 2:
        path.write_bytes(pickle.dumps({"state_dict": Call()}))
    elif way == 3:
        torch.save({"state_dict": {"generator.x": Call()}}, path)
    elif way == 4:
        torch.save({"a": Call()}, path, _use_new_zipfile_serialization=False)
    else:  # a length that no file has
        path.write_bytes((2**int(random.integers(10, 63))).to_bytes(8, "little") + b'{"a":{"dtype":"F32","shape":[1]')
    return f"another file, {way}", False


def _special(path: Path, random: np.random.Generator) -> tuple[str, bool | None]:
    way = str(random.choice(["folder", "fifo", "/dev/zero", "circle", "nowhere", "bomb", "room"]))
    path.unlink()
    if way == "folder":
        path.mkdir()
    elif way == "fifo":
        os.mkfifo(path)
    elif way == "bomb":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("x/data.pkl", bytes(10**8))
    elif way == "room":  # 8 GB, of which a pickle says that they are wanted
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x/data.pkl", b"\x80\x02c__builtin__\nbytearray\n\x8a\x05\0\0\0\0\2\x85R.")
            archive.writestr("x/version", b"3\n")
    else:
        path.symlink_to({"circle": path, "nowhere": path.with_name("none")}.get(way, Path(way)))
    return way, False


def _content(path: Path, random: np.random.Generator) -> tuple[str, bool | None]:
    """Change one thing in what a file holds."""
    if path.suffix in (".npz", ".npy"):
        return _array(path, random)
    if path.suffix == ".safetensors":
        return _tensor(path, random)
    content = torch.load(path, "cpu", weights_only=True)
    nodes = [((), content), *((place, _at(content, place)) for place in _places(content))]
    tensors = [place for place, value in nodes if isinstance(value, torch.Tensor) and value.is_floating_point()]
    if random.random() < 0.6 and tensors:
        place = tensors[int(random.integers(len(tensors)))]
        what, value, whole = _other_tensor(_at(content, place), random)
        # what is no weight of a network, and whether weights fit one that is not built (a state dict by itself names
        # none, and beside an average raw weights are a training's alone), may be looked at by a training alone
        weight = len(place) == 1 or (place[0] == "state_dict" and str(place[1]).startswith("generator."))
        whole = whole if weight and what not in FITTING else True
    else:
        place = nodes[1:][int(random.integers(len(nodes) - 1))][0]
        values = (None, 3, -1, 1e308, float("nan"), "x", [], {}, {"a": 1}, True, torch.zeros(3))
        value, whole = values[int(random.integers(len(values)))], True
        what = f"{value!r:.30}"
    if random.random() < 0.15:
        what, value, whole = "left out", None, whole or len(place) == 1
    _put(content, place, value, remove=what == "left out")
    torch.save(content, path)
    return f"{'.'.join(map(str, place))[:80]} is {what}", whole


def _tensor(path: Path, random: np.random.Generator) -> tuple[str, bool | None]:
    """Change one tensor of a `.safetensors` file, which then has no checksum."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        about = {key: value for key, value in (file.metadata() or {}).items() if key != "crc32"}
    tensors = load_file(path)
    keys = [key for key, value in tensors.items() if value.is_floating_point()]
    key = keys[int(random.integers(len(keys)))]
    what, value, whole = _other_tensor(tensors[key], random, plain=True)
    tensors[key] = value
    save_file(tensors, path, about)
    return f"{key} is {what}", whole if key.startswith("generator.") else True


def _other_tensor(tensor: torch.Tensor, random: np.random.Generator, plain: bool = False
                  ) -> tuple[str, Any, bool | None]:
    tensor = tensor.clone()
    ways = ["nan", "inf", "integers", "shape", "empty", "half"] + ([] if plain else ["expanded", "sparse", "complex",
                                                                                     "meta", "a list"])
    way = str(random.choice(ways))
    if way in ("nan", "inf"):
        tensor.view(-1)[int(random.integers(tensor.numel()))] = float(way)
        return way, tensor, False
    if way == "half":
        return way, tensor.half(), True
    made: dict[str, Callable[[], Any]] = {
        "integers": lambda: tensor.to(torch.int64), "shape": lambda: torch.cat([tensor.reshape(-1), torch.ones(1)]),
        "empty": lambda: torch.zeros(0), "expanded": lambda: torch.zeros(1).expand(2**20, 2**24),
        "sparse": lambda: torch.eye(3).to_sparse(), "complex": lambda: tensor.to(torch.complex64),
        "meta": lambda: torch.empty(3, device="meta"), "a list": lambda: [1.0]}
    return way, made[way](), False


def _places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in list(items):
        yield (*path, key)
        yield from _places(child, (*path, key))


def _at(node: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        node = node[key]
    return node


def _put(node: Any, path: tuple[Any, ...], value: Any, remove: bool) -> None:
    above = _at(node, path[:-1])
    if remove and isinstance(above, dict):
        del above[path[-1]]
    else:
        above[path[-1]] = value


def _array(path: Path, random: np.random.Generator) -> tuple[str, bool | None]:
    size = 2048
    way = str(random.choice(["objects", "shape", "nan", "integers", "names", "bomb"]))
    arrays: dict[str, Any] = {"mu": np.zeros(size, "f4"), "sigma": np.eye(size, dtype="f4")}
    if way == "objects":
        arrays["mu"] = np.array([Call()], dtype=object)
    elif way == "shape":
        arrays["mu"] = np.zeros(size - 1)
    elif way == "nan":
        arrays["sigma"][3, 3] = np.nan
    elif way == "integers":
        arrays["mu"] = np.zeros(size, np.int64)
    elif way == "names":
        arrays = {"m": arrays["mu"], "s": arrays["sigma"]}
    else:
        arrays["sigma"] = np.zeros((2**14, 2**14))
    np.savez_compressed(path, **arrays)
    return way, False


def _files(folder: Path) -> dict[str, tuple[Path, Callable[[Path], Any], bool]]:
    """A file of each other format, how it is read, and whether it has sums over its content."""
    released, old = folder / "latest_net_G.pth", folder / "old_net_G.pth"
    state = generator_state(Model(num_classes=151))
    torch.save(state, released)
    torch.save(state, old, _use_new_zipfile_serialization=False)
    segmenter, statistics, regressor = folder / "x.safetensors", folder / "statistics.npz", folder / "style.safetensors"
    save_judge(segmenter, UNet(3, (4, 6)), {"num_classes": 3, "widths": [4, 6]}, name="x", classes=["a", "b", "c"])
    np.savez_compressed(statistics, mu=np.zeros(2048, "f4"), sigma=np.eye(2048, dtype="f4"))
    shutil.copy(SHIPPED, regressor)
    return {
        "released": (released, _imported, True), "released, old": (old, _imported, False),
        "segmenter": (segmenter, load_judge, True), "style regressor": (regressor, load_style_regressor, False),
        "statistics": (statistics, lambda path: read_statistics([str(path)], "train"), True),
        "VGG": (released, lambda path: load_vgg_weights(str(path)), False),
        "Inception": (released, lambda path: InceptionFeatures(path), False),
        "judge": (old, lambda path: read_tensors(path), False),
    }


def _imported(path: Path) -> Any:
    cfg = composed("import_checkpoint", f"source={path}", f"output={path.parent / 'run'}")
    return import_checkpoint(cfg, [])
