"""Debian's Chromium, headless, driven by Playwright; and folders served as any static host serves them."""

import functools
import os
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from commands import ROOT

NAMES = ("chromium", "chromium-browser")


def installed():
    """The browser's file, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


def install():
    """Install the browser where it is missing; returns why it cannot be, in one line."""
    try:
        import playwright  # noqa: F401
    except ImportError:
        return "Playwright is missing: make test-browser installs it (pip install semsynth[browser])"
    if installed():
        return None
    if os.geteuid() or not shutil.which("apt-get"):
        return "Chromium is missing: on Debian root can install it (apt-get install chromium)"
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (["apt-get", "update", "-qq"],
                  ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]):
        done = subprocess.run(words, env=environment, check=False, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
    if done.returncode or not installed():
        return f"Chromium cannot be installed: {(done.stdout.strip().splitlines() or ['apt-get failed'])[-1]}"
    return None


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A browser may close what it does not want to read to the end."""


@contextmanager
def static(folder):
    """The address of a folder, as `python -m http.server -d FOLDER` serves it."""
    with _Server(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@contextmanager
def demo(run, *words):
    """The address of `python demo.py`, as it is typed."""
    command = [sys.executable, str(ROOT / "demo.py"), f"run={run}", "port=0", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield next(line.split()[-1] for line in server.stdout if line.startswith("paint at"))
        finally:
            server.terminate()
