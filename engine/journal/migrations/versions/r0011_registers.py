"""The office's registers: patrols, media, teams, links and the like."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision: str | None = "0010"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "register_records",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("register", sa.Text(), nullable=False),
        sa.Column("subject", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.Text(), nullable=False),
        sa.Column("by_user", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        if_not_exists=True,
    )
    for name, columns in (
        ("register_records_by_subject", ["register", "subject", "number"]),
        ("register_records_by_case", ["case_id", "register"]),
        ("register_records_by_time", ["register", "at"]),
    ):
        op.create_index(name, "register_records", columns, if_not_exists=True)
