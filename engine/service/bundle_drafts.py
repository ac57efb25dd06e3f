"""Drafts of bundles: the files that somebody changes, laid over a version, until they are deployed or given up.

Every file has a revision. Who saves says which one he saw; when somebody else saved since, nothing is overwritten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update

from engine.definitions.bundle import MAX_FILES, SUFFIXES
from engine.definitions.xml import MAX_BYTES
from engine.domain.clock import Clock
from engine.domain.codec import instant_text, parse_instant
from engine.domain.organisation import Actor
from engine.domain.rejection import FieldFault, Rejection

from .bundle_draft_tables import DISCARDED, LISTED, OPEN, bundle_draft_files, bundle_drafts
from .bundle_folder import is_path
from .system import new_id
from .transactions import writing

MAX_TITLE: Final = 120
MAX_DRAFTS: Final = 50
"""Drafts that are open at once; more are refused, because every one holds files."""

_FILES = bundle_draft_files.c


@dataclass(frozen=True, slots=True)
class Draft:
    """One draft. `state`: see bundle_draft_tables. `reason`, `proposed_by`, `approved_by`: of the deployment that was
    proposed, "" before. `note`: why it was sent back, "" if it was not."""

    draft_id: str
    title: str
    base_version: str
    owner: str
    created_at: datetime
    updated_at: datetime
    revision: int
    base_revision: int
    state: str
    proposed_by: str = ""
    reason: str = ""
    approved_by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Saved:
    """A change that was kept. `revision`: of the file, to be named at the next save."""

    revision: int
    at: datetime


@dataclass(frozen=True, slots=True)
class DraftFile:
    """One file as it stands. `how`: same, changed, added or removed against the base. `by`, `at`: last save in the
    draft, "" and None when there was none."""

    path: str
    how: str
    size: int
    revision: int
    by: str = ""
    at: datetime | None = None


class BundleDrafts:
    """All drafts of a database. Requires that the caller checked the right to edit."""

    def __init__(self, engine: Engine, clock: Clock, deployments: Any) -> None:
        self.engine = engine
        self._clock = clock
        self._deployments = deployments

    def create(self, actor: Actor, title: str, base_version: str = "", files: Files | None = None) -> Draft | Rejection:
        """A new draft of a version, "" for the live one; `files` (None: as the version has them) are its contents.

        Rejections: `invalid` without a title, `not_found` for an unknown version, `conflict` with too many drafts.
        """
        title = " ".join(title.split())[:MAX_TITLE]
        if not title:
            return Rejection("invalid", "form.refused", {}, (FieldFault("title", "form.required"),))
        try:
            base_version = base_version or self._deployments.live()
            base = self._deployments.files(base_version) if base_version else {}
        except KeyError:
            return Rejection("not_found", "draft.no_version", {"version": base_version[:12]})
        now = instant_text(self._clock.now())
        draft_id = new_id()
        with writing(self.engine) as conn:
            if len(_listed(conn)) >= MAX_DRAFTS:
                return Rejection("conflict", "draft.too_many", {"limit": MAX_DRAFTS})
            conn.execute(
                insert(bundle_drafts).values(
                    draft_id=draft_id, title=title, base_version=base_version, owner=actor.user_id, created_at=now,
                    updated_at=now, revision=0, base_revision=0, state=OPEN, proposed_by="", reason="",
                    approved_by="", note="",
                )
            )  # fmt: skip
            if files is not None:
                self._lay(conn, draft_id, differing(base, files), actor.user_id)
        found = self.get(draft_id)
        assert found is not None
        return found

    def all(self) -> tuple[Draft, ...]:
        """Drafts that are not over, the one changed last first."""
        with self.engine.connect() as conn:
            return tuple(_draft(row) for row in _listed(conn))

    def counts(self) -> dict[str, int]:
        """Files laid over the base, by draft; drafts without any are not in it."""
        query = select(_FILES.draft_id, func.count()).group_by(_FILES.draft_id)
        with self.engine.connect() as conn:
            return {row[0]: row[1] for row in conn.execute(query)}

    def get(self, draft_id: str) -> Draft | None:
        with self.engine.connect() as conn:
            return _get(conn, draft_id)

    def base(self, draft: Draft) -> dict[str, bytes]:
        """The files of the version that the draft is laid over; none when it began from nothing."""
        return dict(self._deployments.files(draft.base_version)) if draft.base_version else {}

    def files(self, draft_id: str) -> dict[str, bytes]:
        """The complete bundle: the base with the draft's files laid over it. Raises KeyError for an unknown draft."""
        with self.engine.connect() as conn:
            draft = _get(conn, draft_id)
            if draft is None:
                raise KeyError(draft_id)
            return _laid_over(self.base(draft), _own(conn, draft_id))

    def listing(self, draft_id: str) -> list[DraftFile]:
        """Every file of base and draft by path, also those left out. Raises KeyError for an unknown draft."""
        with self.engine.connect() as conn:
            draft = _get(conn, draft_id)
            if draft is None:
                raise KeyError(draft_id)
            rows = {row.path: row for row in conn.execute(_files_of(draft_id))}
        base = self.base(draft)
        return [_file(path, base.get(path), rows.get(path), draft) for path in sorted({*base, *rows})]

    def changes(self, draft: Draft) -> list[DraftFile]:
        """The files of `listing` that differ from the base."""
        return [one for one in self.listing(draft.draft_id) if one.how != "same"]

    def file(self, draft_id: str, path: str) -> tuple[bytes, int] | None:
        """A file as it stands and its revision; None when the draft has none of that path."""
        with self.engine.connect() as conn:
            draft = _get(conn, draft_id)
            if draft is None:
                return None
            row = conn.execute(_files_of(draft_id).where(_FILES.path == path)).one_or_none()
        if row is not None:
            return None if row.content is None else (bytes(row.content), row.revision)
        content = self.base(draft).get(path)
        return None if content is None else (content, draft.base_revision)

    def save(self, draft_id: str, path: str, content: bytes, actor: Actor, seen_revision: int) -> Saved | Rejection:
        """Keeps a file, a new one too (`seen_revision` 0 then is right whatever the revision of the base).

        Rejections: `conflict` (blanks `by`, `at`, `revision`) when somebody saved or removed it since `seen_revision`,
        or the draft stands still because it was proposed; `invalid` for a path or size that no bundle has; `not_found`.
        """
        if not content or len(content) > MAX_BYTES:
            return Rejection("invalid", "bundle.size", {"file": path, "limit": MAX_BYTES // 1024})
        return self._change(draft_id, {path: content}, actor, {path: seen_revision})

    def remove(self, draft_id: str, path: str, actor: Actor, seen_revision: int) -> Saved | Rejection:
        """Leaves a file out. Rejections: those of `save`; `not_found` when there is no such file."""
        if self.file(draft_id, path) is None:
            return Rejection("not_found", "draft.no_file", {"file": path})
        return self._change(draft_id, {path: None}, actor, {path: seen_revision})

    def rename(self, draft_id: str, path: str, to: str, actor: Actor, seen_revision: int) -> Saved | Rejection:
        """The same content under another path. Rejections: those of `remove`; `conflict` when `to` is taken."""
        found = self.file(draft_id, path)
        if found is None:
            return Rejection("not_found", "draft.no_file", {"file": path})
        if self.file(draft_id, to) is not None:
            return Rejection("conflict", "draft.name_taken", {"file": to})
        return self._change(draft_id, {path: None, to: found[0]}, actor, {path: seen_revision})

    def restore(self, draft_id: str, path: str, actor: Actor) -> Saved | Rejection:
        """A file again as the base has it; one that the base lacks is gone."""
        with writing(self.engine) as conn:
            draft = _editable(conn, draft_id)
            if isinstance(draft, Rejection):
                return draft
            at = self._touch(conn, draft)
            conn.execute(delete(bundle_draft_files).where(_FILES.draft_id == draft_id, _FILES.path == path))
        return Saved(draft.base_revision, at)

    def add(self, draft_id: str, files: Mapping[str, bytes], actor: Actor, *, whole: bool) -> Saved | Rejection:
        """Uploaded files, over whatever there is. `whole`: what is not among them is left out."""
        draft = self.get(draft_id)
        if draft is None:
            return Rejection("not_found", "draft.unknown")
        now = self.files(draft_id)
        over: dict[str, bytes | None] = {path: content for path, content in files.items() if now.get(path) != content}
        if whole:
            over.update(dict.fromkeys(now.keys() - files.keys()))
        return self._change(draft_id, over, actor, {})

    def rebase(self, draft_id: str, actor: Actor) -> Saved | Rejection:
        """Lays the draft's files over the live version instead of the one it began from. Files that only the live
        version changed come in as they are there; those changed on both sides stay as the draft has them."""
        live = self._deployments.live()
        with writing(self.engine) as conn:
            draft = _editable(conn, draft_id)
            if isinstance(draft, Rejection):
                return draft
            own = _own(conn, draft_id)
            base = self.base(draft)
            idle = [path for path, content in own.items() if content == base.get(path)]
            at = self._touch(conn, draft, base_version=live, base_revision=draft.revision + 1)
            conn.execute(delete(bundle_draft_files).where(_FILES.draft_id == draft_id, _FILES.path.in_(idle)))
        return Saved(draft.revision + 1, at)

    def rename_draft(self, draft_id: str, title: str) -> Rejection | None:
        """Another title for the draft."""
        title = " ".join(title.split())[:MAX_TITLE]
        if not title:
            return Rejection("invalid", "form.refused", {}, (FieldFault("title", "form.required"),))
        with writing(self.engine) as conn:
            conn.execute(update(bundle_drafts).where(bundle_drafts.c.draft_id == draft_id).values(title=title))
        return None

    def discard(self, draft_id: str) -> Rejection | None:
        """Gives a draft up; its files are forgotten."""
        with writing(self.engine) as conn:
            draft = _editable(conn, draft_id)
            if isinstance(draft, Rejection):
                return draft
            self._touch(conn, draft, state=DISCARDED)
            conn.execute(delete(bundle_draft_files).where(_FILES.draft_id == draft_id))
        return None

    def _change(
        self, draft_id: str, files: Mapping[str, bytes | None], actor: Actor, seen: Mapping[str, int]
    ) -> Saved | Rejection:
        with writing(self.engine) as conn:
            draft = _editable(conn, draft_id)
            if isinstance(draft, Rejection):
                return draft
            base = self.base(draft)
            rows = {row.path: row for row in conn.execute(_files_of(draft_id))}
            for path in files:
                if path not in base and path not in rows and not is_path(path):
                    return Rejection("invalid", "draft.path", {"file": path[:200], "known": " ".join(SUFFIXES)})
            for path, revision in seen.items():
                row = rows.get(path)
                known = row is not None or path in base
                now = row.revision if row is not None else draft.base_revision
                if known and revision != now:
                    return _conflict(path, draft, row)
            if len(_laid_over(base, {**_contents(rows.values()), **files})) > MAX_FILES:
                return Rejection("invalid", "bundle.too_many_files", {"limit": MAX_FILES, "count": MAX_FILES + 1})
            at = self._touch(conn, draft)
            self._lay(conn, draft_id, files, actor.user_id, draft.revision + 1)
        return Saved(draft.revision + 1, at)

    def _lay(
        self, conn: Connection, draft_id: str, files: Mapping[str, bytes | None], by: str, revision: int = 0
    ) -> None:
        if not files:
            return
        at = instant_text(self._clock.now())
        conn.execute(delete(bundle_draft_files).where(_FILES.draft_id == draft_id, _FILES.path.in_(sorted(files))))
        conn.execute(
            insert(bundle_draft_files),
            [
                {
                    "draft_id": draft_id, "path": path, "content": content, "revision": revision, "saved_by": by,
                    "saved_at": at,
                }
                for path, content in sorted(files.items())
            ],
        )  # fmt: skip

    def _touch(self, conn: Connection, draft: Draft, **values: Any) -> datetime:
        now = self._clock.now()
        conn.execute(
            update(bundle_drafts)
            .where(bundle_drafts.c.draft_id == draft.draft_id)
            .values(revision=draft.revision + 1, updated_at=instant_text(now), **values)
        )
        return now


Files = Mapping[str, bytes]


def differing(base: Files, files: Files) -> dict[str, bytes | None]:
    """What has to be laid over `base` to get `files`: path -> content, None for what is left out."""
    over: dict[str, bytes | None] = {path: content for path, content in files.items() if base.get(path) != content}
    over.update(dict.fromkeys(base.keys() - files.keys()))
    return over


def _laid_over(base: Files, own: Mapping[str, bytes | None]) -> dict[str, bytes]:
    return {path: content for path, content in sorted({**base, **own}.items()) if content is not None}


def _contents(rows: Iterable[Row[Any]]) -> dict[str, bytes | None]:
    return {row.path: None if row.content is None else bytes(row.content) for row in rows}


def _own(conn: Connection, draft_id: str) -> dict[str, bytes | None]:
    return _contents(conn.execute(_files_of(draft_id)).all())


def _files_of(draft_id: str) -> Any:
    return select(bundle_draft_files).where(_FILES.draft_id == draft_id)


def _listed(conn: Connection) -> list[Row[Any]]:
    query = select(bundle_drafts).where(bundle_drafts.c.state.in_(LISTED))
    return list(conn.execute(query.order_by(bundle_drafts.c.updated_at.desc(), bundle_drafts.c.draft_id)))


def _get(conn: Connection, draft_id: str) -> Draft | None:
    row = conn.execute(select(bundle_drafts).where(bundle_drafts.c.draft_id == draft_id)).one_or_none()
    return None if row is None else _draft(row)


def _draft(row: Row[Any]) -> Draft:
    facts = dict(row._mapping)
    for name in ("created_at", "updated_at"):
        facts[name] = parse_instant(facts[name])
    return Draft(**facts)


def _editable(conn: Connection, draft_id: str) -> Draft | Rejection:
    """The draft, locked until the transaction ends, if its files may change."""
    query = select(bundle_drafts).where(bundle_drafts.c.draft_id == draft_id).with_for_update()
    row = conn.execute(query).one_or_none()
    if row is None:
        return Rejection("not_found", "draft.unknown")
    if row.state != OPEN:
        return Rejection("conflict", f"draft.still.{row.state}")
    return _draft(row)


def _conflict(path: str, draft: Draft, row: Row[Any] | None) -> Rejection:
    by, at = (row.saved_by, row.saved_at) if row is not None else (draft.owner, instant_text(draft.updated_at))
    revision = row.revision if row is not None else draft.base_revision
    return Rejection("conflict", "draft.conflict", {"file": path, "by": by, "at": at, "revision": revision})


def _file(path: str, base: bytes | None, row: Row[Any] | None, draft: Draft) -> DraftFile:
    if row is None:
        return DraftFile(path, "same", len(base or b""), draft.base_revision)
    at = parse_instant(row.saved_at)
    if row.content is None:
        how = "removed" if base is not None else "gone"
        return DraftFile(path, how, 0, row.revision, row.saved_by, at)
    content = bytes(row.content)
    how = "added" if base is None else "same" if base == content else "changed"
    return DraftFile(path, how, len(content), row.revision, row.saved_by, at)
