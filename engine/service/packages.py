"""Archive packages (R52): made by an auditor or on the server, logged and watermarked, handed out as one file."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, select

from engine.domain.organisation import Actor
from engine.domain.rejection import Rejection

from . import exports, fonts, package_files, package_log
from .exports import Watermark
from .log_tables import export_log, export_results
from .package_selection import Selection
from .package_writer import Writer

KINDS: Final = ("case_package", "period_package")
"""Kinds of exports that are packages."""


@dataclass(frozen=True, slots=True)
class Made:
    """A finished package. `path`: the zip, to be moved or removed by who asked for it. `name`: for the download."""

    path: Path
    name: str
    mark: Watermark
    sha256: str
    size: int


def make(services: Any, actor: Actor, selection: Selection, address: str, checkpoint: str = "") -> Made | Rejection:
    """Makes the package of a selection. Requires that the caller asked whether the actor may (`audit`).
    `checkpoint`: text of a checkpoint somebody holds; the package then proves that its log continues from there.

    1. Log the export; what follows bears its number.
    2. Seal what is not sealed, so that every entry can be proven.
    3. Write the zip into a temporary file, one file at a time; log its hash and size.
    Rejections: conflict without the Chinese font for the reports; see package_log.newest for `checkpoint`.
    """
    try:
        font = fonts.chinese()
    except fonts.FontMissing:
        return Rejection("conflict", "package.no_font")
    kind = "period_package" if selection.kind == "period" else "case_package"
    if checkpoint:
        with services.engine.connect() as conn:
            held = package_log.newest(services, conn, checkpoint)
        if isinstance(held, Rejection):
            return held
    mark = exports.begin(services, actor, kind, selection.subject, address)
    package_log.seal(services)
    with services.engine.connect() as conn:
        log = package_log.newest(services, conn, checkpoint)
    if isinstance(log, Rejection):
        return log
    writer = Writer(services, selection, mark, log, font)
    with tempfile.NamedTemporaryFile(dir=_folder(services), suffix=".zip", delete=False) as content:
        path = Path(content.name)
        try:
            writer.write(content)
            size = content.tell()
            content.seek(0)
            sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        except BaseException:
            path.unlink()
            raise
    exports.made(services, mark.number, sha256, size)
    return Made(path, f"{writer.base}.zip", mark, sha256, size)


@dataclass(frozen=True, slots=True)
class Past:
    """A package in the log of exports. `sha256` "" for one that was never finished."""

    number: int
    at: str
    name: str
    subject: str
    sha256: str
    size: int


def made_of(conn: Connection, case_id: str, most: int) -> tuple[Past, ...]:
    """The packages exported, newest first; with `case_id` those of this one case alone."""
    statement = (
        select(export_log, export_results.c.sha256, export_results.c.size)
        .outerjoin(export_results, export_results.c.export == export_log.c.number)
        .where(export_log.c.kind.in_(KINDS))
        .order_by(export_log.c.number.desc())
        .limit(most)
    )
    if case_id:
        statement = statement.where(export_log.c.subject == case_id)
    return tuple(
        Past(row.number, row.at, row.name, row.subject, row.sha256 or "", row.size or 0)
        for row in conn.execute(statement)
    )


def unsealed(conn: Connection) -> int:
    """Entries that no checkpoint holds yet."""
    return package_log.unsealed(conn)


def save(made: Made, path: Path) -> None:
    """Moves the package to `path`, over what may be there."""
    shutil.move(made.path, path)


def read_once(made: Made) -> Iterator[bytes]:
    """The package piece by piece; it is gone when it was read, or when the reading is given up."""
    try:
        with made.path.open("rb") as content:
            yield from package_files.chunks(content)
    finally:
        made.path.unlink(missing_ok=True)


def _folder(services: Any) -> Path:
    """Where packages wait to be handed out. Emptied by hand at any time when nobody exports: what lies there is what a
    stopped server left."""
    folder: Path = services.settings.data_dir / "exports"
    folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    return folder
