"""What the papers report, keyed by source: the sources disagree, since each retrains rivals and scores in its own way.

Units: mIoU, accuracy in percent; parameters in millions; FLOPs in 1e9 multiply-accumulates and
additions of biases (:func:`counting.macs_bias`); runtime in seconds for an image on the GPU of the paper (compare
ratios, not times), ``cpu`` in seconds on one thread; memory in GB. ``outdoor`` is ADE20K-outdoor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

CLADE_PAPER = "arXiv:2012.04644"

Values = dict[str, float]


@dataclass(frozen=True)
class Row:
    """One row of a published table: a method on a data set."""

    table: str
    dataset: str
    method: str
    values: Values
    source: str = CLADE_PAPER
    notes: dict[str, str] = field(default_factory=dict)
    """Column -> why the number cannot be taken as it stands."""


_SCORES = ("miou", "accuracy", "fid", "parameters", "flops", "runtime", "memory")


def _rows(table: str, columns: tuple[str, ...], dataset: str, text: str,
          notes: dict[str, dict[str, str]] | None = None) -> Iterator[Row]:
    """Rows from lines of a method's name and its numbers in the order of ``columns``; ``-`` where there is none."""
    for line in text.strip().splitlines():
        method, *numbers = line.split()
        values = {c: float(v) for c, v in zip(columns, numbers, strict=False) if v != "-"}
        yield Row(table, dataset, method, values, notes=(notes or {}).get(method, {}))


TABLE_1 = (
    *_rows("I", _SCORES, "ade20k", """
        cc_fpse    38.93 79.75 29.74 140.7 438.2 .093 -
        dagan      38.07 79.52 28.93  96.6 186.1 .057 4.36
        pix2pixhd  27.27 72.61 45.87 182.9  99.3 .041 7.47
        spade      36.28 78.13 29.79  96.5 181.3 .042 4.36
        clade      35.43 77.36 30.48  71.4  42.2 .024 3.68
        clade_icpe 35.06 77.09 28.69  71.4  42.2 .027 4.00"""),
    # the costs are those of ade20k
    *_rows("I", _SCORES, "ade20k_outdoor", """
        pix2pixhd  14.89 76.70 67.13 182.9  99.3 .041 7.47
        spade      19.30 80.44 45.92  96.5 181.3 .042 4.36
        clade      18.71 80.77 46.37  71.4  42.2 .024 3.68
        clade_icpe 18.89 80.04 45.59  71.4  42.2 .027 4.00"""),
    *_rows("I", _SCORES, "coco_stuff", """
        cc_fpse    40.40 69.64 25.39 141.9 456.1 .094 -
        pix2pixhd  21.07 54.80 58.52 183.0 106.1 .046 8.32
        spade      36.74 67.81 27.69  97.5 191.3 .046 4.62
        clade      36.77 68.08 29.16  72.5  42.4 .027 3.85
        clade_icpe 36.39 67.57 27.76  72.5  42.4 .030 4.06"""),
    *_rows("I", _SCORES, "cityscapes", """
        cc_fpse    65.48 93.84 43.69 128.1 739.2 .157 -
        dagan      63.64 93.47 55.63  93.1 291.2 .132 5.46
        pix2pixhd  60.50 93.06 66.04 182.5 151.3 .038 4.88
        spade      61.95 93.39 51.98  93.0 281.5 .065 5.46
        clade      60.44 93.42 50.62  67.9  75.5 .035 4.37
        clade_icpe 60.40 93.26 42.39  67.9  75.5 .039 4.85"""),
)

TABLE_2 = tuple(Row("II", dataset, method, {"cpu": seconds}) for method, times in (
    ("spade", (4.104, 4.104, 4.226, 7.031)), ("clade", (1.710, 1.710, 1.875, 2.936)),
) for dataset, seconds in zip(("ade20k", "ade20k_outdoor", "coco_stuff", "cityscapes"), times, strict=True))

_EDGE = ("the channel that the edge feature adds to the next convolutions counts as the norm's: {bank} M of tables and "
         "{edge} M of them")
_SPLIT = ("backbone", "norm", "backbone_runtime", "norm_runtime")
TABLE_3 = (
    *_rows("III", _SPLIT, "ade20k", """
        spade 68.1 28.4 .015 .027
        clade 68.1  3.3 .015 .009"""),
    *_rows("III", _SPLIT, "cityscapes", """
        spade 67.1 25.9 .022 .043
        clade 67.1   .8 .022 .013""", {
            "spade": {"norm": "25.99 M: the published number is the difference of the rounded 93.0 and 67.1"},
            "clade": {"norm": _EDGE.format(bank=0.77, edge=0.07)}}),
    *_rows("III", _SPLIT, "coco_stuff", """
        spade 68.4 29.1 .017 .029
        clade 68.4  4.1 .017 .010""", {"clade": {"norm": _EDGE.format(bank=4.01, edge=0.07)}}),
)

_LIGHT = ("miou", "accuracy", "fid", "flops")
TABLE_4 = (
    *_rows("IV", _LIGHT, "ade20k", "spade_light 26.29 71.76 40.45 58.0\nclade 35.43 77.36 30.48 42.2"),
    *_rows("IV", _LIGHT, "ade20k_outdoor", "spade_light 15.54 77.69 58.55 58.0\nclade 18.71 80.77 46.37 42.2"),
    *_rows("IV", _LIGHT, "coco_stuff", "spade_light 27.01 60.64 44.19 68.0\nclade 36.77 68.08 29.16 42.4"),
    *_rows("IV", _LIGHT, "cityscapes", "spade_light 59.70 93.13 52.07 132.9\nclade 60.44 93.42 50.62 75.5"),
)

TRANSITIONS = (0, 1, 2, 4, 5, 6, 7)
"""SPADE in the first so many blocks, CLADE in the others: the columns of Table VI."""
TABLE_6 = tuple(
    Row("VI", dataset, f"mixed_{k}", {"miou": miou, "runtime": runtime})
    for dataset, mious, runtimes in (
        ("ade20k_outdoor", (18.71, 19.28, 18.48, 19.06, 19.68, 19.63, 19.30),
         (.024, .025, .025, .028, .029, .033, .042)),
        ("cityscapes", (60.44, 61.25, 62.14, 62.08, 62.00, 61.47, 61.95), (.039, .040, .040, .043, .048, .057, .065)),
    ) for k, miou, runtime in zip(TRANSITIONS, mious, runtimes, strict=True))

_NO_BANKS = "the class tables are left out of the published count"
_NOTES_8 = {method: {"parameters": _NO_BANKS} for method in ("sean_clade", "groupdnet_clade")}
_TABLE_8 = _SCORES[:6]
TABLE_8 = (
    *_rows("VIII", _TABLE_8, "celebamask_hq", """
        sean            75.94 95.03 24.30 266.9 420.8 .165
        sean_clade      74.83 94.51 20.35 241.3 247.1 .152
        groupdnet       76.13 95.21 29.39 145.3 225.5 .090
        groupdnet_clade 76.70 95.38 29.30 134.6 213.6 .074""", {
            **_NOTES_8, "sean": {"flops": "an outlier: the network has 346.0 G, and all other rows of SEAN agree"}}),
    *_rows("VIII", _TABLE_8, "deepfashion", """
        sean            76.28 97.46  7.37 223.2 342.9 .165
        sean_clade      76.32 97.52  7.33 197.8 247.1 .152
        groupdnet       76.19 97.48  9.72  96.3 291.6 .062
        groupdnet_clade 76.82 97.67  9.79  79.2 118.5 .042""", _NOTES_8),
    *_rows("VIII", _TABLE_8, "cityscapes", """
        sean            59.02 93.21 53.85 330.4 681.8 .507
        sean_clade      60.11 93.15 52.76 304.5 476.1 .471
        groupdnet       59.20 92.78 41.12  76.5 463.6 .224
        groupdnet_clade 59.82 92.83 42.10  57.7 434.6 .128""", _NOTES_8),
)

FIGURE_5 = {
    "spade": {"parameters": 0.3921, "macs": 2.3473}, "clade": {"parameters": 0.0457, "macs": 0.0007},
    "clade_icpe": {"macs": 0.0014},
}
"""Costs of all norms over those of the convolutions, ADE20K; SPADE's highest layer is 8.72 (up_3.conv_1)."""

ROWS: tuple[Row, ...] = (*TABLE_1, *TABLE_2, *TABLE_3, *TABLE_4, *TABLE_6, *TABLE_8)


def lookup(dataset: str, method: str, table: str | None = None, source: str = CLADE_PAPER) -> list[Row]:
    """The rows of a method on a data set, in one table or in all."""
    return [row for row in ROWS if (row.dataset, row.method, row.source) == (dataset, method, source)
            and table in (None, row.table)]


def costs(dataset: str, method: str) -> Values:
    """All published costs of a method on a data set, scores left out; empty where there are none."""
    found: Values = {}
    for row in lookup(dataset, method):
        for column, value in row.values.items():
            if column not in ("miou", "accuracy", "fid"):
                found.setdefault(column, value)
    return found
