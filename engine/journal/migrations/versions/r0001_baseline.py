"""The tables as they stood when migrations began.

Makes what is missing, so that a database of an earlier release, which made its tables by itself and has no
`alembic_version`, becomes what a new one is, with its data.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SEPARATED = sa.text("role IN ('system_admin', 'security_admin', 'auditor')")


def upgrade() -> None:
    queued = sa.inspect(op.get_bind()).has_table("unsealed")
    _tables()
    _columns_of_the_format()
    if not queued:
        _queue_all()


def _columns_of_the_format() -> None:
    """Databases from before the sealed log had the version only."""
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("journal_format")}
    for name, default in (("algorithm", "sha256"), ("origin", "")):
        if name not in there:
            op.add_column("journal_format", sa.Column(name, sa.Text(), server_default=default, nullable=False))


def _queue_all() -> None:
    """Entries from before there was a tree wait for their seal: in the order of their instants."""
    op.execute(
        "INSERT INTO unsealed (case_id, seq, at) SELECT case_id, seq, at FROM entries e WHERE NOT EXISTS"
        " (SELECT 1 FROM leaves l WHERE l.case_id = e.case_id AND l.seq = e.seq) ORDER BY at, case_id, seq"
    )


def _tables() -> None:
    op.create_table(
        "access_log",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("page", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("by_right", sa.Text(), nullable=False),
        sa.Column("on_behalf_of", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        if_not_exists=True,
    )
    op.create_index("access_log_by_case", "access_log", ["case_id", "at", "number"], if_not_exists=True)
    op.create_index("access_log_by_person", "access_log", ["user_id", "at", "number"], if_not_exists=True)
    op.create_index("access_log_by_time", "access_log", ["at", "number"], if_not_exists=True)
    op.create_table(
        "bundle_files",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256"),
        if_not_exists=True,
    )
    op.create_table(
        "bundles",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("version", "path"),
        if_not_exists=True,
    )
    op.create_table(
        "case_numbers",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("year"),
        if_not_exists=True,
    )
    op.create_table(
        "checkpoint_keys",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("public", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("key_id"),
        if_not_exists=True,
    )
    op.create_table(
        "checkpoints",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", _LONG, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("edge", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("key_ids", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("size", name="checkpoints_size_once"),
        if_not_exists=True,
    )
    op.create_table(
        "deployments",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        if_not_exists=True,
    )
    op.create_table(
        "drafts",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "form"),
        if_not_exists=True,
    )
    op.create_table(
        "entries",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("command_id", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "seq"),
        sa.UniqueConstraint("command_id", name="entries_command_once"),
        if_not_exists=True,
    )
    op.create_table(
        "export_log",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        if_not_exists=True,
    )
    op.create_index("export_log_by_person", "export_log", ["user_id", "number"], if_not_exists=True)
    op.create_index("export_log_by_subject", "export_log", ["subject", "number"], if_not_exists=True)
    op.create_table(
        "imported_streams",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("checkpoint", sa.Text(), nullable=False),
        sa.Column("package", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("case_id"),
        if_not_exists=True,
    )
    op.create_table(
        "journal_format",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("algorithm", sa.Text(), server_default="sha256", nullable=False),
        sa.Column("origin", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("version"),
        if_not_exists=True,
    )
    op.create_table(
        "leaves",
        sa.Column("position", _LONG, autoincrement=False, nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("case_id", "seq", name="leaves_entry_once"),
        if_not_exists=True,
    )
    op.create_table(
        "lines",
        sa.Column("line_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("leader", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("line_id"),
        if_not_exists=True,
    )
    op.create_table(
        "pending_bundles",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("saved_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "path"),
        if_not_exists=True,
    )
    op.create_table(
        "people_log",
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("log_id"),
        sqlite_autoincrement=True,
        if_not_exists=True,
    )
    op.create_index("ix_people_log_at", "people_log", ["at"], if_not_exists=True)
    op.create_index("ix_people_log_subject", "people_log", ["subject"], if_not_exists=True)
    op.create_table(
        "security_log",
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("log_id"),
        sqlite_autoincrement=True,
        if_not_exists=True,
    )
    op.create_index("ix_security_log_at", "security_log", ["at"], if_not_exists=True)
    op.create_table(
        "sign_in_guards",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("subject"),
        if_not_exists=True,
    )
    op.create_table(
        "subtrees",
        sa.Column("height", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", _LONG, autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("height", "position"),
        if_not_exists=True,
    )
    op.create_table(
        "unsealed",
        sa.Column("arrival", _LONG, autoincrement=True, nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("arrival"),
        if_not_exists=True,
    )
    op.create_index("unsealed_by_stream", "unsealed", ["case_id", "seq"], if_not_exists=True)
    op.create_table(
        "export_results",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("export", sa.Integer(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["export"], ["export_log.number"]),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("export"),
        if_not_exists=True,
    )
    op.create_index("ix_export_results_sha256", "export_results", ["sha256"], if_not_exists=True)
    op.create_table(
        "units",
        sa.Column("unit_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Text(),
            sa.CheckConstraint("kind IN ('leadership', 'section', 'county_branch', 'affiliated', 'outside')"),
            nullable=False,
        ),
        sa.Column("district", sa.Text(), nullable=False),
        sa.Column("line_id", sa.Text(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["line_id"], ["lines.line_id"]),
        sa.PrimaryKeyConstraint("unit_id"),
        sa.UniqueConstraint("name"),
        if_not_exists=True,
    )
    op.create_table(
        "persons",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("password_at", sa.Text(), nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("demo_password", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["units.unit_id"]),
        sa.PrimaryKeyConstraint("user_id"),
        if_not_exists=True,
    )
    op.create_index("ix_persons_unit_id", "persons", ["unit_id"], if_not_exists=True)
    op.create_table(
        "absences",
        sa.Column("absence_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("substitute", sa.Text(), nullable=False),
        sa.Column("start_at", sa.Text(), nullable=False),
        sa.Column("end_at", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cancelled_at", sa.Text(), nullable=False),
        sa.CheckConstraint("start_at < end_at", name="absences_forward"),
        sa.CheckConstraint("user_id <> substitute", name="absences_not_oneself"),
        sa.ForeignKeyConstraint(["substitute"], ["persons.user_id"]),
        sa.ForeignKeyConstraint(["user_id"], ["persons.user_id"]),
        sa.PrimaryKeyConstraint("absence_id"),
        if_not_exists=True,
    )
    op.create_index("ix_absences_end_at", "absences", ["end_at"], if_not_exists=True)
    op.create_index("ix_absences_user_id", "absences", ["user_id"], if_not_exists=True)
    op.create_table(
        "duty_roster",
        sa.Column("duty_id", sa.Integer(), nullable=False),
        sa.Column("on_date", sa.Text(), nullable=False),
        sa.Column("shift", sa.Text(), sa.CheckConstraint("shift IN ('day', 'night')"), nullable=False),
        sa.Column("part", sa.Text(), sa.CheckConstraint("part IN ('leader', 'officer')"), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["persons.user_id"]),
        sa.PrimaryKeyConstraint("duty_id"),
        sa.UniqueConstraint("on_date", "shift", "part", "user_id", name="duty_roster_once"),
        if_not_exists=True,
    )
    op.create_table(
        "person_roles",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column(
            "role",
            sa.Text(),
            sa.CheckConstraint(
                "role IN ('staff', 'section_head', 'leader', 'chief', 'office', 'supervision', 'process_owner',"
                " 'system_admin', 'security_admin', 'auditor')"
            ),
            nullable=False,
        ),
        sa.Column("granted_at", sa.Text(), nullable=False),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["persons.user_id"]),
        sa.PrimaryKeyConstraint("user_id", "role"),
        if_not_exists=True,
    )
    op.create_index(
        "person_roles_one_separated",
        "person_roles",
        ["user_id"],
        unique=True,
        sqlite_where=_SEPARATED,
        if_not_exists=True,
        postgresql_where=_SEPARATED,
    )
    op.create_table(
        "sessions",
        sa.Column("sid_hash", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.Text(), nullable=False),
        sa.Column("end_reason", sa.Text(), nullable=False),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["persons.user_id"]),
        sa.PrimaryKeyConstraint("sid_hash"),
        if_not_exists=True,
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"], if_not_exists=True)
    op.create_table(
        "unit_posts",
        sa.Column("unit_id", sa.Text(), nullable=False),
        sa.Column(
            "post",
            sa.Text(),
            sa.CheckConstraint("post IN ('head', 'monitor', 'monitor_deputy', 'reply')"),
            nullable=False,
        ),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["units.unit_id"]),
        sa.ForeignKeyConstraint(["user_id"], ["persons.user_id"]),
        sa.PrimaryKeyConstraint("unit_id", "post"),
        if_not_exists=True,
    )
    op.create_index("ix_unit_posts_user_id", "unit_posts", ["user_id"], if_not_exists=True)
