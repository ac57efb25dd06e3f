"""Backups: the database as it stood at one moment, the attachments, and the signing keys where they are asked for.

A backup is a folder:

    manifest.json     what it holds: when, of which database, how many entries, sha256 of each other file
    database.sqlite   or database.dump (pg_dump, custom format)
    files/            attachments, named by their content (only ever added to, so they are copied after the database)
    keys/             private keys of the checkpoints, only if asked for: who has both can write another history

It is made in a folder beside and named last: a folder of that name is a whole backup.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, func, inspect, select

from engine import VERSION
from engine.domain.clock import Clock
from engine.domain.codec import instant_text
from engine.journal.database import open_database
from engine.journal.schema import checkpoints, entries

from . import backup_postgresql, backup_sqlite
from .settings import Settings

FORMAT: Final = "opinion-backup-1"
MANIFEST: Final = "manifest.json"


class CannotBackUp(Exception):
    """The text says why, as message key and details."""

    def __init__(self, key: str, detail: str = "") -> None:
        super().__init__(f"{key}: {detail}" if detail else key)
        self.key = key
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Backup:
    """What was written or read. `checkpoint`: number of the newest one in it, 0 for none; `bytes`: of all files."""

    folder: Path
    kind: str
    at: str
    entries: int
    checkpoint: int
    attachments: int
    keys: int
    bytes: int


def back_up(settings: Settings, clock: Clock, target: Path, *, keys: bool = False) -> Backup:
    """Writes a backup to the new folder `target`, while the program works. Raises CannotBackUp, OSError."""
    if target.exists():
        raise CannotBackUp("backup.exists", str(target))
    url = settings.database_owner_url or settings.database_url
    kind = "sqlite" if url.startswith("sqlite") else "postgresql"
    at = instant_text(clock.now())
    making = target.with_name(target.name + ".incomplete")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True, mode=0o700)
    database = making / _database_name(kind)
    if kind == "sqlite":
        if not backup_sqlite.path_of(url).exists():
            raise CannotBackUp("backup.no_database", url)
        counted = backup_sqlite.copy(backup_sqlite.path_of(url), database)
    else:
        counted = _counted(url)
        try:
            backup_postgresql.dump(url, database)
        except backup_postgresql.NoClient as error:
            raise CannotBackUp("backup.no_client", str(error)) from None
        except backup_postgresql.Failed as error:
            raise CannotBackUp("backup.failed", str(error)) from None
    attachments = _copy(settings.data_dir / "files", making / "files")
    private = _copy(settings.keys_folder, making / "keys") if keys else 0
    listed = {
        path.relative_to(making).as_posix(): {"sha256": _sha256(path), "size": path.stat().st_size}
        for path in sorted(making.rglob("*"))
        if path.is_file()
    }
    told = {
        "format": FORMAT, "kind": kind, "at": at, "version": VERSION, **counted, "attachments": attachments,
        "keys": private, "files": listed,
    }  # fmt: skip
    (making / MANIFEST).write_text(json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True), encoding="utf-8")
    _to_disk(making)
    making.rename(target)
    return _backup(target, told)


def restore(settings: Settings, source: Path) -> Backup:
    """Puts a backup into an empty database, and its attachments and keys where the settings say. Every file is checked
    against the manifest first; nothing that is there is overwritten. Raises CannotBackUp, OSError."""
    told = read(source)
    url = settings.database_owner_url or settings.database_url
    kind = "sqlite" if url.startswith("sqlite") else "postgresql"
    if told["kind"] != kind:
        raise CannotBackUp("backup.other_kind", f"{told['kind']} -> {kind}")
    database = source / _database_name(kind)
    if kind == "sqlite":
        path = backup_sqlite.path_of(url)
        if any(path.with_name(path.name + tail).exists() for tail in ("", "-wal", "-shm")):
            raise CannotBackUp("backup.not_empty", str(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        backup_sqlite.copy(database, path, still=True)
    else:
        if not _empty(url):
            raise CannotBackUp("backup.not_empty", url.rpartition("@")[2])
        try:
            backup_postgresql.restore(url, database)
        except backup_postgresql.NoClient as error:
            raise CannotBackUp("backup.no_client", str(error)) from None
        except backup_postgresql.Failed as error:
            raise CannotBackUp("backup.failed", str(error)) from None
    _copy(source / "files", settings.data_dir / "files")
    _copy(source / "keys", settings.keys_folder)
    return _backup(source, told)


def read(source: Path) -> dict[str, Any]:
    """The manifest of a backup whose files are all what it says they are. Raises CannotBackUp."""
    try:
        told: dict[str, Any] = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CannotBackUp("backup.no_manifest", str(error)) from None
    if told.get("format") != FORMAT:
        raise CannotBackUp("backup.other_format", str(told.get("format")))
    for name, facts in told["files"].items():
        path = source / name
        if not path.is_file() or _sha256(path) != facts["sha256"]:
            raise CannotBackUp("backup.damaged", name)
    return told


def _backup(folder: Path, told: dict[str, Any]) -> Backup:
    size = sum(facts["size"] for facts in told["files"].values())
    return Backup(
        folder, told["kind"], told["at"], told["entries"], told["checkpoint"], told["attachments"], told["keys"], size
    )


def _database_name(kind: str) -> str:
    return "database.sqlite" if kind == "sqlite" else "database.dump"


def _counted(url: str) -> dict[str, int]:
    """Entries and newest checkpoint of a PostgreSQL database before it is dumped: the dump holds at least these."""
    engine = open_database(url)
    try:
        with engine.connect() as connection:
            return {
                "entries": _number(connection, select(func.count()).select_from(entries)),
                "checkpoint": _number(connection, select(func.max(checkpoints.c.number))),
            }
    finally:
        engine.dispose()


def _number(connection: Connection, query: Any) -> int:
    return int(connection.scalar(query) or 0)


def _empty(url: str) -> bool:
    engine = open_database(url)
    try:
        with engine.connect() as connection:
            return not inspect(connection).get_table_names()
    finally:
        engine.dispose()


def _copy(source: Path, target: Path) -> int:
    """Copies the files that `target` lacks; returns how many `source` has. Uploads under way are left out."""
    count = 0
    for path in sorted(source.rglob("*")) if source.is_dir() else []:
        inner = path.relative_to(source)
        if not path.is_file() or inner.parts[0] == "incoming":
            continue
        count += 1
        if not (target / inner).exists():
            (target / inner).parent.mkdir(parents=True, exist_ok=True, mode=0o750)
            shutil.copy2(path, target / inner)
    return count


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _to_disk(folder: Path) -> None:
    for path in (*folder.rglob("*"), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
