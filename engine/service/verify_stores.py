"""Verification of what stands beside the journal: bundles, deployments, case numbers, logs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection

from sqlalchemy import Connection, select

from engine.definitions.bundle import version_of
from engine.journal.imports import origins
from engine.journal.schema import bundle_files, bundles, case_numbers, deployments
from engine.journal.store import SqlTransaction

from .deployments import DEPLOYED
from .deployments import STREAM as DEPLOYMENTS
from .log_sealing import STREAM as LOGS_STREAM
from .log_sealing import stretch
from .log_tables import LOGS
from .verification import Part, Tick

CASE = re.compile(r"WQ-(\d{4})-(\d{6,})")


def check_bundles(conn: Connection, part: Part, used: Collection[str], tick: Tick) -> None:
    """Each stored file has its hash, each version is the hash of its files, and every version that a case ran on or
    that was deployed is here."""
    contents: dict[str, bytes] = {}
    for row in conn.execute(select(bundle_files)):
        contents[row.sha256] = bytes(row.content)
        part.checked += 1
        tick(1)
        got = hashlib.sha256(contents[row.sha256]).hexdigest()
        if got != row.sha256:
            part.fault(f"{bundle_files.name} {row.sha256[:12]}", 0, "bundle_file_differs", row.sha256, got)
    versions: dict[str, dict[str, str]] = {}
    for row in conn.execute(select(bundles)):
        versions.setdefault(row.version, {})[row.path] = row.sha256
    for version, files in versions.items():
        missing = [path for path, sha256 in files.items() if sha256 not in contents]
        for path in missing:
            part.fault(f"{version[:12]} {path}", 0, "bundle_file_missing", files[path], "")
        if not missing:
            got = version_of({path: contents[sha256] for path, sha256 in files.items()})
            if got != version:
                part.fault(f"{bundles.name} {version[:12]}", 0, "bundle_differs", version, got)
    for version in sorted(set(used) - versions.keys() - {""}):
        part.fault(f"{bundles.name} {version[:12]}", 0, "bundle_missing", version, "")


def check_deployments(tx: SqlTransaction, part: Part) -> None:
    """The table of deployments says what the stream of deployments says."""
    rows = tx.connection.execute(select(deployments).order_by(deployments.c.number)).all()
    told = {one.events[0]["number"]: one for one in tx.read(DEPLOYMENTS) if one.events[0]["kind"] == DEPLOYED}
    known = {row.number: row for row in rows}
    for number in sorted({*told, *known}):
        part.checked += 1
        entry, row = told.get(number), known.get(number)
        if entry is None or row is None:
            part.fault(
                DEPLOYMENTS, number, "deployment_unmatched", "entry and row", "row" if entry is None else "entry"
            )
            continue
        expected = (entry.events[0]["version"], entry.actor, entry.command["reason"])
        got = (row.version, row.actor, row.reason)
        if expected != got:
            part.fault(DEPLOYMENTS, number, "deployment_differs", expected, got)


def check_numbers(conn: Connection, part: Part, streams: Collection[str]) -> None:
    """Every case number that was given has its case: numbers are given in the transaction that opens it. Of a year with
    imported cases, the numbers up to the highest imported one are of the instance that they came from."""
    imported: dict[str, int] = {}
    for stream in origins(conn):
        if found := CASE.fullmatch(stream):
            imported[found[1]] = max(imported.get(found[1], 0), int(found[2]))
    there: dict[str, set[int]] = {}
    for stream in streams:
        found = CASE.fullmatch(stream)
        if found:
            there.setdefault(found[1], set()).add(int(found[2]))
    given = {str(row.year): row.last for row in conn.execute(select(case_numbers))}
    for year in sorted({*there, *given}):
        numbers, last = there.get(year, set()), given.get(year, 0)
        part.checked += max(last, len(numbers))
        for number in sorted(set(range(imported.get(year, 0) + 1, last + 1)) - numbers):
            part.fault(f"WQ-{year}-{number:06d}", 0, "case_missing")
        for number in sorted(number for number in numbers if number > last):
            part.fault(f"WQ-{year}-{number:06d}", 0, "number_not_given", f"<= {last}", number)


def check_logs(tx: SqlTransaction, part: Part, algorithm: str, tick: Tick) -> None:
    """The logs outside the journal are, row by row, what the entries of `_logs` say they were."""
    tables = {table.name: (table, number) for table, number in LOGS}
    upto: dict[str, int] = {}
    for entry in tx.read(LOGS_STREAM):
        for told in entry.events[0]["logs"]:
            part.checked += told["rows"]
            tick(told["rows"])
            name = told["table"]
            if name not in tables:
                part.fault(name, entry.seq, "log_unknown")
                continue
            if told["after"] != upto.get(name, 0):
                part.fault(name, entry.seq, "log_gap", upto.get(name, 0), told["after"])
            upto[name] = told["upto"]
            found = stretch(tx.connection, *tables[name], told["after"], told["upto"], algorithm)
            if (found.rows, found.digest) != (told["rows"], told["digest"]):
                place = f"{name} {told['after'] + 1}..{told['upto']}"
                expected, got = f"{told['rows']} rows {told['digest']}", f"{found.rows} rows {found.digest}"
                part.fault(place, entry.seq, "log_differs", expected, got)
