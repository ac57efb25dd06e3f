"""Full-text search: texts, pairs of characters, marks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision: str | None = "0011"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "search_texts",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("plain", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("stamp", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("kind", "ref"),
        if_not_exists=True,
    )
    op.create_table(
        "search_grams",
        sa.Column("gram", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["number"], ["search_texts.number"]),
        sa.PrimaryKeyConstraint("gram", "number"),
        sqlite_with_rowid=False,
        if_not_exists=True,
    )
    op.create_table(
        "search_marks",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind"),
        if_not_exists=True,
    )
    op.create_index("search_texts_by_time", "search_texts", ["at"], if_not_exists=True)
    op.create_index("search_grams_by_number", "search_grams", ["number"], if_not_exists=True)
