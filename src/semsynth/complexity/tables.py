"""Records as tables: in the terminal, and as Markdown with the published numbers beside ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from semsynth.complexity import fitting, published
from semsynth.complexity.measure import Record
from semsynth.digits import rounded

Get = Callable[[Record], float | None]


def _at(*keys: str, scale: float = 1.0) -> Get:
    """Read a number of a record and scale it; None where it is not there."""
    def get(record: Record) -> float | None:
        value: object = record
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value * scale if isinstance(value, int | float) else None
    return get


def _work(count: str, part: str) -> Get:
    """1e9 operations of a record that counts so."""
    def get(record: Record) -> float | None:
        return _at(count, part, scale=1e-9)(record) if record["count"] == count else None
    return get


def _peak(mode: str) -> Get:
    """GB of the smallest batch, weights included."""
    def get(record: Record) -> float | None:
        peaks = record.get("memory", {}).get(mode) or [{}]
        return (peaks[0]["peak_bytes"] + peaks[0]["weights_bytes"]) / 1e9 if peaks[0] else None
    return get


def _macs_beside(record: Record) -> float | None:
    """1e9 multiply-accumulates beside a count of more than these."""
    return None if record["count"] == "macs" else _at("macs", "total", scale=1e-9)(record)


HEADINGS = {"macs": "MACs (G)", "macs_bias": "MACs + biases (G)"}
# heading, our number, the published column
COLUMNS: tuple[tuple[str, Get, str | None], ...] = (
    ("parameters (M)", _at("parameters", "total", scale=1e-6), "parameters"),
    ("of the backbone (M)", _at("parameters", "backbone", scale=1e-6), "backbone"),
    ("of the norms (M)", _at("parameters", "norm", scale=1e-6), "norm"),
    *((heading, _work(count, part), column) for count, total in HEADINGS.items()
      for heading, part, column in ((total, "total", "flops"), ("of the backbone (G)", "backbone", None),
                                    ("of the norms (G)", "norm", None))),
    ("MACs alone (G)", _macs_beside, None),
    ("time (s/image)", _at("runtime", "median_s"), None),
    ("spread (s)", _at("runtime", "spread_s"), None),
    ("CPU time (s)", _at("runtime", "cpu_s"), "cpu"),
    ("in the backbone (s)", _at("runtime", "backbone_s"), None),
    ("in the norms (s)", _at("runtime", "norm_s"), None),
    ("inference (GB)", _peak("inference"), None),
    ("training (GB)", _peak("training"), "memory"),
)


def number(value: float) -> str:
    """One decimal as the papers have it, three digits below 20."""
    return f"{value:.1f}" if value >= 20 else rounded(value, 3 if value >= 0.001 else 1)


def compared(record: Record) -> list[tuple[str, str, str]]:
    """(heading, our number, the published one) of everything that the record holds."""
    setting = record["setting"]
    theirs = published.costs(setting["dataset"], setting["method"]) if setting["method"] else {}
    lines = []
    for heading, get, column in COLUMNS:
        value = get(record)
        if value is not None:
            reference = theirs.get(column) if column else None
            lines.append((heading, number(value), "" if reference is None else f"{reference:g}"))
    return lines


def markdown(records: Sequence[Record]) -> str:
    """One row a record; a published number stands in brackets behind ours. Columns that nobody fills are left out."""
    used = [column for column in COLUMNS if any(column[1](record) is not None for record in records)]
    lines = ["| data set | norm | formulation | " + " | ".join(heading for heading, *_ in used) + " |",
             "|---|---|---|" + "---:|" * len(used)]
    for record in records:
        setting, cells = record["setting"], []
        theirs = published.costs(setting["dataset"], setting["method"]) if setting["method"] else {}
        for _, get, column in used:
            value, reference = get(record), theirs.get(column) if column else None
            cell = "" if value is None else number(value)
            cells.append(cell if reference is None or value is None else f"{cell} ({reference:g})")
        lines.append(f"| {setting['dataset']} | {label(record)} | {formulation(record)} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, *("\n" + line for line in between_norms(records))]) + "\n"


def formulation(record: Record) -> str:
    """Whose time and memory a record holds; a dash where it holds neither."""
    measured = record.get("runtime") or record.get("memory")
    return str(record.get("formulation", "fast")) if measured else "-"


def between_norms(records: Sequence[Record]) -> list[str]:
    """A line for each data set and formulation in which SPADE and CLADE were timed on one CPU thread."""
    times: dict[tuple[str, str], dict[str, float]] = {}
    for record in records:
        run = record.get("runtime") or {}
        if run.get("cpu_s") and run["threads"] == 1 and record["setting"]["method"] in ("spade", "clade"):
            key = record["setting"]["dataset"], formulation(record)
            times.setdefault(key, {})[record["setting"]["method"]] = run["cpu_s"]
    lines = []
    for (dataset, name), found in times.items():
        theirs = [published.costs(dataset, method).get("cpu") for method in ("spade", "clade")]
        if len(found) == 2 and all(theirs):
            lines.append(f"{dataset}, {name} formulation, one CPU thread: SPADE takes "
                         f"{found['spade'] / found['clade']:.2f} times CLADE's time; published "
                         f"{theirs[0] / theirs[1]:.2f} ({theirs[0]:g} s / {theirs[1]:g} s).")  # type: ignore[operator]
    return lines


def label(record: Record) -> str:
    """The norm, with its published name or its width where that is not all."""
    setting = record["setting"]
    if setting["method"] in (setting["norm"], None):
        return setting["norm"] if setting["method"] else f"{setting['norm']}, ngf {setting['ngf']}"
    return setting["method"]


def show(record: Record, console: Console) -> None:
    """Print the totals beside the published ones, and the layers."""
    setting = record["setting"]
    height, width = setting["size"]
    timed = "" if (name := formulation(record)) == "-" else f", {name} formulation"
    console.print(totals(record, f"{label(record)} on {setting['dataset']}, {height}x{width}{timed}"))
    console.print(layers(record))
    if run := record.get("runtime"):
        tf32 = ", TF32" if run["tf32"] else ""
        console.print(f"time: {run['hardware']}, {run['device']}, {run['threads']} threads, batch {run['batch']}, "
                      f"{run['precision']}{tf32}, compile={str(run['compile']).lower()}, {run['labels']} maps, median "
                      f"of {run['repeats']}" + (f", load {run['load']:.1f}" if run["load"] is not None else ""),
                      highlight=False, soft_wrap=True)
    for mode in ("inference", "training"):
        for peak in record.get("memory", {}).get(mode, []):
            console.print(f"memory, {mode}, batch {peak['batch']}: {peak['peak_bytes'] / 1e9:.2f} GB above the "
                          f"weights' {peak['weights_bytes'] / 1e9:.2f} GB ({record['memory']['of']})",
                          highlight=False, soft_wrap=True)
    if found := record.get("fits"):
        console.print(*fitting.in_words(found), sep="\n", highlight=False, soft_wrap=True)
    for key, reason in record["skipped"].items():
        console.print(f"left out: {key} ({reason})", highlight=False, soft_wrap=True)


def totals(record: Record, title: str) -> Table:
    """Our numbers and the published ones."""
    table = Table(title=title)
    table.add_column("")
    table.add_column("ours", justify="right")
    table.add_column("published", justify="right")
    for line in compared(record):
        table.add_row(*line)
    for name, network in record["networks"].items():
        table.add_row(f"{name}: parameters (M)", f"{network['parameters'] / 1e6:.2f}", "")
        table.add_row(f"{name}: {HEADINGS[record['count']]}", f"{network[record['count']] / 1e9:.2f}", "")
    table.add_row("scale and shift (G, elementwise)", f"{record['elementwise'] / 1e9:.3f}", "")
    theirs = published.FIGURE_5.get(record["setting"]["method"] or "", {})
    theirs = theirs if record["setting"]["dataset"] == "ade20k" else {}
    for quantity in ("parameters", "macs"):
        for convention, reference in (("measured", None), ("published", theirs.get(quantity))):
            table.add_row(f"norms / convolutions, {quantity}, as {convention}",
                          f"{record['ratios'][convention][quantity]:.2%}",
                          "" if reference is None else f"{reference:.2%}")
    return table


def layers(record: Record) -> Table:
    """Every convolution beside the norm before it, in absolute numbers and as a ratio, as measured."""
    table = Table(title="layers: norm beside the convolution after it", box=box.SIMPLE_HEAD)
    table.add_column("convolution", no_wrap=True)
    for heading in ("size", "channels", "norm (K)", "conv (K)", "ratio", "norm (MMAC)", "conv (MMAC)", "ratio"):
        table.add_column(heading, justify="right", no_wrap=True)
    norms = {layer["name"]: layer for layer in record["layers"] if layer["kind"] == "norm"}
    for layer in record["layers"]:
        if layer["kind"] == "norm" and layer["ratios"]:
            continue  # stands beside its convolution
        norm = norms.get(layer["follows"])
        cells = ["", f"{layer['parameters'] / 1e3:.1f}", "", "", f"{layer['macs'] / 1e6:.1f}", ""]
        if norm:
            ratio = norm["ratios"]["measured"]
            # elementwise operations count where there is no convolution in the norm
            cells = [f"{norm['parameters'] / 1e3:.1f}", cells[1], f"{ratio['parameters']:.1%}",
                     f"{(norm['macs'] + norm['elementwise']) / 1e6:.2f}", cells[4], f"{ratio['macs']:.1%}"]
        table.add_row(layer["name"].removeprefix("blocks."), "x".join(map(str, layer["size"])),
                      f"{layer['channels_in']}-{layer['channels_out']}", *cells)
    return table
