"""The checkpoints: listed, printed with their code, taken out for a witness, and compared with what was kept."""

from __future__ import annotations

import html
import io
import json
import re
from typing import get_args

import pytest

from engine.domain.commands import AddComment
from engine.service import export_lookup
from engine.service.proof_state import PAGE_SIZE
from engine.service.witness_comparison import Verdict
from tests.support.desk import Desk
from webui.catalogue import sentences


def sealed(desk: Desk) -> str:
    """A case more, sealed; the note of the checkpoint."""
    desk.registered()
    made = desk.world.services.sealer.seal()
    assert made is not None
    note: str = made.note
    return note


def answer_of(page: str) -> str:
    found = re.search(r'<div class="alert[^>]*id="answer">(.*?)\n</div>', page, re.S)
    return html.unescape(re.sub(r"<[^>]+>", " ", found[1])) if found else ""


@pytest.mark.parametrize("login", ["wangfang", "liuwei", "sunli", "qianjin", "wumin"])
def test_only_the_auditor_has_the_checkpoints(desk: Desk, login: str):
    sealed(desk)
    seat = desk.seat(login)

    answers = [seat.get("/audit/checkpoints"), seat.get("/audit/checkpoints/1")]
    answers += [seat.post("/audit/checkpoints/witness"), seat.post("/audit/checkpoints/compare", {"note": "x"})]

    assert [answer.status_code for answer in answers] == [403] * 4


def test_before_the_first_checkpoint_the_page_says_so(own_desk: Desk):
    seat = own_desk.seat("zhaoming")

    page, taken = seat.get("/audit/checkpoints"), seat.post("/audit/checkpoints/witness")

    assert "还没有校验点" in page.text
    assert taken.location == "/audit/checkpoints"
    assert seat.get("/audit/checkpoints/1").status_code == 404


def test_checkpoints_are_listed_newest_first_page_by_page(own_desk: Desk):
    case = own_desk.registered()
    for number in range(PAGE_SIZE + 5):
        own_desk.world.do("wangfang", AddComment(f"意见{number}"), case.id)
        own_desk.world.services.sealer.seal()
    seat = own_desk.seat("zhaoming")

    first = seat.get("/audit/checkpoints").text
    (older,) = re.findall(r'href="(/audit/checkpoints\?before=\d+)" rel="next"', first)
    rest = seat.get(older).text
    (newer,) = re.findall(r'href="(/audit/checkpoints\?before=\d+)" rel="prev"', rest)

    def numbers(page: str) -> list[int]:
        return [int(one) for one in re.findall(r'fw-bold" href="/audit/checkpoints/(\d+)"', page)]

    last = max(numbers(first))
    assert numbers(first) == list(range(last, last - PAGE_SIZE, -1))
    assert numbers(rest) == list(range(last - PAGE_SIZE, 0, -1))
    assert numbers(seat.get(newer).text) == numbers(first)


def test_a_checkpoints_page_shows_its_note_its_code_and_that_the_signature_holds(own_desk: Desk):
    note = sealed(own_desk)

    page = own_desk.seat("zhaoming").get("/audit/checkpoints/1").text

    shown = re.search(r'id="note">(.*?)</pre>', page, re.S)
    assert shown
    assert html.unescape(shown[1]) == note
    assert "签名有效" in page and "签名无效" not in page
    assert re.search(r'<svg[^>]*class="segno"', page)
    assert "style=" not in page
    assert all(words in page for words in ("留存人", "单位（盖章）"))


def test_a_witness_file_comes_down_logged_and_agrees_when_it_comes_back(own_desk: Desk):
    sealed(own_desk)
    seat = own_desk.seat("zhaoming")

    taken = seat.post("/audit/checkpoints/witness")
    sealed(own_desk)
    page = seat.post(
        "/audit/checkpoints/compare", {"file": (io.BytesIO(taken.data), "w.json")}, content_type="multipart/form-data"
    )

    assert "attachment" in taken.headers["Content-Disposition"]
    assert json.loads(taken.data)["watermark"].startswith("赵明（zhaoming）")
    assert page.status_code == 200
    assert "一致" in answer_of(page.text)
    with own_desk.world.services.engine.connect() as conn:
        assert [one.kind for one in export_lookup.exports(conn).exports] == ["witness"]


def test_a_pasted_note_is_compared_and_a_changed_one_is_seen(own_desk: Desk):
    note = sealed(own_desk)
    seat = own_desk.seat("zhaoming")
    size = note.split("\n")[1]
    changed = note.replace(f"\n{size}\n", f"\n{int(size) + 1}\n", 1)

    same, other = (
        seat.post("/audit/checkpoints/compare", {"note": text.replace("\n", "\r\n")}).text for text in (note, changed)
    )

    assert "一致" in answer_of(same)
    assert "签名无效" in answer_of(other)


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({}, "请选择见证文件"),
        ({"note": "  "}, "请选择见证文件"),
        ({"note": "<b>hello"}, "不是见证文件也不是校验点"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_words(desk: Desk, sent: dict[str, str], sentence: str):
    answer = desk.seat("zhaoming").post("/audit/checkpoints/compare", sent)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert "<b>hello" not in answer.text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_verdict_has_its_sentences(language: str):
    known = sentences(language)
    wanted = [f"checkpoints.verdict.{one}{end}" for one in get_args(Verdict) for end in ("", ".text")]

    assert [key for key in wanted if key not in known] == []
