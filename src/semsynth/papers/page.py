"""The page of a study, its tables as CSV, and the index of all pages."""

from __future__ import annotations

import csv
import datetime
import io
import json
import os
import platform
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from semsynth.device import hardware
from semsynth.papers.results import Section, Table
from semsynth.papers.steps import Step
from semsynth.papers.study import Study
from semsynth.reporting.collect import read_run
from semsynth.runs.directory import PROGRESS
from semsynth.spelling import as_typed_here, typed
from semsynth.weights.files import write_text

INDEX = "README.md"
OF = "Of "  # so begins the line that says what a page is of


def write_page(study: Study, steps: Sequence[Step], sections: Sequence[Section], lacking: Sequence[str],
               folder: Path, command: str, small: bool = False, own_words: bool = False) -> Path:
    """Write `folder/NAME.md`, and a CSV for each table; return the page's path.

    Args:
        study: What it is the page of.
        steps: All of the study's.
        sections: Made by its outputs.
        lacking: What is missing, each with its way out.
        folder: Made where it is missing.
        command: What makes it, as it is typed.
        small: Whether this is the cut-down form.
        own_words: Whether words of the command change what the study's file says.
    """
    parts = [f"# {study.title}", f"{OF}{study.source}. `{command}` makes this page."]
    if small:
        parts.append("**The cut-down form, of a few iterations: it shows that all runs; its numbers mean nothing.**")
    if own_words:
        parts.append("**With words of its own**: sizes and lengths that this page tells of may be others.")
    if lacking:
        parts.append("**Not complete**, see the end.")
    tables = 0
    for section in sections:
        parts += [f"## {section.heading}", section.text.strip()]
        if section.table is not None:
            name = f"{study.name}.csv" if tables == 0 else f"{study.name}_{_slug(section.heading)}.csv"
            write_text(folder / name, section.table.unrounded or comma_separated(section.table))
            parts += [markdown(section.table), f"[As CSV]({name})"]
            tables += 1
        if section.picture is not None:
            link = os.path.relpath(section.picture, folder).replace(os.sep, "/")
            parts.append(f"![{section.heading}]({link})")
    if study.differs:
        parts += ["## What differs from what is published", _listed(study.differs)]
    if lacking:
        parts += ["## Missing", _listed(lacking)]
    commands = [_broken(typed(command)) for step in steps for command in step.commands(step.jobs)]
    if commands:
        parts += ["## By hand", "What the command above runs; what is there already it passes over.",
                  "\n".join(["```sh", *commands, "```"])]
    parts += ["## Made on", machine(), trained_on(steps)]
    text = as_typed_here("\n\n".join(part for part in parts if part))
    return write_text(folder / f"{study.name}.md", f"{text}\n")


def write_index(folder: Path) -> Path:
    """Write README.md: a line for each page of the folder; return its path."""
    lines = []
    for path in sorted(folder.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        title = re.match(r"# (.*)", text)
        if path.name == INDEX or title is None:
            continue
        of = re.search(rf"^{OF}(.*)\. `", text, re.MULTILINE)
        lines.append(f"- [{path.stem}]({path.name}): {title[1]}" + (f"; {of[1]}" if of else ""))
    made = as_typed_here("Each made by `python train.py experiments=NAME`; `make reproduce` makes those whose names "
                         "end in `_scenes`.")
    return write_text(folder / INDEX, "\n".join(["# Tables and figures of the papers", "", made, "", *lines]) + "\n")


def markdown(table: Table) -> str:
    """The table in Markdown; columns of numbers stand to the right."""
    right = [all(re.match(r"[-\d*(]", row[i]) for row in table.rows) for i in range(len(table.head))]
    lines = [table.head, ["---:" if number else "---" for number in right], *table.rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def comma_separated(table: Table) -> str:
    """What is shown, as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([table.head, *table.rows])
    return text.getvalue()


def machine() -> str:
    """Processor, threads, device, versions and date, and no name of a machine."""
    devices = [hardware(torch.device("cpu")), f"{os.cpu_count()} logical cores"]
    devices += [hardware(torch.device("cuda"))] if torch.cuda.is_available() else []
    return (f"{', '.join(devices)}; torch {torch.__version__}, Python {platform.python_version()}; "
            f"{datetime.date.today().isoformat()}. Jobs that were there before may come from another machine.")


def trained_on(steps: Sequence[Step]) -> str:
    """On what the finished trainings were trained, by setting, as far as they say; empty where none does."""
    jobs = dict.fromkeys(job for step in steps if step.kind == "train" for job in step.jobs if step.done(job))
    where: dict[str, Counter[str]] = {}
    for job in jobs:
        if machine := _machine(job / PROGRESS):
            where.setdefault(machine, Counter())[read_run(job).name] += 1
    words = [f"{machine} ({', '.join(f'{name}: {count}' for name, count in settings.items())})"
             for machine, settings in where.items()]
    return f"Trained on, with the number of seeds: {'; '.join(words)}." if words else ""


def _machine(path: Path) -> str:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return f"{found['hardware']}, torch {found['torch']}"
    except (OSError, ValueError, LookupError, TypeError):
        return ""


def _broken(command: str) -> str:
    """A command with each of its runs on a line, as a shell joins them again."""
    return " ".join(word.replace(",", ",\\\n") if word.startswith("run=") else word for word in command.split(" "))


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _slug(heading: str) -> str:
    return re.sub(r"\W+", "_", heading.lower()).strip("_")
