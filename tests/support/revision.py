"""Prints the operations that a new revision needs: what the program's tables have and the migrated database lacks.

`python -m tests.support.revision` writes them for a file in engine/journal/migrations/versions; read them before you
commit them (docs/database.md says what a revision may do).
"""

from __future__ import annotations

import sys
from typing import Any

from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from engine.journal import migrations
from engine.journal.database import open_database
from engine.journal.schema import metadata
from engine.readmodels import version as version
from engine.readmodels.schema import READ_MODELS
from engine.service import bootstrap as bootstrap  # every table of the program

NOT_OURS = ("procrastinate_", "job")
"""Beginnings of the names of the queue's tables: Procrastinate's, and those of job_tables, which differ
between the databases."""


def context(connection: Connection) -> MigrationContext:
    """Compares all that migrations make: no read models, no comments."""
    apart = {table.name for table in READ_MODELS} | {version.readmodel_version.name}

    def ours(_thing: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
        return not (kind == "table" and name and (name in apart or name.startswith(NOT_OURS)))

    return MigrationContext.configure(connection, opts={"include_object": ours, "compare_type": True})


def differences(connection: Connection) -> list[Any]:
    """What `connection`'s database and the program's tables do not share, as Alembic tells it; comments left out."""
    found = compare_metadata(context(connection), metadata)
    return [one for one in found if not (isinstance(one, tuple) and "comment" in one[0])]


def main() -> None:
    engine = open_database("sqlite:///:memory:")
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        migrations.upgrade(connection)
        made = produce_migrations(context(connection), metadata)
        assert made.upgrade_ops is not None
        sys.stdout.write(render_python_code(made.upgrade_ops) + "\n")
    engine.dispose()


if __name__ == "__main__":
    main()
