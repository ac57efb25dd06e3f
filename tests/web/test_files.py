"""Files over the web: up as an entry of the case, down as an attachment, only for who may read the case."""

import io

import pytest

from engine.readmodels import dossier
from tests.support.desk import Desk
from tests.support.world import CaseView

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


@pytest.fixture
def case(desk: Desk) -> CaseView:
    return desk.registered()


def upload(desk: Desk, case: CaseView, login: str, *files: tuple[bytes, str], **fields: str):
    seat = desk.seat(login)
    seat.get(f"/cases/{case.id}/files")
    parts = [(io.BytesIO(content), name) for content, name in files]
    return seat.post(f"/cases/{case.id}/files", {"files": parts, **fields}, content_type="multipart/form-data")


def stored(desk: Desk, case: CaseView) -> tuple[dossier.FileRow, ...]:
    with desk.world.services.engine.connect() as conn:
        return dossier.files_of(conn, case.id)


def test_an_uploaded_file_is_in_the_case_with_its_hash(desk: Desk, case: CaseView):
    answer = upload(desk, case, "wangfang", (PNG, "截图 1.png"), (b"text", "b.txt"), note="原帖截图")

    assert answer.status_code == 303
    assert [(file.name, file.author, file.note) for file in stored(desk, case)] == [
        ("截图 1.png", "wangfang", "原帖截图"),
        ("b.txt", "wangfang", "原帖截图"),
    ]
    assert desk.world.services.files.intact(stored(desk, case)[0].sha256)


def test_a_file_comes_down_as_an_attachment_byte_for_byte(desk: Desk, case: CaseView):
    upload(desk, case, "wangfang", (PNG, "截图 1.png"))

    with desk.seat("lina").get(f"/cases/{case.id}/files/{stored(desk, case)[0].file_id}") as answer:
        content = answer.data

    assert content == PNG
    assert answer.mimetype == "image/png"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert "%E6%88%AA%E5%9B%BE" in answer.headers["Content-Disposition"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_file_of_a_case_one_may_not_read_does_not_exist(desk: Desk, case: CaseView):
    upload(desk, case, "wangfang", (PNG, "a.png"))
    file_id = stored(desk, case)[0].file_id
    own = desk.registered(title="另外的一件")

    stranger = desk.seat("zhouwei")
    assert stranger.get(f"/cases/{case.id}/files/{file_id}").status_code == 404
    assert stranger.get(f"/cases/{case.id}/files").status_code == 404
    assert upload(desk, case, "zhouwei", (PNG, "b.png")).status_code == 404
    assert desk.seat("wangfang").get(f"/cases/{own.id}/files/{file_id}").status_code == 404, "through another case"


def test_a_refused_file_keeps_the_others_out_too_and_says_why(desk: Desk, case: CaseView):
    answer = upload(desk, case, "wangfang", (PNG, "good.png"), (b"MZ\x90", "bad.png"), (b"x", "run.exe"))

    assert answer.status_code == 422
    assert "bad.png" in answer.text and "run.exe" in answer.text
    assert stored(desk, case) == ()


def test_a_file_names_only_tasks_of_its_own_case(desk: Desk, case: CaseView):
    task = case.task("Task_screen")
    upload(desk, case, "wangfang", (PNG, "a.png"), task=task)
    upload(desk, case, "wangfang", (PNG, "b.png"), task="Task_of_another_case#1")

    assert [(file.name, file.task) for file in stored(desk, case)] == [("a.png", task), ("b.png", "")]


def test_no_file_at_all_is_refused(desk: Desk, case: CaseView):
    assert upload(desk, case, "wangfang").status_code == 422


def test_a_request_larger_than_the_limit_is_answered_413(desk: Desk, case: CaseView):
    limit = desk.app.config["MAX_CONTENT_LENGTH"]
    desk.app.config["MAX_CONTENT_LENGTH"] = 10_000
    try:
        answer = upload(desk, case, "wangfang", (b"x" * 20_000, "a.txt"))
    finally:
        desk.app.config["MAX_CONTENT_LENGTH"] = limit

    assert answer.status_code == 413


def test_the_auditor_reads_files_and_adds_none(desk: Desk, case: CaseView):
    upload(desk, case, "wangfang", (PNG, "a.png"))

    with desk.seat("zhaoming").get(f"/cases/{case.id}/files/{stored(desk, case)[0].file_id}") as answer:
        assert answer.status_code == 200
    assert upload(desk, case, "zhaoming", (PNG, "b.png")).status_code == 403
