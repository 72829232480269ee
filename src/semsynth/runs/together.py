"""A command in several processes, which torchrun or srun has started: they share the work and speak with one voice."""

import atexit
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from datetime import timedelta

from semsynth.errors import ToldElsewhere
from semsynth.place import Place, place

WAIT = timedelta(days=1)  # for what one process does alone; one that has ended is noticed at once


@contextmanager
def together() -> Iterator[None]:
    """Work as one with the other processes of this command; alone, nothing is done.

    They may use `semsynth.sharing` within. The first one prints, and an error of one ends all: that one says it.

    Raises:
        ToldElsewhere: another process has failed.
    """
    here = place()
    if here is None or here.world == 1:
        yield
        return
    from semsynth import sharing

    _join(here)
    with ExitStack() as quiet:
        if here.rank > 0:
            nowhere = quiet.enter_context(open(os.devnull, "w"))
            quiet.enter_context(redirect_stdout(nowhere))
            quiet.enter_context(redirect_stderr(nowhere))
        try:
            yield
        except sharing.MemoryElsewhere:
            raise ToldElsewhere from None
        except Exception as error:
            sharing.announce(error)
            raise
        sharing.gathered(None, "the end")


def _join(here: Place) -> None:
    """Find the other processes, once for all that this one does."""
    import torch
    import torch.distributed as dist

    from semsynth.sharing import store_of_restart

    if dist.is_initialized():
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(here.local % torch.cuda.device_count())
    if here.by == "srun":
        name_first_of_slurm()
    dist.init_process_group("gloo", store=store_of_restart(here.world), rank=here.rank, world_size=here.world,
                            timeout=WAIT)
    atexit.register(lambda: dist.destroy_process_group() if dist.is_initialized() else None)


def name_first_of_slurm() -> None:
    """Say where the first task of a step of Slurm is found, unless the environment does; the port is the step's own."""
    from lightning_fabric.plugins.environments import SLURMEnvironment

    job, step = (int(os.environ[name]) for name in ("SLURM_JOB_ID", "SLURM_STEP_ID"))
    os.environ.setdefault("MASTER_ADDR", SLURMEnvironment.resolve_root_node_address(os.environ["SLURM_STEP_NODELIST"]))
    os.environ.setdefault("MASTER_PORT", str(15000 + (10 * job + step) % 10000))
