"""What one entry changes, collected in memory before anything is written, so that later events of the entry see what
earlier ones did and each table is written once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from engine.domain.codec import JSON, instant_text
from engine.journal.entry import StoredEntry

from .statements import Statement

Happened = Mapping[str, JSON]
"""A stored event: `kind`, and the fields that differ from their defaults."""
Row = dict[str, Any]
_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


def as_json(value: JSON) -> str:
    """JSON text with sorted keys, so that a rebuild gives the same row."""
    return _encode(value)


class Turn:
    """See the module. `at`: the entry's instant as text. `n`: place of the event being looked at, from 0.

    Rows made in this entry are kept whole (`tasks`, `limits`, `timers`, `messages`; None: gone), rows made before as
    the columns to set (`task_changes`). `offers`: groups of the tasks made; `holders`: task -> new assignee; `ended`:
    tasks done or cancelled. `cancelled`: (scope, element) of the tokens taken away; `entered`: elements come to;
    `steps`: (scope, element, action) of the trail. `withdraws`: the entry takes an earlier one back; `migrated`: it
    moves the case to another version. `done`: tasks submitted; `broken`: limit -> timer of its breach; `registration`:
    facts of the case's opening, None in later entries; `report`: the late report just drafted. `recounted`: the case is
    counted anew for the performance view. What needs no folding waits in `queue` for its statement. `recounts`:
    statements to run after all others, with the case's number only.
    """

    __slots__ = (
        "actor", "at", "broken", "bundle", "cancelled", "case", "case_id", "done", "ended", "entered",
        "holders", "limit_changes", "limits", "messages", "migrated", "n", "offers", "opened", "queue", "recounted",
        "recounts", "registration", "report", "seq", "steps", "task_changes", "tasks", "timers", "withdraws",
    )  # fmt: skip

    def __init__(self, entry: StoredEntry) -> None:
        self.case_id: str = entry.case_id
        self.seq = entry.seq
        self.at = instant_text(entry.at)
        self.actor = entry.actor
        self.bundle = entry.bundle
        self.n = 0
        self.opened: Row | None = None
        self.case: Row = {}
        self.tasks: dict[str, Row] = {}
        self.task_changes: dict[str, Row] = {}
        self.offers: dict[str, tuple[str, ...]] = {}
        self.ended: set[str] = set()
        self.holders: dict[str, str] = {}
        self.timers: dict[str, Row | None] = {}
        self.limits: dict[str, Row] = {}
        self.limit_changes: dict[Statement, dict[str, Row]] = {}
        self.messages: dict[str, Row | None] = {}
        self.withdraws = False
        self.steps: list[tuple[str, str, str]] = []
        self.recounted = False
        self.migrated = False
        self.done: list[str] = []
        self.broken: dict[str, str] = {}
        self.registration: Row | None = None
        self.report: Row | None = None
        self.entered: set[str] = set()
        self.cancelled: set[tuple[str, str]] = set()
        self.queue: dict[Statement, list[Row]] = {}
        self.recounts: dict[Statement, None] = {}

    def add(self, statement: Statement, **values: Any) -> None:
        """Runs `statement` at the end with these values and the case's number."""
        values["case_id"] = self.case_id
        self.queue.setdefault(statement, []).append(values)

    def numbered(self, statement: Statement, **values: Any) -> None:
        """The same for tables whose rows are named by entry and place."""
        self.add(statement, seq=self.seq, n=self.n, at=self.at, **values)


Handler = Callable[[Turn, Happened], None]
