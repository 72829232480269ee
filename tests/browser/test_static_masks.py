"""The page without a server reads mask files as Python does."""

import numpy as np
import pytest
from PIL import Image

from semsynth.errors import DataError
from semsynth.exporting.web import PAGE
from semsynth.synthesis.maps import mask_decoder

NAMES = ["road", "car", "plate", "sky"]
COLOURS = [[128, 64, 128], [0, 0, 142], [0, 0, 142], [70, 130, 180]]  # of Cityscapes, where two share one
APART = [*COLOURS[:2], [9, 9, 9], COLOURS[3]]
IDS = [3, 2, 0, 7]
LABELS = np.random.default_rng(0).integers(0, 4, (5, 7))
READ = """async ([bytes, about]) => {
  const { readMask } = await import("/onnx/masks.js");
  const file = new File([Uint8Array.from(bytes)], "mask.png");
  return readMask(file, about).then((labels) => Array.from(labels), (error) => error.message);
}"""


def rgb(colours):
    return Image.fromarray(np.uint8(colours)[LABELS])


def palette(colours, ids=(0, 1, 2, 3)):
    """Of class colours, at other places than those of their ids."""
    image = Image.fromarray(np.uint8(ids)[LABELS], "P")
    table = np.zeros((256, 3), np.uint8)
    table[list(ids)] = colours
    image.putpalette(table.ravel().tolist())
    return image


def grey(values):
    return Image.fromarray(np.uint8(values)[LABELS])


MASKS = {
    "colours, two of them shared": (rgb(COLOURS), COLOURS, None, None),
    "shared colours where they shall tell": (rgb(COLOURS), COLOURS, None, "colours"),
    "colours that tell": (rgb(APART), APART, None, "colours"),
    "a reordered palette of colours that tell": (palette(APART, (2, 0, 3, 1)), APART, None, "colours"),
    "a reordered palette of ids": (palette(APART, (2, 0, 3, 1)), APART, None, "ids"),
    "palette indices as ids": (palette(APART, IDS), APART, IDS, None),
    "grey values as ids": (grey(IDS), COLOURS, IDS, None),
    "grey values that are colours": (grey([0, 9, 9, 9]), [[0, 0, 0], [9, 9, 9], [1, 0, 0], [2, 0, 0]], None, "colours"),
    "grey values that are no colours": (grey([0, 1, 2, 3]), APART, None, "colours"),
    "grey colours as ids": (grey([0, 1, 2, 3]).convert("RGB"), APART, None, None),
}


@pytest.mark.parametrize("name", MASKS)
def test_masks_are_read_as_in_python(name, page, served, tmp_path):
    image, colours, ids, masks = MASKS[name]
    image.save(tmp_path / "mask.png")
    classes = [{"name": name, "colour": colour, "id": k if ids is None else ids[k]}
               for k, (name, colour) in enumerate(zip(NAMES, colours, strict=True))]
    about = {"width": LABELS.shape[1], "height": LABELS.shape[0], "classes": classes, "unknown": None, "masks": masks}
    page.goto(f"{served(PAGE)}icon.svg")
    made = page.evaluate(READ, [list((tmp_path / "mask.png").read_bytes()), about])
    if "where they shall tell" in name or "no colours" in name:
        with pytest.raises(DataError, match="same colour" if "shared" in name else "not all"):
            mask_decoder(NAMES, colours, ids, masks)(tmp_path / "mask.png")
        assert made.startswith("mask.png: the ")
        assert ("same colour" in made) == ("shared" in name)
    else:
        wanted = mask_decoder(NAMES, colours, ids, masks)(tmp_path / "mask.png")
        np.testing.assert_array_equal(np.reshape(made, LABELS.shape), wanted)
