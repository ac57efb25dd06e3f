"""Lines of the log: one event a line, tied to its request, and without a word of what people wrote (R71)."""

from __future__ import annotations

import io
import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest
from sqlalchemy.exc import IntegrityError

from engine.service import logs

SECRET = "村民李某某反映耕地被硬化"

Written = Callable[[], str]


@pytest.fixture(params=["json", "text"])
def form(request) -> str:
    return request.param


@pytest.fixture
def written(form: str) -> Iterator[Written]:
    """What was logged so far, by a program set up as in production."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.install(form, private=True, stream=stream)
    yield stream.getvalue
    root.handlers[:] = handlers
    root.setLevel(level)


log = logging.getLogger("opinion.test")


def raised(error: Exception) -> None:
    try:
        raise error
    except Exception:
        log.exception("request failed", extra={"case_id": "WQ-2026-000001"})


@pytest.mark.parametrize(
    "error",
    [
        ValueError(SECRET),
        KeyError(SECRET),
        IntegrityError(f"INSERT INTO cases VALUES ('{SECRET}')", {"title": SECRET}, sqlite3.IntegrityError("UNIQUE")),
        psycopg.errors.InvalidTextRepresentation(f"invalid input syntax: {SECRET}"),
        ExceptionGroup(SECRET, [ValueError(SECRET)]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_failure_is_told_by_its_class_and_place_and_never_by_what_it_quotes(written: Written, error: Exception):
    raised(error)

    line = written()
    assert SECRET[:4] not in line
    assert json.dumps(SECRET)[1:8] not in line
    assert type(error).__name__ in line
    assert "test_logs.py" in line, "the place in the program"
    assert "WQ-2026-000001" in line
    assert line.count("\n") == 1


def test_what_the_machine_says_of_itself_is_told(written: Written):
    raised(sqlite3.OperationalError("database or disk is full"))
    raised(OSError(28, "No space left on device", f"/srv/{SECRET}"))
    raised(psycopg.errors.AdminShutdown("terminating connection"))

    text = written()
    assert "database or disk is full" in text
    assert "No space left on device" in text
    assert "SQLSTATE 57P01" in text
    assert SECRET not in text


def test_while_developing_messages_are_told(form: str):
    stream = io.StringIO()
    formatter = logs.Lines(form, private=False)
    try:
        raise ValueError("why")
    except ValueError as error:
        record = log.makeRecord("x", logging.ERROR, "f", 1, "failed", (), (ValueError, error, error.__traceback__))
    stream.write(formatter.format(record))

    assert "ValueError: why" in stream.getvalue()


def test_only_the_extras_that_are_known_to_hold_no_content_are_told(written: Written):
    log.info("done", extra={"case_id": "WQ-2026-000001", "actor": "wangfang", "title": SECRET, "values": {"x": SECRET}})

    assert "wangfang" in written()
    assert SECRET not in written()


def test_a_value_cannot_begin_a_line_of_its_own(written: Written):
    log.info("done %s", "a\nERROR forged\x1b[2J", extra={"route": "/x\r\nforged"})

    assert written().count("\n") == 1
    assert "\x1b" not in written()


def test_lines_of_one_request_carry_its_id_and_those_of_another_thread_do_not(written: Written):
    with logs.within("abcdef0123456789"):
        log.info("inside")
        other = threading.Thread(target=log.info, args=("elsewhere",))
        other.start()
        other.join()
    log.info("after")

    inside, elsewhere, after = written().splitlines()
    assert "abcdef0123456789" in inside
    assert "abcdef0123456789" not in elsewhere + after
    assert logs.current() == ""


def test_json_lines_are_json(written: Written, form: str):
    log.warning("一行 %d", 1, extra={"status": 503, "milliseconds": 1.5})

    if form == "json":
        told = json.loads(written())
        assert told["message"] == "一行 1"
        assert (told["level"], told["status"], told["milliseconds"]) == ("warning", 503, 1.5)
        assert told["at"].endswith("+00:00")
    else:
        assert written().rstrip().endswith("status=503 milliseconds=1.5")
