"""The role that the program runs as on PostgreSQL carries a whole case, and can't touch what is only ever added to."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import Engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from engine.cli import main
from engine.journal.database import NeedsUpgrade, open_database
from engine.journal.guards import APPEND_ONLY
from engine.service import database_role
from engine.service.bootstrap import build
from engine.service.database_upgrade import upgrade
from engine.service.log_tables import LOGS
from engine.service.settings import Settings
from engine.service.transactions import writing
from engine.service.verify import Asked, rebuild_read_models, verify
from tests.support.walks import publish, until_composing
from tests.support.world import World

PASSWORD = "it's 100 % \\ secret"


@dataclass(frozen=True)
class Office:
    """`owner`: engine of the tables' owner. `url`: of the program's role. `role`: its name."""

    owner: Engine
    url: str
    role: str
    settings: Settings


@pytest.fixture(scope="module")
def office(postgres_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    postgres_url, tmp_path = postgres_database(), tmp_path_factory.mktemp("role")
    role = f"program_{secrets.token_hex(4)}"
    url = make_url(postgres_url).set(username=role, password=PASSWORD).render_as_string(hide_password=False)
    settings = Settings(database_url=url, database_owner_url=postgres_url, data_dir=tmp_path)
    upgrade(settings)
    owner = open_database(postgres_url)
    with writing(owner) as connection:
        database_role.grant(connection, role, PASSWORD)
    yield Office(owner, url, role, settings)
    with writing(owner) as connection:
        connection.execute(text(f"DROP OWNED BY {role}"))
        connection.execute(text(f"DROP ROLE {role}"))
    owner.dispose()


def test_the_role_carries_a_case_from_registration_to_its_end(office, tmp_path):
    world = World(tmp_path, office.url)

    case = until_composing(world)
    publish(case)
    world.wait(hours=9)
    world.services.sealer.seal()

    report = verify(world.services, Asked(parts=("chains", "tree", "replays", "models", "numbers", "logs", "bundles")))
    assert report.faults == 0, report.as_json()
    assert rebuild_read_models(world.services) > 10
    world.services.engine.dispose()


@pytest.mark.parametrize("table", [*APPEND_ONLY, *(table.name for table, _ in LOGS)])
def test_the_role_can_only_add_to_what_is_only_added_to(office, table):
    refused = []
    with open_database(office.url).connect() as connection:
        column = inspect(connection).get_columns(table)[0]["name"]
        for statement in (
            f"UPDATE {table} SET {column} = {column}",
            f"DELETE FROM {table}",
            f"TRUNCATE {table}",
            f"DROP TABLE {table}",
            f"ALTER TABLE {table} ADD COLUMN extra TEXT",
            f"ALTER TABLE {table} DISABLE TRIGGER ALL",
            f"DROP TRIGGER {table}_append_only ON {table}",
            f"CREATE TRIGGER extra BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION only_ever_added_to()",
            f"CREATE RULE extra AS ON INSERT TO {table} DO INSTEAD NOTHING",
            f"LOCK TABLE {table} IN SHARE MODE",
        ):
            with pytest.raises(DBAPIError) as caught:
                connection.execute(text(statement))
            connection.rollback()
            refused.append((statement, caught.value.orig.sqlstate))
        connection.execute(text(f"SELECT count(*) FROM {table}"))
    connection.engine.dispose()

    assert [one for one in refused if one[1] != "42501"] == [], "each for want of privilege, before any trigger"


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (x TEXT)",
        "CREATE TEMPORARY TABLE unsealed (x TEXT)",
        "CREATE OR REPLACE FUNCTION only_ever_added_to() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "SET session_replication_role = replica",
        "UPDATE journal_format SET version = 0",
        "UPDATE journal_format SET algorithm = 'sm3'",
        "DELETE FROM journal_format",
        "DELETE FROM persons",
        "UPDATE unsealed SET seq = 1",
        "UPDATE alembic_version SET version_num = 'x'",
        "CREATE ROLE another",
        "COPY entries TO PROGRAM 'true'",
    ],
)
def test_the_role_cannot_go_around_it(office, statement):
    with open_database(office.url).connect() as connection:
        with pytest.raises(DBAPIError) as caught:
            connection.execute(text(statement))

        assert caught.value.orig.sqlstate == "42501"
    connection.engine.dispose()


def test_a_program_whose_role_may_not_change_tables_says_who_must(office):
    with writing(office.owner) as connection:
        connection.execute(text("DROP TRIGGER entries_append_only ON entries"))

    with pytest.raises(NeedsUpgrade):
        build(office.settings)

    upgrade(office.settings)
    build(office.settings).engine.dispose()


def test_an_upgrade_gives_the_role_its_rights_on_what_is_new(office):
    with writing(office.owner) as connection:
        connection.execute(text("CREATE TABLE of_a_later_release (x INTEGER PRIMARY KEY)"))
        connection.execute(text(f"GRANT DELETE ON entries TO {office.role}"))

    assert upgrade(office.settings).roles == (office.role,)

    engine = open_database(office.url)
    with writing(engine) as connection:
        connection.execute(text("INSERT INTO of_a_later_release VALUES (1)"))
        assert not connection.scalar(text("SELECT has_table_privilege('entries', 'DELETE')")), "taken back"
    engine.dispose()


def test_the_command_makes_the_role_and_says_what_it_may_do(office, tmp_path, monkeypatch, capsys):
    name = f"{office.role}_2"
    (tmp_path / "password").write_text(PASSWORD + "\n")
    monkeypatch.setenv("OPINION_DATABASE_OWNER_URL", office.settings.database_owner_url)

    assert main(["database-role", name, "--password-file", str(tmp_path / "password")]) == 0
    assert "public.entries: SELECT, INSERT\n" in capsys.readouterr().out
    assert main(["upgrade-database"]) == 0
    assert f"账号 {name} 的权限已更新" in capsys.readouterr().out

    with writing(office.owner) as connection:
        connection.execute(text(f"DROP OWNED BY {name}"))
        connection.execute(text(f"DROP ROLE {name}"))


def test_no_role_is_made_of_the_owner_or_on_sqlite(office, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("OPINION_DATABASE_OWNER_URL", office.settings.database_owner_url)
    assert main(["database-role", "postgres"]) == 2
    assert "owns the tables" in capsys.readouterr().err

    monkeypatch.setenv("OPINION_DATABASE_OWNER_URL", f"sqlite:///{tmp_path}/x.db")
    assert main(["database-role", "opinion_app"]) == 2
    assert "only PostgreSQL has roles" in capsys.readouterr().err
