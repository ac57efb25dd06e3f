"""Tables of drafts of bundles (the studio). None is in the journal: what counts is recorded when it is deployed."""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, LargeBinary, Table, Text

from engine.journal.schema import metadata

OPEN: Final = "open"
PROPOSED: Final = "proposed"
APPROVED: Final = "approved"
DEPLOYED: Final = "deployed"
DISCARDED: Final = "discarded"
STATES: Final = (OPEN, PROPOSED, APPROVED, DEPLOYED, DISCARDED)
LISTED: Final = (OPEN, PROPOSED, APPROVED)
"""States of drafts that somebody still works on or has to decide about."""

bundle_drafts = Table(
    "bundle_drafts",
    metadata,
    Column("draft_id", Text, primary_key=True, comment="32 hex digits"),
    Column("title", Text, nullable=False, comment="what the change is called"),
    Column(
        "base_version", Text, nullable=False, comment="version it is laid over; moves when it is brought up to date"
    ),
    Column("owner", Text, nullable=False, comment="login of who began it"),
    Column("created_at", Text, nullable=False, comment="instant of beginning, UTC"),
    Column("updated_at", Text, nullable=False, comment="instant of the last change, UTC"),
    Column("revision", Integer, nullable=False, comment="counts every change; a file's revision is its value then"),
    Column("base_revision", Integer, nullable=False, comment="revision of the files that are as in the base"),
    Column(
        "state",
        Text,
        CheckConstraint(f"state IN ({', '.join(repr(state) for state in STATES)})"),
        nullable=False,
        comment="open; proposed and approved: as the journal says, files stand still; deployed, discarded: over",
    ),
    Column("proposed_by", Text, nullable=False, comment="login of who proposed it, '' while open"),
    Column("reason", Text, nullable=False, comment="reason of the deployment as proposed"),
    Column("approved_by", Text, nullable=False, comment="login of who approved it, '' before"),
    Column("note", Text, nullable=False, comment="why it was sent back, '' for none"),
    comment="Changes of the process that are not deployed yet, whoever may edit sees all of them",
)

bundle_draft_files = Table(
    "bundle_draft_files",
    metadata,
    Column("draft_id", Text, ForeignKey(bundle_drafts.c.draft_id), primary_key=True, comment="draft"),
    Column("path", Text, primary_key=True, comment="path inside the bundle"),
    Column("content", LargeBinary, comment="the file, byte for byte; null: the base's file is left out"),
    Column("revision", Integer, nullable=False, comment="the draft's revision when it was saved"),
    Column("saved_by", Text, nullable=False, comment="login of who saved it"),
    Column("saved_at", Text, nullable=False, comment="instant of saving, UTC"),
    comment="Files of a draft that are laid over its base",
)

bundle_draft_seats = Table(
    "bundle_draft_seats",
    metadata,
    Column("draft_id", Text, ForeignKey(bundle_drafts.c.draft_id), primary_key=True, comment="draft"),
    Column("user_id", Text, primary_key=True, comment="who has it open"),
    Column("path", Text, nullable=False, comment="file in the editor, '' for the overview"),
    Column("seen_at", Text, nullable=False, comment="instant of the last sign of life, UTC; old ones mean nothing"),
    comment="Who has a draft open right now, so that two who change the same file know of each other",
)

pending_bundles = Table(
    "pending_bundles",
    metadata,
    Column("user_id", Text, primary_key=True, comment="process owner who uploaded it; nobody else sees it"),
    Column("path", Text, primary_key=True, comment="path inside the bundle"),
    Column("kind", Text, nullable=False, comment="whole: part of a complete bundle; changed: laid over the live one"),
    Column("content", LargeBinary, nullable=False, comment="the file, byte for byte as it was uploaded"),
    Column("saved_at", Text, nullable=False, comment="instant of uploading, UTC"),
    comment="Uploads of releases before there were drafts; not read any more, kept because revisions only add",
)
