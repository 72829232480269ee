"""The configuration that comes with the package: `conf/`, with a file for every command, and `experiments/`.

In the source tree both are links to the folders at its root, which are there to be edited; a wheel holds copies.
"""

from pathlib import Path

FOLDER = Path(__file__).parent
CONF = (FOLDER / "conf").resolve()
EXPERIMENTS = (Path("experiments"), FOLDER / "experiments")  # one's own, where a command is called, comes first
IN_SOURCE_TREE = (FOLDER / "conf").is_symlink()
