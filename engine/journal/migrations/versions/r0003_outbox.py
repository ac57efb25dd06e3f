"""The outbox: where people want to be told, how far notifications went out, and the deliveries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None

_CHANNELS = "channel IN ('mail', 'wecom', 'dingtalk', 'webhook')"
_UNDER_WAY = sa.text("state IN ('waiting', 'sending')")
_DEAD = sa.text("state = 'dead'")


def upgrade() -> None:
    op.create_table(
        "contacts",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.CheckConstraint(_CHANNELS),
        sa.ForeignKeyConstraint(["user_id"], ["persons.user_id"]),
        sa.PrimaryKeyConstraint("user_id", "channel"),
        if_not_exists=True,
    )
    op.create_table(
        "outbox_marks",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("case_id"),
        if_not_exists=True,
    )
    op.create_table(
        "deliveries",
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("deadline", sa.Text(), nullable=False),
        sa.Column("urgent", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.Text(), nullable=False),
        sa.CheckConstraint(_CHANNELS),
        sa.CheckConstraint("kind IN ('breached', 'warning', 'urged', 'todo', 'info', 'test')"),
        sa.CheckConstraint("state IN ('waiting', 'sending', 'sent', 'dead')"),
        sa.PrimaryKeyConstraint("delivery_id"),
        if_not_exists=True,
    )
    op.create_index(
        "deliveries_under_way",
        "deliveries",
        ["channel", "next_at"],
        sqlite_where=_UNDER_WAY,
        postgresql_where=_UNDER_WAY,
        if_not_exists=True,
    )
    op.create_index(
        "deliveries_dead", "deliveries", ["since"], sqlite_where=_DEAD, postgresql_where=_DEAD, if_not_exists=True
    )
    op.create_index("deliveries_by_age", "deliveries", ["since", "delivery_id"], if_not_exists=True)
    op.create_index("deliveries_sent", "deliveries", ["channel", "sent_at"], if_not_exists=True)
