"""Commands in processes of their own that begin in a moment: forks of one that has imported the libraries.

A process that begins with Python itself takes longer to import torch and Lightning than for a small training. What asks
of such a beginning (what is imported and when, how long that takes) starts one: `subprocess`.
"""

import atexit
import multiprocessing
import os
import runpy
import signal
import sys
from pathlib import Path
from threading import Timer

LIBRARIES = ["torch", "torch._dynamo", "torchvision", "pytorch_lightning", "albumentations", "hydra"]
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(LIBRARIES)  # nothing of the package, of which a test may run a copy


class Process:
    """A script in a process and session of its own, as `subprocess.Popen` has it, its errors among its output.

    Args:
        words: The script, and its arguments.
        folder: Where it is run, and where the script is looked for.
        environment: All variables; PYTHONPATH is read.
        seconds: After which it is killed.
    """

    def __init__(self, words, folder, environment, seconds=240):
        reader, writer = FORKS.Pipe(duplex=False)
        self._process = FORKS.Process(target=_run, args=([str(word) for word in words], folder, environment, writer))
        self._process.start()
        writer.close()
        self.pid, self.stdout = self._process.pid, os.fdopen(os.dup(reader.fileno()))
        reader.close()
        self._limit = Timer(seconds, self._process.kill)
        self._limit.daemon = True
        self._limit.start()

    def wait(self):
        """The exit code."""
        self._process.join()
        self._limit.cancel()
        return self._process.exitcode

    def send_signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        self._process.kill()
        self.wait()


def _run(words, folder, environment, output):
    os.setsid()
    multiprocessing.set_start_method(None, force=True)  # the system's own again
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for opened, place in ((os.open(os.devnull, os.O_RDONLY), 0), (output.fileno(), 1), (1, 2)):
        os.dup2(opened, place)
    sys.stdout, sys.stderr = (os.fdopen(place, "w", buffering=1, closefd=False) for place in (1, 2))
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    script = Path(words[0]).resolve()
    sys.argv, sys.path[:0] = words, [str(script.parent), *environment.get("PYTHONPATH", "").split(os.pathsep)]
    try:
        runpy.run_path(str(script), run_name="__main__")
    finally:
        atexit._run_exitfuncs()  # which multiprocessing leaves out
