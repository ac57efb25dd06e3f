"""Projects entries into the read models, inside the transaction that writes the entry."""

from __future__ import annotations

from collections import Counter
from typing import Final

from sqlalchemy import Connection

from engine.journal.entry import StoredEntry

from . import (
    project_case,
    project_evidence,
    project_limits,
    project_papers,
    project_performance,
    project_tasks,
)
from .statements import Writer
from .turn import Handler, Turn

UNSEEN: Final = frozenset({"DecisionMade", "MessageReceived", "MessageThrown", "SignalThrown"})
"""Events that no read model shows; the timeline reads them from the journal."""

_SUBJECTS: Final = (
    project_case.HANDLERS,
    project_limits.HANDLERS,
    project_limits.ALSO,
    project_tasks.HANDLERS,
    project_papers.HANDLERS,
    project_papers.ALSO,
    project_evidence.ALSO,
    project_performance.ALSO,
)
HANDLERS: Final[dict[str, tuple[Handler, ...]]] = dict.fromkeys(UNSEEN, ())
"""What each event kind does to the turn."""
for _subject in _SUBJECTS:
    for _kind, _handler in _subject.items():
        HANDLERS[_kind] = (*HANDLERS.get(_kind, ()), _handler)


def project(conn: Connection, *entries: StoredEntry) -> None:
    """Writes all rows that entries change. Requires the entries of a case in order, each once, and that nothing is
    written in the transaction afterwards (project_performance.write_passages says why).

    Streams named `_...` hold no cases: nothing happens. Raises KeyError for an event kind it does not know, which is
    one of a later release.
    """
    writer = Writer(conn)
    passages: Counter[project_performance.Passage] = Counter()
    with writer.batch():
        for entry in entries:
            if not entry.case_id.startswith("_"):
                passages.update(_project(writer, entry))
        project_performance.write_passages(writer, passages)


def _project(writer: Writer, entry: StoredEntry) -> Counter[project_performance.Passage]:
    turn = Turn(entry)
    for turn.n, event in enumerate(entry.events):
        for handle in HANDLERS[event["kind"]]:
            handle(turn, event)
    out = project_performance.before(writer, turn)
    running = project_limits.write_limits(writer, turn)
    project_tasks.write_tasks(writer, turn, running)
    project_papers.write_papers(writer, turn)
    project_case.write_case(writer, turn)
    for statement, rows in turn.queue.items():
        writer.run(statement, rows)
    for statement in turn.recounts:
        writer.run(statement, [{"case_id": turn.case_id}])
    project_evidence.write_evidence(writer, turn)
    return project_performance.write_performance(writer, turn, out)
