"""Uploaded diagrams and forms that are not deployed yet: kept on the server, so that nothing is uploaded twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Final

from sqlalchemy import Column, LargeBinary, Table, Text, delete, insert, select

from engine.definitions.bundle import SUFFIXES
from engine.definitions.xml import MAX_BYTES
from engine.domain.clock import Clock
from engine.domain.codec import instant_text, parse_instant
from engine.domain.rejection import Rejection
from engine.journal.schema import metadata

from .bundle_folder import Unusable, from_zip, place
from .transactions import writing

WHOLE: Final = "whole"
CHANGED: Final = "changed"

pending_bundles = Table(
    "pending_bundles",
    metadata,
    Column("user_id", Text, primary_key=True, comment="process owner who uploaded it; nobody else sees it"),
    Column("path", Text, primary_key=True, comment="path inside the bundle"),
    Column("kind", Text, nullable=False, comment="whole: part of a complete bundle; changed: laid over the live one"),
    Column("content", LargeBinary, nullable=False, comment="the file, byte for byte as it was uploaded"),
    Column("saved_at", Text, nullable=False, comment="instant of uploading, UTC"),
    comment="Uploads that wait for findings to be mended or a reason to be given; not in the journal",
)


@dataclass(frozen=True, slots=True)
class Change:
    """One uploaded file against the live bundle. `how`: added, changed, same or removed."""

    path: str
    how: str
    size: int


@dataclass(frozen=True, slots=True)
class Pending:
    """An upload that waits. `whole`: it replaces the live bundle, else its files are laid over it.

    `uploaded`: as it came. `files`: the bundle that would be deployed. `changes`: what differs from the live one.
    """

    whole: bool
    uploaded: Mapping[str, bytes]
    files: Mapping[str, bytes]
    changes: tuple[Change, ...]
    saved_at: datetime


class PendingBundles:
    """Uploads of everybody, one per person. Built on a database engine, a clock and the deployments."""

    def __init__(self, engine: Any, clock: Clock, deployments: Any) -> None:
        self._engine = engine
        self._clock = clock
        self._deployments = deployments

    def get(self, user_id: str) -> Pending | None:
        """The person's upload, laid over the bundle that is live now; None when there is none."""
        query = select(pending_bundles).where(pending_bundles.c.user_id == user_id).order_by(pending_bundles.c.path)
        with self._engine.connect() as conn:
            rows = conn.execute(query).all()
        if not rows:
            return None
        uploaded = {row.path: bytes(row.content) for row in rows}
        whole = rows[0].kind == WHOLE
        live = self._live()
        files = uploaded if whole else {**live, **uploaded}
        return Pending(whole, uploaded, files, _changes(live, files, uploaded), parse_instant(rows[0].saved_at))

    def add(self, user_id: str, uploads: Sequence[tuple[str, bytes]]) -> Rejection | None:
        """Keeps uploads as (file name, content). A zip replaces everything that waits; single files are added to it.

        Rejections (`invalid`): nothing chosen, a broken or oversized zip, a file of another kind, empty or too large,
        two files of one name; `conflict` for single files when there is no live bundle to lay them over.
        """
        if not uploads:
            return Rejection("invalid", "bundle.nothing_chosen")
        zips = [content for name, content in uploads if name.lower().endswith(".zip")]
        if zips and len(uploads) > 1:
            return Rejection("invalid", "bundle.zip_alone")
        if zips:
            return self._add_zip(user_id, zips[0])
        return self._add_single(user_id, uploads)

    def discard(self, user_id: str) -> None:
        """Forgets the person's upload; nothing happens when there is none."""
        with writing(self._engine) as conn:
            conn.execute(delete(pending_bundles).where(pending_bundles.c.user_id == user_id))

    def _add_zip(self, user_id: str, content: bytes) -> Rejection | None:
        try:
            files = from_zip(content)
        except Unusable as unusable:
            return Rejection("invalid", "bundle.zip", {"reason": str(unusable)[:200]})
        if not files:
            return Rejection("invalid", "bundle.zip_empty", {"known": " ".join(SUFFIXES)})
        self._store(user_id, WHOLE, files, replace=True)
        return None

    def _add_single(self, user_id: str, uploads: Sequence[tuple[str, bytes]]) -> Rejection | None:
        waiting = self.get(user_id)
        known = self._live() if waiting is None else dict(waiting.files)
        if not known:
            return Rejection("conflict", "bundle.none_to_change")
        files: dict[str, bytes] = {}
        for name, content in uploads:
            if PurePosixPath(name.lower()).suffix not in SUFFIXES:
                return Rejection("invalid", "bundle.kind", {"file": name, "known": " ".join(SUFFIXES)})
            if not content or len(content) > MAX_BYTES:
                return Rejection("invalid", "bundle.size", {"file": name, "limit": MAX_BYTES // 1024})
            path = place(name, known)
            if path in files:
                return Rejection("invalid", "bundle.name_twice", {"file": name})
            files[path] = content
        self._store(user_id, WHOLE if waiting is not None and waiting.whole else CHANGED, files, replace=False)
        return None

    def _store(self, user_id: str, kind: str, files: Mapping[str, bytes], *, replace: bool) -> None:
        at = instant_text(self._clock.now())
        gone = delete(pending_bundles).where(pending_bundles.c.user_id == user_id)
        rows = [
            {"user_id": user_id, "path": path, "kind": kind, "content": content, "saved_at": at}
            for path, content in sorted(files.items())
        ]
        with writing(self._engine) as conn:
            conn.execute(gone if replace else gone.where(pending_bundles.c.path.in_(sorted(files))))
            conn.execute(insert(pending_bundles), rows)

    def _live(self) -> dict[str, bytes]:
        try:
            return dict(self._deployments.files(self._deployments.bundle().version))
        except KeyError:
            return {}


def _changes(
    live: Mapping[str, bytes], files: Mapping[str, bytes], uploaded: Mapping[str, bytes]
) -> tuple[Change, ...]:
    found = []
    for path in sorted({*live, *uploaded}):
        if path not in files:
            found.append(Change(path, "removed", 0))
        elif path in uploaded:
            how = "added" if path not in live else "same" if live[path] == files[path] else "changed"
            found.append(Change(path, how, len(files[path])))
    return tuple(found)
