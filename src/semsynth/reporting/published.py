"""Published numbers of a setting, each with its source: the sources disagree, since their protocols do.

`CLADE`: "Efficient Semantic Image Synthesis via Class-Adaptive Normalization" (arXiv:2012.04644), which compares with
real training images for FID, and measures time on a Titan XP with one image. `SPADE`: the numbers of "Semantic Image
Synthesis with Spatially-Adaptive Normalization" (arXiv:1903.07291) as the slides of Destro and Azam (University of
Trento) give them, with FID against real validation images; theirs of Unpaired SPADE are `SLIDES`. CLADE's authors train
the rivals again or take their released weights: so SPADE has an mIoU of 30.8 on ADE20K-outdoor in one and 19.30 in the
other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from semsynth.complexity import published as clade_paper
from semsynth.reporting.costs import COSTS

OASIS_PAPER = "OASIS (arXiv:2012.04781), as later papers print it"
SEAN_PAPER, INADE_PAPER = "SEAN (arXiv:1911.12861)", "INADE (arXiv:2103.10868), as later papers print it"
SLIDES = "slides of Destro and Azam"
CLADE, SPADE = "CLADE (arXiv:2012.04644)", f"SPADE (arXiv:1903.07291), in the {SLIDES}"
SIZES = {"cityscapes": (256, 512)}  # all others 256x256

# the papers' methods -> names of our settings, or the papers' own
NAMES = {"spade": "spade", "clade": "clade", "clade_icpe": "clade_icpe", "spade_light": "spade-light",
         **{f"mixed_{k}": f"mixed transition {k}" for k in clade_paper.TRANSITIONS},
         "cc_fpse": "CC-FPSE", "dagan": "DAGAN", "pix2pixhd": "pix2pixHD",
         "pix2pixhd_local": "pix2pixHD local", "crn": "CRN", "oasis": "OASIS", "inade": "INADE", "sean": "SEAN",
         "sean_clade": "SEAN-CLADE", "groupdnet": "GroupDNet", "groupdnet_clade": "GroupDNet-CLADE"}
COLUMNS = {"miou": "miou", "accuracy": "accuracy", "fid": "fid/train", "parameters": "parameters", "flops": "flops",
           "runtime": "runtime", "cpu": "runtime", "memory": "memory"}


@dataclass(frozen=True)
class Published:
    """A row of a published table.

    Attributes:
        source: paper and table.
        dataset: name of the data set here.
        setting: name of the setting here; the paper's name of a method that is none of ours.
        scores: keys as in scores.json; mIoU and accuracy in percent.
        costs: keys and units of `costs.COSTS`; `memory` is that of training with a batch of 1.
        pixels: height and width of the images, where they are not those of the data set's other rows.
    """

    source: str
    dataset: str
    setting: str
    scores: dict[str, float] = field(default_factory=dict)
    costs: dict[str, float] = field(default_factory=dict)
    pixels: tuple[int, int] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images."""
        return self.pixels or SIZES.get(self.dataset, (256, 256))


def published_for(dataset: str, setting: str, size: tuple[int, int] | None = None) -> list[Published]:
    """The published rows of a setting, of all sources, in the order of the papers' tables.

    Those of images of `size`; where there are none, those of the papers' usual size.
    """
    rows = [row for row in ROWS if row.dataset == dataset and row.setting == setting]
    return [row for row in rows if row.size == size] or [row for row in rows if row.pixels is None] or rows


def _of_clade_paper(rows: Sequence[clade_paper.Row]) -> list[Published]:
    found = []
    for row in rows:
        values = {COLUMNS[key]: value for key, value in row.values.items() if key in COLUMNS}
        costs = {key: values.pop(key) for key in COSTS if key in values}
        where = ", one thread of a Xeon Gold 6148" if "cpu" in row.values else ""
        found.append(Published(f"{CLADE} Table {row.table}{where}", row.dataset, NAMES[row.method], values, costs))
    return found


# SPADE-light; its other rows repeat Table I
_TABLE_4 = [row for row in clade_paper.TABLE_4 if row.method == "spade_light"]
_ABLATIONS = ("clade + disti", "clade + distf")
_TABLE_7 = [
    Published(f"{CLADE} Table VII", dataset, setting, {"fid/train": fid})
    for dataset, fids in (("ade20k", (31.75, 31.13)), ("ade20k_outdoor", (48.67, 46.81)),
                          ("cityscapes", (50.50, 48.07)))
    for setting, fid in zip(_ABLATIONS, fids, strict=True)
]
_SLIDES = [
    Published(SPADE, dataset, method, {"miou": miou, "accuracy": accuracy, "fid/val": fid})
    for dataset, method, miou, accuracy, fid in (
        ("coco_stuff", "CRN", 23.7, 40.4, 70.4),
        ("coco_stuff", "pix2pixHD", 14.6, 45.8, 111.5),
        ("coco_stuff", "spade", 37.4, 67.9, 22.6),
        ("ade20k", "CRN", 22.4, 68.8, 73.3),
        ("ade20k", "pix2pixHD", 20.3, 69.2, 81.8),
        ("ade20k", "spade", 38.5, 79.9, 33.9),
        ("ade20k_outdoor", "CRN", 16.5, 68.6, 99.0),
        ("ade20k_outdoor", "SIMS", 13.1, 74.7, 67.7),
        ("ade20k_outdoor", "pix2pixHD", 17.4, 71.6, 97.8),
        ("ade20k_outdoor", "spade", 30.8, 82.9, 63.3),
        ("cityscapes", "CRN", 52.4, 77.1, 104.7),
        ("cityscapes", "SIMS", 47.2, 75.5, 49.7),
        ("cityscapes", "pix2pixHD", 58.3, 81.4, 95.0),
        ("cityscapes", "spade", 62.3, 81.9, 71.8),
    )
]
# 50 epochs at 64x64 with 14.1 M parameters and "UPerNet18". The slides head them "unpaired" and do not say how they
# were trained; the released code trains with pairs, feature matching and VGG. So they stand under both readings.
READINGS = {"as released": "if trained with pairs, as the released code does",
            "unpaired": "if trained without pairs, as its heading says"}
_UNPAIRED = [
    Published(f"{SLIDES}, Unpaired SPADE{where}", "ade20k", method,
              {"miou": miou, "accuracy": accuracy, "fid/val": fid, **by_product}, {"parameters": 14.1}, (64, 64))
    for where, method, miou, accuracy, fid, by_product in (
        ("", "spade", 27.03, 58.35, 87.13, {}),
        *((f", {words}", f"spade, {reading}, {segmenter} S", *scores)
          for segmenter, scores in (
              ("pretrained", (29.74, 59.96, 80.10, {"segmenter/miou": 38.18, "segmenter/accuracy": 78.64})),
              ("untrained", (29.54, 59.73, 83.67, {"segmenter/miou": 26.76, "segmenter/accuracy": 57.27})))
          for reading, words in READINGS.items()),
    )
]
# FID against real validation images; mIoU of UPerNet101, DeepLabV2 and DRN-D-105
_OASIS = [Published(OASIS_PAPER, dataset, "OASIS", {"miou": miou, "fid/val": fid})
          for dataset, fid, miou in (("ade20k", 28.3, 48.8), ("ade20k_outdoor", 48.6, 40.4),
                                     ("coco_stuff", 17.0, 44.1), ("cityscapes", 47.7, 69.3))]

# own label maps and styles of the test images; SSIM with a data range of 2 (ZPdesu/SEAN#5)
_SEAN = [Published(SEAN_PAPER, "celebamask_hq", "SEAN",
                   {"reconstruction/ssim": 0.73, "reconstruction/rmse": 0.12, "reconstruction/psnr": 18.74,
                    "fid/train": 17.66})]
_INADE = [Published(INADE_PAPER, dataset, "INADE", {"diversity/lpips": lpips})
          for dataset, lpips in (("ade20k", 0.4), ("cityscapes", 0.248))]

ROWS: tuple[Published, ...] = (
    *_of_clade_paper([*clade_paper.TABLE_1, *clade_paper.TABLE_2, *_TABLE_4, *clade_paper.TABLE_6]),
    *_TABLE_7,
    *_of_clade_paper(clade_paper.TABLE_8),
    *_SLIDES,
    *_UNPAIRED,
    *_OASIS,
    *_SEAN,
    *_INADE,
)
