"""A whole case is worked on through the pages, and the log holds none of its words, names or addresses (R71)."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from engine.service import logs
from engine.worker.loop import Loop
from tests.support.desk import ITEM, Desk

SECRET = "某镇某村违法占地"
REPORTER = "举报人李某某"


@pytest.fixture
def desk(tmp_path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.world.services.engine.dispose()


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    made = io.StringIO()
    # Everything, also what libraries say while they work.
    logs.install("json", private=True, stream=made, level=logging.DEBUG)
    yield made
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_nothing_that_was_written_in_a_case_reaches_the_log(desk: Desk, stream: io.StringIO, monkeypatch):
    browser = desk.seat("wangfang")
    values = {
        "title": SECRET, "body": f"{SECRET}。", "source_type": "forum", "source_name": f"{SECRET}论坛",
        "discovered_at": "2026-03-02T08:50+08:00", "district": "市本级", "item_kind": "appeal", **ITEM,
        "reporter": REPORTER,
    }  # fmt: skip
    opened = browser.post("/register", {"submission": json.dumps(values), "command_id": "1" * 32})
    case_id = opened.location.rsplit("/", 1)[-1]
    browser.post(f"/cases/{case_id}/comment", {"text": SECRET, "command_id": "2" * 32})
    browser.get(f"/cases/{case_id}?q={SECRET}")
    browser.get(f"/{SECRET}")
    refused = browser.post("/register", {"submission": json.dumps({"title": SECRET}), "command_id": "3" * 32})

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"cannot write {SECRET} for {REPORTER}")

    monkeypatch.setattr(desk.world.services.application, "handle", broken)
    failed = browser.post(f"/cases/{case_id}/comment", {"text": SECRET, "command_id": "4" * 32})

    text = stream.getvalue()
    assert (opened.status_code, refused.status_code, failed.status_code) == (303, 422, 500)
    for word in (SECRET, REPORTER, SECRET[:4], "127.0.0.1", "王芳"):
        assert word not in text
        assert json.dumps(word)[1:-1] not in text
    told = lines(stream)
    requests = [line for line in told if line["message"] == "request"]
    assert {(line["route"], line["status"]) for line in requests} >= {
        ("/register", 303), ("/register", 422), ("/cases/<case_id>/comment", 500), ("unmatched", 404),
    }  # fmt: skip
    assert {line.get("actor") for line in requests} == {"wangfang"}
    assert case_id in {line.get("case_id") for line in requests}
    (bug,) = [line for line in told if line["message"] == "request failed"]
    assert bug["failure"] == "RuntimeError"
    assert bug["request"] in {line["request"] for line in requests if line["status"] == 500}, "one id for both"


def test_a_run_of_the_worker_has_an_id_of_its_own(stream: io.StringIO):
    class Failing:
        def run_once(self):
            loop.ask_to_stop()
            raise RuntimeError(SECRET)

        def seconds_to_next(self) -> float:
            return 0.0

    loop = Loop(Failing(), "testing")
    loop.start()
    assert loop.stop(10)

    (line,) = [line for line in lines(stream) if line["logger"] == "opinion.worker"]
    assert line["work"] == "testing"
    assert len(line["request"]) == 16
    assert SECRET not in stream.getvalue()
