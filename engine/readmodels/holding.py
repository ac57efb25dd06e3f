"""Who had the work of a limit, and how long (requirements 1.10: a limit never starts anew, but is shared out).

Told from the entries of the case: a task's claims, transfers and delegations are nowhere else kept in full.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.journal.entry import StoredEntry

from .clocks import covers
from .evidence import Evidence


@dataclass(frozen=True, slots=True)
class Held:
    """One stretch in which a task lay with somebody. `holder`: login, "" while nobody had taken it from `groups`.

    `from_seq`, `until_seq`: entries that began and ended it, `until_seq` 0 while it lasts.
    """

    task: str
    label: str
    holder: str
    groups: tuple[str, ...]
    since: datetime
    until: datetime | None
    from_seq: int
    until_seq: int

    def seconds(self, now: datetime) -> float:
        """Its length; up to `now` while it lasts."""
        return ((self.until or now) - self.since).total_seconds()


@dataclass(frozen=True, slots=True)
class Share:
    """`holder`: login or, with `groups`, those whose offer nobody had taken. `part`: of all that was held, 0.0-1.0."""

    holder: str
    groups: tuple[str, ...]
    seconds: float
    part: float


@dataclass(slots=True)
class _Open:
    label: str
    groups: tuple[str, ...]
    holder: str
    since: datetime
    seq: int


_GIVEN = frozenset({"TaskClaimed", "TaskTransferred", "TaskDelegated", "TaskReturned"})
_ENDED = frozenset({"TaskCompleted", "TaskCancelled"})


def stretches(entries: Iterable[StoredEntry]) -> tuple[Held, ...]:
    """Every stretch of every task of a case, in the order in which they began; those that last come with the rest."""
    found: list[Held] = []
    waiting: dict[str, _Open] = {}
    for entry in entries:
        for event in entry.events:
            kind, task = event["kind"], event.get("task", "")
            if kind == "TaskCreated":
                groups = tuple(event.get("groups", ()))
                waiting[task] = _Open(event["label"], groups, event.get("assignee", ""), entry.at, entry.seq)
            elif task in waiting and (kind in _ENDED or kind in _GIVEN or kind in ("TaskReleased", "TaskResolved")):
                one = waiting.pop(task)
                found.append(_held(task, one, entry.at, entry.seq))
                if kind not in _ENDED:
                    waiting[task] = _Open(one.label, one.groups, _next(event), entry.at, entry.seq)
    found += [_held(task, one, None, 0) for task, one in waiting.items()]
    return tuple(sorted(found, key=lambda held: (held.from_seq, held.since, held.task)))


def of_limit(limit: Evidence, found: Iterable[Held]) -> tuple[Held, ...]:
    """The stretches of the tasks under a limit, cut to the time in which it ran; empty stretches are left out."""
    start, stop = limit.armed_at, limit.finished_at
    cut: list[Held] = []
    for one in found:
        if not covers(limit.host, one.task):
            continue
        since = max(one.since, start) if start else one.since
        until = one.until if stop is None else min(one.until or stop, stop)
        if until is None or since < until:
            over = one.until is not None and until == one.until
            seq = one.until_seq if over else limit.finished_seq
            cut.append(Held(one.task, one.label, one.holder, one.groups, since, until, one.from_seq, seq))
    return tuple(cut)


def shares(found: Sequence[Held], now: datetime) -> tuple[Share, ...]:
    """Time per holder, longest first. Tasks held side by side count each."""
    seconds: dict[tuple[str, tuple[str, ...]], float] = {}
    for one in found:
        key = (one.holder, () if one.holder else one.groups)
        seconds[key] = seconds.get(key, 0.0) + one.seconds(now)
    whole = sum(seconds.values())
    ordered = sorted(seconds.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Share(*key, length, length / whole if whole else 0.0) for key, length in ordered)


def _next(event: Mapping[str, object]) -> str:
    if event["kind"] == "TaskReleased":
        return ""
    return str(event["owner"] if event["kind"] == "TaskResolved" else event["assignee"])


def _held(task: str, one: _Open, until: datetime | None, until_seq: int) -> Held:
    return Held(task, one.label, one.holder, one.groups, one.since, until, one.seq, until_seq)
