"""The pages of items and topics: brought in by hand, decided on, opened as a case, put together by a person."""

from __future__ import annotations

import io
import json
import re
from html import unescape
from typing import Any

import pytest
from sqlalchemy import update
from werkzeug.test import TestResponse

from engine.service import item_cases, item_triage, items, topics
from engine.service.items_tables import items as table
from engine.service.transactions import writing
from tests.support.desk import Browser, Desk, blocks

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
POST: dict[str, Any] = {
    "title": "禹州市神垕镇一处耕地被硬化",
    "body": "村民发帖称禹州市神垕镇某村基本农田被人硬化建停车场，问有没有手续。",
    "source_type": "forum",
    "source_name": "许都论坛(虚构)",
    "author": "禹州小李",
    "published_at": "2026-03-02 08:10",
    "discovered_at": "2026-03-02 08:40",
    "district": "禹州市",
    "item_kind": "tip_off",
}
_numbers = iter(range(1, 10_000))


def entered(browser: Browser, **values: Any) -> int:
    """The number of an item that the browser's person brought in by hand."""
    url = f"https://items.example/web/{next(_numbers)}"
    answer = browser.post("/items/new", {**POST, "url": url, **values}, content_type="multipart/form-data")
    assert answer.status_code == 303, answer.text
    return number_in(answer)


def number_in(answer: TestResponse) -> int:
    found = re.search(r"/items/(\d+)$", answer.location or "")
    assert found is not None, answer.location
    return int(found[1])


def triaged(desk: Desk) -> None:
    item_triage.run(desk.world.services, {})


def get(desk: Desk, number: int) -> items.Item:
    with desk.world.services.engine.connect() as conn:
        found = items.get(conn, number)
    assert found is not None
    return found


def offered(desk: Desk, number: int, target: str) -> None:
    with writing(desk.world.services.engine) as conn:
        topics.offer(conn, desk.world.clock.now(), number, [(target, 0.8, ["同一地点：神垕镇"])])


def test_what_is_typed_is_kept_with_its_screenshot_and_shown_with_its_instants(desk: Desk):
    browser = desk.seat("wangfang")

    answer = browser.post(
        "/items/new",
        {**POST, "url": "https://items.example/shot", "files": (io.BytesIO(PNG), "screenshot-1.png")},
        content_type="multipart/form-data",
    )
    page = browser.get(answer.location).text

    item = get(desk, number_in(answer))
    assert item.attachments[0]["name"] == "screenshot-1.png"
    assert len(str(item.attachments[0]["sha256"])) == 64
    assert (item.route, item.entered_by, item.unit) == ("manual", "wangfang", "bangong")
    assert "2026-03-02 08:10" in page and "2026-03-02 08:40" in page and "基本农田" in page
    file = browser.get(f"/items/{item.item_id}/files/{item.attachments[0]['id']}")
    assert file.data == PNG and file.headers["Content-Disposition"].startswith("attachment")
    file.close()


def test_bad_input_names_each_field_and_loses_nothing_not_even_the_file(desk: Desk):
    browser = desk.seat("wangfang")
    wrong = {**POST, "url": "www.example", "published_at": "昨天", "files": (io.BytesIO(PNG), "a.png")}

    answer = browser.post("/items/new", wrong, content_type="multipart/form-data")

    assert answer.status_code == 422
    assert "请填写以 http:// 或 https:// 开头的完整网址" in answer.text and "请写明日期和时间" in answer.text
    assert "www.example" in answer.text and "昨天" in answer.text and "基本农田" in answer.text
    kept = re.search(r'name="kept" value="([^"]+)"', answer.text)
    assert kept is not None and "a.png" in answer.text
    again = browser.post("/items/new", {**POST, "url": "https://items.example/kept", "kept": kept[1]},
                         content_type="multipart/form-data")  # fmt: skip
    assert get(desk, number_in(again)).attachments[0]["name"] == "a.png"


def test_the_same_address_entered_twice_leads_to_the_first(desk: Desk):
    browser = desk.seat("wangfang")
    number = entered(browser, url="https://items.example/twice")

    answer = browser.post(
        "/items/new", {**POST, "url": "https://items.example/twice"}, content_type="multipart/form-data"
    )

    assert number_in(answer) == number
    assert "没有重复保存" in browser.get(answer.location).text


def test_a_call_masks_the_number_in_lists_and_wants_one_to_call_back(desk: Desk):
    browser = desk.seat("wangfang")
    call = {
        "body": "来电人说灵井镇有人偷挖砂石，希望回电。", "source_type": "hotline", "source_name": "本局值班电话",
        "author": "刘建国", "discovered_at": "2026-03-02 08:50", "callback": "1",
    }  # fmt: skip

    without = browser.post("/items/new?kind=hotline", call, content_type="multipart/form-data")
    answer = browser.post(
        "/items/new?kind=hotline", {**call, "contact": "13937412345"}, content_type="multipart/form-data"
    )

    assert without.status_code == 422 and "需要回电时请填写电话" in without.text
    item = get(desk, number_in(answer))
    assert (item.route, item.contact, item.callback) == ("hotline", "13937412345", True)
    listed = browser.get("/items?route=hotline").text
    assert "刘**" in listed and "刘建国" not in listed and "13937412345" not in listed
    assert "13937412345" in browser.get(f"/items/{item.item_id}").text
    leader = desk.seat("zhangmin").get(f"/items/{item.item_id}").text
    assert "139****45" in leader and "13937412345" not in leader


def test_people_of_other_units_see_neither_the_item_nor_that_it_is_there(desk: Desk):
    number = entered(desk.seat("liqiang"))
    office, own, stranger = desk.seat("wangfang"), desk.seat("liqiang"), desk.seat("zhouwei")

    seen = [browser.get(f"/items/{number}").status_code for browser in (office, own, stranger)]

    assert seen == [200, 200, 404]
    assert stranger.get("/items").text.count(f'/items/{number}"') == 0
    assert stranger.get(f"/items/new?parent={number}").status_code == 404
    assert stranger.get(f"/register?item={number}").status_code == 404


def test_triage_shows_a_suggestion_with_the_words_that_matched(desk: Desk):
    browser = desk.seat("wangfang")
    number = entered(browser)
    before = browser.get(f"/items/{number}").text

    triaged(desk)
    page = browser.get(f"/items/{number}").text

    assert "正在分析" in before and "正在分析" not in page
    assert "<mark>" in page
    assert get(desk, number).assessed_at is not None


def test_a_repost_is_offered_by_triage_and_joined_by_a_person_only(desk: Desk):
    browser = desk.seat("wangfang")
    first = entered(
        browser, title="襄城县紫云镇采石场夜间放炮", body="紫云镇采石场半夜放炮炸山，房子都震裂了。", district="襄城县"
    )
    second = entered(browser, title="转：襄城县紫云镇采石场夜间放炮", body="紫云镇采石场半夜放炮炸山，房子都震裂了！",
                     source_name="另一家论坛(虚构)", district="襄城县")  # fmt: skip

    triaged(desk)
    page = browser.get(f"/items/{second}").text

    assert f"/items/{first}" in page and "是同一事件" in page
    assert get(desk, second).topic_id is None
    answer = browser.post(f"/items/{second}/topic", {"target": f"i:{first}"})
    assert answer.status_code == 303
    topic_id = get(desk, second).topic_id
    assert topic_id is not None and get(desk, first).topic_id == topic_id
    shown = browser.get(f"/topics/{topic_id}").text
    assert "2" in shown and "另一家论坛" in shown
    assert f"/topics/{topic_id}" in browser.get("/topics").text


def test_a_rejected_candidate_stays_rejected(desk: Desk):
    browser = desk.seat("wangfang")
    first, second = entered(browser), entered(browser)
    offered(desk, second, f"i:{first}")

    browser.post(f"/items/{second}/topic/reject", {"target": f"i:{first}"})
    triaged(desk)
    offered(desk, second, f"i:{first}")

    assert "认定不是同一事件" in browser.get(f"/items/{second}").text
    with desk.world.services.engine.connect() as conn:
        states = {one.key: one.state for one in topics.offers(conn, get(desk, second))}
    assert states[f"i:{first}"] == "rejected"


def test_a_case_is_opened_of_an_item_with_the_form_filled_in(desk: Desk):
    browser = desk.seat("wangfang")
    number = entered(browser)
    page = browser.get(f"/register?item={number}")

    assert "禹州市神垕镇一处耕地被硬化" in page.text and "2026-03-02T08:10+08:00" in page.text
    values = {
        "title": "禹州市神垕镇一处耕地被硬化", "body": "村民发帖称耕地被硬化。", "source_type": "forum",
        "source_name": "许都论坛(虚构)", "discovered_at": "2026-03-02T08:40+08:00", "district": "禹州市",
        "item_kind": "tip_off", "discovered_by": "patrol", "no_state_secret": True,
    }  # fmt: skip
    answer = browser.send_form(f"/register?process=opinion_case&item={number}", values, page.text)

    assert answer.status_code == 303, answer.text
    item = get(desk, number)
    assert item.state == "opened" and answer.location.endswith(item.case_id)
    case_page = browser.get(answer.location).text
    assert f"/items/{number}" in case_page
    assert "已立案" in browser.get(f"/items/{number}").text
    again = browser.send_form(
        f"/register?process=opinion_case&item={number}", values, page.text.replace("command_id", "x")
    )
    assert again.status_code == 409


def test_an_echo_of_our_reply_is_linked_and_opens_nothing(desk: Desk):
    browser = desk.seat("wangfang")
    case = desk.registered()
    number = entered(browser)

    missing = browser.post(
        f"/items/{number}/link", {"case_id": "WQ-2026-999999", "reason": "回复转载", "own_reply": "1"}
    )
    answer = browser.post(f"/items/{number}/link", {"case_id": case.id, "reason": "回复转载", "own_reply": "1"})
    item_cases.run(desk.world.services, {"item": number, "case": case.id, "actor": "wangfang"})

    assert missing.status_code == 422 and "没有案件 WQ-2026-999999" in missing.text and "回复转载" in missing.text
    assert answer.status_code == 303
    item = get(desk, number)
    assert (item.state, item.own_reply, item.case_id) == ("linked", True, case.id)
    assert "本局回复的转载" in browser.get(f"/cases/{case.id}/people").text


def echoing(desk: Desk, number: int, case: str, *, mere: bool) -> None:
    """As triage keeps it of an item that passes on the reply of a case."""
    told = {
        "case": case, "kind": "reply", "at": "2026-03-02T00:30:00.000000Z", "place": "https://zrzyj.example/reply/1",
        "share": 0.97, "rest": "" if mere else "可是今天又来了到底有没有人管", "words": [] if mere else ["有没有人管"],
        "mere": mere,
    }  # fmt: skip
    values = {"assessed_at": told["at"], "assessment": json.dumps({"echo": told}), "grade_hint": "unsure",
              "relevance_hint": "relevant"}  # fmt: skip
    with writing(desk.world.services.engine) as conn:
        conn.execute(update(table).where(table.c.item_id == number).values(**values))


def test_an_echo_is_told_with_its_case_and_confirmed_with_one_button(desk: Desk):
    browser, case = desk.seat("wangfang"), desk.registered()
    number = entered(browser)
    echoing(desk, number, case.id, mere=True)

    page, listed = browser.get(f"/items/{number}").text, browser.get("/items").text
    form = re.search(rf'<form method="post" action="/items/{number}/link" class="mt-2">(.*?)</form>', page, re.S)
    assert form is not None
    typed = dict(re.findall(r'name="(case_id|own_reply|reason)"[^>]*?value="([^"]*)"', form[1]))
    answer = browser.post(f"/items/{number}/link", {name: unescape(value) for name, value in typed.items()})

    assert "这是本局自己的回复被转载" in page and "相同 97%" in page and f'href="/cases/{case.id}"' in page
    assert "2026-03-02 08:30" in page and 'href="https://zrzyj.example/reply/1"' in page
    assert "疑似本局回复转载" in listed
    assert answer.status_code == 303 and get(desk, number).own_reply
    assert "这是本局自己的回复被转载" not in browser.get(f"/items/{number}").text, "it has been decided"


def test_a_quote_beside_a_complaint_shows_the_words_and_suggests_no_reason(desk: Desk):
    browser, case = desk.seat("wangfang"), desk.registered()
    number = entered(browser)
    echoing(desk, number, case.id, mere=False)

    page = browser.get(f"/items/{number}").text
    answer = browser.post(f"/items/{number}/link", {"case_id": case.id, "own_reply": "1", "reason": ""})

    assert "引用了本局的回复，但另有新内容" in page and "<mark>有没有人管</mark>" in page
    assert answer.status_code == 422 and get(desk, number).state == "new"
    assert "疑似本局回复转载" not in re.findall(rf'href="/items/{number}".*?</tr>', browser.get("/items").text, re.S)[0]


def test_who_may_not_see_the_case_of_an_echo_is_shown_no_way_to_it(desk: Desk):
    unit, case = desk.seat("liqiang"), desk.registered()
    number = entered(unit)
    echoing(desk, number, case.id, mere=True)

    page = unit.get(f"/items/{number}").text

    assert "这是本局自己的回复被转载" in page
    assert case.id not in page, "R71: need to know"


def test_the_topic_with_many_sources_leads_to_the_form_that_asks_for_a_higher_grade(desk: Desk):
    browser = desk.seat("wangfang")
    case = desk.graded()
    numbers = [entered(browser, source_name=f"媒体{n}(虚构)") for n in range(5)]
    browser.post(f"/items/{numbers[0]}/link", {"case_id": case.id, "reason": "同一事件"})
    for number in numbers[1:]:
        assert browser.post(f"/items/{number}/topic", {"target": f"i:{numbers[0]}"}).status_code == 303

    topic_id = get(desk, numbers[0]).topic_id
    link = f"/cases/{case.id}/messages/regrade?topic={topic_id}"

    assert link in browser.get(f"/topics/{topic_id}").text
    assert link in browser.get(f"/cases/{case.id}").text
    form = blocks(browser.get(link))["form-data"]
    assert (form["regrade_to"], form["regrade_criteria"]) == ("major_negative", ["m5"])
    assert form["regrade_reason"].startswith("24小时内5家")
    sent = browser.send_form(link.partition("?")[0], {name: form[name] for name in form if name.startswith("regrade_")})
    assert sent.status_code == 303
    assert [event["message"] for event in case.kinds("MessageReceived")] == ["regrade"]


def test_a_correction_of_an_instant_waits_for_a_second_person(desk: Desk):
    browser = desk.seat("wangfang")
    number = entered(browser)

    bad = browser.post(f"/items/{number}/instants", {"instant": "discovered_at", "new": "明天", "reason": "记错"})
    browser.post(f"/items/{number}/instants", {"instant": "discovered_at", "new": "2026-03-02 08:20", "reason": "记错"})
    page = browser.get(f"/items/{number}").text
    edit = re.search(rf"/items/{number}/instants/(\d+)", desk.seat("lina").get(f"/items/{number}").text)

    assert bad.status_code == 422 and "请写明日期和时间" in bad.text and "明天" in bad.text
    assert "须由另一人确认" in page
    assert get(desk, number).discovered_at.strftime("%H:%M") == "00:40"  # type: ignore[union-attr]
    assert edit is not None
    own = browser.post(f"/items/{number}/instants/{edit[1]}", {"answer": "accept"})
    done = desk.seat("lina").post(f"/items/{number}/instants/{edit[1]}", {"answer": "accept"})
    assert (own.status_code, done.status_code) == (403, 303)
    assert get(desk, number).discovered_at.strftime("%H:%M") == "00:20"  # type: ignore[union-attr]


def test_the_list_is_filtered_and_paged(desk: Desk):
    browser = desk.seat("wangfang")
    number = entered(browser, title="鄢陵县花木市场用地的咨询", source_type="leader_board", district="鄢陵县")

    found = browser.get("/items?source_type=leader_board&district=鄢陵县&q=花木")
    none = browser.get("/items?source_type=superior&q=花木")

    assert f"/items/{number}" in found.text
    assert "没有符合条件的信息" in none.text
    assert browser.get("/items?page=99").status_code == 200


def test_no_page_and_no_route_deletes_or_hides_anything(desk: Desk):
    """R06: there is no function that deletes, hides or suppresses; the words would be in an address or a button."""
    routes = [rule.rule for rule in desk.app.url_map.iter_rules() if rule.rule.startswith(("/items", "/topics"))]
    browser = desk.seat("wangfang")
    page = browser.get(f"/items/{entered(browser)}").text

    assert len(routes) >= 15
    assert not [rule for rule in routes if re.search("delete|remove|hide|suppress|block", rule)]
    assert not re.search(r"<button[^>]*>[^<]*(删除|屏蔽|隐藏|封禁|下架)", page)


def test_the_bookmark_puts_what_it_carries_behind_the_hash(desk: Desk):
    page = desk.seat("wangfang").get("/items/bookmarklet").text

    link = re.search(r'href="(javascript:[^"]+)"', page)
    assert link is not None
    assert """/items/new?kind=page"+'#'+encodeURIComponent(""" in unescape(link[1])


@pytest.mark.parametrize("login", ["zhangmin", "zhaoming"])
def test_who_may_not_decide_gets_no_buttons_and_no_way(desk: Desk, login: str):
    number = entered(desk.seat("wangfang"))
    browser = desk.seat(login)

    page = browser.get(f"/items/{number}")
    refused = browser.post(f"/items/{number}/irrelevant", {"reason": "x"})

    assert page.status_code == 200 and "标为无关" not in page.text
    assert refused.status_code == 403


def test_a_topic_shows_another_that_may_be_the_same_event_and_takes_it_in_when_told(desk: Desk):
    browser = desk.seat("wangfang")
    a, b, c, d = (entered(browser) for _ in range(4))
    browser.post(f"/items/{b}/topic", {"target": f"i:{a}"})
    browser.post(f"/items/{d}/topic", {"target": f"i:{c}"})
    first, second = get(desk, a).topic_id, get(desk, c).topic_id
    offered(desk, c, f"t:{first}")

    page = browser.get(f"/topics/{first}").text
    unknown = browser.post(f"/topics/{first}/merge", {"other": "999999"})
    answer = browser.post(f"/topics/{first}/merge", {"other": str(second)})

    assert "可能是同一事件的其他事件" in page and f'value="{second}"' in page
    assert unknown.status_code == 404 and answer.status_code == 303
    assert {get(desk, one).topic_id for one in (a, b, c, d)} == {first}
    assert "可能是同一事件的其他事件" not in browser.get(f"/topics/{first}").text


def test_a_feed_is_corrected_and_a_refused_correction_keeps_what_was_typed(desk: Desk):
    browser = desk.seat("wangfang")
    told = {"name": "错名(虚构)", "url": "https://feed.example/rss", "source_type": "portal", "every_minutes": "30"}
    browser.post("/items/feeds", told)
    address = re.search(r'href="(/items/feeds/\d+)"', browser.get("/items/feeds").text)[1]
    form = browser.get(address).text

    refused = browser.post(address, {"name": "改名(虚构)", "source_type": "superior", "every_minutes": "3"})
    before = browser.get("/items/feeds").text
    done = browser.post(address, {"name": "改名(虚构)", "source_type": "superior", "every_minutes": "45"})
    after = browser.get("/items/feeds").text

    assert 'value="错名(虚构)"' in form and 'value="portal" selected' in form and "由 王芳 于" in form
    assert 'name="url"' not in form and "https://feed.example/rss" in form
    assert refused.status_code == 422 and 'id="every_minutes-fault"' in refused.text
    assert 'value="改名(虚构)"' in refused.text and 'value="superior" selected' in refused.text
    assert 'name="every_minutes" value="3"' in refused.text
    assert "错名(虚构)" in before and "改名(虚构)" not in before
    assert done.status_code == 303 and "已修改“改名(虚构)”" in after and "每 45 分钟" in after
    assert browser.get("/items/feeds/99999").status_code == browser.post("/items/feeds/99999").status_code == 404
