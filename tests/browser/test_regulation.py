"""The regulation from end to end: clicks of the cast in a real Chromium, against a real server with its worker."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.office import ROOT, Office, Sheet, Staff
from tests.support.world import MONDAY

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32
SCREENSHOT = {"name": "发布截图.png", "mimeType": "image/png", "buffer": PNG}
FARMLAND = "网友反映某村耕地被硬化"
LANDSLIDE = "砖厂取土致山体滑坡道路中断"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """It is Monday, 09:00. The test fails at its end if the server logged an error."""
    with Office(tmp_path, MONDAY) as opened:
        yield opened
    assert "Traceback" not in opened.log.read_text(), opened.log.read_text()


@pytest.fixture
def staff(office: Office, open_page: Callable[..., Page]) -> Staff:
    return Staff(office, open_page)


def item(title: str) -> dict[str, object]:
    """An item as the clerk registers it, by the labels of the form."""
    return {
        "标题": title,
        "内容摘要": "网帖称某村地块被硬化, 已引起跟帖讨论。",
        "来源类型": "论坛",
        "来源名称": "许都论坛（虚构）",
        "网址": "https://d01.example/1",
        "信息类别": "诉求",
        "涉及区划": "市本级",
        "发布日期": "2026-03-02 08:30",
        "发现人": "王芳",
        "我确认以上内容和附件不含国家秘密": True,
    }


def test_an_ordinary_case_goes_to_the_archive_with_the_breach_of_one_unit_on_record(office: Office, staff: Staff):
    number = staff["wangfang"].register(item(FARMLAND))
    staff.do(FARMLAND, "Task_screen", "Task_grade", "Task_contact", "Task_instruct_vice", "Task_confirm_subject")
    staff.do(FARMLAND, "Task_assign", co_units=["zhifa"])
    staff.do(FARMLAND, "Task_sign", "Task_verify", "Task_opinion", "Task_confirm", unit="gengbao")

    office.pass_time(hours=8, seconds=1)

    expect(staff["zhangmin"].awaits(FARMLAND, "超时督促")).to_contain_text("本案有超时")
    staff.do(FARMLAND, "Task_escalation")
    staff.do(FARMLAND, "Task_late_explain", unit="zhifa")
    staff.do(FARMLAND, "Task_late_assess", late_impact="negative")
    staff.do(FARMLAND, "Task_late_disposal", "Task_late_followup")
    staff.do(FARMLAND, "Task_sign", "Task_verify", "Task_opinion", "Task_confirm", unit="zhifa")
    staff.do(FARMLAND, "Task_compose_reply", "Task_approve_vice")
    staff.do(FARMLAND, "Task_publish_reply", reply_proof=SCREENSHOT)
    staff.do(FARMLAND, "Task_supervision_group", "Task_supervision_office")
    staff.do(FARMLAND, "Task_feedback", unit="gengbao")
    staff.do(FARMLAND, "Task_receipt_leader", "Task_receipt_office", "Task_closing_review", "Task_archive")

    page = staff["wangfang"].case(number)
    expect(page.get_by_text("跟踪管理", exact=True).first).to_be_visible()
    expect(page.get_by_text("超时 1 次")).to_be_visible()
    expect(limit(page, "8小时意见时限", "耕地保护科")).to_contain_text("按时完成")
    late = limit(page, "8小时意见时限", "执法监察科")
    expect(late).to_contain_text("超时完成")
    late.get_by_text("怎样算出").click()
    expect(late).to_contain_text("2026-03-02 17:00 到期")
    expect(late).to_contain_text("已超时，记录于 2026-03-02 17:00")
    page.get_by_role("link", name="办理过程").click()
    expect(page.locator("#content")).to_contain_text("不及时")
    page.get_by_role("link", name="信息与材料").click()
    expect(page.locator("#content")).to_contain_text("责令立即办结")


def test_a_major_case_goes_to_the_archive_with_a_statement_on_the_day_it_was_discovered(office: Office, staff: Staff):
    number = staff["wangfang"].register(item(LANDSLIDE))
    staff.do(LANDSLIDE, "Task_screen", m3=True, business_line="shengtai")
    staff.do(LANDSLIDE, "Task_grade", grade="major_negative", grade_reason="突发自然资源管理事件。")
    staff.do(LANDSLIDE, "Task_contact", "Task_confirm_subject")

    phone = staff.at_phone("liuwei").open(LANDSLIDE, "主要领导批示")
    phrase = phone.get_by_role("button", name="高度重视，当天对外表态。")
    expect(phrase).to_be_in_viewport(ratio=1)
    assert not phone.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    phrase.tap()
    staff["liuwei"].was_submitted("主要领导批示")

    office.pass_time(hours=1)
    staff.do(LANDSLIDE, "Task_draft_statement", "Task_approve_statement", "Task_publish_statement")
    staff.do(LANDSLIDE, "Task_assign", lead_unit="shengtai")
    staff.do(LANDSLIDE, "Task_draft_deliverables", "Task_review_deliverables")
    staff.do(LANDSLIDE, "Task_sign", "Task_verify", "Task_opinion", "Task_confirm", unit="shengtai")
    staff.do(LANDSLIDE, "Task_compose_reply", "Task_approve_chief")
    staff.do(LANDSLIDE, "Task_publish_reply", reply_proof=SCREENSHOT)
    staff.do(LANDSLIDE, "Task_supervision_group", "Task_supervision_office")
    staff.do(LANDSLIDE, "Task_feedback", unit="shengtai")
    staff["liuwei"].do(LANDSLIDE, "Task_receipt_leader")
    staff.do(LANDSLIDE, "Task_receipt_office", "Task_closing_review", "Task_archive")

    page = staff["wangfang"].case(number)
    expect(page.get_by_text("跟踪管理", exact=True).first).to_be_visible()
    statement = limit(page, "当天表态时限")
    expect(statement).to_contain_text("按时完成")
    statement.get_by_text("怎样算出").click()
    expect(statement).to_contain_text("2026-03-03 00:00 到期")
    expect(statement).to_contain_text("完成于 2026-03-02 10:00")
    expect(page.get_by_text("超时", exact=False).filter(has_text=re.compile(r"超时 \d+ 次"))).to_have_count(0)
    page.get_by_role("link", name="信息与材料").click()
    expect(page.locator("#content")).to_contain_text("高度重视，当天对外表态。")


def test_a_refused_form_keeps_what_was_typed_and_says_what_is_wrong_at_each_field(office: Office, staff: Staff):
    clerk = staff["wangfang"]
    page = clerk.menu("登记")
    sheet = Sheet(page)
    sheet.fill({**item("短题"), "网址": "d01.example/1", "联系电话": "电话"})
    submit = page.get_by_role("button", name="登记并进入甄别")
    submit.click()

    expect(sheet.fault("标题")).to_have_text("至少 4 个字。")
    expect(sheet.fault("网址")).to_have_text("请填写以 http:// 或 https:// 开头的网址")
    expect(sheet.fault("联系电话")).to_have_text("请填写电话号码")
    expect(page.get_by_role("alert").get_by_role("link")).to_have_count(3)
    expect(page.get_by_label("标题")).to_have_value("短题")
    expect(page.get_by_label("网址")).to_have_value("d01.example/1")

    # What only the server can see: the file is no picture.
    pretended = {"name": "截图.png", "mimeType": "image/png", "buffer": b"MZ not a picture"}
    sheet.fill({"标题": FARMLAND, "网址": "https://d01.example/1", "联系电话": "0374-2988888", "截图或附件": pretended})
    submit.click()

    again = Sheet(page)
    expect(again.fault("截图或附件")).to_have_text("“截图.png”的内容与扩展名（png）不符。")
    expect(page.get_by_label("标题")).to_have_value(FARMLAND)
    expect(page.get_by_label("联系电话")).to_have_value("0374-2988888")
    expect(again.field("来源类型").locator(".fjs-select-display")).to_have_text("论坛")
    expect(again.field("发布日期").locator("input:visible").first).to_have_value("2026-03-02")
    again.fill({"截图或附件": SCREENSHOT})
    submit.click()
    expect(page.get_by_text("已登记，案件编号")).to_be_visible()


def test_a_changed_diagram_is_for_new_cases_and_a_broken_one_is_refused_by_element_and_line(
    office: Office, staff: Staff
):
    shipped = (ROOT / "bpmn" / "triage.bpmn").read_text(encoding="utf-8")
    renamed = shipped.replace('name="甄别" camunda:formRef="screen"', 'name="初步甄别" camunda:formRef="screen"')
    broken = renamed.replace('camunda:decisionRef="grading"', 'camunda:decisionRef="greading"')
    assert shipped != renamed != broken
    clerk = staff["wangfang"]
    clerk.register(item(FARMLAND))
    page = staff["sunli"].menu("流程工作室")

    upload(page, broken)
    line = 1 + broken[: broken.index('id="Rule_grading"')].count("\n")
    finding = page.locator("#pending .findings li", has_text="错误")
    expect(finding).to_contain_text("建议等级")
    expect(finding).to_contain_text("决策表“greading”不在流程包中。")
    expect(finding).to_contain_text(f"第 {line} 行")
    expect(page.locator("#pending")).to_contain_text("bpmn/triage.bpmn")
    expect(page.get_by_role("button", name="发布", exact=True)).to_have_count(0)

    upload(page, renamed)
    expect(page.locator("#pending")).to_contain_text("bpmn/triage.bpmn")
    expect(page.locator("#pending").get_by_text("错误", exact=True)).to_have_count(0)
    page.get_by_label("发布理由").fill("按 3 月例会意见，环节改称初步甄别。")
    page.get_by_role("button", name="发布", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="确定").click()
    expect(page.locator("#messages")).to_contain_text("已发布版本")
    expect(page.get_by_text("按 3 月例会意见，环节改称初步甄别。")).to_be_visible()

    clerk.register(item(LANDSLIDE))
    clerk.open(FARMLAND, "甄别")
    clerk.open(LANDSLIDE, "初步甄别")
    side_by_side = staff["sunli"].menu("流程发布").locator(".card", has_text="各版本上的案件").get_by_role("row")
    expect(side_by_side).to_have_count(3)
    expect(side_by_side.nth(1)).to_contain_text("当前")


def test_a_production_start_refuses_a_clock_that_a_test_can_move(tmp_path: Path):
    office = Office(tmp_path, MONDAY)

    refused = office.command(
        "run",
        OPINION_ENV="production",
        OPINION_SECRET_KEY="5f1c0a9be27d4836b1f0c2d49e8a7735",
        OPINION_PUBLIC_URL="https://opinion.example",
    )

    assert refused.returncode == 2
    assert [line for line in refused.stderr.splitlines() if line.startswith("错误")] == [
        "错误: 正式环境不得设置 OPINION_TEST_CLOCK(测试时钟)"
    ]


def limit(page: Page, name: str, unit: str = "") -> Locator:
    """A limit on the page of a case."""
    card = page.locator(".card").filter(has=page.get_by_role("heading", name="时限", exact=True))
    return card.locator(".list-group-item", has_text=name).filter(has_text=unit)


def upload(page: Page, diagram: str) -> None:
    page.get_by_label("选择文件").set_input_files(
        {"name": "triage.bpmn", "mimeType": "application/xml", "buffer": diagram.encode()}
    )
    page.get_by_role("button", name="上传并检查").click()
    expect(page.locator("#pending")).to_be_visible()
