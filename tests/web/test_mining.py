"""The page that takes event logs out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lxml import etree

from engine.service.export_lookup import exports
from tests.support.desk import ITEM, Desk

FORM = {"format": "xes", "since": "", "until": "", "grade": "", "unit": "", "status": ""}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("mining"))
    made.world.open(**ITEM)
    yield made
    made.world.services.engine.dispose()


def test_the_auditor_is_offered_every_format(desk: Desk):
    page = desk.seat("zhaoming").get("/audit/mining")

    assert page.status_code == 200
    for form in ("xes", "ocel", "ocel-xml", "csv"):
        assert f'value="{form}"' in page.text


@pytest.mark.parametrize(
    ("form", "media", "ending"),
    [
        ("xes", "application/xml", ".xes"),
        ("ocel", "application/json", ".ocel.json"),
        ("ocel-xml", "application/xml", ".ocel.xml"),
        ("csv", "text/csv", ".csv"),
    ],
)
def test_a_log_comes_as_a_file_and_is_logged(desk: Desk, form: str, media: str, ending: str):
    answer = desk.seat("zhaoming").post("/audit/mining", {**FORM, "format": form})

    with desk.world.services.engine.connect() as conn:
        newest = exports(conn).exports[0]
    assert answer.status_code == 200
    assert answer.mimetype == media
    assert answer.headers["Content-Disposition"] == f'attachment; filename="opinion-log-{newest.number}{ending}"'
    assert newest.size == len(answer.data)
    assert newest.address
    assert f"第{newest.number}号" in answer.data.decode()


def test_only_the_chosen_cases_are_in_it(desk: Desk):
    auditor = desk.seat("zhaoming")

    none = auditor.post("/audit/mining", {**FORM, "until": "2025-12-31"})
    all_cases = auditor.post("/audit/mining", {**FORM, "since": "2026-01-01", "status": "open"})

    assert len(etree.fromstring(none.data).findall("trace")) == 0
    assert len(etree.fromstring(all_cases.data).findall("trace")) == 1


def test_names_are_in_it_only_when_they_were_asked_for(desk: Desk):
    auditor = desk.seat("zhaoming")

    assert b"wangfang" not in auditor.post("/audit/mining", FORM).data
    assert b"wangfang" in auditor.post("/audit/mining", {**FORM, "names": "1"}).data


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": "pdf"},
        {"since": "yesterday"},
        {"since": "2026-03-02", "until": "2026-03-01"},
        {"grade": "terrible"},
        {"status": "lost"},
        {"until": "2026-02-30"},
    ],
)
def test_a_wrong_choice_is_refused_and_nothing_is_logged(desk: Desk, wrong: dict[str, str]):
    with desk.world.services.engine.connect() as conn:
        before = exports(conn).exports[:1]

    answer = desk.seat("zhaoming").post("/audit/mining", {**FORM, **wrong})

    with desk.world.services.engine.connect() as conn:
        assert exports(conn).exports[:1] == before
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


@pytest.mark.parametrize("login", ["wangfang", "zhangmin", "sunli", "qianjin", "wumin"])
def test_nobody_else_gets_there(desk: Desk, login: str):
    person = desk.seat(login)

    assert person.get("/audit/mining").status_code == 403
    assert person.post("/audit/mining", FORM).status_code == 403
    assert person.get("/audit/mining/opinion.xesext").status_code == 403


def test_the_definition_of_our_extension_is_there(desk: Desk):
    answer = desk.seat("zhaoming").get("/audit/mining/opinion.xesext")

    assert etree.fromstring(answer.data).get("prefix") == "opinion"
