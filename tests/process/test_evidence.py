"""Every figure of the evidence is in the journal: derived again from the entries alone, by code that shares nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from engine.domain.commands import DelegateTask, ReleaseTask, TransferTask, WithdrawSubmission
from engine.journal.entry import StoredEntry
from engine.readmodels import clause_counts, registrations
from engine.service import compliance, deadline_evidence
from engine.service.clauses import ALL
from engine.service.deadline_evidence import LimitEvidence
from tests.support import walks
from tests.support.world import CaseView, World, xuchang

LEDGER = "R20"


def in_time(world: World) -> CaseView:
    return walks.archived(world)


def late_unit(world: World) -> CaseView:
    """Handed round in the unit, warned three times, broken, accounted for, met late."""
    case = walks.graded(world)
    walks.assign(case)
    case.claim("liqiang", "Task_sign", "gengbao")
    world.wait(hours=1)
    world.do("liqiang", ReleaseTask(case.task("Task_sign", "gengbao")), case.id)
    world.wait(hours=2)
    case.claim("liqiang", "Task_sign", "gengbao")
    world.wait(minutes=30)
    world.do("liqiang", TransferTask(case.task("Task_sign", "gengbao"), "chenjing", "外出"), case.id)
    world.wait(hours=6)
    walks.account_for(case)
    case.fill_as("chenjing", "Task_sign", "gengbao")
    world.wait(hours=1)
    for element in ("Task_verify", "Task_opinion", "Task_confirm"):
        case.fill(element, "gengbao")
    return case


def two_units(world: World) -> CaseView:
    """Two units side by side; one in time, one late with nothing filed about it yet."""
    case = walks.graded(world)
    walks.assign(case, "gengbao", "guihua")
    walks.give_opinion(case, "gengbao")
    world.wait(hours=9)
    return case


def major_at_night(world: World) -> CaseView:
    """Discovered at 23:50, so that the day is over before anybody could speak."""
    world.clock.set(xuchang("2026-03-02 23:50"))
    case = walks.graded_major(world)
    world.wait(hours=1)
    return case


def upgraded(world: World) -> CaseView:
    """Screened late, then a regrading by the leader."""
    case = world.open(discovered_at=world.stamp(-45), discovered_by="leader", source_type="weibo")
    world.wait(minutes=40)
    case.fill_all("Task_screen", "Task_grade")
    case.message("wangfang", "regrade", **walks.UP)
    case.fill_as("zhangmin", "Task_decide_upgrade")
    return case


def taken_back(world: World) -> CaseView:
    """The grading is withdrawn, which lets the triage limit run again."""
    case = world.open()
    case.fill("Task_screen")
    done = case.fill("Task_grade")
    world.wait(minutes=2)
    world.do("wangfang", WithdrawSubmission(done.seq, "写错了"), case.id)
    world.wait(minutes=3)
    case.fill("Task_grade")
    return case


STORIES = (in_time, late_unit, two_units, major_at_night, upgraded, taken_back)


@dataclass
class Ran:
    """A limit as an auditor with nothing but the entries would write it down."""

    armed: dict[str, Any]
    armed_seq: int
    armed_at: datetime
    warned: list[tuple[str, datetime, int, tuple[str, ...]]] = field(default_factory=list)
    broken: tuple[int, datetime, str] | None = None
    over: tuple[int, datetime, str] | None = None
    met: bool = False

    def state(self) -> str:
        if self.met:
            return "met_late" if self.broken else "met"
        return "breached" if self.broken else "cancelled" if self.over else "running"

    def late_seconds(self) -> float:
        due = datetime.fromisoformat(self.armed["deadline"])
        return (self.over[1] - due).total_seconds() if self.met and self.broken and self.over else 0.0


def from_entries(entries: list[StoredEntry]) -> list[Ran]:
    """Every limit of the case, read off its entries in order."""
    running: dict[str, Ran] = {}
    found: list[Ran] = []
    for entry in entries:
        kinds = [event["kind"] for event in entry.events]
        for event in entry.events:
            timer = event.get("timer", "")
            if event["kind"] == "SubmissionWithdrawn":
                for one in found:
                    if one.over and one.over[0] == event["seq"]:
                        one.over, one.met = None, False
                        running[one.armed["timer"]] = one
            elif event["kind"] == "TimerArmed" and event.get("limit") and not event.get("warns_of"):
                if timer not in running:
                    running[timer] = Ran(dict(event), entry.seq, entry.at)
                    found.append(running[timer])
            elif timer not in running:
                continue
            elif event["kind"] == "LimitWarned":
                to = tuple(event.get("responsible", ()))
                running[timer].warned.append((event["mark"], entry.at, entry.seq, to))
            elif event["kind"] == "LimitBreached":
                running[timer].broken = (entry.seq, entry.at, event.get("cause", ""))
            elif event["kind"] in ("LimitMet", "TimerCancelled"):
                one = running.pop(timer)
                one.over, one.met = (
                    (entry.seq, entry.at, entry.actor),
                    "LimitMet" in kinds and event["kind"] == "LimitMet",
                )
    return found


def told(one: LimitEvidence) -> dict[str, Any]:
    limit = one.limit
    return {
        "limit": limit.limit_id,
        "seqs": (limit.armed_seq, limit.breached_seq, limit.finished_seq),
        "began": limit.armed_at,
        "due": limit.deadline,
        "anchor": (limit.anchor, limit.anchor_at),
        "rule": limit.rule,
        "unit": limit.unit,
        "state": limit.state,
        "warnings": [(w.mark, w.at, w.seq, w.to) for w in limit.warnings],
        "broken": limit.breached_at,
        "over": (limit.finished_at, limit.stopped_by),
        "late": limit.late_seconds,
        "cause": limit.cause,
        "explanation": [dict(line) for line in limit.explanation],
    }


def derived(one: Ran) -> dict[str, Any]:
    armed, anchor = one.armed, one.armed.get("anchor_at")
    return {
        "limit": armed["limit"],
        "seqs": (one.armed_seq, one.broken[0] if one.broken else 0, one.over[0] if one.over else 0),
        "began": one.armed_at,
        "due": datetime.fromisoformat(armed["deadline"]),
        "anchor": (armed.get("anchor", ""), datetime.fromisoformat(anchor) if anchor else None),
        "rule": armed.get("rule", ""),
        "unit": armed.get("unit", ""),
        "state": one.state(),
        "warnings": one.warned,
        "broken": one.broken[1] if one.broken else None,
        "over": (one.over[1], one.over[2]) if one.over else (None, ""),
        "late": one.late_seconds(),
        "cause": one.broken[2] if one.broken else "",
        "explanation": [dict(line) for line in armed.get("explanation", ())],
    }


@pytest.fixture(params=STORIES, ids=lambda story: story.__name__)
def story(request: pytest.FixtureRequest) -> Callable[[World], CaseView]:
    found: Callable[[World], CaseView] = request.param
    return found


def evidence_of(world: World, case: CaseView) -> tuple[list[StoredEntry], deadline_evidence.CaseEvidence]:
    with world.services.journal.reading() as tx:
        entries = list(tx.read(case.id))
    with world.services.engine.connect() as conn:
        return entries, deadline_evidence.of_case(world.services, conn, case.id, world.clock.now())


def test_every_figure_of_a_limit_is_in_the_entries(world: World, story: Callable[[World], CaseView]) -> None:
    entries, found = evidence_of(world, story(world))

    expected = sorted((derived(one) for one in from_entries(entries)), key=lambda one: (one["seqs"], one["unit"]))
    assert sorted((told(one) for one in found.limits), key=lambda one: (one["seqs"], one["unit"])) == expected
    assert found.entries == len(entries) and expected


def test_whoever_had_the_work_of_a_limit_is_told_second_by_second(
    world: World, story: Callable[[World], CaseView]
) -> None:
    case = story(world)
    entries, found = evidence_of(world, case)
    now = world.clock.now()

    for one in found.limits:
        expected = sampled(entries, one, now)
        shares = {(share.holder, share.groups): share.seconds for share in one.shares if share.seconds}
        assert shares == expected, one.limit.limit_id
        assert not shares or abs(sum(share.part for share in one.shares) - 1) < 1e-9


def sampled(entries: list[StoredEntry], one: LimitEvidence, now: datetime) -> dict[Any, float]:
    """Seconds per holder, by standing between every two entries and asking who has which task under the limit."""
    limit = one.limit
    seconds: Counter[Any] = Counter()
    tasks: dict[str, list[Any]] = {}
    moments = [*(entry.at for entry in entries), now]
    for number, entry in enumerate(entries):
        for event in entry.events:
            name = event.get("task", "")
            if event["kind"] == "TaskCreated":
                tasks[name] = [event.get("assignee", ""), tuple(event.get("groups", ()))]
            elif event["kind"] in ("TaskCompleted", "TaskCancelled"):
                tasks.pop(name, None)
            elif event["kind"] == "TaskReleased":
                tasks[name][0] = ""
            elif event["kind"] in ("TaskClaimed", "TaskTransferred", "TaskDelegated", "TaskReturned"):
                tasks[name][0] = event["assignee"]
            elif event["kind"] == "TaskResolved":
                tasks[name][0] = event["owner"]
        assert limit.armed_at is not None
        begin = max(moments[number], limit.armed_at)
        end = min(moments[number + 1], limit.finished_at or now)
        for name, (holder, groups) in tasks.items():
            under = name == limit.host or name.startswith((f"{limit.host}/", f"{limit.host}["))
            if under and end > begin:
                seconds[holder, () if holder else groups] += (end - begin).total_seconds()
    return dict(seconds)


def test_the_unit_that_was_late_held_it_the_longest_and_the_shares_say_who(world: World) -> None:
    _, found = evidence_of(world, late_unit(world))

    (one,) = [limit for limit in found.limits if limit.limit.limit_id == "eight_hours"]

    held = {share.holder: share.seconds / 3600 for share in one.shares if share.holder}
    assert held["chenjing"] >= 6 and held["liqiang"] == pytest.approx(1.5, abs=1.01)
    assert one.instant == "delivered_at" and one.calendar == ""
    assert [word.quote for word in one.words] == [
        "在交办相关科室（单位）后，由分管领导和相关科室（单位）在收到网络舆情后8小时内提出回复意见、调处结果或对策措施"
    ]
    (report,) = one.reports
    assert report.state == "followed_up"
    assert report.said("late_explanation") == "现场勘测耗时较长。"
    assert (report.said("disposal_decision"), report.said("followup_text")) == ("notify", "已通报。")


def test_a_delegate_and_the_owner_each_count_for_their_own_time(world: World) -> None:
    case = walks.graded(world)
    walks.assign(case)
    case.claim("liqiang", "Task_sign", "gengbao")
    world.do("liqiang", DelegateTask(case.task("Task_sign", "gengbao"), "chenjing", "请代办"), case.id)
    world.wait(hours=2)

    entries, found = evidence_of(world, case)

    (one,) = [limit for limit in found.limits if limit.limit.limit_id == "eight_hours"]
    assert {share.holder: share.seconds for share in one.shares if share.seconds} == {"chenjing": 7200.0}
    assert sampled(entries, one, world.clock.now()) == {("chenjing", ()): 7200.0}


def test_an_instant_that_is_none_of_the_five_says_so(world: World) -> None:
    _, found = evidence_of(world, world.open())

    (one,) = found.limits

    assert (one.limit.anchor, one.instant) == ("triage_from", "")


def brute_force(world: World, since: datetime, until: datetime) -> dict[str, Counter[str]]:
    """clause -> how the cases opened in the period fared, by walking through every entry of every case."""
    found: dict[str, Counter[str]] = {number: Counter() for number in ALL}
    with world.services.journal.reading() as tx:
        streams = {name: list(tx.read(name)) for name in tx.streams() if not name.startswith("_")}
    for entries in streams.values():
        if not since <= entries[0].at < until:
            continue
        tasks: dict[str, tuple[Any, str]] = {}
        for entry in entries:
            for event in entry.events:
                name = event.get("task", "")
                if event["kind"] == "TaskCreated":
                    tasks[name] = (event.get("clauses", ()), "open")
                elif event["kind"] == "TaskCompleted":
                    tasks[name] = (tasks[name][0], "done")
                elif event["kind"] == "TaskCancelled":
                    tasks[name] = (tasks[name][0], "off")
        ran = from_entries(entries)
        for number in ALL:
            states = [state for on, state in tasks.values() if number in on]
            mine = [one for one in ran if number in one.armed.get("clauses", ())]
            if states or mine:
                found[number][verdict(states, mine)] += 1
                found[number].update(tasks=len(states), tasks_done=states.count("done"), limits=len(mine))
                met = sum(one.state() == "met" for one in mine)
                found[number].update(limits_met=met, limits_broken=sum(one.broken is not None for one in mine))
    return found


def verdict(states: list[str], mine: list[Ran]) -> str:
    if any(one.broken for one in mine):
        return "broken"
    if "open" in states or any(not one.over for one in mine):
        return "open"
    return "held" if "done" in states or any(one.met for one in mine) else "dropped"


def entered(world: World, wanted: set[str]) -> int:
    """Cases that ever entered one of the elements and did not take that step back."""
    count = 0
    with world.services.journal.reading() as tx:
        for name in tx.streams():
            entries = [] if name.startswith("_") else list(tx.read(name))
            undone = {e["seq"] for entry in entries for e in entry.events if e["kind"] == "SubmissionWithdrawn"}
            steps = [
                step
                for entry in entries
                if entry.seq not in undone and not any(e["kind"] == "SubmissionWithdrawn" for e in entry.events)
                for event in entry.events
                if event["kind"] == "TokensMoved"
                for step in event["steps"]
            ]
            count += any(element in wanted and action == "entered" for _, element, action in steps)
    return count


def test_the_counts_of_every_clause_are_those_of_the_journal(tmp_path: Any) -> None:
    world = World(tmp_path)
    for one in (in_time, late_unit, two_units, upgraded, taken_back, major_at_night):
        one(world)
    since, until = xuchang("2026-01-01 00:00"), xuchang("2027-01-01 00:00")
    bundle = world.services.deployments.bundle()
    expected = brute_force(world, since, until)

    with world.services.engine.connect() as conn:
        rows = {row.clause.number: row for row in compliance.rows(conn, bundle, since, until)}
        listed = {
            number: compliance.cases_of(conn, bundle, number, since, until).total
            for number, row in rows.items()
            if row.measure in ("cases", "reached")
        }

    assert list(rows) == list(ALL)
    for number, row in rows.items():
        if row.measure == "cases":
            names = [*clause_counts.VERDICTS, "tasks", "tasks_done", "limits", "limits_met", "limits_broken"]
            assert {name: getattr(row.fared, name) for name in names} == {n: expected[number][n] for n in names}, number
        elif row.measure == "reached":
            assert row.fared.cases == entered(world, set(row.clause.element_ids)), number
        assert number not in listed or listed[number] == row.fared.cases, number
    assert sum(row.fared.broken for row in rows.values()) > 3
    assert rows["R50"].fared.broken == 2 and rows["R49"].fared.broken == 1
    assert rows[LEDGER].fared.broken == late_or_missed(world)


def late_or_missed(world: World) -> int:
    """Registrations more than half an hour after discovery, or of what a source had had for half an hour."""
    count = 0
    with world.services.journal.reading() as tx:
        for name in tx.streams():
            if name.startswith("_"):
                continue
            (first,) = [entry for entry in tx.read(name) if entry.seq == 1]
            values = first.command["values"]
            found, out = (datetime.fromisoformat(values[key]) for key in ("discovered_at", "published_at"))
            other = values["discovered_by"] in ("hotline", "superior", "leader", "media")
            count += first.at - found > timedelta(minutes=30) or (other and found - out > timedelta(minutes=30))
    return count


def test_a_late_registration_is_in_the_ledger_with_its_minutes(world: World) -> None:
    case = world.open("wangfang", discovered_at=world.stamp(-45), published_at=world.stamp(-60))
    world.open("wangfang", discovered_at=world.stamp(-30), published_at=world.stamp(-60))

    with world.services.engine.connect() as conn:
        page = registrations.page(conn, xuchang("2026-03-01 00:00"), xuchang("2026-04-01 00:00"), 1800)

    (row,) = page.rows
    assert (row.case_id, row.lag_seconds, row.late, row.missed) == (case.id, 2700.0, 1, "")


def test_a_period_holds_the_cases_of_its_days_only(world: World) -> None:
    bundle = world.services.deployments.bundle()
    world.open()
    world.until(xuchang("2026-03-10 09:00"))
    world.open()

    with world.services.engine.connect() as conn:
        days = [
            {row.clause.number: row.fared.cases for row in compliance.rows(conn, bundle, xuchang(first), xuchang(last))}
            for first, last in (
                ("2026-03-02 00:00", "2026-03-03 00:00"),
                ("2026-03-03 00:00", "2026-03-10 00:00"),
                ("2026-03-02 00:00", "2026-03-11 00:00"),
            )
        ]

    assert [day["R24"] for day in days] == [1, 0, 2]
    assert [day["R04"] for day in days] == [1, 0, 2]
    assert [day["R20"] for day in days] == [1, 0, 2]


def test_nothing_is_said_of_a_case_that_is_not_there(world: World) -> None:
    with world.services.engine.connect() as conn:
        found = deadline_evidence.of_case(world.services, conn, "WQ-2026-999999", world.clock.now())

    assert (found.limits, found.registration, found.entries) == ((), None, 0)
