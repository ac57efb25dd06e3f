"""Takes cases out of an archive package into an instance that has no log of its own, to be read there."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, insert, select

from engine.domain.codec import instant_text, parse_instant
from engine.domain.rejection import Rejection
from engine.journal.entry import StoredEntry
from engine.journal.imports import STREAM, imported_streams, is_imported, origins
from engine.journal.schema import case_numbers
from engine.journal.store import CommandSeen, SequenceTaken, SqlTransaction
from engine.readmodels import projector

from . import package_files, package_people, package_replay
from .offline_verifier import BROKEN, Unreadable, Verifier, open_package
from .system_stream import add_entry

TOLERATED: Final = frozenset({"missing"})
"""Faults with which a package can still be read: an attachment that was gone already at its origin."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What came in. `missing`: attachments that were not in the package."""

    cases: tuple[str, ...]
    entries: int
    origin: str
    missing: int


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an imported case came from. `log`: name of the log it was sealed in, "" for none."""

    log: str
    checkpoint: str
    package: str
    at: datetime
    actor: str


def import_package(services: Any, path: Path, actor: str) -> Imported | Rejection:
    """Imports all cases of a package (a zip), or none of them.

    1. Verify the package as the offline verifier does, and re-run its cases with this program.
    2. In one transaction: entries byte for byte, bundles, names, read models, and an entry in stream `_imports`.
    3. Attachments and the package itself are kept in the file store.
    Rejections: invalid for what is no whole package; conflict when one of its cases is here already, or when this
    instance has cases of its own or of another log (two logs with the same case numbers can't be told apart), or keeps
    its journal with another hash.
    """
    if not path.is_file():
        return Rejection("invalid", "package.unreadable", {"file": path.name, "reason": "expected a zip"})
    try:
        package = open_package(str(path))
    except (Unreadable, *BROKEN) as error:
        return Rejection("invalid", "package.unreadable", {"file": path.name, "reason": str(error)})
    with contextlib.closing(package):
        return _import(services, package, path, actor)


def _import(services: Any, package: Any, path: Path, actor: str) -> Imported | Rejection:
    faults = Verifier(package).run().faults
    hard = [fault for fault in faults if fault.check not in TOLERATED]
    if hard:
        first = hard[0]
        details = {"file": first.file, "where": first.where, "reason": first.zh, "count": len(hard)}
        return Rejection("invalid", "package.faulty", details)

    def read(name: str) -> bytes:
        with package.open(name) as source:
            content: bytes = source.read()
            return content

    used = str(package_replay.index_of(read)["hash"])
    if used != services.journal.algorithm:
        return Rejection("conflict", "package.other_hash", {"hash": used, "own": services.journal.algorithm})
    for one in package_replay.replayed(read):
        if one["divergence"] is not None:
            return Rejection("conflict", "package.diverges", {"case": one["case"], "seq": one["divergence"]["seq"]})
    for row in json.loads(read(package_files.ATTACHMENTS)):
        if row["stored"]:
            with package.open(row["stored"]) as source:
                services.files.adopt(source, row["sha256"])
    with path.open("rb") as source:
        sha256 = hashlib.file_digest(source, "sha256").hexdigest()
        source.seek(0)
        services.files.adopt(source, sha256)
    return _take_in(services, read, sha256, actor, len(faults))


def origin_of(conn: Connection, case_id: str) -> Origin | None:
    """Where an imported case came from; None for one that was opened here."""
    row = conn.execute(select(imported_streams).where(imported_streams.c.case_id == case_id)).one_or_none()
    if row is None:
        return None
    return Origin(row.origin, row.checkpoint, row.package, parse_instant(row.at), row.actor)


def _take_in(services: Any, read: package_replay.Read, sha256: str, actor: str, missing: int) -> Imported | Rejection:
    index, at = package_replay.index_of(read), services.clock.now()
    origin, cases = str(index["log"]["origin"]), tuple(index["cases"])
    checkpoint = read(package_files.CHECKPOINT).decode() if index["log"]["sealed"] else ""
    streams = [stream for stream in index["streams"] if stream["name"] in cases]
    count = 0
    try:
        with services.journal.writing() as tx:
            refused = _refused(tx, cases, origin)
            if refused is not None:
                return refused
            for version, files in package_replay.bundles_of(read).items():
                services.deployments.store(tx, version, files)
            package_people.take_in(tx.connection, json.loads(read(package_files.PEOPLE)), instant_text(at))
            for stream in streams:
                entries = package_replay.entries_of(read, stream)
                count += len(entries)
                _append(tx, entries)
                tx.connection.execute(
                    insert(imported_streams).values(
                        case_id=stream["name"], entries=len(entries), origin=origin, checkpoint=checkpoint,
                        package=sha256, at=instant_text(at), actor=actor,
                    )
                )  # fmt: skip
            _reserve(tx.connection, cases)
            event = {"kind": "PackageImported", "package": sha256, "origin": origin, "cases": list(cases),
                     "entries": count, "checkpoint": checkpoint}  # fmt: skip
            add_entry(
                tx, STREAM, at, actor, {"kind": "ImportPackage", "package": sha256}, event, services.journal.algorithm
            )
    except (CommandSeen, SequenceTaken) as error:
        return Rejection("conflict", "package.case_exists", {"case": str(error)})
    return Imported(cases, count, origin, missing)


def _refused(tx: SqlTransaction, cases: Sequence[str], origin: str) -> Rejection | None:
    here = {stream for stream in tx.streams() if not stream.startswith("_")}
    known = origins(tx.connection)
    for case_id in cases:
        if case_id in here:
            key = "package.imported_already" if is_imported(tx.connection, case_id) else "package.case_exists"
            return Rejection("conflict", key, {"case": case_id})
    others = sorted(case_id for case_id in here if known.get(case_id) != origin)
    if others:
        return Rejection("conflict", "package.other_log", {"case": others[0], "count": len(others), "origin": origin})
    return None


def _append(tx: SqlTransaction, entries: Sequence[StoredEntry]) -> None:
    for entry in entries:
        tx.append(entry)
    for entry in entries:
        projector.project(tx.connection, entry)


def _reserve(conn: Connection, cases: Sequence[str]) -> None:
    """A number that came with an import is never given to a case of this instance."""
    highest: dict[int, int] = {}
    for case_id in cases:
        _, _, rest = case_id.partition("-")
        in_year, _, number = rest.partition("-")
        if in_year.isdigit() and number.isdigit():
            highest[int(in_year)] = max(highest.get(int(in_year), 0), int(number))
    for year, last in highest.items():
        given = conn.scalar(select(case_numbers.c.last).where(case_numbers.c.year == year))
        if given is None:
            conn.execute(insert(case_numbers).values(year=year, last=last))
        elif given < last:
            conn.execute(case_numbers.update().where(case_numbers.c.year == year).values(last=last))
