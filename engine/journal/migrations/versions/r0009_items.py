"""What comes in: items, topics, imports, feeds, tokens of the HTTP API."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision: str | None = "0008"
branch_labels: str | None = None
depends_on: str | None = None

_SOURCES = (
    "source_type IN ('portal', 'forum', 'weibo', 'wechat', 'hotline', 'news_comment', 'short_video', 'leader_board',"
    " 'superior', 'other')"
)


def upgrade() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("token_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("source_type", sa.Text(), nullable=False),
        sa.Column("per_minute", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.Column("revoked_by", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.Text(), nullable=False),
        sa.Column("used_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("token_id"),
        sa.UniqueConstraint("hash"),
        sqlite_autoincrement=True,
        if_not_exists=True,
    )
    op.create_table(
        "feeds",
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("source_type", sa.Text(), nullable=False),
        sa.Column("every_minutes", sa.Integer(), nullable=False),
        sa.Column("active", sa.Integer(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("modified", sa.Text(), nullable=False),
        sa.Column("looked_at", sa.Text(), nullable=False),
        sa.Column("next_at", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("feed_id"),
        sa.UniqueConstraint("url"),
        sqlite_autoincrement=True,
        if_not_exists=True,
    )
    op.create_index("ix_feeds_next_at", "feeds", ["next_at"], if_not_exists=True)
    op.create_table(
        "item_imports",
        sa.Column("import_id", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("encoding", sa.Text(), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("defaults", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.Text(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("bad_sha256", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("import_id"),
        if_not_exists=True,
    )
    op.create_index("item_imports_newest", "item_imports", ["asked_at"], if_not_exists=True)
    op.create_table(
        "topics",
        sa.Column("topic_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("told_criterion", sa.Text(), nullable=False),
        sa.Column("told_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("topic_id"),
        sqlite_autoincrement=True,
        if_not_exists=True,
    )
    op.create_index(
        "topics_one_case",
        "topics",
        ["case_id"],
        unique=True,
        sqlite_where=sa.text("case_id <> ''"),
        postgresql_where=sa.text("case_id <> ''"),
        if_not_exists=True,
    )
    op.create_table(
        "api_answers",
        sa.Column("token_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["token_id"],
            ["api_tokens.token_id"],
        ),
        sa.PrimaryKeyConstraint("token_id", "key"),
        if_not_exists=True,
    )
    op.create_index("ix_api_answers_at", "api_answers", ["at"], if_not_exists=True)
    op.create_table(
        "api_calls",
        sa.Column("token_id", sa.Integer(), nullable=False),
        sa.Column("minute", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["token_id"],
            ["api_tokens.token_id"],
        ),
        sa.PrimaryKeyConstraint("token_id", "minute"),
        if_not_exists=True,
    )
    op.create_table(
        "items",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("source_type", sa.Text(), nullable=False),
        sa.Column("source_name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("callback", sa.Integer(), nullable=False),
        sa.Column("item_kind", sa.Text(), nullable=False),
        sa.Column("district", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("published_at", sa.Text(), nullable=False),
        sa.Column("captured_at", sa.Text(), nullable=False),
        sa.Column("discovered_at", sa.Text(), nullable=False),
        sa.Column("delivered_at", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.Text(), nullable=False),
        sa.Column("received_at", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("attachments", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.Text(), nullable=False),
        sa.Column("own_reply", sa.Integer(), nullable=False),
        sa.Column("topic_id", sa.Integer(), nullable=True),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("opening", sa.Text(), nullable=False),
        sa.Column("opening_at", sa.Text(), nullable=False),
        sa.Column("assessed_at", sa.Text(), nullable=False),
        sa.Column("assessment", sa.Text(), nullable=False),
        sa.Column("grade_hint", sa.Text(), nullable=False),
        sa.Column("relevance_hint", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "route IN ('manual', 'hotline', 'bookmarklet', 'csv', 'xlsx', 'api', 'feed', 'mail')", name="route_known"
        ),
        sa.CheckConstraint(_SOURCES, name="source_type_known"),
        sa.CheckConstraint("state IN ('new', 'linked', 'opened', 'irrelevant')", name="state_known"),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["items.item_id"],
        ),
        sa.ForeignKeyConstraint(
            ["topic_id"],
            ["topics.topic_id"],
        ),
        sa.PrimaryKeyConstraint("item_id"),
        sa.UniqueConstraint("identity"),
        sqlite_autoincrement=True,
        if_not_exists=True,
    )
    op.create_index("items_by_discovery", "items", ["discovered_at"], if_not_exists=True)
    op.create_index("items_inbox", "items", ["state", "item_id"], if_not_exists=True)
    op.create_index(
        "items_unassessed",
        "items",
        ["item_id"],
        sqlite_where=sa.text("assessed_at = ''"),
        postgresql_where=sa.text("assessed_at = ''"),
        if_not_exists=True,
    )
    op.create_index("ix_items_case_id", "items", ["case_id"], if_not_exists=True)
    op.create_index("ix_items_content_hash", "items", ["content_hash"], if_not_exists=True)
    op.create_index("ix_items_parent_id", "items", ["parent_id"], if_not_exists=True)
    op.create_index("ix_items_topic_id", "items", ["topic_id"], if_not_exists=True)
    op.create_table(
        "item_instant_edits",
        sa.Column("edit_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("instant", sa.Text(), nullable=False),
        sa.Column("old", sa.Text(), nullable=False),
        sa.Column("new", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.Text(), nullable=False),
        sa.CheckConstraint("decided_by = '' OR decided_by <> proposed_by", name="item_instant_edits_two_people"),
        sa.CheckConstraint(
            "instant IN ('published_at', 'captured_at', 'discovered_at', 'delivered_at', 'signed_at')",
            name="instant_known",
        ),
        sa.CheckConstraint("state IN ('proposed', 'accepted', 'refused')", name="state_known"),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["items.item_id"],
        ),
        sa.PrimaryKeyConstraint("edit_id"),
        sqlite_autoincrement=True,
        if_not_exists=True,
    )
    op.create_index("ix_item_instant_edits_item_id", "item_instant_edits", ["item_id"], if_not_exists=True)
    op.create_table(
        "item_offers",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("offered_at", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('offered', 'confirmed', 'rejected', 'split')", name="state_known"),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["items.item_id"],
        ),
        sa.PrimaryKeyConstraint("item_id", "target"),
        if_not_exists=True,
    )
    op.create_index("item_offers_of_target", "item_offers", ["target"], if_not_exists=True)
