"""Let people choose between the pictures of two methods, as the papers did, and say what their votes mean.

    python tools/preference.py make study=DIR a=RUN b=RUN            pairs that two runs draw of the same label maps
    python tools/preference.py make study=DIR a=DIR b=DIR            pairs of pictures of the same names
    python tools/preference.py make study=DIR a=RUN b=RUN preset=crn    the layout of another paper
    python tools/preference.py serve study=DIR                       the page for raters, and where it is
    python tools/preference.py analyse study=DIR                     shares, intervals, tests
"""

import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra
from omegaconf import DictConfig, OmegaConf

from semsynth.cli import command
from semsynth.cli.meanings import meanings
from semsynth.config import listed
from semsynth.errors import ConfigError, PreferenceError
from semsynth.shipped import CONF
from semsynth.signatures import bind, near

if TYPE_CHECKING:
    from semsynth.preference.plan import Plan

FILE = CONF / "preference.yaml"
ACTIONS = ("make", "serve", "analyse")
HELP = ("--help", "-h")
EXAMPLE = "python tools/preference.py make study=DIR a=DIR b=DIR"
NEEDS = ("starlette", "uvicorn")


def with_action(arguments: Sequence[str]) -> list[str]:
    """The arguments with `action=make` in place of the word `make`.

    Raises:
        ConfigError: none of the actions is named, or a key is of another one.
    """
    words = [word for word in arguments if not word.startswith("-") and "=" not in word]
    rest = [word for word in arguments if word not in words]
    if any(word in HELP for word in arguments):
        return rest
    if len(words) != 1 or words[0] not in ACTIONS:
        wrong = next((word for word in words if word not in ACTIONS), "")
        raise ConfigError((f"{wrong}: there is no such word{near(wrong, ACTIONS)}; " if wrong else "") +
                          f"one of {', '.join(ACTIONS)} says what to do: {EXAMPLE}")
    for key in (word.partition("=")[0].partition(".")[0] for word in rest if "=" in word):
        of = meanings(FILE).get(key, "").partition(":")[0]
        if of in ACTIONS and of != words[0]:
            raise ConfigError(f"{key}=: {words[0]} makes no use of it, {of} does: leave it out")
    return [f"action={words[0]}", *rest]


def make(cfg: DictConfig) -> None:
    """Make a study of folders or runs."""
    from semsynth.preference.making import check_free, make_study

    layout: Any = OmegaConf.to_container(cfg.preset, resolve=True)
    bind("preset", layout)
    plan: Plan = hydra.utils.instantiate(cfg.preset)
    folder = Path(cfg.study).expanduser()
    check_free(folder)
    for key in ("a", "b"):
        if cfg[key] is None:
            raise ConfigError(f"{key}= is missing: {EXAMPLE}")
    named = _names(cfg)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}_", dir=folder.parent) as drawn:
        study = make_study(folder, _sources(cfg, plan, Path(drawn)), plan, dict(zip("ab", named, strict=True)),
                           title=cfg.title or "", seed=cfg.seed, size=None if cfg.size is None else tuple(cfg.size),
                           progress=_bar("copying", "pair"))
    raters = "any number of raters" if study.raters is None else f"{study.raters} raters"
    print(f"{len(study.items)} pairs on {study.pages} {'page' if study.pages == 1 else 'pages'}, {plan.trials} each, "
          f"{raters} a page", f"study: {folder}", sep="\n")


def _sources(cfg: DictConfig, plan: "Plan", drawn: Path) -> dict[str, Any]:
    from semsynth.device import chosen_device
    from semsynth.preference.sources import draw_runs, folder_files, is_run

    places = {key: Path(cfg[key]).expanduser() for key in ("a", "b", "real", "maps") if cfg[key] is not None}
    are_runs = {key: is_run(places[key]) for key in ("a", "b")}
    if not any(are_runs.values()):
        keys = {"map" if key == "maps" else key: path for key, path in places.items()}
        return {key: folder_files("maps" if key == "map" else key, path) for key, path in keys.items()}
    for key in places:
        if not are_runs.get(key, False):
            raise PreferenceError(f"{key}={places[key]} is no run directory, as another is: give two runs, which bring "
                                  "real pictures and label maps, or folders of pictures alone (synthesize.py makes "
                                  "them)")
    return draw_runs(places, plan.pictures + plan.sentinels, drawn, least=plan.least, seed=cfg.seed,
                     checkpoint=cfg.checkpoint, weights=cfg.weights, device=chosen_device(cfg.device),
                     progress=_bar("drawing", "batch"))


def _names(cfg: DictConfig) -> list[str]:
    """What the methods are called: as is said, or as the ends of their paths, as long as it takes to differ."""
    first, second = (Path(cfg[key]).expanduser().resolve().parts for key in ("a", "b"))
    if first == second:
        raise PreferenceError(f"a={cfg.a} and b={cfg.b} are one folder, with the same pictures: give the folder or run "
                              "of another method as one of them")
    named = listed(cfg.names)
    if not named:
        length = next(n for n in range(1, len(first) + len(second)) if first[-n:] != second[-n:])
        return ["/".join(parts[-length:]) for parts in (first, second)]
    if named[0] == named[1]:
        raise PreferenceError(f"names={cfg.names}: both methods have one name, and tables could not tell them apart: "
                              "give two that differ, or leave names out for those of the folders")
    return named


def _bar(title: str, unit: str) -> Any:
    from tqdm.auto import tqdm

    return lambda things: tqdm(things, desc=title, unit=unit)


def serve(cfg: DictConfig) -> None:
    """Serve a study until Ctrl-C."""
    if missing := [name for name in NEEDS if find_spec(name) is None]:
        raise ConfigError(f"serve needs {' and '.join(missing)}: pip install 'semsynth[demo]'")
    from semsynth.preference.serving import serve_study

    serve_study(Path(cfg.study).expanduser(), cfg.host, cfg.port, listed(cfg.hosts) or [])


def analyse(cfg: DictConfig) -> None:
    """Analyse the votes so far, also while the study is served."""
    from semsynth.preference.analysis import analyse as count
    from semsynth.preference.study import VOTES, read_study
    from semsynth.preference.tables import page, write_analysis
    from semsynth.preference.votes import read_votes

    folder = Path(cfg.study).expanduser()
    study = read_study(folder)
    found = count(study, read_votes(folder / VOTES), cfg.draws)
    if not found.rows:
        raise PreferenceError(f"study={folder}: there are no votes that count yet ({found.begun} raters have begun, "
                              f"{found.failed} fail the sentinels)")
    print(page(study, found))
    print(*write_analysis(study, found, folder if cfg.output is None else Path(cfg.output).expanduser()), sep="\n")


@command(FILE, arguments=with_action)
def main(cfg: DictConfig) -> None:
    """Make, serve or analyse."""
    {"make": make, "serve": serve, "analyse": analyse}[cfg.action](cfg)
