"""When timer events fire: dates, durations and cycles in every ISO 8601 form, on every kind of event."""

from datetime import timedelta

import pytest

from engine.domain.codec import instant_text
from engine.domain.commands import FireTimer, SubmitTask
from engine.kernel.faults import KernelFault
from engine.kernel.replay import replay
from tests.support.diagrams import T0, Run, Scope, bundle_of, timer

HOUR = timedelta(hours=1)


def beside(kind: str, text: str, data=None) -> Run:
    """A user task with a non-interrupting timer that leads to an end event."""
    s = Scope()
    s.chain(s.start(), s.user("a"), s.end())
    s.chain(s.boundary("t", "a", timer(kind, text), interrupting=False), s.end("e2"))
    return Run(*bundle_of(p=s), data)


def firings(run: Run, hours: float = 800) -> list[float]:
    """Minutes after the start at which the timer fires, each at its own instant."""
    fired = []
    while run.case.timers:
        due = min(t.due for t in run.case.timers.values())
        if due > T0 + timedelta(hours=hours):
            break
        run.at = due
        run.settle()
        fired.append((due - T0) / timedelta(minutes=1))
    return fired


def at(**later: float) -> str:
    return instant_text(T0 + timedelta(**later))


@pytest.mark.parametrize(
    ("kind", "text", "minutes"),
    [
        ("duration", "PT8H", [480]),
        ("duration", "P1D", [1440]),
        ("duration", "P1M", [31 * 1440]),
        ("duration", 'duration("PT30M")', [30]),
        ("duration", "${wait}", [45]),
        ("date", at(hours=3), [180]),
        ("date", "2026-03-02T18:00:00+08:00", [540]),
        ("date", "when", [120]),
        ("cycle", "R3/PT10M", [10, 20, 30]),
        ("cycle", "R1/PT10M", [10]),
        ("cycle", f"R3/{at(hours=1)}/PT10M", [60, 70, 80]),
        ("cycle", f"R3/PT10M/{at(minutes=35)}", [15, 25, 35]),
        ("cycle", f"R9/PT10M/{at(minutes=35)}", [5, 15, 25, 35]),
        ("cycle", f"R/PT10M/{at(minutes=7)}", [7]),
        ("cycle", f"R2/{at(hours=1)}/{at(minutes=75)}", [60, 75]),
    ],
)
def test_a_timer_fires_when_iso_8601_says(kind, text, minutes):
    run = beside(kind, text, {"wait": "PT45M", "when": at(hours=2)})

    assert firings(run) == minutes


def test_an_endless_cycle_goes_on_without_drift_until_the_task_is_done():
    run = beside("cycle", "R/PT7H")

    assert firings(run, hours=72) == [420 * n for n in range(1, 11)]
    run.do(SubmitTask("a#1", {}))
    assert not run.case.timers


def test_rounds_that_have_passed_can_be_taken_together_and_then_count_as_fired():
    run = beside("cycle", "R5/PT10M")
    (name,) = run.case.timers
    run.at = T0 + timedelta(minutes=35)

    refused = run.try_(FireTimer(name, 3), "system:timer")
    events = run.try_(FireTimer(name, 2, "downtime"), "system:timer")

    assert (refused.code, refused.key) == ("conflict", "timer.not_missed")
    (fired,) = [e for e in events if e.kind == "TimerFired"]
    assert (fired.due, fired.missed, fired.cause, fired.late_seconds) == (at(minutes=10), 2, "downtime", 1500.0)
    assert firings(run) == [40, 50]
    assert list(replay(run.entries, run.load))[-1].divergence is None


def test_rounds_of_a_timer_that_does_not_repeat_can_not_be_missed():
    run = beside("duration", "PT10M")
    (name,) = run.case.timers
    run.at = T0 + timedelta(hours=9)

    assert run.try_(FireTimer(name, 1), "system:timer").key == "timer.not_missed"
    assert run.try_(FireTimer(name, -1), "system:timer").key == "timer.not_missed"
    assert run.settle() == 1


def test_a_timer_is_due_at_its_instant_not_after_it_and_never_before():
    run = beside("duration", "PT8H")

    run.at = T0 + 8 * HOUR - timedelta(microseconds=1)
    assert run.settle() == 0
    run.at = T0 + 8 * HOUR
    assert run.settle() == 1


@pytest.mark.parametrize("text", ["R3/PT10S", "R0/PT10M", "R3/-PT10M", "R3/PT10M/PT10M", "R3/P", "R/PT0S"])
def test_a_cycle_that_can_not_be_kept_is_an_incident_at_its_element(text):
    with pytest.raises(KernelFault) as fault:
        beside("cycle", f'"{text}"')

    assert (fault.value.element, fault.value.key) == ("t", "incident.timer_cycle")


def test_a_catch_event_with_a_cycle_goes_on_at_the_first_firing():
    s = Scope()
    s.chain(s.start(), s.node("intermediateCatchEvent", "t", timer("cycle", "R3/PT10M")), s.user("x"), s.end())
    run = Run(*bundle_of(p=s))

    run.at += timedelta(minutes=10)
    run.settle()

    assert run.open == ["x#1"]
    assert not run.case.timers


def test_reminders_until_an_instant_that_has_passed_are_none_and_nothing_else_waits_for_them():
    past = f"R3/PT10M/{at(minutes=-5)}"
    assert firings(beside("cycle", past)) == []

    s = Scope()
    s.chain(s.start(), s.node("intermediateCatchEvent", "t", timer("cycle", past)), s.end())
    with pytest.raises(KernelFault) as fault:
        Run(*bundle_of(p=s))

    assert (fault.value.element, fault.value.key) == ("t", "incident.timer_past")
