"""What is left out on the command lines of evaluate.py and train.py and follows from the rest."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from semsynth import runs
from semsynth.errors import ConfigError

OWN = "folder"  # the choice whose protocol serves a data set that has no yaml here: pictures of one's own


def completed(arguments: Sequence[str], choices: Callable[[Sequence[str]], Mapping[str, Sequence[str]]]) -> list[str]:
    """Command-line arguments with what follows from them.

    As `with_judge`; and a run names its data set, which says how it is scored and by which judge, as in training. A run
    on a data set that is no choice here brings the protocol that it was trained with.

    Args:
        arguments: As typed.
        choices: The arguments -> groups with their choices, also those of folders that the arguments name.

    Raises:
        ConfigError: a segmenter file that is not there, both a run and a data set, or runs of several data sets.
    """
    arguments = list(arguments)
    given = dict(argument.split("=", 1) for argument in arguments if "=" in argument and not argument.startswith("-"))
    if "run" in given and any(key.split(".")[0] == "dataset" for key in given):
        raise ConfigError("run= brings the data set that it was trained on: leave dataset= out "
                          "(root=DIR says where it lies now)")
    arguments = with_judge(arguments)
    facts = _facts_of_run(given["run"]) if "run" in given else None
    if facts is not None:
        (name, protocols), there = facts, choices(arguments)
        known = name in there["dataset"]
        arguments.append(f"dataset={name if known else OWN}")
        if not known and len(protocols) == 1 and not {"protocol", "scoring"} & given.keys():
            arguments += [f"protocol={name}" for name in protocols if name in there["protocol"]]
    return arguments


def with_judge(arguments: Sequence[str]) -> list[str]:
    """Command-line arguments where `segmenter=FILE.safetensors` is `segmenter=trained segmenter.path=FILE`.

    Raises:
        ConfigError: there is no such file, or it is one of published weights.
    """
    arguments = list(arguments)
    typed = next((argument for argument in arguments if argument.startswith("segmenter=")), "")
    path = typed.partition("=")[2].strip("'\"")
    if path.endswith((".pth", ".pt", ".ckpt")):
        raise ConfigError(f"segmenter={path}: published weights go with their network, as in segmenter=upernet101 "
                          f"segmenter.weights={path}")
    if path.endswith(".safetensors"):
        if not Path(path).expanduser().is_file():
            raise ConfigError(f"segmenter={path}: there is no such file")
        place = arguments.index(typed)
        arguments[place:place + 1] = ["segmenter=trained", f"segmenter.path={path}"]
    return arguments


def _facts_of_run(typed: str) -> tuple[str, set[str]] | None:
    """Names of the data set and of the protocols of `run=`, or of the runs of a sweep; None where there is no such run:
    loading it says so.

    Raises:
        ConfigError: they are of several data sets, and the command line can name one alone.
    """
    whole = [path for text in (typed, typed.strip("'\"")) if (path := Path(text).expanduser()).is_dir()]
    places = whole[:1] or [Path(text).expanduser() for text in typed.split(",")]
    found: dict[str, Path] = {}
    protocols = set()
    for path in places:
        if (path / runs.CONFIG).is_file():
            config = runs.Run(path).config
            name, protocol = (str((config.get(key) or {}).get("name")) for key in ("dataset", "protocol"))
            found[name] = path
            protocols.add(protocol)
    if len(found) > 1:
        raise ConfigError("run= names runs of several data sets, each of which has its own judge and features: score "
                          + " and ".join(f"those of {name} ({path}, ...)" for name, path in found.items())
                          + " in commands of their own")
    return next(((name, protocols) for name in found), None)
