"""One piece of work at a time, the newest of a page, and no more waiting than allowed."""

import asyncio
import threading

import pytest

from semsynth.demo.turns import Busy, Outdated, Turns


def run(scenario):
    asyncio.run(asyncio.wait_for(scenario, 20))


def test_the_newest_stroke_wins():
    async def scenario():
        turns, done, gate = Turns(), [], threading.Event()

        def work(name, wait=False):
            def act():
                if wait:
                    gate.wait(10)
                done.append(name)
                return name
            return act

        first = asyncio.create_task(turns.run("me", 1, work(1, wait=True)))
        await asyncio.sleep(0.05)  # it is worked on
        rest = [asyncio.create_task(turns.run("me", turn, work(turn))) for turn in (2, 3, 4)]
        other = asyncio.create_task(turns.run("you", 1, work("you")))
        await asyncio.sleep(0.05)
        gate.set()
        results = await asyncio.gather(first, *rest, other, return_exceptions=True)
        assert [type(result) for result in results] == [int, Outdated, Outdated, int, str]
        assert done == [1, 4, "you"]
        with pytest.raises(Outdated):
            await turns.run("me", 3, work("late"))

    run(scenario())


def test_a_flood_waits_nowhere():
    async def scenario():
        turns, gate = Turns(waiting=3), threading.Event()
        tasks = [asyncio.create_task(turns.run(f"page {k}", 1, lambda: gate.wait(10))) for k in range(100)]
        await asyncio.sleep(0.1)
        refused = [task for task in tasks if task.done()]
        assert len(refused) == 100 - 3  # all came before the first was begun with
        gate.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(result) for result in results} == {bool, Busy}
        assert await turns.run("page 50", 2, lambda: "works on") == "works on"

    run(scenario())


def test_one_at_a_time():
    async def scenario():
        turns, inside, most = Turns(), 0, 0

        def work():
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            threading.Event().wait(0.005)
            inside -= 1

        await asyncio.gather(*(turns.run(f"page {k}", 1, work) for k in range(8)))
        assert most == 1

    run(scenario())


def test_what_fails_does_not_stop_the_others():
    async def scenario():
        turns = Turns()
        results = await asyncio.gather(turns.run("a", 1, lambda: 1 / 0), turns.run("b", 1, lambda: "b"),
                                       return_exceptions=True)
        assert isinstance(results[0], ZeroDivisionError)
        assert results[1] == "b"

    run(scenario())


def test_who_has_gone_is_not_worked_for():
    async def scenario():
        turns, gate, done = Turns(), threading.Event(), []
        first = asyncio.create_task(turns.run("a", 1, lambda: gate.wait(10)))
        gone = asyncio.create_task(turns.run("b", 1, lambda: done.append("gone")))
        await asyncio.sleep(0.05)
        gone.cancel()
        gate.set()
        await first
        assert await turns.run("c", 1, lambda: "c") == "c"
        assert done == []

    run(scenario())


def test_only_so_many_pages_are_known():
    async def scenario():
        turns = Turns(pages=3)
        for k in range(50):
            await turns.run(k, 1, lambda: None)
        assert len(turns._newest) == 3

    run(scenario())
