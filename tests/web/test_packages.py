"""归档包: the auditor's pages for packages of a case, of a month and of chosen cases."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from pathlib import Path

from sqlalchemy import func, select

from engine.service import cast, package_import
from engine.service.bootstrap import build
from engine.service.log_tables import export_log
from engine.service.settings import Settings
from engine.service.transactions import writing
from tests.support.desk import Desk
from tests.support.forger import run_verifier
from webui import create_app, packages


def exports(desk: Desk) -> int:
    with desk.world.services.engine.connect() as conn:
        return conn.execute(select(func.count()).select_from(export_log)).scalar_one()


def test_the_auditor_gets_the_package_of_a_case_as_a_file_that_verifies(desk: Desk, tmp_path: Path):
    case = desk.graded()
    auditor = desk.seat("zhaoming")

    page = auditor.get(f"/cases/{case.id}/package")
    answer = auditor.post(f"/cases/{case.id}/package")
    after = auditor.get(f"/cases/{case.id}/package")

    assert "导出归档包" in page.text and "案件尚未办结" in page.text
    assert answer.mimetype == "application/zip"
    assert f"filename=case-{case.id}.zip" in answer.headers["Content-Disposition"]
    assert answer.content_length == len(answer.data)
    (tmp_path / "package.zip").write_bytes(answer.data)
    done = run_verifier(tmp_path / "package.zip")
    assert done.returncode == 0, done.stdout
    assert hashlib.sha256(answer.data).hexdigest() in after.text


def test_every_export_is_logged_also_a_refused_file_leaves_none(desk: Desk):
    case = desk.graded()
    auditor = desk.seat("zhaoming")
    before = exports(desk)

    with auditor.post("/audit/packages", {"cases": case.id}):
        pass
    refused = auditor.post("/audit/packages", {"cases": "WQ-2026-999999"})

    assert refused.status_code == 404
    assert exports(desk) == before + 1


def test_chosen_cases_come_in_one_package(desk: Desk):
    one, two = desk.graded(), desk.graded()

    answer = desk.seat("zhaoming").post("/audit/packages", {"cases": f"{one.id}，{two.id}\n{one.id}"})

    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        names = [name.partition("/")[2] for name in archive.namelist()]
    assert [name for name in names if name.startswith("data/reports/") and name.endswith(".pdf")] == [
        f"data/reports/{one.id}.pdf", f"data/reports/{two.id}.pdf",
    ]  # fmt: skip


def test_what_cannot_be_packed_is_said_on_the_page_with_what_was_typed(desk: Desk, monkeypatch):
    one, two = desk.graded(), desk.graded()
    auditor = desk.seat("zhaoming")
    monkeypatch.setattr(packages, "AT_ONCE", 1)
    for sent, said in (
        ({"period": "2026-13"}, "不是月份或年份"),
        ({"period": "1999-01"}, "1999-01 没有办结的案件"),
        ({"cases": " \n"}, "请填写案件编号"),
        ({"cases": f"{one.id} {two.id}"}, "选了 2 个案件，最多 1 个"),
    ):
        answer = auditor.post("/audit/packages", sent)

        assert answer.status_code in (404, 422)
        assert said in answer.text
        assert all(value.strip() in answer.text for value in sent.values())


def test_only_the_auditor_finds_the_way_there(desk: Desk):
    case = desk.graded()

    auditors, clerks = (desk.seat(who).get(f"/cases/{case.id}").text for who in ("zhaoming", "wangfang"))

    assert f"/cases/{case.id}/package" in auditors
    assert f"/cases/{case.id}/package" not in clerks
    assert desk.seat("wangfang").get(f"/cases/{case.id}/package").status_code == 403
    assert desk.seat("wangfang").post("/audit/packages", {"cases": case.id}).status_code == 403


def test_a_case_that_is_none_is_not_found(desk: Desk):
    auditor = desk.seat("zhaoming")

    assert auditor.get("/cases/WQ-2026-999999/package").status_code == 404
    assert auditor.post("/cases/WQ-2026-999999/package").status_code == 404


def test_a_post_without_the_token_of_the_session_makes_no_package(desk: Desk):
    case = desk.graded()
    auditor = desk.seat("zhaoming")
    before = exports(desk)

    answer = auditor.client.post(f"/cases/{case.id}/package")

    assert answer.status_code == 400
    assert exports(desk) == before


def test_an_imported_case_says_where_it_came_from_and_offers_nothing_to_do(desk: Desk, tmp_path: Path):
    case = desk.graded()
    (tmp_path / "package.zip").write_bytes(desk.seat("zhaoming").post(f"/cases/{case.id}/package").data)
    own = Desk(tmp_path / "own")
    url = f"sqlite:///{tmp_path}/reading-room.db"
    services = build(Settings(database_url=url, data_dir=tmp_path / "room"), own.world.clock)
    with writing(services.engine) as conn:
        cast.found(conn, own.world.clock.now())
    imported = package_import.import_package(services, tmp_path / "package.zip", "system:command")
    own.app = create_app(services)
    own.world.services = services

    page = own.seat("wangfang").get(f"/cases/{case.id}").text

    assert isinstance(imported, package_import.Imported)
    assert "来自另一实例的归档包" in page and "只供查阅" in page
    assert case.live.data["title"] in page
    assert not re.search(rf'/cases/{case.id}/(comment|copy|files)"', page)
    services.engine.dispose()
