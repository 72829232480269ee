"""Tiny data sets in every published layout, drawn with a seed: `make(name, root)` writes one below root.

Every picture is a smooth gradient whose channels encode row and column, so that a test can tell where a pixel of a
sample comes from.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 48, 64


def picture(height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """(H,W,3) uint8: red rises with the row, green with the column, blue is constant."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 255 // height, columns * 255 // width, np.full_like(rows, 128)], -1).astype(np.uint8)


def blocks(rng: np.random.Generator, ids: Sequence[int], height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """(H,W) uint8 of rectangles of random ids, every id of `ids` at least once where there are at most 12."""
    labels = np.full((height, width), ids[0], np.uint8)
    cells = [(row, column) for row in range(3) for column in range(4)]
    chosen = [*ids, *rng.choice(ids, 12)][:12]
    for (row, column), label in zip(cells, chosen, strict=True):
        top, left = row * height // 3 + rng.integers(3), column * width // 4 + rng.integers(3)
        labels[top : top + height // 3, left : left + width // 4] = label
    return labels


def save(array: np.ndarray, path: Path, palette: Sequence[Sequence[int]] | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(array)
    if palette is not None:
        image.putpalette([part for colour in palette for part in colour])
    image.save(path, quality=95) if path.suffix == ".jpg" else image.save(path)
    return path


def numbered(labels: np.ndarray, base: int) -> np.ndarray:
    """(H,W) int32 instance ids of up to five digits: base * class + quadrant."""
    rows, columns = np.mgrid[: labels.shape[0], : labels.shape[1]]
    quadrant = 2 * (rows >= labels.shape[0] // 2) + (columns >= labels.shape[1] // 2)
    return (labels.astype(np.int32) * base + quadrant).astype(np.int32)


def camvid(root: Path, counts: tuple[int, int] = (4, 2), suffix: str = ".jpg") -> Path:
    rng = np.random.default_rng(0)
    for split, count in zip(("train", "val"), counts, strict=True):
        for i in range(count):
            save(picture(), root / split / f"{split}_{i + 1}{suffix}")
            save(blocks(rng, list(range(12))), root / f"{split}annot" / f"{split}_{i + 1}.png")
    return root


def cityscapes(root: Path, counts: tuple[int, int] = (4, 2)) -> Path:
    rng = np.random.default_rng(1)
    for split, count, city in zip(("train", "val"), counts, ("aachen", "frankfurt"), strict=True):
        for i in range(count):
            stem, labels = f"{city}_000000_{i:06d}", blocks(rng, [0, 1, 7, 8, 11, 21, 23, 24, 26, 33])
            save(picture(), root / "leftImg8bit" / split / city / f"{stem}_leftImg8bit.png")
            fine = root / "gtFine" / split / city
            save(labels, fine / f"{stem}_gtFine_labelIds.png")
            instances = np.where(labels >= 24, numbered(labels, 1000), labels).astype(np.uint16)
            save(instances, fine / f"{stem}_gtFine_instanceIds.png")
    return root


def ade20k(root: Path, counts: tuple[int, int] = (4, 2)) -> Path:
    rng = np.random.default_rng(2)
    for split, folder, count in zip(("train", "val"), ("training", "validation"), counts, strict=True):
        for i in range(count):
            stem = f"ADE_{split}_{i + 1:08d}"
            outdoor = i % 2 == 0  # every other picture is a room
            save(picture(), root / "images" / folder / f"{stem}.jpg")
            ids = [0, 3, 5, 10, 150] if outdoor else [0, 1, 4, 6, 8]
            save(blocks(rng, ids), root / "annotations" / folder / f"{stem}.png")
    return root


def coco_stuff(root: Path, counts: tuple[int, int] = (4, 2), portraits: int = 0) -> Path:
    rng = np.random.default_rng(3)
    for split, ending, count in (("train", "", counts[0]), ("val", "", counts[1]), ("train", "_portrait", portraits)):
        for i in range(count):
            labels = blocks(rng, [0, 16, 123, 181, 255])
            save(picture(), root / f"{split}_img{ending}" / f"{i:012d}.jpg")
            save(labels, root / f"{split}_label{ending}" / f"{i:012d}.png")
            save((numbered(labels, 1) % 256).astype(np.uint8), root / f"{split}_inst{ending}" / f"{i:012d}.png")
    return root


# what each part is called in the names of its masks, and the id that a label map gives it
FACE = {"skin": 1, "nose": 2, "l_eye": 4, "r_eye": 5, "l_brow": 6, "r_brow": 7, "mouth": 10, "hair": 13, "hat": 14,
        "neck": 17, "cloth": 18}


def face(number: int) -> np.ndarray:
    """(32,32) uint8 of the parts of a face; only every other one wears a hat."""
    labels = np.zeros((32, 32), np.uint8)
    boxes = [("skin", 6, 26, 8, 24), ("nose", 14, 18, 14, 18), ("l_eye", 11, 13, 10, 13), ("r_eye", 11, 13, 19, 22),
             ("l_brow", 9, 10, 10, 13), ("r_brow", 9, 10, 19, 22), ("mouth", 20, 23, 12, 20), ("hair", 2, 8, 6, 26),
             ("neck", 26, 29, 12, 20), ("cloth", 29, 32, 4, 28)]
    for part, top, bottom, left, right in boxes + [("hat", 0, 4, 6, 26)] * (number % 2 == 0):
        labels[top:bottom, left:right] = FACE[part]
    return labels


def celebamask_hq(root: Path, numbers: tuple[int, ...] = (0, 1, 1999, 2000, 28000, 29999), layout: str = "official"
                  ) -> Path:
    """Faces of 64x64 with label maps of half that side, as masks of parts (`official`) or merged (`sean`)."""
    for number in numbers:
        part = "train" if number < 28000 else "test"
        labels = face(number)
        if layout == "sean":
            save(picture(64, 64), root / part / "images" / f"{number}.jpg")
            save(labels, root / part / "labels" / f"{number}.png")
            continue
        save(picture(64, 64), root / "CelebA-HQ-img" / f"{number}.jpg")
        for name, label in FACE.items():
            inside = labels == label
            if name == "skin":
                inside[6:26, 8:24] = True  # also below what is painted over it
            if inside.any():
                mask = np.repeat(255 * inside.astype(np.uint8)[:, :, None], 3, 2)
                save(mask, root / "CelebAMask-HQ-mask-anno" / str(number // 2000) / f"{number:05d}_{name}.png")
    originals = [100, 162_770, 162_771, 182_637, 182_638, 202_598]
    lines = [f"{number:11d} {original:11d}   {original + 1:06d}.jpg" for number, original in
             zip(numbers, originals, strict=False)]
    text = "\n".join(["idx   orig_idx   orig_file", *lines, ""])
    root.joinpath("CelebA-HQ-to-CelebA-mapping.txt").write_text(text)
    return root


def deepfashion(root: Path, counts: tuple[int, int] = (4, 2), layout: str = "smis") -> Path:
    """People of eight classes, as SMIS lays them out, or INADE (whose masks are RGB with equal channels)."""
    rng = np.random.default_rng(5)
    for part, count in zip(("train", "test"), counts, strict=True):
        for i in range(count):
            stem, labels = f"MEN-Denim-id_{i:08d}-01_1_front", blocks(rng, list(range(8)))
            if layout == "smis":
                save(picture(), root / part / f"{stem}.jpg")
                save(labels, root / f"cihp_{part}_mask" / f"{stem}.png")
            else:
                save(picture(), root / f"{part}_img" / f"{stem}.jpg")
                save(np.repeat(labels[:, :, None], 3, 2), root / f"{part}_mask" / f"{stem}.png")
                save(numbered(labels, 1).astype(np.uint8), root / f"{part}_inst" / f"{stem}.png")
    return root


COLOURS = [[10, 20, 200], [30, 160, 40], [200, 60, 50]]
CLASSES = "classes:\n" + "".join(
    f"  - {{name: {name}, colour: {colour}}}\n" for name, colour in zip(("sky", "grass", "house"), COLOURS, strict=True)
)


def folder(root: Path, counts: tuple[int, int] = (4, 2), kind: str = "ids", one_set: bool = False) -> Path:
    """Masks of 3 classes as `ids`, `palette` or `colours`; with instance maps."""
    rng = np.random.default_rng(4)
    for split, count in zip(("train", "val"), counts, strict=True):
        base = root if one_set else root / split
        for i in range(count):
            stem, labels = f"{split}{i + 1}", blocks(rng, [0, 1, 2])
            save(picture(), base / "images" / f"{stem}.jpg")
            mask = np.array(COLOURS, np.uint8)[labels] if kind == "colours" else labels
            save(mask, base / "labels" / f"{stem}.png", COLOURS if kind == "palette" else None)
            save(numbered(labels, 1000).astype(np.uint16), base / "instances" / f"{stem}.png")
    root.joinpath("classes.yaml").write_text(CLASSES)
    return root


MAKERS: dict[str, Callable[[Path], Path]] = {
    "camvid": camvid,
    "cityscapes": cityscapes,
    "ade20k": ade20k,
    "ade20k_outdoor": ade20k,
    "coco_stuff": coco_stuff,
    "celebamask_hq": celebamask_hq,
    "deepfashion": deepfashion,
    "folder": folder,
}


def make(name: str, root: Path) -> Path:
    """Write the data set `name` (as in conf/dataset) to root, anew, and return root."""
    shutil.rmtree(root, ignore_errors=True)
    return MAKERS[name](root)
