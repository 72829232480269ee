"""Whether a training could start, known before it is started."""

from collections.abc import Sequence
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import InstantiationException

from semsynth import config
from semsynth.cli.folders import searchpath
from semsynth.runs.building import validation
from semsynth.runs.jobs import sweep_jobs


def rehearse(words: Sequence[str], file: Path) -> None:
    """Compose and check the first job of a sweep, and look for its data; nothing is trained or written.

    With `init_from=` nothing is checked: what the job would be follows from that run.

    Args:
        words: Overrides as Hydra reads them, without those of Hydra itself.
        file: The command's file in conf/.

    Raises:
        ConfigError: a value that cannot work, or a file of weights that is missing.
        DataError: the data set is not there, or not as its reader expects.
    """
    if any(word.startswith("init_from=") for word in words):
        return
    first, _ = sweep_jobs(words, file)[0]
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(file.parent), version_base="1.3"):
        cfg = compose(file.stem, overrides=[*searchpath(words), *first, "run_dir=rehearsal"])  # its own asks for a job
        ready = config.prepare(cfg)
    try:
        validation({"dataset": ready.dataset})
    except InstantiationException as error:
        raise error.__cause__ or error from None
