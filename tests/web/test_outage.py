"""While the database is away a page says so, without asking it for anything."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from engine.service.outages import is_outage
from tests.support.desk import Desk


def refused() -> OperationalError:
    fault = sqlite3.OperationalError("unable to open database file")
    fault.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
    return OperationalError("SELECT 1", {}, fault)


def away(desk: Desk) -> list[str]:
    """Takes the database away; returns the list in which each try to reach it is noted."""
    tries: list[str] = []

    def refuse(*_: object) -> None:
        tries.append("tried")
        raise refused()

    event.listen(desk.world.services.engine, "engine_connect", refuse)
    return tries


@pytest.mark.parametrize("path", ["/inbox", "/cases", "/register"])
def test_every_page_answers_503_after_one_try(own_desk: Desk, path: str):
    seat = own_desk.seat("wangfang")
    assert seat.get(path).status_code == 200
    tries = away(own_desk)

    answer = seat.get(path)

    assert answer.status_code == 503
    assert len(tries) == 1
    assert "数据库暂时连接不上" in answer.text
    assert "王芳" not in answer.text
    assert answer.headers["Retry-After"] == "5"
    assert "default-src" in answer.headers["Content-Security-Policy"]


def test_a_script_gets_the_sentence_as_a_fragment(own_desk: Desk):
    seat = own_desk.seat("wangfang")
    away(own_desk)

    answer = seat.get("/inbox", headers={"HX-Request": "true"})

    assert answer.status_code == 503
    assert "<html" not in answer.text
    assert "重复提交只算一次" in answer.text


def test_a_mistake_of_the_program_is_not_taken_for_an_outage(own_desk: Desk):
    seat = own_desk.seat("wangfang")
    fault = sqlite3.OperationalError("no such table: inbox")
    fault.sqlite_errorcode = sqlite3.SQLITE_ERROR

    def mistaken(*_: object) -> None:
        event.remove(own_desk.world.services.engine, "engine_connect", mistaken)
        raise OperationalError("SELECT 1", {}, fault)

    event.listen(own_desk.world.services.engine, "engine_connect", mistaken)

    assert not is_outage(OperationalError("SELECT 1", {}, fault))
    assert seat.get("/inbox").status_code == 500
