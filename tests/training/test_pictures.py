import numpy as np
import pytest
from PIL import Image

from semsynth.pictures.grid import GAP, HEADER, LINE, colour_labels, draw_grid, to_uint8
from semsynth.training.panels import Panels, latest_grid

COLOURS = [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
NAMES = ["red", "green", "blue"]


def test_values_to_bytes():
    image = np.array([-1.0, 0.0, 1.0, 2.0, np.nan, -3.0]).reshape(1, 1, 6).repeat(3, 0)
    assert to_uint8(image)[0, :, 0].tolist() == [0, 128, 255, 255, 0, 0]


def test_small_images_are_enlarged_without_mixing_colours():
    labels = np.array([[0, 1], [2, 0]])
    cell = colour_labels(labels, COLOURS)
    picture = np.asarray(draw_grid([[cell, cell]], ["a", "b"], cell=96))
    top, left = HEADER, GAP
    assert picture[top + 10, left + 10].tolist() == COLOURS[0]
    assert picture[top + 10, left + 60].tolist() == COLOURS[1]
    assert picture[top + 60, left + 10].tolist() == COLOURS[2]
    body = picture[top : top + 96, left : left + 96].reshape(-1, 3)
    assert {tuple(c) for c in np.unique(body, axis=0)} == {tuple(c) for c in COLOURS}
    assert picture.shape[1] == 2 * 96 + 3 * GAP


def test_long_titles_are_broken_at_spaces():
    cell = np.full((96, 96, 3), 9, np.uint8)
    titles = ("b", "unpaired, untrained segmenter")
    plain, long = (np.asarray(draw_grid([[cell, cell]], ["a", title])) for title in titles)
    assert len(long) == len(plain) + LINE
    assert (long[HEADER + LINE:] == plain[HEADER:]).all()
    assert (long[HEADER:HEADER + LINE - 2, 2 * GAP + 96:] < 128).any()  # the second line, in its own column


def test_a_grid_needs_rows():
    with pytest.raises(ValueError, match="2 cells"):
        draw_grid([], ["a", "b"])



def test_every_validation_writes_a_grid(tiny, tmp_path, capsys):
    panels = Panels(tmp_path / "grids", NAMES, COLOURS, samples=4)
    trainer = tiny.trainer(tmp_path, [panels], max_epochs=2, limit_val_batches=2)
    trainer.fit(tiny.system(), datamodule=tiny.data())
    files = sorted(p.name for p in (tmp_path / "grids").iterdir())
    assert files == ["epoch-001_batch-0000006.png", "epoch-002_batch-0000012.png"]
    assert latest_grid(tmp_path / "grids").name == files[-1]
    said = [line for line in capsys.readouterr().out.splitlines() if "pictures" in line]
    assert said == [f"first pictures: {tmp_path}/grids/{files[0]}"]
    width, height = Image.open(tmp_path / "grids" / files[0]).size
    assert width == 6 * 96 + 7 * GAP  # two samples side by side
    assert height > HEADER + 2 * (96 + GAP)
    labels = tiny.pairs(12)[0]["labels"].numpy()
    picture = np.asarray(Image.open(tmp_path / "grids" / files[0]))
    assert picture[HEADER + 5, GAP + 5].tolist() == COLOURS[labels[0, 0]]


def test_names_and_colours_go_together(tmp_path):
    with pytest.raises(ValueError, match="3 class names but 2"):
        Panels(tmp_path, NAMES, COLOURS[:2])


def test_loggers_that_take_images_get_class_overlays(tiny, tmp_path):
    from pytorch_lightning.loggers import CSVLogger

    class Images(CSVLogger):
        def log_image(self, key, images, **more):
            calls[key] = (images, more)

    calls: dict = {}
    panels = Panels(tmp_path / "grids", NAMES, COLOURS, samples=2)
    tiny.trainer(tmp_path, [panels], max_epochs=1, logger=Images(tmp_path)).fit(tiny.system(), datamodule=tiny.data())
    images, more = calls["panels/generated"]
    assert len(images) == len(more["masks"]) == 2
    assert more["masks"][0]["labels"]["class_labels"] == {0: "red", 1: "green", 2: "blue"}
    assert more["step"] == 5  # the last of six batches, counted from 0, as the losses of that batch
    assert calls["panels/labels"][0][0].shape == (*tiny.pairs(1)[0]["labels"].shape, 3)  # in colours
