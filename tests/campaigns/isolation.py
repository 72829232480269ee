"""A case in a process of its own, with bounds on its time and memory, and an ear for code that runs."""

import contextlib
import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
from pathlib import Path

from campaigns.outcomes import Case, Outcome, judge

SECONDS = 30.0
MEGABYTES = 4096  # a case may take beyond what the process holds at its start

# What a data file, a checkpoint or a configuration never makes this package do. Processes of loaders are forked, and
# announce themselves otherwise.
FORBIDDEN = ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "subprocess.Popen", "socket.connect",
             "socket.getaddrinfo", "ctypes.dlopen")
CANARY = "SEMSYNTH_CANARY"  # in the environment of a case: a file that code smuggled into an input would write


def run(kind: str, case: Case, seconds: float = SECONDS, megabytes: int = MEGABYTES) -> Outcome:
    """Run a case in a forked process; everything that it starts ends with it.

    Args:
        kind: The case's kind, for the outcome.
        case: What to run.
        seconds: Wall-clock time after which it counts as a hang.
        megabytes: Address space that it may take beyond what this process has.
    """
    with tempfile.TemporaryDirectory() as folder:
        canary = Path(folder) / "canary"
        reader, writer = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        begun = time.monotonic()
        process = os.fork()
        if process == 0:
            os.close(reader)
            _child(case, writer, canary, megabytes)
        os.close(writer)
        answer = _answer(reader, process, begun + seconds)
        os.close(reader)
        _end(process)
        _, status, used = os.wait4(process, 0)
        grown = max(0.0, (used.ru_maxrss - resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024)
        result, words = _read(answer, status)
        if canary.exists():
            result, words = "code", "the canary was written"
        return Outcome(kind, case.name, result, words, round(time.monotonic() - begun, 2), round(grown))


def _child(case: Case, writer: int, canary: Path, megabytes: int) -> None:
    """Judge the case, send the answer, end without any of the parent's clean-up."""
    heard: list[str] = []
    code = 1
    try:
        os.setsid()  # it and what it starts are ended together
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):  # what libraries print past Python's streams
            os.dup2(null, stream)
        os.environ[CANARY] = str(canary)
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + megabytes * 2**20,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        sys.addaudithook(lambda event, arguments: _listen(event, arguments, heard))
        result, words = judge(case)
        if heard:
            result, words = "code", ", ".join(heard[:5])
        os.write(writer, json.dumps([result, words[:4000]]).encode())
        code = 0
    except MemoryError:
        os.write(writer, b'["memory", "MemoryError"]')
    finally:
        os._exit(code)


def _listen(event: str, arguments: tuple, heard: list[str]) -> None:
    """Note an event that no input may cause."""
    if event not in FORBIDDEN or (event == "socket.connect" and isinstance(arguments[1], str)):
        return  # a path is the address of a process of this machine
    if event == "ctypes.dlopen" and _is_installed(arguments[0]):
        return
    if len(heard) < 5:
        heard.append(f"{event} {arguments[:2]!r}"[:300])


def _is_installed(library: str | None) -> bool:
    """Whether a library is one by its name, of the system, or of a package."""
    return library is None or "/" not in str(library) or str(library).startswith((sys.prefix, sys.base_prefix, "/usr/",
                                                                                  "/lib"))


def _answer(reader: int, process: int, until: float) -> bytes | None:
    """What the child sends, empty where it dies before; None where neither happens in time.

    Processes that it forked hold the pipe open: its end is not waited for.
    """
    sent = b""
    while time.monotonic() < until:
        if select.select([reader], [], [], 0.2)[0]:
            part = os.read(reader, 65536)
            sent += part
            if not part or _is_whole(sent):
                return sent
        elif os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return sent
    return None


def _is_whole(sent: bytes) -> bool:
    try:
        return bool(json.loads(sent))
    except ValueError:
        return False


def _end(process: int) -> None:
    """End the case's processes: it leads a group of its own, with all that it started."""
    try:
        os.killpg(process, signal.SIGKILL)
    except ProcessLookupError:  # it has not come to lead one, or has gone
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _read(answer: bytes | None, status: int) -> tuple[str, str]:
    if answer is None:
        return "hang", "no answer in time"
    if _is_whole(answer):
        result, words = json.loads(answer)
        return result, words
    return "traceback", f"the process died of signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "it ended"
