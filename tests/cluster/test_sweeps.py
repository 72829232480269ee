"""A sweep on Slurm: what its command says, and what `squeue` tells of it."""

from cluster.jobs import EPOCHS, RATES, TOO_HIGH


def test_a_failed_job_leaves_the_others_alone(started):
    swept = started["sweep"].result()
    assert swept.code == 1
    assert "Lower the learning rates" in swept.said  # in the words of the job that failed
    assert "Traceback" not in swept.said
    assert [(swept.job(number).run_dir / "finished").read_text() for number in (0, 1)] == [f"{EPOCHS}\n"] * 2


def test_no_more_jobs_run_at_once_than_allowed(started):
    swept = started["sweep"].result()
    assert swept.at_once == 2
    assert "JobArrayTaskLimit" in swept.reasons


def test_squeue_tells_the_jobs_apart(started):
    swept = started["sweep"].result()
    names = [f"rates/{number}_optim.generator.lr-{rate}" for number, rate in enumerate((*RATES, TOO_HIGH))]
    assert swept.names == {"rates", *names}


def test_where_slurm_keeps_no_accounts_nothing_is_said_of_it(started):
    swept = started["sweep"].result()
    assert "sacct" not in swept.said
    assert "accounting" not in swept.said


def test_a_login_node_is_no_allocation(started):
    whole = started["uninterrupted"].result()
    assert whole.code == 0, whole.said
    assert "srun" not in whole.said
