"""Drafts of bundles: their files, and who has one open."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision: str | None = "0006"
branch_labels: str | None = None
depends_on: str | None = None

_STATES = "state IN ('open', 'proposed', 'approved', 'deployed', 'discarded')"


def upgrade() -> None:
    op.create_table(
        "bundle_drafts",
        sa.Column("draft_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("base_version", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("base_revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint(_STATES),
        sa.PrimaryKeyConstraint("draft_id"),
        if_not_exists=True,
    )
    op.create_table(
        "bundle_draft_files",
        sa.Column("draft_id", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("saved_by", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["draft_id"], ["bundle_drafts.draft_id"]),
        sa.PrimaryKeyConstraint("draft_id", "path"),
        if_not_exists=True,
    )
    op.create_table(
        "bundle_draft_seats",
        sa.Column("draft_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["draft_id"], ["bundle_drafts.draft_id"]),
        sa.PrimaryKeyConstraint("draft_id", "user_id"),
        if_not_exists=True,
    )
