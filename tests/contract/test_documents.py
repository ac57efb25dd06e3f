"""Documents on each database: numbered without gaps, never changed, replaced, journaled, read by who must, verified."""

from __future__ import annotations

import io
import json
import threading
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from engine.domain.rejection import Rejection
from engine.service import (
    document_lookup,
    document_templates,
    documents,
    offline_verifier,
    package_selection,
    packages,
)
from engine.service.demo_answers import PEOPLE_OF_UNITS
from engine.service.document_kinds import KINDS
from engine.service.document_lookup import Wanted
from engine.service.documents import Made
from engine.service.documents_tables import made_documents
from engine.service.log_tables import export_log, export_results
from engine.service.transactions import writing
from engine.service.verify import Asked, verify
from tests.support import walks, word
from tests.support.world import CaseView, World


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def world(request, tmp_path_factory, small_font):
    """One office for the tests of this module: each looks at documents of its own."""
    folder = tmp_path_factory.mktemp("documents")
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres_database")()
    made = World(folder, url)
    yield made
    made.services.engine.dispose()


@pytest.fixture(scope="module")
def case(world: World) -> CaseView:
    """A major case, assigned to two units, one of them late."""
    found = walks.graded_major(world)
    found.fill_all("Task_contact", "Task_instruct_chief", "Task_confirm_subject")
    found.fill_all("Task_draft_statement", "Task_approve_statement", "Task_publish_statement")
    walks.assign(found, "gengbao", "guihua")
    found.fill("Task_sign", "gengbao")
    found.fill(
        "Task_draft_deliverables", doc_press="通稿第一段。\n通稿第二段 & <强调>《通知》👍。", doc_wording="统一口径。"
    )
    world.wait(hours=9)
    return found


def make(world: World, kind: str, case: CaseView | None, login: str = "wangfang", **more: object) -> Made:
    made = documents.make(world.services, kind, case.id if case else "", world.actor(login), **more)
    assert isinstance(made, Made), made
    return made


def refused(world: World, kind: str, case_id: str, login: str = "wangfang", **more: object) -> str:
    made = documents.make(world.services, kind, case_id, world.actor(login), **more)
    assert isinstance(made, Rejection), made
    return made.key


def entries(world: World) -> list[dict]:
    with world.services.journal.reading() as tx:
        return [entry.events[0] for entry in tx.read(documents.STREAM)]


def test_a_document_has_the_data_of_its_case_in_word_and_in_pdf(world: World, case: CaseView):
    made = make(world, "assignment", case)

    told = word.text(made.docx)
    for part in (
        made.number, case.id, "网友反映耕地被占用", "重大负面", "耕地保护科", "国土空间规划科", "主办", "协办",
        "尚未签收", "高度重视，当天对外表态。", "回复意见", "请按批示核实", "2026-03-02 17:00",
        "许昌市自然资源和规划局", "王芳",
        "2026年3月2日", "内部资料",
    ):  # fmt: skip
        assert part in told, part
    drawn = "".join(word.pdf_text(made.pdf)).replace("\n", "")
    for part in (made.number, case.id, "高度重视，当天对外表态。", "尚未签收"):
        assert part in drawn, part


def test_what_was_written_in_a_form_is_what_the_press_release_says_paragraph_by_paragraph(world: World, case: CaseView):
    lines = word.text(make(world, "press", case).docx).split("\n")

    assert "通稿第一段。" in lines and "通稿第二段 & <强调>《通知》👍。" in lines


def test_a_late_report_tells_of_the_limit_that_was_chosen_and_of_what_was_said_about_it(world: World, case: CaseView):
    with world.services.engine.connect() as conn:
        names = [
            one.name for one in document_lookup.dossier.documents_of(conn, case.id) if one.document == "late_report"
        ]
    assert len(names) == 2

    first, second = (word.text(make(world, "late_report", case, subject=name).docx) for name in names)

    assert {"耕地保护科", "国土空间规划科"} == {
        one for one in ("耕地保护科", "国土空间规划科") for text in (first, second) if f"\n{one}\n时　　限" in text
    }
    assert "8小时意见时限" in first and "2026-03-02 17:00:00" in first and "尚未提交。" in first
    assert refused(world, "late_report", case.id, subject="no such report") == "document.not_yet"


def test_what_cannot_be_told_yet_gets_no_number(world: World, case: CaseView):
    before = entries(world)

    assert refused(world, "reply", case.id) == "document.not_yet"

    assert entries(world) == before


def test_numbers_of_a_kind_are_given_one_by_one_however_many_ask_at_once(world: World, case: CaseView):
    begun, faults = make(world, "wording", case).document, []

    def ask(login: str) -> None:
        try:
            make(world, "wording", case, login)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=ask, args=(login,)) for login in ("wangfang", "wangfang", "wangfang")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    with world.services.engine.connect() as conn:
        found = [
            one for one in document_lookup.of_case(conn, case.id, world.actor("wangfang")) if one.kind == "wording"
        ]
    assert begun.mark == "许自然资舆口〔2026〕1号"
    assert sorted(one.mark for one in found) == [f"许自然资舆口〔2026〕{n}号" for n in range(1, 5)]


def test_two_processes_never_give_the_same_number(world: World, case: CaseView, monkeypatch):
    """The other process takes the number between our look and our writing."""
    theirs, real = [], documents.docx_pdf.pdf

    def slow(*args: object) -> bytes:
        if not theirs:
            theirs.append(None)
            monkeypatch.setattr(documents, "_ONE_AT_A_TIME", threading.Lock())
            theirs[0] = make(world, "supervision", case)
        return real(*args)

    monkeypatch.setattr(documents.docx_pdf, "pdf", slow)
    ours = make(world, "supervision", case)

    assert (theirs[0].number, ours.number) == ("许自然资舆督〔2026〕1号", "许自然资舆督〔2026〕2号")
    assert ours.number in word.text(ours.docx)


def test_the_same_page_sent_twice_makes_one_document(world: World, case: CaseView):
    first = make(world, "catalogue", case, command_id="page-1")
    count = len(entries(world))

    again = make(world, "catalogue", case, command_id="page-1")

    assert again == first
    assert len(entries(world)) == count


def test_a_correction_replaces_and_the_old_one_stays_as_it_was(world: World, case: CaseView):
    old = make(world, "submission", case)

    new = make(world, "submission", case, replaces=old.document.number, reason="等级有误")

    assert f"本件替代 {old.number}，原件作废。原因：等级有误" in word.text(new.docx)
    with world.services.engine.connect() as conn:
        kept = document_lookup.get(conn, old.document.number)
    assert kept is not None and kept.replaced_by == new.document.number
    with world.services.files.open(kept.docx_sha256) as content:
        assert content.read() == old.docx
    for more, key in (
        ({"replaces": old.document.number, "reason": "再改"}, "document.replaced_already"),
        ({"replaces": new.document.number}, "form.refused"),
        ({"replaces": 10_000, "reason": "x"}, "document.nothing_to_replace"),
    ):
        assert refused(world, "submission", case.id, **more) == key
    assert (
        refused(world, "assignment", case.id, replaces=new.document.number, reason="x") == "document.nothing_to_replace"
    )


@pytest.mark.parametrize(
    "statement",
    ["UPDATE made_documents SET title = 'x'", "DELETE FROM made_documents", "DELETE FROM document_templates"],
)
def test_the_database_refuses_to_change_or_delete_a_document(world: World, case: CaseView, statement: str):
    make(world, "catalogue", case)
    document_templates.replace(
        world.services, world.actor("sunli"), "press", word.written("{{文号}} {{新闻通稿}}"), "a.docx", "试"
    )

    with pytest.raises(DBAPIError, match="only ever added to"), writing(world.services.engine) as conn:
        conn.execute(text(statement))


def test_making_and_taking_out_are_logged_and_what_is_taken_out_is_marked(world: World, case: CaseView):
    made = make(world, "assignment", case)
    chief = world.actor("liuwei")

    docx = document_lookup.taken_out(world.services, chief, made.document, "docx", "10.0.0.7")
    pdf = document_lookup.taken_out(world.services, chief, made.document, "pdf", "10.0.0.7")

    with world.services.engine.connect() as conn:
        rows = conn.execute(
            select(export_log, export_results.c.sha256)
            .join(export_results, export_results.c.export == export_log.c.number)
            .order_by(export_log.c.number.desc())
            .limit(3)
        ).all()
    assert [(row.kind, row.user_id, row.subject) for row in rows] == [
        ("document_pdf", "liuwei", f"{made.number} {case.id}"),
        ("document_docx", "liuwei", f"{made.number} {case.id}"),
        ("document_made", "wangfang", f"{made.number} {case.id}"),
    ]
    assert rows[2].sha256 == made.document.docx_sha256
    header = word.Document(io.BytesIO(docx)).sections[0].header.paragraphs[0].text
    assert "刘伟（liuwei）" in header and f"导出 第{rows[1].number}号" in header
    assert all(f"导出 第{rows[0].number}号" in page for page in word.pdf_text(pdf))
    assert word.text(docx) == word.text(made.docx)
    assert "导出" not in "".join(word.pdf_text(made.pdf))


READERS = {
    # login: (交办单, 呈批单): the office, leaders, the auditor; a unit the case is assigned to; one that it is not
    "wangfang": (True, True), "liuwei": (True, True), "zhaoming": (True, True), "liqiang": (True, False),
    "zhouwei": (False, False), "sunli": (False, False), "qianjin": (False, False),
}  # fmt: skip


@pytest.mark.parametrize("login", sorted(READERS))
def test_who_must_know_reads_and_nobody_else(world: World, case: CaseView, login: str):
    both = [make(world, kind, case).document for kind in ("assignment", "submission")]
    actor = world.actor(login)

    with world.services.engine.connect() as conn:
        one_by_one = tuple(document_lookup.readable_by(conn, actor, one) for one in both)
        listed = {one.number for one in document_lookup.page(conn, actor, Wanted(), 1, 500).rows}

    assert one_by_one == READERS[login]
    assert tuple(one.number in listed for one in both) == READERS[login]


def test_who_makes_what(world: World, case: CaseView):
    assert refused(world, "assignment", case.id, "fengxue") == "document.not_yours"
    assert refused(world, "assignment", case.id, "liuwei") == "document.not_yours"
    assert refused(world, "assignment", case.id, "zhouwei") == "case.unknown"
    assert refused(world, "assignment", "WQ-2026-999999") == "case.unknown"
    assert refused(world, "poem", case.id) == "document.unknown_kind"
    assert refused(world, "briefing_daily", case.id) == "document.unknown_kind"
    assert make(world, "supervision", case, "fengxue").document.made_by == "fengxue"


def test_a_briefing_counts_its_day_masks_numbers_and_is_read_by_whom_it_is_sent_to(world: World, case: CaseView):
    world.open(title="网友王某 13812345678 反映豫K12345 渣土车扬尘，身份证 411002199001011234")
    today = date(2026, 3, 2)
    made = make(world, "briefing_daily", None, day=today, recipients=("chief", "unit:guihua"))

    told = word.text(made.docx)

    assert "登记网络舆情 2 件：重大负面 1 件" in told and "超时 2 次" in told
    assert "138****5678" in told and "13812345678" not in told
    assert "411002********1234" in told and "豫K****5" in told
    assert "分送：局主要领导、国土空间规划科" in told and "8小时意见时限" in told
    sent, not_sent = PEOPLE_OF_UNITS["guihua"], PEOPLE_OF_UNITS["gengbao"]
    for login, reads in ((sent, True), (not_sent, False), ("liuwei", True), ("zhaoming", True)):
        with world.services.engine.connect() as conn:
            actor = world.actor(login)
            assert document_lookup.readable_by(conn, actor, made.document) is reads, login
            assert (
                made.document.number in {one.number for one in document_lookup.page(conn, actor, Wanted(), 1, 500).rows}
            ) is reads
    assert refused(world, "briefing_daily", "", day=date(2026, 3, 3)) == "form.refused"
    assert refused(world, "briefing_daily", "", day=today, recipients=("unit:nowhere",)) == "document.unknown_recipient"
    assert refused(world, "briefing_daily", "", "fengxue", day=today) == "document.not_yours"


def test_a_template_that_passed_its_check_is_used_and_an_earlier_one_can_be_again(world: World, case: CaseView):
    services, owner = world.services, world.actor("sunli")
    bad = document_templates.replace(services, owner, "catalogue", word.written("{{档号x}}"), "坏.docx", "试")
    assert isinstance(bad, tuple) and bad[0].params["tag"] == "{{档号x}}"

    kept = document_templates.replace(
        services, owner, "catalogue", word.written("新版 {{案件标题}}", "{{文号}}"), "新.docx", "改版"
    )
    assert isinstance(kept, document_templates.Template)
    changed = make(world, "catalogue", case)
    again = document_templates.restore(services, owner, "catalogue", document_templates.SHIPPED, "改回")
    assert isinstance(again, document_templates.Template)
    back = make(world, "catalogue", case)

    assert word.text(changed.docx) == f"新版 网友反映耕地被占用\n{changed.number}"
    assert changed.document.template == kept.sha256
    assert "网络舆情归档目录" in word.text(back.docx)
    with services.engine.connect() as conn:
        assert [one.reason for one in document_templates.history(conn, "catalogue")] == ["改回", "改版", ""]
    told = [event for event in entries(world) if event["kind"] == "TemplateReplaced"][-2:]
    assert [one["sha256"] for one in told] == [kept.sha256, again.sha256]


def test_who_may_change_templates_and_what_is_asked_of_him(world: World):
    services, good = world.services, word.written("{{文号}}")

    def key(login: str, *, kind: str = "reply", name: str = "a.docx", reason: str = "试") -> str:
        outcome = document_templates.replace(services, world.actor(login), kind, good, name, reason)
        return outcome.key if isinstance(outcome, Rejection) else type(outcome).__name__

    assert key("zhaoming") == "access.separated_role"
    assert key("liuwei") == "access.no_role"
    assert key("sunli", kind="poem") == "document.unknown_kind"
    assert key("sunli", reason=" ") == "form.refused"
    assert key("sunli", name="a.docm") == "document.template.ending"
    assert key("wangfang") == "Template"
    assert key("wangfang") == "document.template.in_use"


def test_an_archive_package_holds_the_documents_of_its_case_and_no_others(world: World, case: CaseView, tmp_path: Path):
    first = make(world, "submission", case)
    make(world, "submission", case, replaces=first.document.number, reason="更正")
    make(world, "briefing_daily", None, day=date(2026, 3, 2))
    services = world.services
    with services.engine.connect() as conn:
        selection = package_selection.chosen(conn, (case.id,))
        rows = conn.execute(select(made_documents.c.number).where(made_documents.c.case_id == case.id)).scalars().all()
        kept = {number: document_lookup.get(conn, number) for number in rows}
    made = packages.make(services, world.actor("zhaoming"), selection, "")
    assert not isinstance(made, Rejection), made

    package = offline_verifier.open_package(str(made.path))
    report = offline_verifier.Verifier(package).run()
    with package.open("data/documents.json") as stream:
        listed = json.load(stream)
    package.close()
    made.path.unlink()

    assert report.faults == []
    assert [one.number for one in report.checks if one.name == "documents"] == [len(rows)]
    assert {one["number"]: (one["mark"], one["replaced_by"]) for one in listed} == {
        number: (one.mark, one.replaced_by) for number, one in kept.items() if one is not None
    }
    assert any(one["void"] for one in listed)


def test_verify_finds_nothing_wrong_and_then_what_somebody_changed_behind_the_programs_back(
    world: World, case: CaseView
):
    made = make(world, "assignment", case)
    parts = Asked(parts=("chains", "documents", "files"))
    clean = verify(world.services, parts)
    assert [fault for part in clean.parts for fault in part.faults] == []
    assert next(part for part in clean.parts if part.name == "documents").checked >= 1

    with writing(world.services.engine) as conn:
        if conn.dialect.name == "sqlite":
            conn.execute(text("DROP TRIGGER made_documents_no_update"))
        else:
            conn.execute(text("ALTER TABLE made_documents DISABLE TRIGGER USER"))
        conn.execute(made_documents.update().where(made_documents.c.number == made.document.number).values(mark="别的"))
    path = world.services.files._path(made.document.pdf_sha256)
    path.chmod(0o600)
    path.write_bytes(b"other")
    found = {(fault.what, fault.where) for part in verify(world.services, parts).parts for fault in part.faults}

    assert ("document_differs", f"made_documents {made.document.number}") in found
    assert ("file_differs", documents.STREAM) in found


def test_every_kind_has_a_word_of_its_own_and_the_profile_may_choose_the_pattern(world: World):
    words = [kind.word for kind in KINDS.values()]
    assert len(words) == len(set(words))
    bundle = world.services.deployments.bundle()
    bundle.regulation["documents"] = {"number": "许资规舆{word}[{year}]{number}号", "words": {"assignment": "办"}}
    try:
        assert documents.marked(bundle, KINDS["assignment"], 2027, 3) == "许资规舆办[2027]3号"
        assert documents.marked(bundle, KINDS["reply"], 2027, 3) == "许资规舆复[2027]3号"
    finally:
        del bundle.regulation["documents"]
    assert json.dumps(sorted(KINDS))
