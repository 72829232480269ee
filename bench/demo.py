"""The painting page's server, from a stroke's request to its picture: python bench/demo.py [quick].

Over a real connection, a label map that was never seen before each time, one page and nothing else. Networks are at
their initial weights, which draw no picture but take the same time; that of published width is imported from a file in
the released layout. Writes bench/results_demo.md.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
import uvicorn
from hydra import compose, initialize_config_dir
from maps import median_map
from networks import DEVICE, build
from run import machine, table

from semsynth.checkpoints.convert import to_official
from semsynth.checkpoints.layouts import CLADE
from semsynth.commands.demo import studio_of
from semsynth.demo.app import application
from semsynth.demo.painter import Painter
from semsynth.demo.starts import Starts
from semsynth.demo.studio import Studio
from semsynth.demo.uploads import MaskReader
from semsynth.serving.guard import Guard
from semsynth.serving.server import configured, listening
from semsynth.shipped import CONF
from semsynth.synthesis.condition import Condition
from semsynth.synthesizer import Synthesizer

CASES = [("CLADE of make train", 64, 0.15), ("imported CLADE, published width", 256, 1.0)]  # seconds at most
ROOT = Path(__file__).parents[1]
HEADS = ["network", "size", "threads", "median s", "slowest s", "median s of the processor", "target s"]


def studio(size: int, classes: int) -> Studio:
    """A server's model without a run, as wide as that of make train."""
    condition = Condition(tuple(f"class {k}" for k in range(classes)), ((0, 0, 0),) * classes, None, False, None,
                          (size, size))
    painter = Painter(Synthesizer(build("CLADE", size, 16, classes).eval(), None, condition, DEVICE), "bench",
                      (size, size))
    nothing = MaskReader(np.zeros, np.zeros, classes, None, (size, size))
    return Studio([painter], range(classes), nothing, Starts(None, (size, size), 0), lambda *_: "", "bench")


def imported(folder: Path) -> Studio:
    """A server's model of a run that tools/import_checkpoint.py makes of a released file for ADE20K, 256x256."""
    file, run = folder / "latest_net_G.pth", folder / "run"
    torch.save(to_official(CLADE, build("CLADE", 256, 64, 151).state_dict()), file)
    subprocess.run([sys.executable, str(ROOT / "tools" / "import_checkpoint.py"), f"source={file}", f"output={run}",
                    "dataset=ade20k"], check=True)
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return studio_of(compose("demo", [f"device={DEVICE}"]), [run])


@contextmanager
def served(made: Studio) -> Iterator[int]:
    """A server in a thread of its own; its port."""
    with listening("127.0.0.1", 0) as place:
        server = uvicorn.Server(configured(Guard(application(made)), 8))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield place.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def strokes(size: int, repeats: int) -> tuple[list[float], list[float]]:
    """Seconds of each stroke's request, by the clock and of the processor, the first left out."""
    labels, classes, _ = median_map(size, 1)
    with TemporaryDirectory() as folder:
        made = studio(size, classes) if size == 64 else imported(Path(folder))
    classes = made.classes
    ids = labels[0].numpy().astype(np.uint8) % classes
    times, worked = [], []
    with served(made) as port:
        page = HTTPConnection("127.0.0.1", port, timeout=600)
        random = np.random.default_rng(0)
        for turn in range(repeats + 1):
            y, x = random.integers(0, size - size // 8, 2)
            ids[y:y + size // 8, x:x + size // 8] = random.integers(classes)
            head = json.dumps({"page": "bench", "turn": turn, "network": 0, "style": None})
            start, busy = time.perf_counter(), time.process_time()
            page.request("POST", "/api/draw", head.encode() + b"\n" + ids.tobytes(),
                         {"Content-Type": "application/octet-stream"})
            answer = page.getresponse()
            picture = answer.read()
            times.append(time.perf_counter() - start)
            worked.append(time.process_time() - busy)
            assert answer.status == 200, picture
            assert len(picture) == 3 * size * size
        page.close()
    return times[1:], worked[1:]


def main() -> None:
    """Run all cases and write the page."""
    quick = sys.argv[1:] == ["quick"]
    rows = []
    for name, size, target in CASES[:1] if quick else CASES:
        times, worked = strokes(size, 10 if quick else 30)
        rows.append([name, f"{size}x{size}", str(torch.get_num_threads()), f"{statistics.median(times):.3f}",
                     f"{max(times):.3f}", f"{statistics.median(worked):.3f}", f"<= {target:g}"])
        print(rows[-1], flush=True)
    page = ("# From a stroke to its picture\n\n"
            f"{machine()}, torch {torch.__version__}, float32. Seconds from a stroke's request to the last byte of "
            f"its picture, over a connection to the server of `demo.py`, for label maps ({median_map(64, 1)[2]}) that "
            f"change with each; networks at their initial weights. Seconds of the processor are those of all threads "
            f"together. `python bench/demo.py` wrote this page.\n\n"
            f"{table(HEADS, rows)}\n")
    if not quick:
        Path(__file__).with_name("results_demo.md").write_text(page)


if __name__ == "__main__":
    main()
