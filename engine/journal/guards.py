"""The triggers of the journal: its rows are only ever added, every entry waits for its seal, and for the read models of
programs of another shape."""

from __future__ import annotations

from typing import Final

from sqlalchemy import UniqueConstraint

from . import imports as imports  # its table is guarded with the others
from .append_only import after_create, postgresql_guards, sqlite_guards, sqlite_no_replacing
from .schema import entries, metadata, readmodel_behind, readmodel_sets, unsealed

APPEND_ONLY: Final = (
    "entries", "bundle_files", "bundles", "deployments", "leaves", "subtrees", "checkpoints", "checkpoint_keys",
    "imported_streams",
)  # fmt: skip
REFUSAL: Final = "the journal is append-only"


def _unique(table: str) -> list[list[str]]:
    """The columns of each key of a table, the primary one first."""
    rules = metadata.tables[table].constraints
    keys = sorted((rule for rule in rules if isinstance(rule, UniqueConstraint)), key=lambda rule: str(rule.name))
    return [[column.name for column in rule.columns] for rule in (metadata.tables[table].primary_key, *keys)]


def _no_replacing(table: str) -> tuple[str, ...]:
    said = f"UNIQUE constraint failed: {table} "
    return tuple(
        sqlite_no_replacing(table, key, f"no_replace_{number}", said + " ".join(key))
        for number, key in enumerate(_unique(table))
    )


_QUEUED: Final = f"INSERT INTO {unsealed.name} (case_id, seq, at) VALUES (NEW.case_id, NEW.seq, NEW.at);"
# A writer's own set is the first schema of its search path: it projects what it writes.
_MISSED: Final = (
    f"INSERT INTO {readmodel_behind.name} (set_name, case_id, seq) SELECT name, NEW.case_id, NEW.seq"
    f" FROM {readmodel_sets.name} WHERE name <> current_schema() AND left(NEW.case_id, 1) <> '_';"
)

after_create(
    "sqlite",
    (
        *sqlite_guards(APPEND_ONLY, REFUSAL),
        *(statement for table in APPEND_ONLY for statement in _no_replacing(table)),
        f"CREATE TRIGGER IF NOT EXISTS {entries.name}_to_be_sealed AFTER INSERT ON {entries.name} BEGIN {_QUEUED} END",
    ),
)
after_create(
    "postgresql",
    (
        *postgresql_guards(APPEND_ONLY, REFUSAL),
        "CREATE OR REPLACE FUNCTION entry_waits_for_its_seal() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {_QUEUED} {_MISSED} RETURN NULL; END $$",
        f"CREATE OR REPLACE TRIGGER {entries.name}_to_be_sealed AFTER INSERT ON {entries.name} "
        "FOR EACH ROW EXECUTE FUNCTION entry_waits_for_its_seal()",
    ),
)
