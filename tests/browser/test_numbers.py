"""What the page without a server computes beside the network is what Python computes."""

import io
import shlex

import numpy as np
import pytest
import torch
from PIL import Image

from semsynth.exporting.web import PAGE
from semsynth.semantics.edges import instance_edges
from semsynth.semantics.icpe import Offsets
from semsynth.spelling import literal, named


@pytest.fixture
def call(page, served):
    """call("regions.js", "instanceEdges", ...) -> what a function of the page gives, typed arrays as lists."""
    page.goto(f"{served(PAGE)}icon.svg")  # a page of the same folder in which nothing runs

    def called(module, function, *arguments):
        return page.evaluate(
            """async ([module, name, args]) => {
                 const value = await (await import(`/onnx/${module}`))[name](...args);
                 return ArrayBuffer.isView(value) ? Array.from(value) : value;
               }""", [module, function, list(arguments)])

    return called


@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 32, 40, 256])
def test_a_seed_is_the_same_style_as_in_torch(count, call):
    for seed in (0, 7, 2**31 + 5, 2**32 + 1):
        wanted = torch.randn(count, generator=torch.Generator().manual_seed(seed))
        made = torch.tensor(call("random.js", "randn", seed, count))
        torch.testing.assert_close(made, wanted, atol=3e-6, rtol=0)


def maps():
    numbers = np.random.default_rng(0)
    yield np.zeros((3, 5), int)
    yield numbers.integers(0, 3, (24, 31))
    yield np.kron(numbers.integers(0, 4, (8, 6)), np.ones((5, 7), int))


@pytest.mark.parametrize("rule", [Offsets(), Offsets(components="largest"), Offsets(skip_label=2),
                                  Offsets(components="largest", published=True)], ids=str)
def test_offsets(rule, call):
    said = {"components": rule.components, "skip_label": rule.skip_label, "published": rule.published}
    for labels in maps():
        made = call("regions.js", "positionalOffsets", labels.ravel().tolist(), *labels.shape, said)
        np.testing.assert_array_equal(np.float32(made).reshape(2, *labels.shape), rule(labels))


def test_edges(call):
    for labels in maps():
        made = call("regions.js", "instanceEdges", labels.ravel().tolist(), *labels.shape)
        wanted = instance_edges(torch.from_numpy(labels)[None])[0, 0].numpy()
        np.testing.assert_array_equal(np.reshape(made, labels.shape), wanted)


@pytest.mark.parametrize(("before", "after"), [((90, 16), (20, 16)), ((16, 45), (16, 33)), ((10, 15), (24, 32)),
                                               ((1, 1), (32, 32)), ((50, 60), (24, 20))])
def test_photographs_are_resized_as_pillow_does(before, after, call):
    pixels = np.random.default_rng(0).integers(0, 256, (*before, 3), np.uint8)
    made = call("resize.js", "resizeBicubic", pixels.ravel().tolist(), before, after)
    image = Image.fromarray(pixels)
    # one direction after the other, since not every Pillow begins with the same
    wanted = image.resize((after[1], before[0]), Image.Resampling.BICUBIC).resize(after[::-1], Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(np.reshape(made, (*after, 3)), np.asarray(wanted))


@pytest.mark.parametrize("mode", ["1", "L", "P", "I;16"])
@pytest.mark.parametrize("width", [8, 13])
def test_ids_of_png_files(mode, width, page, served):
    values = np.random.default_rng(0).integers(0, {"1": 2, "I;16": 60000}.get(mode, 12), (11, width))
    if mode == "1":
        image = Image.fromarray(values.astype(bool))
    elif mode == "P":
        image = Image.fromarray(values.astype(np.uint8), "P")
        image.putpalette(list(range(36)))
    else:
        image = Image.fromarray(values.astype(np.uint16 if mode == "I;16" else np.uint8))
    file = io.BytesIO()
    image.save(file, "PNG")
    page.goto(f"{served(PAGE)}icon.svg")
    made = page.evaluate("""async (bytes) => {
        const { width, height, values } = await (await import("/onnx/png_ids.js")).pngIds(Uint8Array.from(bytes));
        return { width, height, values: Array.from(values) };
    }""", list(file.getvalue()))
    assert (made["width"], made["height"]) == (width, 11)
    np.testing.assert_array_equal(np.reshape(made["values"], values.shape), values)


def test_a_damaged_png_is_told_in_words(page, served):
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 9, (64, 64), np.uint8)).save(file, "PNG")
    page.goto(f"{served(PAGE)}icon.svg")
    whole = list(file.getvalue())
    huge = [*whole[:16], 0, 1, 0, 0, 0, 1, 0, 0, *whole[24:]]
    cases = {"short": whole[:30], "ended": whole[:200], "zeros": whole[:60] + [0] * 20 + whole[80:], "huge": huge}
    for name, damaged in cases.items():
        told = page.evaluate("""async (bytes) => (await import("/onnx/png_ids.js")).pngIds(Uint8Array.from(bytes))
            .then(() => "", (error) => error.message)""", damaged)
        assert ("it has 65536" if name == "huge" else "PNG file") in told


def test_the_command_of_a_recipe_is_typed_as_it_stands(call):
    about = {"run": literal("Anna's run, (1)"), "checkpoint": "0" * 64, "checkpoint_file": "last.ckpt",
             "weights": "raw", "width": 64, "height": 32, "z_dim": 0}
    text = call("recipe.js", "recipe", about, None, {"map": "map-1.png", "picture": "picture-1.png"})
    (line,) = [line for line in text.splitlines() if "synthesize.py" in line]
    assert shlex.split(line.removeprefix("#"))[2:] == [
        named("run", "Anna's run, (1)"), "input=map-1.png", "output=picture-1", "redraw=recipe-1.yaml", "size=[32,64]",
        "checkpoint=last.ckpt", "weights=raw"]
