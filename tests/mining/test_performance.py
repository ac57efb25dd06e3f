"""The performance view of a real office: its figures against the journal, its place on the diagrams."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import event

from engine.readmodels.chosen import Choice
from engine.service import performance_view
from engine.service.performance_view import NoProcess, Places
from tests.mining.conftest import Office
from tests.support import tally
from tests.support.world import xuchang


def told(office: Office) -> dict[str, tally.Told]:
    with office.world.services.journal.reading() as tx:
        return {stream: tally.told(tx.read(stream)) for stream in tx.streams() if not stream.startswith("_")}


@pytest.mark.parametrize("grade", ["", "ordinary_negative", "major_negative"])
def test_every_number_of_every_process_is_that_of_the_journal(office: Office, grade: str):
    cases = {case_id: one for case_id, one in told(office).items() if grade in ("", one.grade)}
    places = Places(office.world.services.deployments.bundle())
    passed: dict[str, Counter[str]] = {}
    times: dict[str, dict[str, list[tuple[int, int | None]]]] = {}
    for one in cases.values():
        for (process, _, _, _, path, element, action), number in one.passages().items():
            if action != "cancelled":
                passed.setdefault(places.process(process, path), Counter())[element] += number
        for name, (_, waited, worked) in one.took.items():
            path, _, element = tally.without_visits(name).rpartition("/")
            here = times.setdefault(places.process(one.process, path), {})
            here.setdefault(element, []).append((waited, worked))

    for process, numbers in passed.items():
        view = performance_view.view(office.world.services, Choice(grade=grade), process=process)
        shown = {row.element: row.times for row in view.rows if row.times}
        shown |= {flow.flow: flow.times for flow in view.flows}
        assert shown == dict(numbers), process
        took = {row.element: row.took for row in view.rows if row.took is not None}
        assert set(took) == set(times.get(process, {})), process
        for element, one in took.items():
            waits = [waited for waited, _ in times[process][element]]
            works = [worked for _, worked in times[process][element] if worked is not None]
            assert (one.done, one.waited.median, one.waited.p90, one.waited.longest) == (
                len(waits), tally.nearest_rank(waits, 0.5), tally.nearest_rank(waits, 0.9), max(waits),
            )  # fmt: skip
            assert (one.worked.median if one.worked else None) == (tally.nearest_rank(works, 0.5) if works else None)


def test_a_claimed_task_waited_until_it_was_taken_and_was_worked_on_from_then(office: Office):
    view = performance_view.view(office.world.services, Choice(), process="triage")
    (screen,) = [row for row in view.rows if row.element == "Task_screen"]

    assert screen.worked is not None
    assert screen.worked.longest == 3 * 3600
    assert screen.done == len([one for one in told(office).values() if any("Task_screen" in t for t in one.took)])


def test_broken_limits_are_those_of_the_journal(office: Office):
    with office.world.services.journal.reading() as tx:
        events = [
            one for stream in tx.streams() if not stream.startswith("_")
            for entry in tx.read(stream) for one in entry.events
        ]  # fmt: skip
    broken = Counter(one["limit"] for one in events if one["kind"] == "LimitBreached")

    view = performance_view.view(office.world.services, Choice())

    assert Counter({one.limit: one.broken for one in view.limits if one.broken}) == broken
    assert sum(broken.values()) >= 2


def test_a_period_holds_the_cases_opened_in_it(office: Office):
    services = office.world.services

    march = performance_view.view(services, Choice(xuchang("2026-03-01 00:00"), xuchang("2026-04-01 00:00")))
    april = performance_view.view(services, Choice(xuchang("2026-04-01 00:00"), None))

    assert march.cases == 5
    assert march.rows
    assert (april.cases, april.rows, april.limits) == (0, (), ())


def test_cases_of_other_versions_count_unless_only_this_one_is_asked_for(office: Office):
    services = office.world.services
    version = services.deployments.current_version
    with services.journal.reading() as tx:
        live = version(tx)

    all_versions = performance_view.view(services, Choice(), version=live)
    only = performance_view.view(services, Choice(), version=live, only=True)

    assert all_versions.rows == only.rows


@pytest.mark.parametrize(("process", "version"), [("nothing", ""), ("", "f" * 64)])
def test_there_is_no_view_of_what_is_not_there(office: Office, process: str, version: str):
    with pytest.raises(NoProcess):
        performance_view.view(office.world.services, Choice(), process=process, version=version)


@pytest.mark.parametrize("colour", performance_view.COLOURS)
def test_the_heat_goes_from_one_to_five_and_the_highest_is_five(office: Office, colour: str):
    seen: list[int] = []
    services = office.world.services
    for process, _ in performance_view.view(services, Choice()).processes:
        view = performance_view.view(services, Choice(), process=process, colour=colour)
        levels = [view.heat[row.element] for row in view.rows if row.element in view.heat]

        assert set(levels) <= {1, 2, 3, 4, 5}
        assert max(levels, default=5) == 5
        seen += levels
    assert seen


def test_the_number_of_statements_does_not_grow_with_the_cases(office: Office):
    statements: list[str] = []

    def note(*args: object) -> None:
        statements.append(str(args[2]))

    event.listen(office.world.services.engine, "before_cursor_execute", note)
    try:
        performance_view.view(office.world.services, Choice())
    finally:
        event.remove(office.world.services.engine, "before_cursor_execute", note)

    assert len([one for one in statements if "entries" in one]) == 0
    assert len(statements) <= 5
