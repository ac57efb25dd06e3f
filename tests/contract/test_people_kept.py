"""The kept directory, on both databases: whoever changes people, on whichever machine, the next reader sees it."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from engine.domain.organisation import Actor
from engine.journal.database import create_tables, open_database
from engine.service import cast, people
from engine.service.people_admin import PersonForm, create_person
from engine.service.transactions import writing
from tests.support.databases import with_tables
from tests.support.world import MONDAY

ADMIN = Actor("qianjin", "钱进", frozenset({"system_admin"}), frozenset({"system_admin"}), "office")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def machines(request, tmp_path):
    """Two engines on one database with the cast in it."""
    url = (
        f"sqlite:///{tmp_path / 'people.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    )
    engines = [open_database(with_tables(url)), open_database(url)]
    create_tables(engines[0])
    with writing(engines[0]) as conn:
        cast.found(conn, MONDAY)
    yield engines
    for engine in engines:
        engine.dispose()


def listed(engine) -> set[str]:
    with engine.connect() as conn:
        return {person.user_id for person in people.directory(conn).persons}


def add(conn, login: str) -> None:
    assert isinstance(create_person(conn, ADMIN, MONDAY, PersonForm(login, "新人", "gengbao")), str)


def test_a_new_person_is_listed_at_once_on_every_machine(machines):
    here, there = machines
    assert "xinren" not in listed(here) | listed(there)

    with writing(there) as conn:
        add(conn, "xinren")

    assert "xinren" in listed(here) and "xinren" in listed(there)


def test_what_a_writer_saw_and_took_back_is_not_kept(machines):
    here, there = machines
    listed(here)

    with pytest.raises(ZeroDivisionError), writing(here) as conn:
        add(conn, "zhongzhi")
        assert "zhongzhi" in {person.user_id for person in people.directory(conn).persons}
        raise ZeroDivisionError
    with writing(there) as conn:
        add(conn, "xinren")  # may be given the number that the other change had

    assert {"xinren", "zhongzhi"} & listed(here) == {"xinren"}


def test_an_unchanged_directory_is_not_read_again(machines):
    here, _ = machines
    listed(here)
    asked = []
    event.listen(here, "before_cursor_execute", lambda *args: asked.append(args[2]))

    listed(here)

    assert len(asked) == 1 and "people_log" in asked[0]
