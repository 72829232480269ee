"""What people at the page are told of masks that are none: words of files, not of configurations."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semsynth.demo.uploads import BY_COLOURS, WAY_OUT, MaskReader
from semsynth.errors import DataError
from semsynth.synthesis.maps import mask_decoder
from semsynth.synthesis.snap import Snap

NAMES, SIZE = ["sky", "sea", "sand"], (4, 6)
COLOURS = [[0, 0, 255], [0, 90, 90], [200, 200, 0]]
SHARED = [[0, 0, 255], [0, 0, 255], [200, 200, 0]]


def reader(colours=COLOURS, ids=None, masks=None):
    words = NAMES, colours, ids, masks
    return MaskReader(mask_decoder(*words), mask_decoder(*words, Snap(NAMES, colours, SIZE)), len(NAMES), None, SIZE,
                      masks == "colours")


def png(values, kind="PNG", **words):
    file = io.BytesIO()
    Image.fromarray(np.broadcast_to(np.uint8(values), (*SIZE, *np.shape(values)))).save(file, kind, **words)
    return file.getvalue()


@pytest.mark.parametrize(("words", "content", "told"), [
    ({}, png(7), "label id 7 at row 0, column 0 is out of range: allowed are 0 to 2"),
    ({}, png(255), "label id 255 at row 0, column 0 is out of range: allowed are 0 to 2"),
    ({"ids": [4, 5, 9]}, png(2), "label id 2 at row 0, column 0 is no class's id: allowed are 4, 5, 9"),
    ({}, png([99, 0, 0]), "100% of the pixels have colours of no class, most of them [99, 0, 0] (the nearest is sea "
                          "with [0, 90, 90])"),
    ({"masks": "colours"}, png([99, 0, 0]), "100% of the pixels have colours of no class, most of them [99, 0, 0] (the "
                                            "nearest is sea with [0, 90, 90])"),
    ({"masks": "colours"}, png(1), "a grey mask, and not all of its grey values are colours of classes"),
    ({"colours": SHARED, "masks": "colours"}, png([0, 0, 255]), "the classes sky and sea have the same colour "
     "[0, 0, 255], which occurs at row 0, column 0, so colours cannot tell them apart"),
])
def test_what_is_no_map_of_the_classes(words, content, told):
    read = reader(**words)
    with pytest.raises(DataError) as error:
        read.read(content, "my mask=1.png", 1000)
    assert str(error.value) == f"my mask=1.png: {told}. {BY_COLOURS if read.by_colours else WAY_OUT}"


@pytest.mark.parametrize(("content", "told"), [
    (png([0, 0, 255], "JPEG"), "stored with loss (as JPEG)"),
    (png([0, 0, 255], "WEBP"), "stored with loss (as lossy WebP)"), (png(1)[:-30], "cannot be decoded"),
    (b"no picture", "this is no picture"), (png(1) + bytes(9), None),
], ids=["JPEG", "WebP", "cut", "text", "more"])
def test_other_files(content, told):
    if told is None:
        assert (reader().read(content, "mask.png", 1000) == 1).all()
        return
    with pytest.raises(DataError, match=re.escape(f"mask.png: {told}")) as error:
        reader().read(content, "mask.png", 1000)
    assert not re.search(r"=|yaml|dataset|BytesIO|/", str(error.value))


def test_nothing_is_written(monkeypatch):
    """Nor read: a name that a sender chooses is only a name."""
    monkeypatch.setattr(Path, "open", lambda *_, **__: pytest.fail("a file is opened"))
    monkeypatch.setattr("builtins.open", lambda *_, **__: pytest.fail("a file is opened"))
    for content in (png(1), png([0, 90, 90]), png(1, "WEBP", lossless=True)):
        assert (reader().read(content, "/etc/passwd", 1000) == 1).all()
