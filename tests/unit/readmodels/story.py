"""Makes the entries of a case by hand: what a kernel could have decided, without one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engine.domain.codec import instant_text, to_json
from engine.domain.events import (
    CaseOpened,
    Event,
    TaskCreated,
    TimerArmed,
)
from engine.journal.entry import StoredEntry, make_entry, read_entry

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""09:00 in Xuchang."""
EIGHT_HOURS = timedelta(hours=8)


class Story:
    """One case's entries, a minute apart unless told otherwise. They went through bytes, as those of a store."""

    def __init__(self, case_id: str = "WQ-2026-000001", at: datetime = START) -> None:
        self.case_id = case_id
        self.at = at
        self.entries: list[StoredEntry] = []

    def entry(
        self, *events: Event, actor: str = "wangfang", after: timedelta = timedelta(minutes=1), command: str = "Test"
    ) -> StoredEntry:
        """The next entry, also kept in `entries`."""
        if self.entries:
            self.at += after
        seq = len(self.entries) + 1
        made = make_entry(
            case_id=self.case_id,
            seq=seq,
            at=self.at,
            actor=actor,
            on_behalf_of="",
            command_id=f"{self.case_id}/{seq}",
            command={"kind": command},
            bundle="b" * 64,
            engine_version="1",
            events=[to_json(event) for event in events],
            state_digest="",
            prev_hash="",
        )
        self.entries.append(read_entry(made.body, made.hash))
        return self.entries[-1]

    def opened(self, *events: Event, title: str = "绿地被围挡施工") -> StoredEntry:
        """The first entry."""
        return self.entry(CaseOpened("case", "b" * 64, title, "wangfang"), *events)

    def text(self, **after: float) -> str:
        """The instant so long after the story's present one."""
        return instant_text(self.at + timedelta(**after))


def task(name: str = "Task_verify#1", **fields: object) -> TaskCreated:
    """A user task for the unit of farmland protection."""
    given: dict[str, object] = {
        "element": name.rpartition("/")[2].partition("#")[0],
        "label": "核实情况",
        "process": "case",
        "form": "verify",
        "groups": ("unit:gengbao", "head:gengbao"),
        "unit": "gengbao",
        "clauses": ("R31",),
    }
    return TaskCreated(name, **(given | fields))  # type: ignore[arg-type]


def limit(timer: str, deadline: str, host: str, **fields: object) -> TimerArmed:
    """The limit of eight hours, on the activity `host`."""
    given: dict[str, object] = {
        "element": timer.rpartition("/")[2].partition("#")[0],
        "due": deadline,
        "label": "8小时",
        "limit": "eight_hours",
        "anchor": "delivered_at",
        "anchor_at": instant_text(START),
        "rule": "交办后8小时内提出回复意见",
        "explanation": ({"key": "limit.explain.due", "params": {"at": deadline}},),
        "clauses": ("R50",),
        "unit": "gengbao",
        "responsible": ("line:land",),
        "deadline": deadline,
        "host": host,
    }
    return TimerArmed(timer, **(given | fields))  # type: ignore[arg-type]


def warning(timer: str, mark: str, due: str, deadline: str) -> TimerArmed:
    """A warning before the limit `timer`."""
    return TimerArmed(
        f"{timer}!{mark}", "Timer", due, limit="eight_hours", warns_of=timer, mark=mark, deadline=deadline
    )
