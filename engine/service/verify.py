"""Verification of everything that can be verified; rebuilding."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from engine import VERSION
from engine.domain.codec import instant_text
from engine.journal import log
from engine.journal.connections import patient
from engine.journal.entry import StoredEntry
from engine.journal.store import SqlTransaction
from engine.readmodels import rebuild

from .bootstrap import Services, case_entries
from .verification import PARTS, Part, Report, Tick
from .verify_documents import check_documents
from .verify_models import check_models
from .verify_records import Spoken, check_chains, check_files, check_replays
from .verify_registers import check_registers
from .verify_stores import check_bundles, check_deployments, check_logs, check_numbers
from .verify_tree import Grown, check_checkpoints, check_keys, check_tree, stops
from .witness import Witness, check_witness


@dataclass(frozen=True, slots=True)
class Asked:
    """What to verify: these cases (none: all), these parts (none: all), and the text of a witness ("" for none)."""

    cases: Sequence[str] = ()
    parts: Sequence[str] = ()
    witness: str = ""


def verify(services: Services, asked: Asked = Asked(), tick: Tick = lambda count: None) -> Report:
    """Checks the record against itself, and what stands beside it against the record. Nothing is written.

    Raises LookupError for a case that is not there, ValueError for an unknown part, checkpoint.BadNote for a witness
    that is none. With cases given, what concerns the whole log (tree, checkpoints, numbers, logs) is checked too.
    """
    if unknown := set(asked.parts) - set(PARTS):
        raise ValueError(", ".join(sorted(unknown)))
    with services.journal.reading() as tx:
        patient(tx.connection)
        conn, algorithm = tx.connection, services.journal.algorithm
        report = Report(instant_text(services.clock.now()), VERSION, algorithm, log.origin(conn))
        streams = tx.streams()
        if missing := [case for case in asked.cases if case not in streams]:
            raise LookupError(", ".join(missing))
        chosen = list(asked.cases) or streams
        waiting = log.waiting(conn)
        report.waiting, report.oldest = waiting.count, instant_text(waiting.oldest) if waiting.oldest else ""
        files: Spoken = {}
        keys: dict[str, bytes] = {}
        grown = Grown()
        witness = Witness.read(asked.witness) if asked.witness else None
        sizes = {*stops(conn), *([witness.note.size] if witness else [])}
        checks: dict[str, Callable[[Part], Any]] = {
            "chains": lambda part: check_chains(conn, chosen, part, report, files, tick),
            "tree": lambda part: check_tree(conn, part, algorithm, sizes, grown, tick),
            "keys": lambda part: keys.update(check_keys(tx, part)),
            "checkpoints": lambda part: check_checkpoints(conn, part, grown, keys, tick),
            "logs": lambda part: check_logs(tx, part, algorithm, tick),
            "bundles": lambda part: check_bundles(conn, part, _versions(tx, chosen), tick),
            "deployments": lambda part: check_deployments(tx, part),
            "documents": lambda part: check_documents(tx, part),
            "registers": lambda part: check_registers(tx, part, tick),
            "numbers": lambda part: check_numbers(conn, part, streams),
            "files": lambda part: check_files(services, part, files, not asked.cases, tick),
            "replays": lambda part: check_replays(services, tx, chosen, part, tick),
            "models": lambda part: check_models(conn, _entries(tx, chosen), part, asked.cases, tick),
            "witness": lambda part: check_witness(part, witness, grown, keys),
        }
        for name in _with_needs(asked.parts, witness is not None):
            part = Part(name)
            started = time.perf_counter()
            try:
                checks[name](part)
            except (ValueError, KeyError, TypeError, IndexError, SQLAlchemyError) as error:
                # What was changed can't even be read; the parts that read bytes alone name the place.
                part.fault(name, 0, "part_unreadable", "", repr(error))
            part.seconds = time.perf_counter() - started
            report.parts.append(part)
        report.sealed = grown.size
    return report


NEEDS = {"checkpoints": ("tree", "keys"), "files": ("chains",), "witness": ("tree", "keys")}
"""Parts that others must have gone before."""


def _with_needs(parts: Sequence[str], witness: bool) -> list[str]:
    wanted = set(parts or PARTS) - (set() if witness else {"witness"})
    for name in list(wanted):
        wanted.update(NEEDS.get(name, ()))
    return [name for name in PARTS if name in wanted]


def _versions(tx: SqlTransaction, streams: Iterable[str]) -> set[str]:
    return {entry.bundle for entry in _entries(tx, streams)}


def _entries(tx: SqlTransaction, streams: Iterable[str]) -> Iterator[StoredEntry]:
    for stream in streams:
        if not stream.startswith("_"):
            yield from tx.read(stream)


def rebuild_read_models(services: Services) -> int:
    """Deletes and rebuilds all read models in one transaction; returns the number of entries projected."""
    with services.journal.writing() as tx:
        patient(tx.connection)
        return rebuild.rebuild(tx.connection, case_entries(tx))
