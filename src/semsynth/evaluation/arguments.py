"""What is left out on the command line of evaluate.py and follows from the rest."""

from collections.abc import Sequence
from pathlib import Path

from semsynth import runs
from semsynth.signatures import ConfigError

JUDGED = ("scenes", "camvid")  # data sets with a segmenter of their own name
PROTOCOLS = {"scenes": "scenes", "camvid": "photographs", "folder": "photographs"}
PAPERS = "clade"  # the protocol of the others


def completed(arguments: Sequence[str]) -> list[str]:
    """Command-line arguments with what follows from them.

    `segmenter=FILE.safetensors` becomes `segmenter=trained segmenter.path=FILE`. Where they are not given, the protocol
    and the segmenter are those that belong to the data set, of the run or of `dataset=`.

    Raises:
        ConfigError: a segmenter file that is not there, or both a run and a data set.
    """
    arguments = list(arguments)
    given = dict(argument.split("=", 1) for argument in arguments if "=" in argument and not argument.startswith("-"))
    if "run" in given and any(key.split(".")[0] == "dataset" for key in given):
        raise ConfigError("run= brings the data set that it was trained on: leave dataset= out "
                          "(root=DIR says where it lies now)")
    name = _dataset(given)
    path = given.get("segmenter", "").strip("'\"")
    if path.endswith((".pth", ".pt", ".ckpt")):
        raise ConfigError(f"segmenter={path}: published weights go with their network, as in segmenter=upernet101 "
                          f"segmenter.weights={path}")
    if path.endswith(".safetensors"):
        if not Path(path).expanduser().is_file():
            raise ConfigError(f"segmenter={path}: there is no such file")
        place = arguments.index(f"segmenter={given['segmenter']}")
        arguments[place:place + 1] = ["segmenter=trained", f"segmenter.path={path}"]
    elif "segmenter" not in given and name in JUDGED:
        arguments.append(f"segmenter={name}")
    if "protocol" not in given and name is not None:
        arguments.append(f"protocol={PROTOCOLS.get(name, PAPERS)}")
    return arguments


def _dataset(given: dict[str, str]) -> str | None:
    """Name of the data set of `run=` (of the first one of a sweep) or `dataset=`; None where neither tells."""
    if "run" not in given:
        return given.get("dataset")
    typed = (given["run"], given["run"].strip("'\""), given["run"].split(",")[0])  # as typed, quoted, of a sweep
    run = next((path for path in (Path(text).expanduser() for text in typed) if (path / runs.CONFIG).is_file()), None)
    if run is None:
        return None  # loading the run says so
    return str(runs.load_config(run).get("dataset", {}).get("name"))
