"""The page of a task and its form: shown, sent, refused, kept, submitted."""

import io
import json

import pytest

from engine.domain.commands import ClaimTask, Cosign, DelegateTask, RequestCosign
from engine.service.drafts import task_form
from tests.support.desk import SCREENED, Desk, blocks, task_url
from tests.support.world import CaseView

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
CONTACT = {
    "contact_body": "许都论坛运营方",
    "contact_at": "2026-03-02T09:10+08:00",
    "contact_result": "confirmed",
    "contact_answer": "发帖人为本地用户",
}


@pytest.fixture
def case(desk: Desk) -> CaseView:
    return desk.registered()


def test_a_task_page_gives_the_viewer_its_form_and_only_the_data_it_reads(desk: Desk, case: CaseView):
    page = desk.seat("wangfang").get(task_url(case, case.task("Task_screen")))

    given = blocks(page)
    assert page.status_code == 200
    assert given["form-schema"]["id"] == "screen"
    assert given["form-data"]["title"] == "网友反映耕地被占用"
    assert "opened_by" not in given["form-data"]


def test_a_task_page_shows_its_limit_counting_down_and_how_it_came_about(desk: Desk, case: CaseView):
    page = desk.seat("wangfang").get(task_url(case, case.task("Task_screen"))).text

    assert 'data-due="2026-03-02T01:30:00.000000Z"' in page
    assert "剩余 30分" in page
    assert "起算：" in page and "2026-03-02 09:30" in page


def test_a_submitted_form_completes_the_task_and_goes_back_to_the_inbox(desk: Desk, case: CaseView):
    office = desk.seat("wangfang")
    task = case.task("Task_screen")

    answer = office.send_form(task_url(case, task), SCREENED)

    assert (answer.status_code, answer.location) == (303, "/inbox")
    assert desk.row(case, task).completed_by == "wangfang"
    toast = office.get("/inbox").text
    assert case.id in toast
    assert f"/cases/{case.id}/withdraw?seq={desk.row(case, task).completed_seq}" in toast


def test_a_refused_form_comes_back_with_what_was_typed_and_each_error_at_its_field(desk: Desk, case: CaseView):
    task = case.task("Task_screen")

    answer = desk.seat("wangfang").send_form(task_url(case, task), {**SCREENED, "screen_note": "", "outlet_count": -1})

    given = blocks(answer)
    assert answer.status_code == 422
    assert given["form-data"]["business_line"] == "gengbao"
    assert set(given["form-faults"]) == {"screen_note", "outlet_count"}
    assert desk.row(case, task).state == "open"


def test_a_form_that_is_no_json_is_refused_and_nothing_is_done(desk: Desk, case: CaseView):
    task = case.task("Task_screen")
    office = desk.seat("wangfang")

    for sent in ("", "[1]", "{", '{"a": NaN}', '{"a":' * 5000 + "1" + "}" * 5000):
        answer = office.post(task_url(case, task), {"submission": sent})
        assert answer.status_code == 422, sent[:20]

    assert desk.row(case, task).state == "open"


def test_files_of_a_refused_form_are_kept_and_go_with_the_next_try(desk: Desk, case: CaseView):
    office = desk.seat("wangfang")
    url = task_url(case, case.task("Task_contact"))
    typed = {**CONTACT, "contact_evidence": "files::a1"}

    refused = office.send_form(
        url,
        {**typed, "contact_body": ""},
        **{"files::a1": [(io.BytesIO(PNG), "截图.png"), (io.BytesIO(b"text"), "b.txt")]},
    )
    assert refused.status_code == 422
    assert blocks(refused)["form-files"] == {"files::a1": [{"name": "截图.png"}, {"name": "b.txt"}]}
    assert blocks(refused)["form-data"]["contact_evidence"] == "files::a1"
    accepted = office.send_form(url, typed, refused.text)

    assert accepted.status_code == 303
    attached = [event["file"] for event in case.kinds("FileAttached")]
    assert [file["name"] for file in attached] == ["截图.png", "b.txt"]
    assert [file["media_type"] for file in attached] == ["image/png", "text/plain"]
    assert case.data["contact_evidence"][0]["sha256"] == attached[0]["sha256"]


def test_a_file_that_is_not_what_its_name_says_is_refused_at_its_field(desk: Desk, case: CaseView):
    url = task_url(case, case.task("Task_contact"))
    typed = {**CONTACT, "contact_evidence": "files::a1"}

    answer = desk.seat("wangfang").send_form(url, typed, **{"files::a1": (io.BytesIO(b"<script>"), "evil.png")})

    assert answer.status_code == 422
    assert "evil.png" in blocks(answer)["form-faults"]["contact_evidence"][0]


def test_kept_files_are_good_for_their_owner_only(desk: Desk, case: CaseView):
    url = task_url(case, case.task("Task_contact"))
    typed = {**CONTACT, "contact_evidence": "files::a1"}
    files = {"files::a1": (io.BytesIO(PNG), "a.png")}
    refused = desk.seat("wangfang").send_form(url, {**typed, "contact_body": ""}, **files)

    stolen = desk.seat("lina").send_form(url, typed, refused.text)

    assert stolen.status_code == 422
    assert list(blocks(stolen)["form-faults"]) == ["contact_evidence"]


def test_the_same_page_sent_twice_is_one_entry(desk: Desk, case: CaseView):
    office = desk.seat("wangfang")
    url = task_url(case, case.task("Task_screen"))
    page = office.get(url).text
    first = office.send_form(url, SCREENED, page)
    entries = len(case.kinds("TaskCompleted"))

    again = office.send_form(url, SCREENED, page)

    assert first.status_code == 303
    assert again.status_code in (303, 409)
    assert len(case.kinds("TaskCompleted")) == entries


def test_a_task_done_by_somebody_else_says_who_and_when_and_keeps_what_was_typed(desk: Desk, case: CaseView):
    clerk, head = desk.seat("wangfang"), desk.seat("lina")
    url = task_url(case, case.task("Task_screen"))
    page = clerk.get(url).text
    head.send_form(url, SCREENED)

    answer = clerk.send_form(url, {**SCREENED, "screen_note": "我的说明"}, page)

    assert answer.status_code == 409
    assert "“甄别”已由 李娜 于 2026-03-02 09:00 办结。" in answer.text
    assert "草稿" in answer.text


def test_a_task_held_by_somebody_else_cannot_be_submitted(desk: Desk, case: CaseView):
    task = case.task("Task_screen")
    desk.world.do("lina", ClaimTask(task), case.id)

    answer = desk.seat("wangfang").send_form(task_url(case, task), SCREENED)

    assert answer.status_code == 409
    assert "李娜" in answer.text


def test_an_unknown_task_and_a_hidden_case_look_alike(desk: Desk, case: CaseView):
    assert desk.seat("wangfang").get(f"/tasks/{case.id}/Task_nothing%231").status_code == 404
    assert desk.seat("zhouwei").get(task_url(case, case.task("Task_screen"))).status_code == 404
    assert desk.seat("wangfang").get("/tasks/WQ-2026-999999/Task_screen%231").status_code == 404


def test_a_draft_is_saved_restored_and_forgotten_when_the_form_is_sent(desk: Desk, case: CaseView):
    office = desk.seat("wangfang")
    task = case.task("Task_screen")
    url = task_url(case, task)

    saved = office.post(f"/drafts{url}", {"submission": json.dumps({"screen_note": "写到一半"})})
    page = office.get(url)
    colleague = desk.seat("lina").get(url)

    assert saved.status_code == 204
    assert blocks(page)["form-data"]["screen_note"] == "写到一半"
    assert "已恢复您在 2026-03-02 09:00 保存的草稿" in page.text
    assert "screen_note" not in blocks(colleague)["form-data"]
    office.send_form(url, SCREENED, page.text)
    assert desk.world.services.drafts.get("wangfang", task_form(case.id, task)) is None


def test_a_draft_can_be_discarded(desk: Desk, case: CaseView):
    office = desk.seat("wangfang")
    url = task_url(case, case.task("Task_screen"))
    office.post(f"/drafts{url}", {"submission": json.dumps({"screen_note": "写到一半"})})

    assert office.post(f"/drafts{url}/discard").status_code == 303

    assert "screen_note" not in blocks(office.get(url))["form-data"]


def test_nobody_saves_drafts_for_a_task_that_is_not_his(desk: Desk, case: CaseView):
    url = f"/drafts{task_url(case, case.task('Task_screen'))}"

    assert desk.seat("zhouwei").post(url, {"submission": "{}"}).status_code == 404
    assert desk.seat("zhaogang").post(url, {"submission": "{}"}).status_code == 404


def test_a_draft_does_not_overwrite_what_the_form_only_shows(desk: Desk, case: CaseView):
    case.submit("wangfang", "Task_screen", **SCREENED)
    office = desk.seat("wangfang")
    url = task_url(case, case.task("Task_grade"))
    schema = blocks(office.get(url))["form-schema"]
    shown = [part["key"] for part in schema["components"] if part.get("readonly") or part.get("disabled")]
    before = blocks(office.get(url))["form-data"]

    office.post(f"/drafts{url}", {"submission": json.dumps({**dict.fromkeys(shown, "alt"), "grade_reason": "理由"})})

    after = blocks(office.get(url))["form-data"]
    assert after["grade_reason"] == "理由"
    assert {key: after.get(key) for key in shown} == {key: before.get(key) for key in shown}


def test_a_leader_sends_an_instruction_in_one_tap(desk: Desk):
    case = desk.graded()
    leader = desk.seat("zhangmin")
    task = case.task("Task_instruct_vice")
    page = leader.get(task_url(case, task)).text
    assert '<button class="btn btn-primary" name="phrase" value="请速核实并报结果。" formnovalidate>' in page
    assert "30 分钟内" in page

    answer = leader.post(task_url(case, task), {"phrase": "请速核实并报结果。"})

    assert answer.status_code == 303
    assert desk.row(case, task).completed_by == "zhangmin"
    assert case.data["instructions"][-1]["text"] == "请速核实并报结果。"


def test_a_phrase_that_the_bundle_does_not_offer_is_no_instruction(desk: Desk):
    case = desk.graded()
    task = case.task("Task_instruct_vice")

    answer = desk.seat("zhangmin").post(task_url(case, task), {"phrase": "随便写的"})

    assert answer.status_code == 422
    assert desk.row(case, task).state == "open"


def test_what_a_delegate_prepared_is_in_the_owners_form(desk: Desk, case: CaseView):
    task = case.task("Task_screen")
    desk.world.do("wangfang", ClaimTask(task), case.id)
    desk.world.do("wangfang", DelegateTask(task, "lina", "请代拟"), case.id)
    delegate = desk.seat("lina")
    assert "王芳 委派给您代拟" in delegate.get(task_url(case, task)).text

    handed = delegate.send_form(task_url(case, task), {**SCREENED, "screen_note": "代拟的说明"})
    page = desk.seat("wangfang").get(task_url(case, task))

    assert handed.status_code == 303
    assert desk.row(case, task).state == "open"
    assert blocks(page)["form-data"]["screen_note"] == "代拟的说明"
    assert "以下内容由 李娜 代拟" in page.text


def test_a_pending_signature_holds_the_submission_up_and_keeps_what_was_typed(desk: Desk, case: CaseView):
    task = case.task("Task_screen")
    office = desk.seat("wangfang")
    desk.world.do("wangfang", ClaimTask(task), case.id)
    desk.world.do("wangfang", RequestCosign(task, ("lina",), "请过目"), case.id)
    url = task_url(case, task)

    refused = office.send_form(url, {**SCREENED, "screen_note": "待会签"})

    assert refused.status_code == 409
    assert "李娜" in refused.text
    assert blocks(office.get(url))["form-data"]["screen_note"] == "待会签"
    assert "还在等待 李娜 会签" in office.get(url).text
    desk.world.do("lina", Cosign(task, True), case.id)
    assert office.send_form(url, SCREENED).status_code == 303


def test_who_is_asked_to_sign_may_read_the_form_but_not_fill_it_in(desk: Desk, case: CaseView):
    task = case.task("Task_screen")
    desk.world.do("wangfang", ClaimTask(task), case.id)
    desk.world.do("wangfang", RequestCosign(task, ("huangtao",), ""), case.id)

    page = desk.seat("huangtao").get(task_url(case, task)).text

    assert "请您会签" in page
    assert " data-readonly" in page
    assert 'name="action"' not in page


def test_who_is_asked_to_sign_sees_the_draft_that_he_signs_and_nobody_else_does(desk: Desk, case: CaseView):
    task = case.task("Task_screen")
    desk.world.do("wangfang", ClaimTask(task), case.id)
    desk.world.do("wangfang", RequestCosign(task, ("huangtao",), ""), case.id)
    url = task_url(case, task)
    desk.seat("wangfang").post(f"/drafts{url}", {"submission": json.dumps({"screen_note": "拟定的说明"})})

    signer, overseer = desk.seat("huangtao").get(url), desk.seat("zhaogang").get(url)

    assert blocks(signer)["form-data"]["screen_note"] == "拟定的说明"
    assert "以下是 王芳 在 2026-03-02 09:00 保存的草稿" in signer.text
    assert overseer.status_code == 200
    assert blocks(overseer)["form-data"].get("screen_note") in (None, "")


def test_earlier_instructions_stand_beside_the_form(desk: Desk):
    case = desk.graded()
    case.submit("zhangmin", "Task_instruct_vice", instruction_text="务必今天答复。")

    page = desk.seat("wangfang").get(task_url(case, case.task("Task_assign"))).text

    assert "领导批示" in page
    assert "务必今天答复。" in page


def test_what_people_typed_is_never_markup(desk: Desk):
    case = desk.registered(title="</script><script>alert(1)</script>", url="https://x.example/")

    page = desk.seat("wangfang").get(task_url(case, case.task("Task_screen"))).text

    assert "<script>alert" not in page
