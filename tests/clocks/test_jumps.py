"""A clock that is set forward and back at random: no timer fires early, none is lost, each fires once, and journal time
never runs backward. The waker is the real one; only its sleeps are played."""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from engine.domain.codec import parse_instant
from engine.domain.commands import AddComment, OpenCase
from engine.service.application import Done
from engine.worker.loop import SHORTEST_SECONDS, TICK_SECONDS
from engine.worker.timers import Config, TimerRunner
from tests.clocks.office import office, one_timer
from tests.support.world import World

SEED = int(os.environ.get("CLOCK_SEED") or random.SystemRandom().randrange(10**6))
"""A failing run says it; the environment variable repeats it."""
JUMPS = (-86_400, -3_600, -61, -2.5, 2.5, 61, 3_600, 86_400, -0.5, 0.5)
"""Seconds by which somebody or a time server sets the clock."""
STRETCHES = ("PT1M", "PT5M", "PT1H", "PT8H", "P1D")
SPAN = timedelta(days=3)

note = logging.getLogger("clocks")


class Machine:
    """A machine whose wall clock can be set and whose steady clock can not."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.steady = 0.0

    def pass_time(self, seconds: float) -> None:
        self.steady += seconds
        self.world.clock.advance(seconds=seconds)

    def jump(self, seconds: float) -> None:
        self.world.clock.advance(seconds=seconds)


class Waker:
    """What Loop does with a runner, on the machine's clocks: sleeps in ticks, ends a sleep when it is disturbed."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.failures: list[str] = []
        self.runner = TimerRunner(
            machine.world.services,
            Config(),
            on_error=lambda case_id, error: self.failures.append(f"{case_id}: {error!r}"),
            steady_clock=lambda: machine.steady,
        )

    def work(self) -> float:
        """Until there is nothing to do; returns how long it means to sleep."""
        for _ in range(1_000):
            counts = self.runner.run_once()
            if not counts.fired and not counts.failed:
                if (seconds := self.runner.seconds_to_next()) > SHORTEST_SECONDS:
                    return seconds
                self.machine.pass_time(SHORTEST_SECONDS)
        raise AssertionError("the waker spins")

    def sleep(self, seconds: float, most: float) -> float:
        """Sleeps as planned, at most `most`; returns the time that passed."""
        slept = 0.0
        while slept < min(seconds, most):
            step = min(TICK_SECONDS, seconds - slept, most - slept)
            self.machine.pass_time(step)
            slept += step
            if self.runner.disturbed():
                break
        return slept


@pytest.fixture(scope="module")
def offices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Machine]]:
    """One office for each stretch; sequences follow one another on it."""
    folder = tmp_path_factory.mktemp("offices")
    made = {text: Machine(office(folder / text, files=one_timer(text=text))) for text in STRETCHES}
    yield made
    for machine in made.values():
        machine.world.services.engine.dispose()


def entries_of(world: World, case_id: str) -> list[tuple[datetime, str, list[dict[str, object]]]]:
    with world.services.journal.reading() as tx:
        return [(one.at, str(one.command["kind"]), list(one.events)) for one in tx.read(case_id)]


def play(machine: Machine, waker: Waker, chance: random.Random, steps: int) -> list[str]:
    """Some minutes of an office: cases are opened, talked about, time passes, the clock is set. Returns the cases."""
    world = machine.world
    actor = world.actor("wangfang")
    opened: list[str] = []
    for step in range(steps):
        what = chance.choice(("open", "talk", "sleep", "sleep", "jump", "restart"))
        if what == "open" and len(opened) < 3:
            name = f"open-{machine.steady}-{step}-{chance.random()}"
            done = world.services.application.handle(OpenCase("p", {}), actor, command_id=name)
            assert isinstance(done, Done), done
            opened.append(done.case_id)
        elif what == "talk" and opened:
            name = f"talk-{machine.steady}-{step}-{chance.random()}"
            world.services.application.handle(
                AddComment("说明"), actor, case_id=chance.choice(opened), command_id=name
            )
        elif what == "sleep":
            waker.sleep(waker.work(), chance.choice((0.7, 30.0, 90.0)))
        elif what == "jump":
            machine.jump(chance.choice(JUMPS) * chance.random())
        else:
            world.services.application.live.clear()
    return opened


def settle_all(machine: Machine, waker: Waker, opened: list[str]) -> None:
    """Lets the clock come to rest and time pass until every timer must have fired: in long sleeps and short ones."""
    world = machine.world
    latest = max(entries_of(world, one)[-1][0] for one in opened)
    machine.jump(max(0.0, (latest - world.clock.now()).total_seconds()))  # the clock is put right
    until = world.clock.now() + SPAN
    while world.clock.now() < until:
        planned = waker.work()
        if planned >= 30.0 and waker.runner._next is None:
            break
        before = waker.runner._next
        if before is not None and (before - world.clock.now()).total_seconds() > 120:
            # Nothing happens meanwhile; ticks of a whole day would only take time.
            machine.pass_time((before - world.clock.now()).total_seconds() - 60)
        waker.sleep(waker.work(), 90.0)
    waker.work()


def check(world: World, case_id: str) -> None:
    told = entries_of(world, case_id)
    instants = [at for at, _, _ in told]
    assert instants == sorted(instants), case_id
    armed = [parse_instant(str(e["due"])) for _, _, events in told for e in events if e["kind"] == "TimerArmed"]
    fired = [(at, e) for at, _, events in told for e in events if e["kind"] == "TimerFired"]
    assert len(armed) == 1, case_id
    assert len(fired) == 1, f"{case_id} fired {len(fired)} times"
    at, event = fired[0]
    assert at >= armed[0], f"{case_id} fired early"
    assert event["late_seconds"] == (at - armed[0]).total_seconds()


@pytest.mark.parametrize(
    "sequences", [pytest.param(300, id="300"), pytest.param(10_000, id="10000", marks=pytest.mark.long)]
)
def test_whatever_is_done_to_the_clock_each_timer_fires_once_and_never_early(offices, sequences):
    note.warning("CLOCK_SEED=%s", SEED)
    chance = random.Random(SEED)
    fired = 0
    for _ in range(sequences):
        machine = offices[chance.choice(STRETCHES)]
        waker = Waker(machine)
        opened = play(machine, waker, chance, steps=chance.randint(4, 12))
        if opened:
            settle_all(machine, waker, opened)
            assert waker.failures == []
            for case_id in opened:
                check(machine.world, case_id)
            fired += len(opened)
        machine.world.services.application.live.clear()
    assert fired > sequences // 2, "too little was armed to say anything"


def test_a_clock_set_back_and_then_right_again_makes_no_timer_late_by_more_than_a_tick(offices):
    machine = offices["PT1H"]
    world = machine.world
    waker = Waker(machine)
    opened = world.services.application.handle(
        OpenCase("p", {}), world.actor("wangfang"), command_id=f"back-{machine.steady}"
    )
    assert isinstance(opened, Done)
    waker.work()
    machine.pass_time(3_590)  # ten seconds before it is due
    waker.work()
    machine.jump(-7_200)
    machine.pass_time(5)

    planned = waker.work()
    machine.jump(7_200)  # put right while the waker sleeps: five seconds are left
    machine.pass_time(4.9)
    early = entries_of(world, opened.case_id)
    slept = waker.sleep(planned, 60.0)
    waker.work()

    assert planned > 20.0, "it must have meant to sleep on"
    assert [kind for _, kind, _ in early] == ["OpenCase"]
    assert slept <= TICK_SECONDS
    check(world, opened.case_id)
    fired = [e for _, _, events in entries_of(world, opened.case_id) for e in events if e["kind"] == "TimerFired"]
    assert float(str(fired[0]["late_seconds"])) <= TICK_SECONDS


def test_a_jump_forward_over_a_due_instant_is_noticed_and_named_as_the_cause(offices):
    machine = offices["PT1H"]
    world = machine.world
    waker = Waker(machine)
    opened = world.services.application.handle(
        OpenCase("p", {}), world.actor("wangfang"), command_id=f"forward-{machine.steady}"
    )
    assert isinstance(opened, Done)
    planned = waker.work()

    machine.jump(2 * 3_600)
    slept = waker.sleep(planned, 60.0)
    waker.work()

    assert slept <= TICK_SECONDS
    check(world, opened.case_id)
    fired = [e for _, _, events in entries_of(world, opened.case_id) for e in events if e["kind"] == "TimerFired"]
    assert (fired[0]["cause"], float(str(fired[0]["late_seconds"])) > 3_000) == ("clock_jump", True)


def test_a_waker_that_does_not_look_at_the_clock_in_its_sleep_is_late_in_the_same_play(offices, monkeypatch):
    """The negative control of the two above."""
    machine = offices["PT1H"]
    world = machine.world
    monkeypatch.setattr(TimerRunner, "disturbed", lambda runner: False)
    waker = Waker(machine)
    opened = world.services.application.handle(
        OpenCase("p", {}), world.actor("wangfang"), command_id=f"control-{machine.steady}"
    )
    assert isinstance(opened, Done)
    planned = waker.work()
    machine.jump(2 * 3_600)

    slept = waker.sleep(planned, 60.0)

    assert slept > 10 * TICK_SECONDS
    waker.work()
    check(world, opened.case_id)
