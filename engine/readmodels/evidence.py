"""时限证据: every limit of a case with what followed from a breach, and the limits of a period with their totals.

Every row carries the numbers of the entries that it was taken from, so that anybody can look it up in the journal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from engine.domain.codec import JSON, instant_text

from .page import Page, instant, offset, texts, value
from .schema import cases, late_answers, late_reports, limits, tasks

STATES: Final = ("running", "met", "met_late", "breached", "cancelled")
"""Of a limit: still to be met in time; met; met after its deadline; broken and not met so far; called off in time."""
_STATE_TOTAL: Final = {"met": "met", "met_late": "met_late", "breached": "unmet", "cancelled": "cancelled"}
BROKEN: Final = "broken"
"""Asks for limits that were ever broken, met late or not at all."""


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning that came. `to`: groups that were told."""

    mark: str
    at: datetime
    seq: int
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """One submission about a late report. `fields`: those of `project_evidence.LATE_FIELDS` that it filled in."""

    seq: int
    task: str
    author: str
    at: datetime | None
    fields: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Report:
    """A late report (R39) with all that was filed about it, first first."""

    case_id: str
    name: str
    at: datetime | None
    seq: int
    limit_id: str
    timer: str
    unit: str
    deadline: datetime | None
    cause: str
    scope: str
    answers: tuple[Answer, ...] = ()

    def said(self, field: str) -> JSON:
        """What was filed last in that field; None if nothing was."""
        found = [answer.fields[field] for answer in self.answers if answer.fields.get(field) not in (None, "")]
        return found[-1] if found else None

    @property
    def state(self) -> str:
        """What it waits for: explain, assess, dispose, follow_up; or ledger, followed_up when nothing is left."""
        if self.said("followup_text"):
            return "followed_up"
        if self.said("disposal_decision"):
            return "follow_up"
        if self.said("late_impact") is not None:
            return "dispose" if self.said("late_impact") == "negative" else "ledger"
        return "assess" if self.said("late_explanation") else "explain"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One limit. `late_seconds`: how late it was met. `stopped_by`: whose entry `finished_seq` ended it;
    `stop_task`, `stop_label`: the submission that did, "" when none did."""

    case_id: str
    title: str
    timer: str
    armed_seq: int
    limit_id: str
    label: str
    host: str
    rule: str
    clauses: tuple[str, ...]
    anchor: str
    anchor_at: datetime | None
    armed_at: datetime | None
    deadline: datetime
    explanation: tuple[Mapping[str, JSON], ...]
    bundle: str
    unit: str
    grade: str
    responsible: tuple[str, ...]
    state: str
    breached_at: datetime | None
    breached_seq: int
    met_at: datetime | None
    finished_at: datetime | None
    finished_seq: int
    stopped_by: str
    stop_task: str
    stop_label: str
    late_seconds: float
    cause: str
    warnings: tuple[Warned, ...]

    @property
    def running(self) -> bool:
        return self.finished_at is None


@dataclass(frozen=True, slots=True)
class Asked:
    """Which limits: those that began to run from `since` on and before `until`, of a unit, grade, limit, state; "" any.

    `state`: one of STATES, BROKEN, or `warned`.
    """

    since: datetime
    until: datetime
    unit: str = ""
    grade: str = ""
    limit: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Totals:
    """Limits by how they fared. ran = met + met_late + unmet + cancelled + running in time.

    `broken`: ever broken, so met_late + unmet; `unmet`: broken and not met so far; `running`: not finished, `unmet`
    ones that still wait included.
    """

    limit_id: str
    ran: int
    met: int
    met_late: int
    broken: int
    unmet: int
    cancelled: int
    running: int
    warned: int


def of_case(conn: Connection, case_id: str) -> tuple[Evidence, ...]:
    """Every limit that ever ran in the case, in the order in which they began."""
    asked = _wide().where(limits.c.case_id == case_id).order_by(limits.c.armed_seq, limits.c.deadline, limits.c.timer)
    return tuple(_evidence(row) for row in conn.execute(asked))


def page(conn: Connection, asked: Asked, total: int, *, number: int = 1, per_page: int = 50) -> Page[Evidence]:
    """One page of the limits asked for, last begun first; two statements whatever its length. `total`: limits on all
    pages, as `totals` counted them."""
    key = (limits.c.armed_at, limits.c.case_id, limits.c.timer, limits.c.armed_seq)
    keys = select(*key[1:]).where(*_where(asked)).order_by(*(column.desc() for column in key))
    wanted = [tuple(row) for row in conn.execute(keys.limit(per_page).offset(offset(number, per_page)))]
    return Page(tuple(_by_key(conn, wanted)), total, max(1, number), per_page)


def every(conn: Connection, asked: Asked, most: int) -> Iterator[Evidence]:
    """All limits asked for, first begun first, at most `most`: for a file."""
    found = _wide().where(*_where(asked)).order_by(limits.c.armed_at, limits.c.case_id, limits.c.armed_seq)
    for row in conn.execute(found.limit(most)):
        yield _evidence(row)


def totals(conn: Connection, asked: Asked) -> tuple[Totals, ...]:
    """One row for each limit that ran, by its id; one statement."""
    broken, running, warned = limits.c.breached_seq > 0, limits.c.finished_seq == 0, limits.c.warned > 0
    kind = (limits.c.limit_id, limits.c.state, broken, running, warned)
    grouped = select(*kind, func.count()).where(*_where(asked)).group_by(*kind)
    found: dict[str, Counter[str]] = {}
    for limit_id, state, is_broken, is_running, is_warned, number in conn.execute(grouped):
        line = found.setdefault(limit_id, Counter())
        marks = (("broken", is_broken), ("running", is_running), ("warned", is_warned))
        for name in ("ran", _STATE_TOTAL.get(state, ""), *(name for name, is_so in marks if is_so)):
            line[name] += number
    names = [field.name for field in fields(Totals)][1:]
    return tuple(Totals(limit_id, *(line[name] for name in names)) for limit_id, line in sorted(found.items()))


def reports_of(conn: Connection, case_id: str) -> tuple[Report, ...]:
    """The late reports of a case, first first."""
    found = select(late_reports).where(late_reports.c.case_id == case_id)
    return _reports(conn, conn.execute(found.order_by(late_reports.c.seq, late_reports.c.name)).all())


def reports(
    conn: Connection, since: datetime, until: datetime, unit: str = "", *, number: int = 1, per_page: int = 50
) -> Page[Report]:
    """Late reports drafted in the period, last first, with what was filed about them; three statements."""
    where = [late_reports.c.at >= instant_text(since), late_reports.c.at < instant_text(until)]
    where += [late_reports.c.unit == unit] if unit else []
    total = conn.execute(select(func.count()).select_from(late_reports).where(*where)).scalar_one()
    order = (late_reports.c.at.desc(), late_reports.c.case_id, late_reports.c.name)
    found = select(late_reports).where(*where).order_by(*order).limit(per_page).offset(offset(number, per_page))
    return Page(_reports(conn, conn.execute(found).all()), total, max(1, number), per_page)


def reports_by_unit(conn: Connection, since: datetime, until: datetime) -> tuple[tuple[str, int], ...]:
    """(unit, late reports drafted in the period), most first; unit "" for limits that no unit has."""
    count = func.count()
    found = select(late_reports.c.unit, count).where(
        late_reports.c.at >= instant_text(since), late_reports.c.at < instant_text(until)
    )
    rows = conn.execute(found.group_by(late_reports.c.unit).order_by(count.desc(), late_reports.c.unit))
    return tuple((unit, number) for unit, number in rows)


def titles(conn: Connection, case_ids: Iterable[str]) -> Mapping[str, str]:
    """case -> title, of the cases that there are."""
    wanted = sorted(set(case_ids))
    if not wanted:
        return {}
    found = conn.execute(select(cases.c.case_id, cases.c.title).where(cases.c.case_id.in_(wanted)))
    return {row.case_id: row.title for row in found}


def _where(asked: Asked) -> list[ColumnElement[bool]]:
    where = [limits.c.armed_at >= instant_text(asked.since), limits.c.armed_at < instant_text(asked.until)]
    # Not the bare column: SQLite would take the index that begins with it, and read the whole long row of each limit.
    limit_id = func.coalesce(limits.c.limit_id, "")
    chosen = ((limits.c.unit, asked.unit), (limits.c.grade, asked.grade), (limit_id, asked.limit))
    where += [column == wanted for column, wanted in chosen if wanted]
    if asked.state == BROKEN:
        where.append(limits.c.breached_seq > 0)
    elif asked.state == "warned":
        where.append(limits.c.warned > 0)
    elif asked.state:
        where.append(limits.c.state == asked.state)
    return where


def _wide() -> Select[Any]:
    """Whole rows with the case's title and the name of the task whose submission ended the limit."""
    ended = tasks.alias("ended")
    joined = limits.join(cases, cases.c.case_id == limits.c.case_id).outerjoin(
        ended, (ended.c.case_id == limits.c.case_id) & (ended.c.task == limits.c.finished_task)
    )
    return select(limits, cases.c.title.label("title"), ended.c.label.label("stop_label")).select_from(joined)


def _by_key(conn: Connection, wanted: Sequence[tuple[Any, ...]]) -> list[Evidence]:
    """The limits of these keys, in that order."""
    if not wanted:
        return []
    # By case, which has a few limits each: SQLite would read the whole table to find rows by all three columns at once.
    asked = _wide().where(limits.c.case_id.in_(sorted({case_id for case_id, _, _ in wanted})))
    place = {one: number for number, one in enumerate(wanted)}
    found = [_evidence(row) for row in conn.execute(asked) if (row.case_id, row.timer, row.armed_seq) in place]
    return sorted(found, key=lambda one: place[(one.case_id, one.timer, one.armed_seq)])


def _reports(conn: Connection, rows: Sequence[Row[Any]]) -> tuple[Report, ...]:
    wanted = {(row.case_id, row.scope) for row in rows if row.scope}
    filed: dict[tuple[str, str], list[Answer]] = {}
    if wanted:
        asked = select(late_answers).where(late_answers.c.case_id.in_(sorted({case_id for case_id, _ in wanted})))
        for one in conn.execute(asked.order_by(late_answers.c.case_id, late_answers.c.seq, late_answers.c.n)):
            answer = Answer(one.seq, one.task, one.author, instant(one.at), value(one.fields))
            filed.setdefault((one.case_id, one.scope), []).append(answer)
    return tuple(
        Report(
            row.case_id,
            row.name,
            instant(row.at),
            row.seq,
            row.limit_id,
            row.timer,
            row.unit,
            instant(row.deadline),
            row.cause,
            row.scope,
            tuple(filed.get((row.case_id, row.scope), ())) if row.scope else (),
        )
        for row in rows
    )


def _evidence(row: Row[Any]) -> Evidence:
    deadline = instant(row.deadline)
    assert deadline is not None, "the projector writes no limit without a deadline"
    warnings = [
        Warned(one["mark"], at, one["seq"], tuple(one["to"]))
        for one in value(row.warnings)
        if (at := instant(one["at"])) is not None
    ]
    return Evidence(
        case_id=row.case_id,
        title=row.title,
        timer=row.timer,
        armed_seq=row.armed_seq,
        limit_id=row.limit_id,
        label=row.label,
        host=row.host,
        rule=row.rule,
        clauses=texts(row.clauses),
        anchor=row.anchor,
        anchor_at=instant(row.anchor_at),
        armed_at=instant(row.armed_at),
        deadline=deadline,
        explanation=tuple(value(row.explanation)),
        bundle=row.bundle,
        unit=row.unit,
        grade=row.grade,
        responsible=texts(row.responsible),
        state=row.state,
        breached_at=instant(row.breached_at),
        breached_seq=row.breached_seq,
        met_at=instant(row.met_at),
        finished_at=instant(row.finished_at),
        finished_seq=row.finished_seq,
        stopped_by=row.finished_by,
        stop_task=row.finished_task,
        stop_label=row.stop_label or "",
        late_seconds=row.late_seconds,
        cause=row.cause,
        warnings=tuple(warnings),
    )
