"""Published numbers, each with its source: the sources disagree, since their protocols do.

`CLADE`: "Efficient Semantic Image Synthesis via Class-Adaptive Normalization" (arXiv:2012.04644), which compares with
real training images for FID, and measures time on a Titan XP with one image. `SPADE`: the numbers of "Semantic Image
Synthesis with Spatially-Adaptive Normalization" (arXiv:1903.07291) as the slides of Destro and Azam (University of
Trento) give them, with FID against real validation images. CLADE's authors train the rivals again or take their
released weights: so SPADE has an mIoU of 30.8 on ADE20K-outdoor in one and 19.30 in the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from semsynth.reporting.costs import COSTS

CLADE, SPADE = "CLADE (arXiv:2012.04644)", "SPADE (arXiv:1903.07291), in the slides of Destro and Azam"

# names of the papers' methods for our settings
OURS = {"spade": "SPADE", "clade": "CLADE", "clade_icpe": "CLADE-ICPE", "spade-light": "SPADE-light",
        "clade + disti": "CLADE + disti", "clade + distf": "CLADE + distf"}
SIZES = {"cityscapes": (256, 512)}  # all others 256x256


@dataclass(frozen=True)
class Published:
    """A row of a published table.

    Attributes:
        source: paper and table.
        dataset: name of the data set here.
        method: the paper's name, or ours for a mixture (`mixed transition 4`).
        scores: keys as in scores.json; mIoU and accuracy in percent.
        costs: `parameters` (millions), `macs` (billions; the papers say FLOPs), `runtime` (seconds an image),
            `memory` (GB, training with a batch of 1).
    """

    source: str
    dataset: str
    method: str
    scores: dict[str, float] = field(default_factory=dict)
    costs: dict[str, float] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images."""
        return SIZES.get(self.dataset, (256, 256))


def published_for(dataset: str, setting: str) -> list[Published]:
    """The published rows of a setting, of all sources, in the order of the papers' tables."""
    method = OURS.get(setting, setting)
    return [row for row in ROWS if row.dataset == dataset and row.method == method]


ADE, OUTDOOR, COCO, CITY = "ade20k", "ade20k_outdoor", "coco_stuff", "cityscapes"
CELEBA, FASHION = "celebamask_hq", "deepfashion"
Numbers = tuple[float | None, ...]


def _rows(source: str, names: tuple[str, ...], table: dict[tuple[str, str], Numbers]) -> list[Published]:
    rows = []
    for (dataset, method), numbers in table.items():
        values = {name: number for name, number in zip(names, numbers, strict=True) if number is not None}
        costs = {name: values.pop(name) for name in COSTS if name in values}
        rows.append(Published(source, dataset, method, values, costs))
    return rows


_TABLE_1 = _rows(f"{CLADE} Table I", ("miou", "accuracy", "fid/train", "parameters", "macs", "runtime", "memory"), {
    (ADE, "CC-FPSE"): (38.93, 79.75, 29.74, 140.7, 438.2, 0.093, None),
    (ADE, "DAGAN"): (38.07, 79.52, 28.93, 96.6, 186.1, 0.057, 4.36),
    (ADE, "pix2pixHD"): (27.27, 72.61, 45.87, 182.9, 99.3, 0.041, 7.47),
    (ADE, "SPADE"): (36.28, 78.13, 29.79, 96.5, 181.3, 0.042, 4.36),
    (ADE, "CLADE"): (35.43, 77.36, 30.48, 71.4, 42.2, 0.024, 3.68),
    (ADE, "CLADE-ICPE"): (35.06, 77.09, 28.69, 71.4, 42.2, 0.027, 4.00),
    (OUTDOOR, "pix2pixHD"): (14.89, 76.70, 67.13, 182.9, 99.3, 0.041, 7.47),
    (OUTDOOR, "SPADE"): (19.30, 80.44, 45.92, 96.5, 181.3, 0.042, 4.36),
    (OUTDOOR, "CLADE"): (18.71, 80.77, 46.37, 71.4, 42.2, 0.024, 3.68),
    (OUTDOOR, "CLADE-ICPE"): (18.89, 80.04, 45.59, 71.4, 42.2, 0.027, 4.00),
    (COCO, "CC-FPSE"): (40.40, 69.64, 25.39, 141.9, 456.1, 0.094, None),
    (COCO, "pix2pixHD"): (21.07, 54.80, 58.52, 183.0, 106.1, 0.046, 8.32),
    (COCO, "SPADE"): (36.74, 67.81, 27.69, 97.5, 191.3, 0.046, 4.62),
    (COCO, "CLADE"): (36.77, 68.08, 29.16, 72.5, 42.4, 0.027, 3.85),
    (COCO, "CLADE-ICPE"): (36.39, 67.57, 27.76, 72.5, 42.4, 0.030, 4.06),
    (CITY, "CC-FPSE"): (65.48, 93.84, 43.69, 128.1, 739.2, 0.157, None),
    (CITY, "DAGAN"): (63.64, 93.47, 55.63, 93.1, 291.2, 0.132, 5.46),
    (CITY, "pix2pixHD"): (60.50, 93.06, 66.04, 182.5, 151.3, 0.038, 4.88),
    (CITY, "SPADE"): (61.95, 93.39, 51.98, 93.0, 281.5, 0.065, 5.46),
    (CITY, "CLADE"): (60.44, 93.42, 50.62, 67.9, 75.5, 0.035, 4.37),
    (CITY, "CLADE-ICPE"): (60.40, 93.26, 42.39, 67.9, 75.5, 0.039, 4.85),
})

_TABLE_2 = _rows(f"{CLADE} Table II, one thread of a Xeon Gold 6148", ("runtime",), {
    (ADE, "SPADE"): (4.104,), (OUTDOOR, "SPADE"): (4.104,), (COCO, "SPADE"): (4.226,), (CITY, "SPADE"): (7.031,),
    (ADE, "CLADE"): (1.710,), (OUTDOOR, "CLADE"): (1.710,), (COCO, "CLADE"): (1.875,), (CITY, "CLADE"): (2.936,),
})

_TABLE_4 = _rows(f"{CLADE} Table IV", ("miou", "accuracy", "fid/train", "macs"), {
    (ADE, "SPADE-light"): (26.29, 71.76, 40.45, 58.0),
    (OUTDOOR, "SPADE-light"): (15.54, 77.69, 58.55, 58.0),
    (COCO, "SPADE-light"): (27.01, 60.64, 44.19, 68.0),
    (CITY, "SPADE-light"): (59.70, 93.13, 52.07, 132.9),
})

# SPADE in the first k blocks and CLADE after, k = 0, 1, 2, 4, 5, 6, 7
_TABLE_6 = [
    Published(f"{CLADE} Table VI", dataset, f"mixed transition {k}", {"miou": miou}, {"runtime": runtime})
    for dataset, mious, runtimes in (
        (OUTDOOR, (18.71, 19.28, 18.48, 19.06, 19.68, 19.63, 19.30), (0.024, 0.025, 0.025, 0.028, 0.029, 0.033, 0.042)),
        (CITY, (60.44, 61.25, 62.14, 62.08, 62.00, 61.47, 61.95), (0.039, 0.040, 0.040, 0.043, 0.048, 0.057, 0.065)),
    )
    for k, miou, runtime in zip((0, 1, 2, 4, 5, 6, 7), mious, runtimes, strict=True)
]

_TABLE_7 = _rows(f"{CLADE} Table VII", ("fid/train",), {
    (ADE, "CLADE + disti"): (31.75,), (ADE, "CLADE + distf"): (31.13,),
    (OUTDOOR, "CLADE + disti"): (48.67,), (OUTDOOR, "CLADE + distf"): (46.81,),
    (CITY, "CLADE + disti"): (50.50,), (CITY, "CLADE + distf"): (48.07,),
})

_TABLE_8 = _rows(f"{CLADE} Table VIII", ("miou", "accuracy", "fid/train", "parameters", "macs", "runtime"), {
    (CELEBA, "SEAN"): (75.94, 95.03, 24.30, 266.9, 420.8, 0.165),
    (CELEBA, "SEAN-CLADE"): (74.83, 94.51, 20.35, 241.3, 247.1, 0.152),
    (CELEBA, "GroupDNet"): (76.13, 95.21, 29.39, 145.3, 225.5, 0.090),
    (CELEBA, "GroupDNet-CLADE"): (76.70, 95.38, 29.30, 134.6, 213.6, 0.074),
    (FASHION, "SEAN"): (76.28, 97.46, 7.37, 223.2, 342.9, 0.165),
    (FASHION, "SEAN-CLADE"): (76.32, 97.52, 7.33, 197.8, 247.1, 0.152),
    (FASHION, "GroupDNet"): (76.19, 97.48, 9.72, 96.3, 291.6, 0.062),
    (FASHION, "GroupDNet-CLADE"): (76.82, 97.67, 9.79, 79.2, 118.5, 0.042),
    (CITY, "SEAN"): (59.02, 93.21, 53.85, 330.4, 681.8, 0.507),
    (CITY, "SEAN-CLADE"): (60.11, 93.15, 52.76, 304.5, 476.1, 0.471),
    (CITY, "GroupDNet"): (59.20, 92.78, 41.12, 76.5, 463.6, 0.224),
    (CITY, "GroupDNet-CLADE"): (59.82, 92.83, 42.10, 57.7, 434.6, 0.128),
})

_SLIDES = _rows(SPADE, ("miou", "accuracy", "fid/val"), {
    (COCO, "CRN"): (23.7, 40.4, 70.4),
    (COCO, "pix2pixHD"): (14.6, 45.8, 111.5),
    (COCO, "SPADE"): (37.4, 67.9, 22.6),
    (ADE, "CRN"): (22.4, 68.8, 73.3),
    (ADE, "pix2pixHD"): (20.3, 69.2, 81.8),
    (ADE, "SPADE"): (38.5, 79.9, 33.9),
    (OUTDOOR, "CRN"): (16.5, 68.6, 99.0),
    (OUTDOOR, "SIMS"): (13.1, 74.7, 67.7),
    (OUTDOOR, "pix2pixHD"): (17.4, 71.6, 97.8),
    (OUTDOOR, "SPADE"): (30.8, 82.9, 63.3),
    (CITY, "CRN"): (52.4, 77.1, 104.7),
    (CITY, "SIMS"): (47.2, 75.5, 49.7),
    (CITY, "pix2pixHD"): (58.3, 81.4, 95.0),
    (CITY, "SPADE"): (62.3, 81.9, 71.8),
})

ROWS: tuple[Published, ...] = tuple(_TABLE_1 + _TABLE_2 + _TABLE_4 + _TABLE_6 + _TABLE_7 + _TABLE_8 + _SLIDES)
