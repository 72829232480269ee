"""Whatever happens to a job on Slurm, it goes on by itself and ends as if nothing had been."""

import pytest
import torch
from cluster.jobs import EPOCHS


def assert_equal_runs(one, other):
    """Weights, optimizers and the table of losses, bit for bit."""
    states = [torch.load(run / "checkpoints" / "last.ckpt", weights_only=True) for run in (one, other)]
    for part in ("state_dict", "optimizer_states", "lr_schedulers"):
        torch.testing.assert_close(states[0][part], states[1][part], rtol=0, atol=0, equal_nan=True)
    assert [run.joinpath("finished").read_text() for run in (one, other)] == [f"{EPOCHS}\n"] * 2
    tables = [run.joinpath("metrics.csv").read_text() for run in (one, other)]
    assert tables[0] == tables[1]


@pytest.mark.parametrize("number", [0, 1], ids=["preempted three times", "warned before the end of its time"])
def test_a_job_of_a_sweep_goes_on(started, number):
    swept, whole = started["sweep"].result(), started["uninterrupted"].result()
    assert swept.job(number).said().count(f"run directory: {swept.job(number).run_dir}") == (4, 2)[number]
    assert f"Stopped by {('SIGUSR1', 'SIGUSR2')[number]} after writing last.ckpt" in swept.job(number).said()
    assert_equal_runs(swept.job(number).run_dir, whole.job(number).run_dir)


def test_a_job_whose_node_is_lost_goes_on_when_its_first_start_has_ended(started):
    followed = started["lost_node"].result()
    assert followed.said.count(f"run directory: {followed.run_dir}") == 2
    assert_equal_runs(followed.run_dir, started["uninterrupted"].result().job(0).run_dir)


def test_a_job_that_is_cancelled_ends_with_a_checkpoint_and_does_not_come_back(started):
    followed = started["cancelled"].result()
    assert f"after writing last.ckpt; continue with: python train.py resume={followed.run_dir}" in followed.said
    assert not (followed.run_dir / "finished").exists()


def test_two_nodes_go_on_at_the_end_of_their_time(started):
    nodes, whole = started["two_nodes"].result(), started["sweep_of_one"].result()
    assert any(words in nodes.said for words in (
        "Stopped by SIGTERM after writing last.ckpt; Slurm will start it again",
        "20 s after SIGTERM the batch has not ended: Slurm will start it again"))
    assert nodes.said.count("run directory") == 2
    assert_equal_runs(nodes.run_dir, whole.job(0).run_dir)


def test_torchrun_starts_its_workers_again_when_one_is_killed(started):
    workers, whole = started["restarted_workers"].result(), started["sweep_of_one"].result()
    assert "failed (exitcode: -9) local_rank: 1" in workers.said
    assert "another process of this command has ended" in workers.said
    assert "Slurm will start it again" not in workers.said
    assert workers.said.count("run directory") == 2
    assert_equal_runs(workers.run_dir, whole.job(0).run_dir)
