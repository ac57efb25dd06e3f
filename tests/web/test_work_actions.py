"""Around a task: claim, release, transfer, delegate, return, co-sign, cc, urge, withdraw, comment, acknowledge."""

import pytest

from engine.domain.commands import ClaimTask, DelegateTask, RequestCosign, TransferTask
from engine.readmodels import dossier
from tests.support.desk import SCREENED, Browser, Desk, blocks, task_url
from tests.support.world import CaseView


@pytest.fixture
def case(desk: Desk) -> CaseView:
    return desk.registered()


@pytest.fixture
def task(case: CaseView) -> str:
    return case.task("Task_screen")


def act(seat: Browser, case: CaseView, name: str, **fields: object):
    return seat.post(f"/cases/{case.id}/{name}", fields)


def test_a_claimed_task_is_the_claimers_until_released(desk: Desk, case: CaseView, task: str):
    clerk = desk.seat("wangfang")

    claimed = act(clerk, case, "claim", task=task)
    assert claimed.status_code == 303
    assert desk.row(case, task).assignee == "wangfang"
    released = act(clerk, case, "release", task=task)

    assert (released.status_code, released.location) == (303, "/inbox")
    assert desk.row(case, task).assignee == ""


def test_a_task_that_somebody_else_has_claimed_says_who(desk: Desk, case: CaseView, task: str):
    desk.world.do("lina", ClaimTask(task), case.id)

    answer = act(desk.seat("wangfang"), case, "claim", task=task)

    assert answer.status_code == 409
    assert "李娜" in answer.text


def test_a_transferred_task_is_the_others_and_says_why(desk: Desk, case: CaseView, task: str):
    answer = act(desk.seat("wangfang"), case, "transfer", task=task, to="lina", reason="今天外出")

    assert answer.status_code == 303
    assert desk.row(case, task).assignee == "lina"
    page = desk.seat("lina").get(task_url(case, task)).text
    assert "王芳 转办" in page and "“今天外出”" in page


def test_a_transfer_without_a_reason_comes_back_with_what_was_chosen(desk: Desk, case: CaseView, task: str):
    answer = act(desk.seat("wangfang"), case, "transfer", task=task, to="lina", reason=" ")

    assert answer.status_code == 422
    assert '<option value="lina" selected>' in answer.text
    assert 'id="reason-fault"' in answer.text
    assert desk.row(case, task).assignee == ""


@pytest.mark.parametrize("to", ["nobody", "qianjin", "zhaoming", "wangfang", ""])
def test_a_task_goes_only_to_somebody_else_who_does_case_work(desk: Desk, case: CaseView, task: str, to: str):
    answer = act(desk.seat("wangfang"), case, "transfer", task=task, to=to, reason="请办")

    assert answer.status_code == 422
    assert 'id="to-fault"' in answer.text
    assert desk.row(case, task).assignee == ""


def test_the_picker_offers_colleagues_by_unit_and_no_admins(desk: Desk, case: CaseView, task: str):
    page = desk.seat("wangfang").get(f"/cases/{case.id}/transfer", query_string={"task": task}).text

    assert '<optgroup label="耕地保护科">' in page
    assert '<option value="liqiang">' in page
    assert 'value="qianjin"' not in page
    assert '<option value="wangfang"' not in page


def test_a_delegated_task_can_be_returned_to_its_owner(desk: Desk, case: CaseView, task: str):
    act(desk.seat("wangfang"), case, "delegate", task=task, to="lina", reason="请代拟")
    assert (desk.row(case, task).owner, desk.row(case, task).assignee) == ("wangfang", "lina")

    answer = act(desk.seat("lina"), case, "give-back", task=task, reason="不熟悉情况")

    assert answer.status_code == 303
    assert (desk.row(case, task).owner, desk.row(case, task).assignee) == ("", "wangfang")
    assert "“不熟悉情况”" in desk.seat("wangfang").get(task_url(case, task)).text


def test_signatures_are_asked_for_given_and_listed(desk: Desk, case: CaseView, task: str):
    clerk = desk.seat("wangfang")
    act(clerk, case, "claim", task=task)

    asked = act(clerk, case, "request-cosign", task=task, users=["lina", "huangtao"], note="请过目")
    signed = act(desk.seat("lina"), case, "cosign", task=task, agree="yes")
    page = clerk.get(task_url(case, task)).text

    assert (asked.status_code, signed.status_code) == (303, 303)
    assert "还在等待 黄涛 会签" in page
    assert "请过目" in page
    assert "同意" in page


def test_a_no_needs_a_comment(desk: Desk, case: CaseView, task: str):
    desk.world.do("wangfang", ClaimTask(task), case.id)
    desk.world.do("wangfang", RequestCosign(task, ("lina",)), case.id)

    silent = act(desk.seat("lina"), case, "cosign", task=task, agree="no", comment="")
    said = act(desk.seat("lina"), case, "cosign", task=task, agree="no", comment="依据不足")

    assert silent.status_code == 422
    assert 'id="comment-fault"' in silent.text
    assert said.status_code == 303
    assert "依据不足" in desk.seat("wangfang").get(task_url(case, task)).text


def test_a_request_to_sign_can_be_cancelled(desk: Desk, case: CaseView, task: str):
    desk.world.do("wangfang", ClaimTask(task), case.id)
    desk.world.do("wangfang", RequestCosign(task, ("lina",)), case.id)

    act(desk.seat("wangfang"), case, "cancel-cosign", task=task, user="lina")

    assert desk.seat("wangfang").send_form(task_url(case, task), SCREENED).status_code == 303


def test_who_was_not_asked_does_not_sign(desk: Desk, case: CaseView, task: str):
    assert act(desk.seat("lina"), case, "cosign", task=task, agree="yes").status_code == 403


def test_a_copied_case_can_be_read_and_is_acknowledged(desk: Desk, case: CaseView):
    reader = desk.seat("zhouwei")
    assert reader.get(f"/cases/{case.id}").status_code == 404

    act(desk.seat("wangfang"), case, "copy", groups=["unit:shengtai", "user:chenjing"], note="请阅")
    unread = reader.get("/inbox?view=copies").text
    act(reader, case, "acknowledge")

    assert case.id in unread and "“请阅”" in unread
    assert reader.get(f"/cases/{case.id}").status_code == 200
    with desk.world.services.engine.connect() as conn:
        assert [read.user_id for read in dossier.reads_of(conn, case.id)] == ["zhouwei"]


def test_a_copy_goes_to_groups_of_the_list_only(desk: Desk, case: CaseView):
    for groups in ([], ["role:everybody"], ["unit:nowhere"], ["user:qianjin"]):
        assert act(desk.seat("wangfang"), case, "copy", groups=groups).status_code == 422, groups


def test_an_urge_is_kept_as_evidence(desk: Desk, case: CaseView, task: str):
    desk.world.do("wangfang", ClaimTask(task), case.id)

    answer = act(desk.seat("zhaogang"), case, "urge", task=task, note="请今天完成")

    assert answer.status_code == 303
    assert desk.row(case, task).urged == 1


def test_a_submission_is_withdrawn_with_a_reason(desk: Desk, case: CaseView, task: str):
    clerk = desk.seat("wangfang")
    clerk.send_form(task_url(case, task), SCREENED)
    seq = desk.row(case, task).completed_seq

    page = clerk.get(f"/cases/{case.id}/withdraw", query_string={"seq": seq, "task": task})
    answer = act(clerk, case, "withdraw", task=task, seq=seq, reason="填写有误")

    assert page.status_code == 200 and f'name="seq" value="{seq}"' in page.text
    assert answer.status_code == 303
    assert desk.row(case, task).state == "open"
    assert clerk.get(answer.location).status_code == 200


def test_a_withdrawal_is_refused_once_somebody_has_acted_and_says_who(desk: Desk, case: CaseView, task: str):
    clerk = desk.seat("wangfang")
    clerk.send_form(task_url(case, task), SCREENED)
    seq = desk.row(case, task).completed_seq
    desk.world.do("lina", ClaimTask(case.task("Task_grade")), case.id)

    answer = act(clerk, case, "withdraw", task=task, seq=seq, reason="填写有误")

    assert answer.status_code == 409
    assert "李娜" in answer.text and "2026-03-02 09:00" in answer.text


def test_a_comment_stands_in_the_case_and_is_never_markup(desk: Desk, case: CaseView, task: str):
    answer = act(desk.seat("wangfang"), case, "comment", task=task, text="<b>请注意</b>")

    assert answer.status_code == 303
    page = desk.seat("lina").get(task_url(case, task)).text
    assert "&lt;b&gt;请注意&lt;/b&gt;" in page


def test_an_action_sent_twice_counts_once(desk: Desk, case: CaseView):
    clerk = desk.seat("wangfang")
    once = {"text": "只说一遍", "command_id": "0123456789abcdef" * 2}

    act(clerk, case, "comment", **once)
    act(clerk, case, "comment", **once)

    with desk.world.services.engine.connect() as conn:
        assert [comment.text for comment in dossier.comments_of(conn, case.id)] == ["只说一遍"]


def test_nobody_returns_what_a_colleague_holds(desk: Desk, case: CaseView, task: str):
    desk.world.do("wangfang", TransferTask(task, "huangtao", "请办"), case.id)
    desk.world.do("huangtao", DelegateTask(task, "xuli", "请代拟"), case.id)

    answer = act(desk.seat("lina"), case, "give-back", task=task, reason="试试")

    assert answer.status_code in (403, 409)
    assert desk.row(case, task).assignee == "xuli"


@pytest.mark.parametrize(
    "name",
    ["claim", "release", "transfer", "delegate", "give-back", "request-cosign", "cancel-cosign", "cosign", "copy",
     "acknowledge", "urge", "withdraw", "comment"],
)  # fmt: skip
def test_a_case_one_may_not_read_does_not_exist_for_any_action(desk: Desk, case: CaseView, task: str, name: str):
    fields = {
        "task": task,
        "to": "lina",
        "reason": "x",
        "users": "lina",
        "groups": "unit:gengbao",
        "text": "x",
        "seq": 2,
    }

    assert act(desk.seat("zhouwei"), case, name, **fields).status_code == 404
    assert act(desk.seat("zhaoming"), case, name, **fields).status_code == 403
    assert len(case.kinds("CaseOpened")) == 1 and not case.kinds("CommentAdded")


def test_a_message_of_the_case_has_its_form_and_is_sent(desk: Desk):
    case = desk.graded()
    office = desk.seat("wangfang")
    url = f"/cases/{case.id}/messages/regrade"

    page = office.get(url)
    refused = office.send_form(url, {"regrade_to": "major_negative"})
    sent = office.send_form(url, {"regrade_to": "major_negative", "regrade_reason": "多家媒体集中报道"})

    assert page.status_code == 200
    assert blocks(page)["form-schema"]["id"] == "regrade_request"
    assert refused.status_code == 422
    assert list(blocks(refused)["form-faults"]) == ["regrade_reason"]
    assert (sent.status_code, sent.location) == (303, f"/cases/{case.id}")
    assert [event["message"] for event in case.kinds("MessageReceived")] == ["regrade"]


def test_a_message_that_is_not_awaited_or_not_ones_own_is_refused(desk: Desk, case: CaseView):
    graded = desk.graded()

    assert desk.seat("wangfang").get(f"/cases/{case.id}/messages/regrade").status_code == 409
    assert desk.seat("zhaogang").get(f"/cases/{graded.id}/messages/regrade").status_code == 403
    assert desk.seat("zhouwei").get(f"/cases/{graded.id}/messages/regrade").status_code == 404


def test_a_message_under_way_is_saved_restored_and_forgotten(desk: Desk):
    case = desk.graded()
    office = desk.seat("wangfang")
    url = f"/cases/{case.id}/messages/regrade"

    assert office.post(f"/drafts{url}", {"submission": '{"regrade_reason": "写到一半"}'}).status_code == 204
    assert blocks(office.get(url))["form-data"]["regrade_reason"] == "写到一半"
    office.post(f"/drafts{url}/discard")
    assert blocks(office.get(url))["form-data"].get("regrade_reason") in (None, "")
    assert desk.seat("zhouwei").post(f"/drafts{url}", {"submission": "{}"}).status_code == 404
