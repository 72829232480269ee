"""What is no released checkpoint, or not the one that was meant, is refused with a readable message."""

import os
import pickle
import zipfile
from pathlib import Path

import official
import pytest
import released_oasis
import torch
from importing import import_run, save
from official import Model

from semsynth.errors import ConfigError


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return save(tmp_path_factory.mktemp("good"), generator=official.generator_state(Model(num_classes=151)))


class Bomb:
    def __reduce__(self):
        return os.system, ("touch exploded",)


def refused(source, tmp_path, message, *overrides):
    with pytest.raises(ConfigError, match=message) as caught:
        import_run(source, tmp_path / "run", *(overrides or ["size=64"]))
    assert not (tmp_path / "run").exists()
    assert len(str(caught.value).splitlines()) < 14
    return str(caught.value)


@pytest.mark.parametrize("kind", ["torch", "pickle"])
def test_a_pickle_bomb_does_not_explode(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "latest_net_G.pth"
    if kind == "torch":
        torch.save({"fc.weight": torch.zeros(2), "options": Bomb()}, path)
    else:
        path.write_bytes(pickle.dumps(Bomb()))
    refused(path, tmp_path, r"is refused|cannot be read")
    assert not Path("exploded").exists()


def test_damaged_files(good, tmp_path):
    whole = (good / "latest_net_G.pth").read_bytes()
    path = tmp_path / "latest_net_G.pth"
    contents = {r"is empty": b"", r"cannot be read.*download it again|cannot be read": whole[:len(whole) // 2],
                r"is a web page": b"<!DOCTYPE html><html>sign in</html>", r"is an archive: unpack": b"\x1f\x8b" + whole}
    for message, content in contents.items():
        path.write_bytes(content)
        refused(path, tmp_path, message)


def test_compressed_entries_and_invented_sizes(good, tmp_path):
    source, path = good / "latest_net_G.pth", tmp_path / "g.pth"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    refused(path, tmp_path, "compressed entries")
    torch.save({"fc.weight": torch.zeros(1).expand(10**6, 10**6)}, path)
    refused(path, tmp_path, "claims .* bytes of numbers")


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(number, good, tmp_path):
    state = torch.load(good / "latest_net_G.pth", weights_only=True)
    state["up_0.conv_0.bias"][1] = number
    torch.save(state, tmp_path / "latest_net_G.pth")
    refused(tmp_path, tmp_path, r"1 of \d+ tensors hold NaN or infinite numbers, the first is up_0\.conv_0\.bias")


@pytest.mark.parametrize(
    ("content", "message"),
    [(torch.zeros(3), "holds a Tensor: expected a state dict"), ({}, "an empty dictionary"),
     ({"label_nc": 35, "netG": "spade"}, "holds int under 'label_nc'"),
     ({"head_0.ace_0.noise_var": torch.zeros(1)}, "looks like SEAN"), ({"a.b": torch.zeros(1)}, "begins with a.b")],
)
def test_other_contents(content, message, tmp_path):
    torch.save(content, tmp_path / "g.pth")
    refused(tmp_path / "g.pth", tmp_path, message)


def test_renamed_files(tmp_path):
    save(tmp_path, generator=official.discriminator_state(39))
    refused(tmp_path, tmp_path, "a discriminator.*not a generator: was the file renamed")
    refused(tmp_path / "nothing", tmp_path, "no such file or folder")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", tmp_path, "holds no EPOCH_net_G.pth.*files of weights there: none")


def test_what_differs_is_a_short_table(tmp_path):
    state = official.generator_state(Model("clade", num_classes=151))
    state["up_0.conv_0.bias"] = torch.zeros(9)
    state["up_0.norm_0.gadget.weight"] = torch.zeros(2, 2)
    for block in ("up_1", "up_2"):
        state = {key: value for key, value in state.items() if not key.startswith(block)}
    save(tmp_path, generator=state)
    text = refused(tmp_path, tmp_path, "of .* tensors of the generator differ from the layout CLADE")
    assert "up_0.conv_0.bias" in text
    assert "... and" in text


@pytest.mark.parametrize(
    ("settings", "overrides", "message"),
    [
        ({"num_classes": 151}, ["dataset=cityscapes"], r"dataset=cityscapes has 35 classes.*151 input channels"),
        ({"norm": "clade", "num_classes": 35}, ["dataset=ade20k"], r"dataset=ade20k has 151 classes.*35 classes"),
        ({"num_classes": 7}, ["upsamplings=5"], r"cannot say which size.*size=\[HEIGHT,WIDTH\]"),
        ({"num_classes": 7}, ["size=[64,65]"], r"size=\[64,65\] does not go with"),
        ({"num_classes": 7}, ["size=64", "upsamplings=7"], r"upsamplings=7 is not what the file says"),
        ({"num_classes": 7, "z_dim": 4}, ["size=[256,256]"], r"start grid has 4 positions.*\[64,64\] with 5"),
        ({"norm": "clade", "num_classes": 7}, ["size=64", "edges=true"], r"edges=true is not what the file says"),
    ],
)
def test_what_contradicts_the_shapes(settings, overrides, message, tmp_path):
    save(tmp_path, generator=official.generator_state(Model(**settings)))
    refused(tmp_path, tmp_path, message, *overrides)


def test_parts_of_different_models(tmp_path):
    save(tmp_path, generator=official.generator_state(Model(num_classes=151)),
         discriminator=official.discriminator_state(39))
    refused(tmp_path, tmp_path, "discriminator reads 39 channels.*154")


@pytest.mark.parametrize(("part", "state"), [
    ("discriminator", lambda: released_oasis.discriminator_state(151)),
    ("encoder", lambda: {"model.29.weight": torch.zeros(3, 4, 7, 7), "model.1.weight": torch.zeros(4, 3, 7, 7)}),
])
def test_parts_of_another_method(part, state, tmp_path):
    save(tmp_path, generator=official.generator_state(Model(num_classes=151)), **{part: state()})
    refused(tmp_path, tmp_path, f"the {part} is none that goes with a generator of SPADE")


def test_a_used_directory_is_kept(good, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("precious")
    with pytest.raises(ConfigError, match="not empty"):
        import_run(good, tmp_path / "run", "size=64")
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["mine.txt"]
