"""How often each clause of the regulation applied, held and was broken, over the cases opened in a period.

Cases that went the same way share a pattern (`schema.case_marks`): the database counts the cases of each pattern, and
what a pattern says is summed here. So ten thousand cases are some hundred patterns.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, Generic, TypeVar

from sqlalchemy import Column, ColumnElement, Connection, func, select

from engine.domain.codec import instant_text

from .page import Page, offset
from .schema import case_marks, cases

T = TypeVar("T")
CHUNK: Final = 5_000
"""Digests asked for at once; databases take some ten thousand parameters."""
MOST_REMEMBERED: Final = 50_000
"""Patterns kept in memory; a kilobyte each."""
TRIES: Final = 5
VERDICTS: Final = ("broken", "open", "held", "dropped")


@dataclass(frozen=True, slots=True)
class Fared:
    """Cases by verdict, and the tasks and limits in them. cases = broken + open + held + dropped.

    broken: a limit of the clause was broken, met late or not. open: else, a task or limit of it is open. held: else,
    one was done or met. dropped: all were called off before.
    """

    cases: int = 0
    broken: int = 0
    open: int = 0
    held: int = 0
    dropped: int = 0
    tasks: int = 0
    tasks_done: int = 0
    limits: int = 0
    limits_met: int = 0
    limits_broken: int = 0


@dataclass(frozen=True, slots=True)
class ClauseCase:
    """One case in which a clause applied. `verdict`: one of VERDICTS, or `reached` when only elements tell."""

    case_id: str
    title: str
    grade: str
    status: str
    stage_label: str
    opened_at: str
    verdict: str


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """How one clause fared in one way: there is one object for each, so that counting them compares no texts.

    `numbers`: tasks, tasks_done, limits, limits_met, limits_broken, as in `Fared`.
    """

    clause: str
    verdict: str
    numbers: tuple[int, ...]


def by_clause(conn: Connection, since: datetime, until: datetime) -> Mapping[str, Fared]:
    """clause -> how it fared, of the clauses that tasks and limits carry; one statement, two for new patterns."""
    counted: dict[Mark, int] = {}
    for marks, number in _patterns(conn, _MARKS, since, until).values():
        for mark in marks:
            counted[mark] = counted.get(mark, 0) + number
    sums: dict[str, list[int]] = {}
    for mark, number in counted.items():
        line = sums.setdefault(mark.clause, [0] * 10)
        line[0] += number
        line[1 + VERDICTS.index(mark.verdict)] += number
        for place, one in enumerate(mark.numbers, 5):
            line[place] += one * number
    return {clause: Fared(*line) for clause, line in sums.items()}


def cases_opened(conn: Connection, since: datetime, until: datetime) -> int:
    """Cases opened in the period."""
    asked = select(func.count()).select_from(case_marks).where(*_opened(since, until))
    return conn.execute(asked).scalar_one()


def reached(
    conn: Connection, wanted: Mapping[str, Iterable[str]], since: datetime, until: datetime
) -> Mapping[str, int]:
    """name -> cases opened in the period that ever entered one of that name's elements; one statement."""
    sets = {name: frozenset(elements) for name, elements in wanted.items()}
    found = dict.fromkeys(sets, 0)
    for been, number in _patterns(conn, _ELEMENTS, since, until).values() if sets else ():
        for name, elements in sets.items():
            if not elements.isdisjoint(been):
                found[name] += number
    return found


def cases_of(
    conn: Connection,
    clause: str,
    since: datetime,
    until: datetime,
    *,
    verdict: str = "",
    number: int = 1,
    per_page: int = 50,
) -> Page[ClauseCase]:
    """Cases opened in the period in which tasks or limits carry the clause, last opened first; three statements."""
    verdicts: dict[str, str] = {}
    for digest, (marks, _) in _patterns(conn, _MARKS, since, until).items():
        mark = next((one for one in marks if one.clause == clause), None)
        if mark is not None and verdict in ("", mark.verdict):
            verdicts[digest] = mark.verdict
    return _page(conn, case_marks.c.fared, verdicts, since, until, number, per_page)


def cases_reaching(
    conn: Connection,
    elements: Iterable[str],
    since: datetime,
    until: datetime,
    *,
    number: int = 1,
    per_page: int = 50,
) -> Page[ClauseCase]:
    """The same for a clause that only elements carry: cases that entered one of them."""
    wanted = frozenset(elements)
    patterns = _patterns(conn, _ELEMENTS, since, until)
    digests = {digest: "reached" for digest, (been, _) in patterns.items() if not wanted.isdisjoint(been)}
    return _page(conn, case_marks.c.reached, digests, since, until, number, per_page)


@lru_cache(maxsize=100_000)
def _mark(clause: str, verdict: str, *numbers: int) -> Mark:
    """The one object for these; one forgotten and made again would be counted apart, and summed all the same."""
    return Mark(clause, verdict, numbers)


def _marks(text: str) -> tuple[Mark, ...]:
    """What lines of `case_marks.fared_text` say of each clause."""
    found: dict[str, Counter[str]] = {}
    for line in text.splitlines():
        kind, state, number, clauses = line.split(" ", 3)
        for clause in json.loads(clauses):
            found.setdefault(clause, Counter()).update({kind: int(number), f"{kind} {state}": int(number)})
    return tuple(
        _mark(clause, _verdict(n), n["task"], n["task done"], n["limit"], n["limit met"], n["limit broken"])
        for clause, n in found.items()
    )


def _verdict(numbers: Counter[str]) -> str:
    if numbers["limit broken"]:
        return "broken"
    if numbers["task open"] or numbers["limit running"]:
        return "open"
    return "held" if numbers["task done"] or numbers["limit met"] else "dropped"


class _Reading(Generic[T]):
    """What the texts of one column say, each read once: its digest names it for ever."""

    def __init__(self, digest: Column[str], text: Column[str], read: Callable[[str], T]) -> None:
        self.digest = digest
        self._text = text
        self._read = read
        self._known: dict[str, T] = {}

    def of(self, conn: Connection, examples: Mapping[str, str]) -> Mapping[str, T]:
        """digest -> what it says. `examples`: digest -> a case that has it; left out if that case has moved on since,
        which may happen between two statements."""
        known = self._known
        unknown = [case_id for digest, case_id in examples.items() if digest not in known]
        for start in range(0, len(unknown), CHUNK):
            asked = select(self.digest, self._text).where(case_marks.c.case_id.in_(unknown[start : start + CHUNK]))
            known |= {digest: self._read(text) for digest, text in conn.execute(asked)}
        found = {digest: known[digest] for digest in examples if digest in known}
        if len(known) > MOST_REMEMBERED:
            self._known = {}
        return found


_MARKS: Final = _Reading[tuple[Mark, ...]](case_marks.c.fared, case_marks.c.fared_text, _marks)
_ELEMENTS: Final = _Reading[frozenset[str]](
    case_marks.c.reached, case_marks.c.reached_text, lambda text: frozenset(text.splitlines())
)


def _patterns(conn: Connection, reading: _Reading[T], since: datetime, until: datetime) -> Mapping[str, tuple[T, int]]:
    """digest -> (what it says, cases of the period), of each that occurs."""
    counted = select(reading.digest, func.count(), func.min(case_marks.c.case_id))
    counted = counted.where(*_opened(since, until)).group_by(reading.digest)
    for _ in range(TRIES):
        rows = conn.execute(counted).all()
        said = reading.of(conn, {row[0]: row[2] for row in rows})
        if len(said) == len(rows):
            return {row[0]: (said[row[0]], row[1]) for row in rows}
    raise TimeoutError(f"Expected the cases to stand still for a moment in {TRIES} tries, but they did not")


def _page(
    conn: Connection,
    column: Column[str],
    verdicts: Mapping[str, str],
    since: datetime,
    until: datetime,
    number: int,
    per_page: int,
) -> Page[ClauseCase]:
    where = [*_opened(since, until), column.in_(sorted(verdicts))]
    total = conn.execute(select(func.count()).select_from(case_marks).where(*where)).scalar_one()
    order = (case_marks.c.opened_at.desc(), case_marks.c.case_id.desc())
    keys = select(case_marks.c.case_id, column.label("digest")).where(*where).order_by(*order)
    found = keys.limit(per_page).offset(offset(number, per_page)).subquery()
    columns = (cases.c.title, cases.c.grade, cases.c.status, cases.c.stage_label, cases.c.opened_at)
    asked = select(cases.c.case_id, *columns, found.c.digest).join(found, found.c.case_id == cases.c.case_id)
    rows = conn.execute(asked.order_by(cases.c.opened_at.desc(), cases.c.case_id.desc()))
    return Page(tuple(ClauseCase(*row[:-1], verdicts[row[-1]]) for row in rows), total, max(1, number), per_page)


def _opened(since: datetime, until: datetime) -> list[ColumnElement[bool]]:
    return [case_marks.c.opened_at >= instant_text(since), case_marks.c.opened_at < instant_text(until)]
