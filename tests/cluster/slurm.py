"""A Slurm of three nodes on this machine, in a folder of its own: controller, three slurmd and munge, no accounting.

    python tests/cluster/slurm.py FOLDER      starts it, says how to reach it, and stops it with Ctrl-C

It is no stand-in: the daemons are those of the distribution. Only the hardware is made up (8 CPUs, 4 GPUs and 64 GB a
node), and the nodes share one host.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge")
DAEMONS = ("slurmctld", "slurmd", "sbatch", "munged")
NODES = ("node3", "node2", "node1")  # those with less weight get jobs first
CONFIGURATION = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
AuthType=auth/munge
# what a requeued job waits for: credentials of its first start must have expired
AuthInfo=socket={folder}/munge.socket,cred_expire=10
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=2000
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,batch_sched_delay=0
GresTypes=gpu
ReturnToService=2
# seconds: until a silent node is given up, between SIGTERM and SIGKILL
SlurmdTimeout=10
KillWait=60
{nodes}
PartitionName=all Nodes=node1,node2 Default=YES
PartitionName=spare Nodes=node2,node3
"""
NODE = ("NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=8 RealMemory=64000 Gres=gpu:4 "
        "Weight={weight}")


def install() -> str | None:
    """Install the packages where they are missing; returns why they cannot be, in one line."""
    installed = all(shutil.which(name) for name in DAEMONS)
    if os.geteuid() or not (installed or shutil.which("apt-get")):
        return f"Slurm can be started by root alone, and installed on Debian or Ubuntu: {' '.join(PACKAGES)}"
    if installed:
        return None
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES]
    for words in (["apt-get", "update", "-qq"], command):
        done = subprocess.run(words, env=environment, check=False, **quiet)
    if done.returncode:
        return f"Slurm cannot be installed: {(done.stdout.strip().splitlines() or ['apt-get failed'])[-1]}"
    return None


class Slurm:
    """The cluster, running between `start` and `stop`.

    Args:
        folder: Where its configuration, state and logs lie; short, for it holds a socket.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {"SLURM_CONF": str(folder / "slurm.conf"), "MASTER_ADDR": "127.0.0.1"}
        bin_ = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.environment_of_jobs = os.environ | self.environment | {"PATH": bin_, "OMP_NUM_THREADS": "1"}
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, seconds: float = 60.0) -> None:
        """Start all daemons and wait until the nodes are idle.

        Raises:
            TimeoutError: they are not, after some seconds; with the ends of the logs.
        """
        (self.folder / "state").mkdir(parents=True)
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        host, (port, *ports) = socket.gethostname(), _free_ports(1 + len(NODES))
        nodes = [NODE.format(name=name, host=host, port=at, weight=1 + weight)
                 for weight, (name, at) in enumerate(zip(NODES, ports, strict=True))]
        (self.folder / "slurm.conf").write_text(
            CONFIGURATION.format(folder=self.folder, host=host, port=port, nodes="\n".join(nodes)))
        for number in range(4):
            (self.folder / f"gpu{number}").touch()
        (self.folder / "gres.conf").write_text(f"AutoDetect=off\nName=gpu File={self.folder}/gpu[0-3]\n")
        munge = {"socket": "munge.socket", "key-file": "munge.key", "log-file": "munge.log",
                 "pid-file": "munge.pid", "seed-file": "munge.seed"}
        self._daemon("munged", "--foreground", "--force", "--num-threads=4",
                     *(f"--{option}={self.folder / name}" for option, name in munge.items()))
        self._daemon("slurmctld", "-D", "-c")
        for name in NODES:
            self.start_node(name)
        self.wait_for("all nodes to be idle", lambda: self.states() == {"idle": set(NODES)}, seconds)

    def _daemon(self, command: str, *options: str, name: str = "") -> None:
        with (self.folder / f"{name or command}.log").open("ab") as log:
            self._daemons[name or command] = subprocess.Popen(
                [shutil.which(command) or command, *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=os.environ | self.environment, start_new_session=True)

    def start_node(self, name: str) -> None:
        """Start a node's slurmd."""
        (self.folder / name).mkdir(exist_ok=True)
        self._daemon("slurmd", "-D", "-N", name, name=name)

    def kill_node(self, name: str) -> None:
        """End a node's slurmd as a fault would, without a word to anybody; what runs on the node goes on."""
        daemon = self._daemons.pop(name)
        daemon.kill()
        daemon.wait()

    def call(self, *command: str, **settings: object) -> str:
        """A command of Slurm; returns what it prints.

        Raises:
            RuntimeError: it fails; with what it says.
        """
        settings = {"env": os.environ | self.environment} | settings
        done = subprocess.run(command, capture_output=True, text=True, check=False, **settings)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr or done.stdout}")
        return done.stdout

    def states(self) -> dict[str, set[str]]:
        """The nodes by their states."""
        try:
            lines = self.call("sinfo", "--noheader", "--Node", "--format=%T %N").splitlines()
        except RuntimeError:
            return {}
        states: dict[str, set[str]] = {}
        for state, node in (line.split() for line in lines):
            states.setdefault(state, set()).add(node)
        return states

    def wait_for(self, what: str, happened, seconds: float = 60.0, every: float = 0.5):
        """Wait until `happened()` is true, and return its value.

        Raises:
            TimeoutError: it is not, after some seconds; with the queue and the ends of the logs.
            RuntimeError: the cluster was stopped.
        """
        end = time.monotonic() + seconds
        while not (value := happened()):
            if not self._daemons:
                raise RuntimeError(f"stopped while waiting for {what}")
            if time.monotonic() > end:
                raise TimeoutError(f"waited {seconds:g} s for {what}\n{self.tell()}")
            time.sleep(every)
        return value

    def set_minutes(self, job: str, minutes: int) -> None:
        """Change for how long a job may run, from its start on."""
        self.call("scontrol", "update", f"JobId={job}", f"TimeLimit={minutes}")

    def kill_worker(self, job: str, variable: str) -> None:
        """Kill a job's process that has a variable, such as `LOCAL_RANK=1`, and its parent has not."""
        for pid in self.processes(f"SLURM_JOB_ID={job}", variable):
            _kill(pid, signal.SIGKILL)

    def tell(self) -> str:
        """The queue and the last lines of all logs."""
        parts = [subprocess.run(words, env=os.environ | self.environment, capture_output=True, text=True,
                                check=False).stdout for words in (["sinfo", "-N", "-l"], ["squeue", "-l"])]
        for log in sorted(self.folder.glob("*.log")):
            parts.append(f"{log.name}:\n" + "\n".join(log.read_text(errors="replace").splitlines()[-15:]))
        return "\n".join(parts)

    def stop(self) -> None:
        """End all jobs, daemons and whatever they left, and remove the folder."""
        daemons, self._daemons = self._daemons, {}
        for signum in (signal.SIGTERM, signal.SIGKILL):
            for pid in self.processes():
                _kill(pid, signum)
            end = time.monotonic() + 10
            while self.processes() and time.monotonic() < end:
                for daemon in daemons.values():
                    daemon.poll()
                time.sleep(0.1)
        for daemon in daemons.values():
            daemon.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def processes(self, *variables: str) -> list[int]:
        """Whatever runs here with this cluster's configuration, this process excepted: daemons, steps and tasks.

        Args:
            variables: Further variables of their environment.
        """
        wanted = {f"SLURM_CONF={self.environment['SLURM_CONF']}", *variables}
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                if wanted <= {*path.read_text(errors="replace").split("\0")} and path.parent.name != str(os.getpid()):
                    found.append(int(path.parent.name))
            except OSError:
                continue  # it has ended
        return found


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _kill(pid: int, signum: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signum)


def main() -> None:
    reason = install()
    if reason:
        sys.exit(reason)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit())
    slurm = Slurm(Path(sys.argv[1]).resolve())
    try:
        slurm.start()
        print(*(f"export {name}={value}" for name, value in slurm.environment.items()), sep="\n", flush=True)
        signal.pause()
    finally:
        slurm.stop()


if __name__ == "__main__":
    main()
