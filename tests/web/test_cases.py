"""The pages of a case: who sees it, where it stands, why, who did what, and its papers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event

from engine.domain.commands import AddComment, AttachFile, CopyCase, UrgeTask
from engine.domain.rejection import Rejection
from engine.readmodels import dossier
from engine.service import case_snapshot, case_view, people_log
from tests.support import walks
from tests.support.desk import Desk, blocks, task_url
from tests.support.world import CaseView, shipped_files


def assigned(desk: Desk, *units: str, **values: str) -> CaseView:
    """An ordinary case in which the units have begun to work; without units the farmland section."""
    case = walks.graded(desk.world, **values)
    walks.assign(case, *(units or ("gengbao",)))
    return case


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """The statements sent to the database meanwhile."""
    sent: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *more: Any) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def marks(page: str) -> dict[str, list[str]]:
    return blocks_of(page)["diagram"]["marks"]


def blocks_of(page: str) -> dict:
    class Answer:
        text = page

    return blocks(Answer())


def test_the_list_shows_every_case_to_the_office_and_to_others_only_theirs(own_desk: Desk):
    own_desk.registered(title="占用耕地一事")
    mine = own_desk.registered(title="绿地围挡一事")
    own_desk.world.do("wangfang", CopyCase(("user:zhouwei",)), mine.id)

    office, other = own_desk.seat("wangfang").get("/cases").text, own_desk.seat("zhouwei").get("/cases").text

    assert "占用耕地一事" in office and "绿地围挡一事" in office and "共 2 件" in office
    assert "绿地围挡一事" in other and "共 1 件" in other
    assert "与我和我单位有关的案件" in other


def test_the_list_finds_by_words_and_filters(own_desk: Desk):
    own_desk.registered(title="绿地围挡", district="建安区")
    own_desk.registered(title="办证材料", district="魏都区")
    seat = own_desk.seat("wangfang")

    assert re.findall(r'fw-bold" href="/cases/[^"]*">([^<]*)<', seat.get("/cases?q=绿地").text) == ["绿地围挡"]
    assert re.findall(r'fw-bold" href="/cases/[^"]*">([^<]*)<', seat.get("/cases?district=魏都区").text) == ["办证材料"]
    assert "没有符合条件的案件" in seat.get("/cases?q=没有这样的词").text
    assert "没有符合条件的案件" in seat.get("/cases?overdue=1").text


@pytest.mark.parametrize("page", ["", "/timeline", "/papers", "/people", "/documents/late_report_no_1"])
def test_a_case_that_does_not_concern_somebody_is_not_there(desk: Desk, page: str):
    case = desk.registered()

    assert desk.seat("zhouwei").get(f"/cases/{case.id}{page}").status_code == 404
    assert desk.seat("wangfang").get(f"/cases/WQ-2026-999999{page}").status_code == 404


def test_a_refused_look_at_a_case_is_written_down(own_desk: Desk):
    case = own_desk.registered()

    own_desk.seat("zhouwei").get(f"/cases/{case.id}")

    with own_desk.world.services.engine.connect() as conn:
        events = [line.what for line in people_log.security_events(conn).lines]
    assert "access_refused" in events


def test_the_diagram_shows_what_was_done_what_waits_and_with_whom(desk: Desk):
    case = desk.registered()

    page = desk.seat("wangfang").get(f"/cases/{case.id}").text
    drawn = blocks_of(page)["diagram"]

    assert drawn["xml"].startswith("<?xml")
    assert drawn["marks"]["Task_screen"] == ["soon"]  # half an hour is left
    assert drawn["marks"]["Event_triage_start"] == ["completed"]
    assert "办公室" in drawn["about"]["Task_screen"]
    assert {"Task_screen"} <= {note["element"] for note in drawn["notes"]}


def test_the_diagram_of_each_call_can_be_asked_for_and_an_unknown_one_is_not_found(desk: Desk):
    case = desk.registered()
    seat = desk.seat("wangfang")

    whole = blocks_of(seat.get(f"/cases/{case.id}?scope=").text)["diagram"]

    assert whole["name"] == "舆情案件办理"
    assert whole["marks"]["Call_case_round"] == ["running"]
    assert "scope=Call_case_round" in whole["links"]["Call_case_round"]
    assert seat.get(f"/cases/{case.id}?scope=Call_nowhere%231").status_code == 404


def test_each_unit_has_a_diagram_of_its_own(desk: Desk):
    case = assigned(desk, "gengbao", "shengtai")

    diagrams = case_view.diagram(desk.world.services, case.id)

    units = [one.unit for one in diagrams if one.process == "unit_handling"]
    assert sorted(units) == ["gengbao", "shengtai"]
    assert all(one.parent for one in diagrams if one.process == "unit_handling")


def test_an_element_whose_time_is_over_is_marked_overdue(desk: Desk):
    case = desk.registered()
    desk.world.wait(minutes=40)

    page = desk.seat("wangfang").get(f"/cases/{case.id}").text

    assert marks(page)["Task_screen"] == ["overdue"]


def test_a_running_limit_is_explained_line_by_line(desk: Desk):
    case = desk.registered()

    page = desk.seat("wangfang").get(f"/cases/{case.id}").text
    told = re.findall(r"<li[^>]*>(.*?)</li>", page.split('class="explain', 1)[1].split("</ol>")[0])
    lines = [re.sub("<[^>]*>", "", line) for line in told]

    assert lines[0].startswith("起算：")
    assert lines[0].endswith("2026-03-02 09:00")
    assert any(line.startswith("规则：") for line in lines)
    assert "到期：2026-03-02 09:30" in lines
    assert "依据条款：甄别（R24）" in lines
    assert any('title="对搜集到的自然资源网络舆情及时进行分析、甄别"' in line for line in told), "the words themselves"


def test_a_task_says_in_words_which_clause_it_serves(desk: Desk):
    case = desk.registered()
    seat = desk.seat("wangfang")

    assert "甄别（R24）</span>" in seat.get(task_url(case, case.task("Task_screen"))).text


def test_what_was_written_stands_in_the_order_of_the_work_units_among_the_rest(desk: Desk):
    case = assigned(desk, "gengbao", "shengtai")
    for unit in ("shengtai", "gengbao"):
        case.fill("Task_sign", unit)
    case.fill("Task_confirm_subject")

    page = desk.seat("wangfang").get(f"/cases/{case.id}/papers").text

    told = re.findall(r'<summary class="fw-bold">([^<]*)</summary>', page)
    assert told[-3:] == ["签收（耕地保护科）", "签收（生态修复科）", "认定回应主体"]


def test_the_page_says_which_rules_fired_and_why(desk: Desk):
    case = walks.graded(desk.world)

    page = desk.seat("wangfang").get(f"/cases/{case.id}").text

    assert "判定依据" in page
    assert re.search(r"依据“[^”]*”第 \d+ 条规则：R\d+", page)
    assert "判定时的取值" in page


def test_the_timeline_tells_who_did_what_newest_first(desk: Desk):
    case = walks.graded(desk.world)
    desk.world.do("wangfang", AddComment("已电话核实"), case.id)

    page = desk.seat("wangfang").get(f"/cases/{case.id}/timeline").text
    numbers = [int(number) for number in re.findall(r"#(\d+)</span>", page)]

    assert numbers == sorted(numbers, reverse=True)
    assert "办结：甄别" in page
    assert "登记案件：网友反映耕地被占用" in page
    assert "已电话核实" in page
    assert "system:" not in page


def test_the_timeline_can_be_narrowed_to_a_topic_and_a_person(desk: Desk):
    case = walks.graded(desk.world)
    desk.world.do("zhangmin", AddComment("请抓紧"), case.id)
    seat = desk.seat("wangfang")

    talk = seat.get(f"/cases/{case.id}/timeline?topic=talk").text
    his = seat.get(f"/cases/{case.id}/timeline?who=zhangmin").text
    detailed = seat.get(f"/cases/{case.id}/timeline?minor=1").text

    assert "请抓紧" in talk and "办结：甄别" not in talk
    assert "请抓紧" in his and "登记案件" not in his
    assert "通知 " in detailed and "通知 " not in seat.get(f"/cases/{case.id}/timeline").text


def test_every_line_of_a_long_case_is_a_sentence(desk: Desk):
    case = walks.archived(desk.world)

    page = desk.seat("wangfang").get(f"/cases/{case.id}/timeline?minor=1").text

    assert "timeline." not in page
    assert "notice." not in page
    assert not re.search(r"\{[a-z_]+\}", page.split("<main")[1])


def test_what_was_filled_in_is_shown_in_the_words_of_the_forms(desk: Desk):
    case = assigned(desk)
    walks.give_opinion(case)

    page = desk.seat("wangfang").get(f"/cases/{case.id}/papers").text

    assert "来源类型" in page and "论坛" in page
    assert re.search(r"主办单位</dt><dd[^>]*>\s*耕地保护科", page)
    assert re.search(r"（耕地保护科）</summary>", page)


def test_a_late_report_is_a_paper_with_rule_anchor_due_and_holders(desk: Desk):
    case = desk.registered()
    desk.world.wait(minutes=40)
    seat = desk.seat("wangfang")

    listed = seat.get(f"/cases/{case.id}/papers").text
    paper = seat.get(f"/cases/{case.id}/documents/late_report_no_1").text

    assert f"/cases/{case.id}/documents/late_report_no_1" in listed
    assert "不及时不得力报告" in paper
    assert "2026-03-02 09:30:00" in paper
    assert re.search(r"甄别：[\s\S]*办公室", paper)
    assert seat.get(f"/cases/{case.id}/documents/nothing").status_code == 404


def test_a_file_is_shown_with_its_hash(desk: Desk):
    case = desk.registered()
    saved = {"id": "f" * 32, "name": "截图.png", "size": 12, "sha256": "ab" * 32, "media_type": "image/png"}
    desk.world.do("wangfang", AttachFile(saved, "首页截图"), case.id)

    page = desk.seat("wangfang").get(f"/cases/{case.id}/papers").text

    assert "截图.png" in page and "首页截图" in page
    assert "ab" * 32 in page


def test_a_comment_is_added_from_the_page_of_people(desk: Desk):
    case = desk.registered()
    seat = desk.seat("wangfang")
    page = seat.get(f"/cases/{case.id}/people").text
    command_id = re.search(r'name="command_id" value="([0-9a-f]{32})"', page)[1]

    for _ in range(2):
        answer = seat.post(f"/cases/{case.id}/comment", {"command_id": command_id, "text": "请关注"})

    assert answer.status_code == 303
    assert seat.get(f"/cases/{case.id}/people").text.count("请关注") == 1


def test_copies_and_read_receipts_are_shown_and_who_was_copied_is_asked_to_confirm(own_desk: Desk):
    case = own_desk.registered()
    own_desk.world.do("wangfang", CopyCase(("user:zhouwei",), "请阅"), case.id)
    reader = own_desk.seat("zhouwei")

    assert "本案抄送您阅知" in reader.get(f"/cases/{case.id}").text
    reader.post(f"/cases/{case.id}/acknowledge")

    assert "本案抄送您阅知" not in reader.get(f"/cases/{case.id}").text
    page = own_desk.seat("wangfang").get(f"/cases/{case.id}/people").text
    assert "由 王芳 抄送" in page
    assert re.search(r"周伟 <span[^>]*>2026-03-02 09:00", page)


def test_an_action_that_the_case_waits_for_is_offered_to_its_groups_only(desk: Desk):
    case = walks.graded(desk.world)

    office, reader = desk.seat("wangfang").get(f"/cases/{case.id}").text, desk.seat("zhaoming").get(f"/cases/{case.id}")

    assert f"/cases/{case.id}/messages/regrade" in office and "提请调整等级" in office
    assert reader.status_code == 200
    assert "messages/regrade" not in reader.text


def test_the_auditor_reads_everything_and_is_offered_nothing(desk: Desk):
    case = desk.registered()

    page = desk.seat("zhaoming").get(f"/cases/{case.id}").text

    assert "填写意见" not in page and "抄送" not in page and "催办" not in page


def test_who_submitted_last_is_offered_to_withdraw_for_half_an_hour(desk: Desk):
    case = desk.registered()
    case.fill("Task_screen")
    seat = desk.seat("wangfang")

    assert "撤回“甄别”" in seat.get(f"/cases/{case.id}").text
    desk.world.wait(minutes=31)
    assert "撤回“" not in seat.get(f"/cases/{case.id}").text


def test_urging_is_shown_at_the_task(desk: Desk):
    case = desk.registered()
    desk.world.do("zhaogang", UrgeTask(case.task("Task_screen")), case.id)

    assert "催办 1 次" in desk.seat("wangfang").get(f"/cases/{case.id}").text


def test_the_page_of_a_long_case_needs_no_more_statements_than_that_of_a_short_one(desk: Desk):
    short, long = desk.registered(), walks.archived(desk.world)
    seat = desk.seat("wangfang")
    seat.get(f"/cases/{long.id}")
    seat.get(f"/cases/{short.id}")

    with counted(desk.world.services.engine) as few:
        seat.get(f"/cases/{short.id}")
    with counted(desk.world.services.engine) as many:
        seat.get(f"/cases/{long.id}")

    assert len(many) <= len(few) + 3  # names of people, units and lines are asked for where there are any


def stuck(desk: Desk) -> CaseView:
    """A case whose last step came to a gateway that no flow leaves: the diagram lacks a default flow. The profile's own
    checks would not let it through (R40), so this office has none."""
    profile = shipped_files()["bpmn/regulation.toml"].decode()
    unchecked = profile[: profile.index("[checking]")] + profile[profile.index("[clauses.R01]") :]
    drawn = shipped_files()["bpmn/triage.bpmn"].decode()
    drawn = drawn.replace(' default="Flow_direct__triage_merge"', "")
    drawn = drawn.replace(
        'targetRef="Gateway_triage_merge" />',
        'targetRef="Gateway_triage_merge"><bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">=false'
        "</bpmn:conditionExpression></bpmn:sequenceFlow>",
        1,
    )
    deployed = desk.world.services.deployments.deploy(
        {**shipped_files(), "bpmn/triage.bpmn": drawn.encode(), "bpmn/regulation.toml": unchecked.encode()},
        "sunli",
        "测试",
        "without-default",
    )
    assert isinstance(deployed, tuple), deployed
    case = desk.registered()
    values = {"relevant": False, "directly_related": False, "authenticity": "genuine", "screen_note": "同名异地"}
    refused = case.try_submit("wangfang", "Task_screen", **values)
    assert isinstance(refused, Rejection) and refused.key == "case.incident", refused
    return case


def test_an_incident_is_shown_with_what_to_do_and_resolved_with_a_reason(own_desk: Desk):
    case = stuck(own_desk)
    office, other = own_desk.seat("wangfang"), own_desk.seat("zhangmin")

    page = office.get(f"/cases/{case.id}").text
    drawn = blocks_of(page)["diagram"]
    command_id = re.search(r'name="command_id" value="([0-9a-f]{32})"', page)[1]
    refused = other.post(f"/cases/{case.id}/incidents/1", {"reason": "我来处理"})
    empty = office.post(f"/cases/{case.id}/incidents/1", {"reason": " "})
    done = office.post(f"/cases/{case.id}/incidents/1", {"reason": "已请流程负责人补默认流", "command_id": command_id})

    assert "“直接相关？”的所有条件都不成立" in page and "怎么办：" in page
    assert drawn["marks"]["Task_screen"] == ["soon"]  # the step itself was undone
    assert "异常已处理，案件继续" not in other.get(f"/cases/{case.id}").text
    assert refused.status_code == 403
    assert empty.status_code == 422
    assert done.status_code == 303
    after = office.get(f"/cases/{case.id}").text
    assert "流程异常 1（" not in after
    told = office.get(f"/cases/{case.id}/timeline?topic=trouble").text
    assert "流程异常 1（Gateway_direct）" in told and "已请流程负责人补默认流" in told


def test_the_start_page_names_cases_with_open_incidents_to_who_may_resolve_them(own_desk: Desk):
    case = stuck(own_desk)

    assert "流程异常，待处理" in own_desk.seat("wangfang").get("/start").text
    assert "流程异常，待处理" not in own_desk.seat("zhangmin").get("/start").text
    assert f"/cases/{case.id}" in own_desk.seat("wangfang").get("/start").text


def test_only_what_the_form_reads_leaves_the_server(desk: Desk):
    case = desk.registered(body="只有需要的人才看得到的细节")
    desk.world.do("wangfang", AddComment("内部意见"), case.id)
    actor = desk.world.actor("wangfang")

    view = case_view.task_view(desk.world.services, case.id, case.task("Task_screen"), actor)

    form = desk.world.services.deployments.bundle().forms["screen"]
    assert isinstance(view, case_view.TaskView)
    assert view.may_work
    assert set(view.data) <= {name.partition(".")[0] for name in form.input_names()} | form.output_paths()
    assert "opened_by" not in view.data


def test_a_task_is_shown_only_to_who_has_to_do_with_it(desk: Desk):
    case = assigned(desk, "gengbao", "shengtai")
    services, task = desk.world.services, case.task("Task_sign", "gengbao")

    def seen(login: str) -> object:
        view = case_view.task_view(services, case.id, task, desk.world.actor(login))
        return view.may_work if isinstance(view, case_view.TaskView) else view.code

    assert seen("liqiang") is True
    assert seen("wangfang") is False  # the office oversees
    assert seen("zhouwei") == "forbidden"  # of the other unit: sees the case, not this task
    assert seen("chenjing") == "not_found"
    assert seen("zhaoming") is False  # the auditor sees everything and works on nothing


def test_nothing_is_read_from_a_stream_that_is_no_case(desk: Desk):
    assert case_snapshot.of_case(desk.world.services, "_deployments", lambda conn, case: case) is None
    assert case_snapshot.entries(desk.world.services, "_deployments") == ()
    assert case_view.diagram(desk.world.services, "WQ-2026-999999") == []


def test_documents_of_a_case_are_those_of_the_read_model(desk: Desk):
    case = desk.registered()
    desk.world.wait(minutes=40)

    with desk.world.services.engine.connect() as conn:
        found = dossier.documents_of(conn, case.id)

    assert [one.document for one in found] == ["late_report"]
