"""The number of threads, on a machine whose clock and speed are made up."""

import pytest
import torch

from semsynth import threads
from semsynth.threads import Choice, candidates


class Machine:
    """Takes `seconds[n]` for a unit of work under n threads, and what `first` says longer the first time."""

    def __init__(self, seconds, first=0.0):
        self.seconds, self.first = seconds, first
        self.now, self.number = 0.0, None
        self.done = []  # numbers of threads of the pieces

    def use(self, number):
        self.number = number

    def work(self, units=1.0):
        self.now += self.seconds[self.number] * units + self.first * (self.number not in self.done)
        self.done.append(self.number)

    def choice(self, **settings):
        return Choice(sorted(self.seconds), use=self.use, clock=lambda: self.now, **settings)


def settled(machine, **settings):
    """Works until the choice is made; returns the number that is used then."""
    choice = machine.choice(**settings)
    choice.begin()
    for _ in range(1000):
        machine.work()
        if choice.end():
            assert choice.best == machine.number
            return machine.number
    raise AssertionError("never settled")


@pytest.mark.parametrize(("seconds", "best"), [({2: 1.0, 1: 1.9}, 2), ({2: 3.0, 1: 1.0}, 1),
                                               ({8: 9.0, 4: 4.0, 2: 2.5, 1: 3.0}, 2)])
def test_the_fastest_is_kept(seconds, best):
    assert settled(Machine(seconds)) == best


def test_the_fewest_of_those_that_are_alike():
    assert settled(Machine({2: 1.0, 1: 1.04})) == 1


def test_what_only_the_first_piece_makes_does_not_count():
    """Each number warms up for itself: counted, the second one tried would win or lose by it."""
    for seconds in ({2: 1.0, 1: 1.5}, {2: 1.5, 1: 1.0}):
        machine = Machine(seconds, first=6.0)
        assert settled(machine, turns=1) == min(seconds, key=seconds.get)


def test_they_take_turns_so_that_a_disturbance_hits_all():
    """From the seventh piece on all is ten times slower; turns of one number in a row would let that decide."""
    machine = Machine({2: 1.0, 1: 1.5})
    choice = machine.choice(turns=5)
    choice.begin()
    for piece in range(100):
        if piece == 6:
            machine.seconds = {n: 10 * s for n, s in machine.seconds.items()}
        machine.work()
        if choice.end():
            break
    assert machine.done == [1, 1, 2, 2, 2, 1, 1, 2, 2, 1, 1, 2]
    assert choice.best == 2


def test_one_disturbed_turn_does_not_decide():
    machine = Machine({2: 1.0, 1: 1.5})
    choice = machine.choice()
    choice.begin()
    for piece in range(100):
        machine.work()
        machine.now += 2.0 * (piece == 3)  # the first turn of two threads
        if choice.end():
            break
    assert choice.best == 2


def test_quick_pieces_are_timed_together():
    machine = Machine({2: 0.01, 1: 0.02})
    settled(machine, turns=2, seconds=0.5)
    assert machine.now >= 4 * 0.5
    assert len(machine.done) == pytest.approx(2 + 2 * 50 + 2 * 25, abs=4)


def test_on_a_crowded_machine_more_threads_are_tried_with_one_piece():
    """Two minutes under two threads that wait for each other are two minutes lost; four are not tried at all."""
    machine = Machine({1: 5.0, 2: 120.0, 4: 500.0})
    assert settled(machine) == 1
    assert machine.done == [1, 1, 2]


def test_on_an_idle_machine_few_threads_have_one_turn():
    machine = Machine({1: 16.0, 2: 8.0, 4: 4.0, 8: 2.0, 16: 1.0})
    assert settled(machine) == 16
    assert [machine.done.count(n) for n in (1, 2, 4, 8, 16)] == [2, 2, 2, 4, 4]


def test_interruptions_do_not_count():
    machine = Machine({2: 1.0, 1: 1.5})
    choice = machine.choice()
    choice.begin()
    for _ in range(100):
        machine.work()
        if choice.end():
            break
        if machine.number == 2:
            choice.interrupt()
            machine.now += 100.0
            choice.begin()
    assert choice.best == 2


def test_pieces_of_different_work_are_compared_by_its_unit():
    machine = Machine({2: 1.0, 1: 1.5})
    choice = machine.choice()
    choice.begin()
    for _ in range(100):
        units = 20.0 if machine.number == 2 else 1.0
        machine.work(units)
        if choice.end(units):
            break
    assert choice.best == 2


def test_items_are_timed_with_the_work_between_them():
    machine, said = Machine({2: 3.0, 1: 1.0}), []
    for _ in machine.choice().timed(range(40), unit="maps", say=said.append):
        machine.work()
    assert said == ["1 thread: 1 maps/s, 2 threads: 0.333 maps/s: takes 1; threads=N fixes it"]
    assert set(machine.done[8:]) == {1}


def test_too_few_items_leave_what_is_known_to_be_faster():
    machine = Machine({2: 3.0, 1: 1.0})
    choice = machine.choice(turns=10)
    for _ in choice.timed(range(5), unit="maps"):  # two each, and one of the next turn of two
        machine.work()
    assert (choice.best, machine.number) == (1, 1)
    machine = Machine({2: 3.0, 1: 1.0})
    choice = machine.choice()
    for _ in choice.timed(range(1), unit="maps"):
        machine.work()
    assert (choice.best, machine.number) == (2, 2)


@pytest.fixture
def four_cores(monkeypatch):
    """No choice in the environment; torch has its number again afterwards."""
    monkeypatch.setattr(threads, "cores", lambda: 4)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = torch.get_num_threads()
    yield monkeypatch
    torch.set_num_threads(before)


def test_what_is_chosen_from(four_cores):
    torch.set_num_threads(2)
    assert Choice.of("auto", "cpu").numbers == [1, 2, 4]
    assert torch.get_num_threads() == 1
    assert (candidates(6), candidates(1)) == ([1, 3, 6], [1])


def test_what_is_not_timed(four_cores):
    torch.set_num_threads(2)
    for choice in (Choice.of("auto", "cuda"), Choice.of("auto", "cpu", pieces=29)):
        assert not choice.choosing
        assert torch.get_num_threads() == 2
    assert Choice.of("auto", "cpu", pieces=30).choosing
    four_cores.setenv("OMP_NUM_THREADS", "3")
    assert not Choice.of("auto", "cpu").choosing
    assert not (fixed := Choice.of(1, "cpu")).choosing  # given by the key: it stands above the environment
    assert (fixed.best, torch.get_num_threads()) == (1, 1)


STEP = {"SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}


@pytest.mark.parametrize(("environment", "own", "each"), [
    ({}, 16, 8), ({"SLURM_CPUS_PER_TASK": "6"}, 6, 3), ({"SLURM_CPUS_PER_TASK": "64", "SLURM_NTASKS": "1"}, 16, 8),
    ({"SLURM_CPUS_PER_TASK": "6", **STEP}, 6, 6), (STEP, 16, 8),
    ({"SLURM_CPUS_PER_TASK": "6", **STEP, "RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "4"}, 6, 3)])
def test_the_cores_of_a_process_are_those_of_its_job(environment, own, each, monkeypatch):
    """A task of Slurm keeps its own; processes that were started otherwise, as by torchrun in it, share what there is.
    """
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(16))
    for name in ("SLURM_CPUS_PER_TASK", "RANK", *STEP):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (threads.cores(), threads.share(2)) == (own, each)
    assert threads.share(100) >= 1
