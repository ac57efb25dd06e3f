"""R71: an event log names nobody and repeats nothing that anybody wrote, unless that was asked for."""

from __future__ import annotations

import csv
import io
import re

import pytest
from lxml import etree

from engine.readmodels.chosen import Choice
from engine.service import mining
from engine.service.cast import PLAYERS
from engine.service.csv_file import guarded_text
from engine.service.mining_csv import cell
from engine.service.mining_people import People
from tests.mining.conftest import Office

WRITTEN = (
    "网友反映耕地被占用", "HYPERLINK", "多人反映", "d01.example", "许都论坛", "外出", "请代填", "请会签",
    "应由规划科办", "张敏已知晓", "的截图", "李强拍摄", "请尽快", "填错了",
)  # fmt: skip
"""Words that people of the office wrote."""


def named(document: bytes) -> list[str]:
    """Names and logins of the cast in the bytes, apart from the mark of who took the file out."""
    text = re.sub(r"赵明（zhaoming） [^\"<\r\n]*", "", document.decode())
    units = {"gengbao", "guihua"}
    found = [player.name for player in PLAYERS if player.name in text]
    return found + [
        player.user_id
        for player in PLAYERS
        if player.user_id not in units and re.search(rf"(?<![A-Za-z_]){player.user_id}(?![A-Za-z_])", text)
    ]


@pytest.mark.parametrize("form", list(mining.FORMATS))
def test_no_name_and_no_login_is_in_a_file(office: Office, form: str):
    document, _ = office.export(form)

    assert named(document) == []


@pytest.mark.parametrize("form", list(mining.FORMATS))
def test_nothing_that_anybody_wrote_is_in_a_file(office: Office, form: str):
    document, _ = office.export(form)

    assert [words for words in WRITTEN if words in document.decode()] == []


@pytest.mark.parametrize("form", list(mining.FORMATS))
def test_both_are_in_it_when_they_were_asked_for(office: Office, form: str):
    document, _ = office.export(form, with_names=True)

    assert {"wangfang", "liqiang", "zhangmin"} <= set(named(document))
    assert [words for words in ("网友反映耕地被占用", "张敏已知晓", "填错了") if words not in document.decode()] == []


def test_one_person_has_one_pseudonym_in_a_file_and_nobody_else_has_it(office: Office):
    plain = _resources(office.export("xes")[0])
    true = _resources(office.export("xes", with_names=True)[0])

    pairs = set(zip(plain, true, strict=True))

    assert len(plain) > 50
    assert len(pairs) == len({one for one, _ in pairs}) == len({one for _, one in pairs}) > 5
    assert ("system", "system") in pairs


def _resources(document: bytes) -> list[str]:
    found = [
        one.get("value")
        for one in etree.fromstring(document).iter("string")
        if one.get("key") in ("org:resource", "opinion:assignee")
    ]
    assert None not in found
    return [str(one) for one in found]


def test_the_same_choice_gives_the_same_bytes_but_for_the_mark(office: Office):
    marks = re.compile(rb"\xe5\xaf\xbc\xe5\x87\xba \xe7\xac\xac\d+")
    first, again = (marks.sub(b"", office.export("ocel")[0]) for _ in range(2))

    assert first == again


def test_another_choice_gives_other_pseudonyms():
    one, other = People({}, with_names=False), People({}, with_names=False)

    assert [one.person(login) for login in ("a", "b", "a")] == ["P0001", "P0002", "P0001"]
    assert other.person("b") == "P0001"


def test_a_person_among_groups_is_a_pseudonym_too():
    people = People({}, with_names=False)

    assert people.groups(("user:wangfang", "office", "unit:gengbao")) == "office unit:gengbao user:P0001"


PAYLOADS = tuple(
    f"{space}{sign}{rest}"
    for space in ("", " ", "  ")
    for sign in ("=", "+", "-", "@", "\t", "\r", "\n")
    for rest in ('HYPERLINK("http://x")', "cmd|' /C calc'!A0", "1+1")
)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_cell_begins_like_a_formula(payload: str):
    assert guarded_text(payload).startswith("'")
    assert guarded_text(payload)[1:] == payload


@pytest.mark.parametrize("harmless", ["正常", "a=b", "2026-03-02", "http://x", "", "1-2"])
def test_a_text_that_is_no_formula_stays_as_it_is(harmless: str):
    assert guarded_text(harmless) == harmless
    assert cell(-1.5) == "-1.5"


def test_at_least_fifty_payloads_are_tried():
    assert len(set(PAYLOADS)) >= 50


def test_a_title_that_is_a_formula_is_harmless_in_the_table(office: Office):
    document, _ = office.export("csv", Choice(), with_names=True)

    rows = list(csv.reader(io.StringIO(document.decode("utf-8-sig"), newline="")))

    titles = {row[-4] for row in rows[1:]}
    assert '\'=HYPERLINK("http://x")' in titles
    risky = [one for row in rows for one in row if one[:1] in ("=", "+", "-", "@", "\t", "\r")]
    assert [one for one in risky if not re.fullmatch(r"-?\d+(\.\d+)?", one)] == []


def test_the_table_has_a_row_an_event_and_the_mark_that_office_programs_look_for(office: Office):
    document, made = office.export("csv")

    rows = list(csv.reader(io.StringIO(document.decode("utf-8-sig"))))

    assert document.startswith(b"\xef\xbb\xbf")
    assert len(rows) == made.events + 1
    assert {len(row) for row in rows} == {len(rows[0])}
    assert rows[0][:4] == ["案件编号 case", "序号 number", "时间（北京时间） time (Asia/Shanghai)", "活动 activity"]
    assert len(set(rows[0])) == len(rows[0])
    assert "mining." not in " ".join(rows[0])
