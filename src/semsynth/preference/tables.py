"""The table of a study, as it is printed and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from semsynth.pictures.charts import new_figure, save
from semsynth.preference.analysis import Analysis, Interval, Row, Share
from semsynth.preference.study import VOTES, Study
from semsynth.weights.files import write_text

VOTES_HEAD = ("% (95 %, Wilson)", "votes", "p")
RATERS_HEAD = ("95 %, over raters and pictures", "p over raters", "raters", "pictures")
NOTE = ("Wilson's interval and `p` (sign test) take all votes as independent. The second interval draws raters and "
        "pictures anew, so it also holds for other people and other pictures; it is wide rather than narrow. `p over "
        "raters` is the sign test over people.")


def vote_cells(share: Share) -> list[str]:
    """As shown below `VOTES_HEAD`."""
    return [f"{100 * share.share:.1f} ({_ends(share.wilson)})", f"{share.chosen} of {share.votes}", p_value(share.p)]


def rater_cells(share: Share) -> list[str]:
    """As shown below `RATERS_HEAD`; `-` where only counts are known."""
    return [_ends(share.bootstrap), "-" if share.p_raters is None else p_value(share.p_raters),
            *("-" if count is None else str(count) for count in (share.raters, share.pictures))]


def p_value(p: float) -> str:
    """As printed: three decimals, `< 0.001` below that."""
    return "< 0.001" if p < 0.0005 else f"{p:.3f}"


def time_words(time_ms: int | None) -> str:
    """A time as it is shown."""
    return "unlimited" if time_ms is None else f"{time_ms / 1000:g} s"


def _ends(interval: Interval | None) -> str:
    return "-" if interval is None else f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f}"


def head() -> list[str]:
    """Headings of `lines`."""
    return ["preferred", "to", "seen for", *VOTES_HEAD, *RATERS_HEAD]


def lines(study: Study, rows: Sequence[Row]) -> list[list[str]]:
    """A line for each comparison and time."""
    return [[*(study.names[method] for method in row.methods), time_words(row.time_ms), *vote_cells(row.share),
             *rater_cells(row.share)] for row in rows]


def unrounded(study: Study, rows: Sequence[Row]) -> str:
    """The table as CSV, with all digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["study", "preferred", "to", "time_ms", "chosen", "votes", "share", "wilson_low", "wilson_high",
                     "p", "bootstrap_low", "bootstrap_high", "p_raters", "raters", "pictures"])
    for row in rows:
        share = row.share
        writer.writerow([study.title, *(study.names[method] for method in row.methods), row.time_ms, share.chosen,
                         share.votes, share.share, *share.wilson, share.p, *(share.bootstrap or (None, None)),
                         share.p_raters, share.raters, share.pictures])
    return text.getvalue()


def who(study: Study, found: Analysis) -> str:
    """Whose votes they are, in words."""
    wanted = "" if study.raters is None else f" of {study.raters * study.pages} wanted"
    words = f"{found.begun} raters, {found.finished} have finished{wanted}"
    if any(item.sentinel for item in study.items):
        words += (f"; the votes of {found.failed} are left out, who chose fewer than {100 * study.pass_mark:g} % of "
                  "the sentinels right or had seen none")
    if found.doubles:
        words += f"; lines of {VOTES} that stand there again, and count once: {found.doubles}"
    return f"{words}."


def page(study: Study, found: Analysis) -> str:
    """The table with its words, as Markdown."""
    cells = [head(), *lines(study, found.rows)]
    table = [f"| {' | '.join(line)} |".replace("|  |", "| |") for line in cells]
    table.insert(1, "|" + "---|" * len(cells[0]))
    return "\n".join([f"# {study.title or 'Preference study'}", "", f"Asked: {study.question}", "", who(study, found),
                      "", *table, "", NOTE, ""])


def write_analysis(study: Study, found: Analysis, folder: Path) -> list[Path]:
    """Write `analysis.md` and `analysis.csv`, and a curve over the times where there are several; return the files."""
    written = [write_text(folder / "analysis.md", page(study, found)),
               write_text(folder / "analysis.csv", unrounded(study, found.rows))]
    if len({row.time_ms for row in found.rows}) > 1:
        written.append(draw_times(study, found.rows, folder / "analysis.png"))
    return written


def draw_times(study: Study, rows: Sequence[Row], path: Path) -> Path:
    """Draw how often the first method was chosen over the time that a pair was seen; bars are Wilson's intervals."""
    figure, panels = new_figure(1, 1, (6.0, 3.8))
    axes = panels[0, 0]
    for index, methods in enumerate(dict.fromkeys(row.methods for row in rows)):
        own = [row for row in rows if row.methods == methods and row.time_ms is not None]
        shares = [100 * row.share.share for row in own]
        reach = [[share - 100 * row.share.wilson[0] for share, row in zip(shares, own, strict=True)],
                 [100 * row.share.wilson[1] - share for share, row in zip(shares, own, strict=True)]]
        first, second = (study.names[method].replace("$", r"\$") for method in methods)
        axes.errorbar([(row.time_ms or 0) / 1000 for row in own], shares, reach, color=f"C{index}", marker="o",
                      markersize=4, capsize=3, label=f"{first} preferred\nto {second}")
    ticks = sorted({row.time_ms / 1000 for row in rows if row.time_ms})
    axes.set_xscale("log", base=2)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set(xlabel="seconds that both pictures were seen", ylabel="% of votes", ylim=(0, 100))
    axes.axhline(50, color="0.6", linewidth=0.8)
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", fontsize=8, frameon=False)
    return save(figure, path)
