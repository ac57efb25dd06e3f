"""Brings a database up to this release: tables, triggers, read models, and the rights of the program's role."""

from __future__ import annotations

from dataclasses import dataclass

from engine.journal import migrations
from engine.journal.database import create_tables, open_database
from engine.journal.store import SqlTransaction
from engine.readmodels import version

from . import database_role
from .bootstrap import case_entries
from .settings import Settings


@dataclass(frozen=True, slots=True)
class Upgraded:
    """`revisions`: run now. `projected`: entries that the read models were filled with. `roles`: given their rights."""

    revisions: tuple[str, ...]
    projected: int
    roles: tuple[str, ...]


def upgrade(settings: Settings) -> Upgraded:
    """Upgrades the database as its owner (`database_owner_url`, else `database_url`). Safe to run again, and beside
    programs at work. Raises what `create_tables` raises."""
    engine = open_database(settings.database_owner_url or settings.database_url)
    try:
        with engine.connect() as connection:
            todo = migrations.waiting(connection)
        create_tables(engine, settings.hash_algorithm)
        projected = version.bring_up(engine, lambda conn: case_entries(SqlTransaction(conn)))
        with engine.connect().execution_options(writing=True) as connection, connection.begin():
            roles = database_role.regrant(connection)
    finally:
        engine.dispose()
    return Upgraded(todo, projected, roles)
