"""Runs every notebook of a folder on small settings: `python tests/notebooks.py [NAME ...]`.

Each runs in a kernel of its own, in a folder that is thrown away, with what its cell `parameters` says replaced by
`SMALL`. A cell that fails, a command of one that fails, a picture that is missing, or an output in the committed file
ends it with code 1.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "notebooks"
TINY = "trainer.limit_train_batches=2 generator.ngf=4 discriminator.ndf=8 dataset.val_length=8 scores.every_n_epochs=0"
SMALL = {
    "quickstart": {"WORDS": "epochs=1 " + TINY},
    "your_own_data": {"SCENES": 12, "WORDS": "size=32 epochs=1 generator.ngf=4 discriminator.ndf=8 batch=2",
                      "JUDGE": "epochs=1 'network.widths=[4,8]' batch=4"},
    "published_checkpoint": {"STAND_IN": "epochs=1 encoder=none " + TINY},
    "why_clade": {"WORDS": "epochs=1 " + TINY, "MAPS": 4},
    "edit_regions": {"WORDS": "epochs=1 decay_epochs=0 " + TINY, "MAPS": 8},
    "reading_a_sweep": {"WORDS": "epochs=1 seed=0,1 norm=clade,spade trainer.log_every_n_steps=1 " + TINY,
                        "SCORE": "protocol.count=8 protocol.train_count=8 protocol.diversity_maps=2"},
}
PICTURES = {"quickstart": 3, "your_own_data": 1, "published_checkpoint": 1, "why_clade": 3, "edit_regions": 4,
            "reading_a_sweep": 2}
LIMIT = 300  # seconds of a cell


def main(names: list[str]) -> int:
    """Run them, and return the exit code."""
    failed = 0
    for path in sorted(FOLDER.glob("*.ipynb")):
        if names and path.stem not in names:
            continue
        started = time.monotonic()
        fault = run(path)
        failed += fault is not None
        print(f"{path.relative_to(ROOT)}: {fault or 'passed'} ({time.monotonic() - started:.0f} s)", flush=True)
    return int(failed > 0)


def run(path: Path) -> str | None:
    """Run one; what is wrong with it, or None."""
    notebook = nbformat.read(path, 4)
    if any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells):
        return "holds outputs: strip them before it is committed"
    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(cells) != 1:
        return f"has {len(cells)} cells tagged parameters, not one"
    cells[0].source += "\n" + "\n".join(f"{name} = {value!r}" for name, value in SMALL[path.stem].items())
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("src", "conf", "experiments", "tools", "train.py", "evaluate.py", "synthesize.py"):
            Path(scratch, name).symlink_to(ROOT / name)
        Path(scratch, "notebooks").mkdir()
        client = NotebookClient(notebook, timeout=LIMIT, resources={"metadata": {"path": f"{scratch}/notebooks"}})
        try:
            client.execute()
        except CellExecutionError as error:
            return f"failed\n{error}"
    shown = sum("image/png" in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", []))
    return None if shown >= PICTURES[path.stem] else f"shows {shown} pictures, not {PICTURES[path.stem]}"


if __name__ == "__main__":
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    sys.exit(main(sys.argv[1:]))
