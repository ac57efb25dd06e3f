"""One event from its first post to the archive and beyond: six posts by four ways, one topic that people put together,
one case that grows major, two counties, one reply, the briefing, and our own reply coming back as an echo."""

from __future__ import annotations

import io
import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import Request, urlopen
from xml.sax.saxutils import escape

import pytest
from docx import Document
from playwright.sync_api import Page, expect

from engine.domain.calendar import ZONE
from tests.browser.office import Office, Seat, Sheet, Staff, follow, patiently
from tests.browser.test_accessible import findings
from tests.browser.test_regulation import SCREENSHOT
from tests.support.world import MONDAY

EVENT = "襄城县和禹州市交界处河滩耕地被人挖沙"
FORUM = "襄城县和禹州市交界的北汝河边，十几亩耕地被人挖沙，麦苗都毁了，拉沙车从早跑到晚，有没有手续？"
CALL = "来电人说襄城和禹州交界的北汝河边有人在耕地里挖沙，麦苗毁了十几亩，两边都说不归自己管。"
NEWS = ("北汝河畔耕地里挖沙，襄城、禹州两地村民盼有人管",
        "北汝河流经襄城县、禹州市交界处，村民反映有人在耕地里挖沙，麦苗被毁，手续不明。")  # fmt: skip
WEIBO = ("北汝河边耕地被挖沙", "襄城县跟禹州市搭界那块，北汝河边的耕地天天有人挖沙，麦苗全毁了，谁来管管")
ELSEWHERE = ("襄阳襄城区汉江河滩耕地被挖沙", "襄阳市襄城区汉江边河滩耕地被人挖沙，麦苗被毁，有没有手续？")
FOLLOW_UP = ("追踪：襄城禹州交界北汝河边挖沙车仍在耕地里",
             "记者在襄城县与禹州市交界的北汝河边看到，挖沙车仍在耕地里，麦苗被毁。")  # fmt: skip
VIDEO = ("襄城禹州交界北汝河耕地挖沙", "航拍：襄城县、禹州市交界北汝河边，耕地被挖沙挖成大坑，麦苗毁了一片。")
REPLY = (
    "关于北汝河边耕地被挖沙的情况，经襄城县、禹州市两地现场核实，涉事面积十二点六亩，属无证采砂。"
    "我局已责令立即停止采挖、扣押车辆三台并移送公安机关，限四月底前回填复耕，进展将按月公布。"
)
PICTURES = os.environ.get("TEST_PICTURES", "")
"""Folder for pictures of the stations; none are taken without it."""
_examined: set[str] = set()
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 800}


class Feed:
    """A news site's RSS on this machine; `post` puts something new in front."""

    def __init__(self, office_now: Callable[[], datetime]) -> None:
        self.now = office_now
        self.entries: list[str] = []
        self.url = ""

    def post(self, title: str, body: str) -> None:
        number = len(self.entries) + 1
        at = format_datetime(self.now().astimezone(ZONE) - timedelta(minutes=5))
        self.entries.insert(0, f"<item><title>{escape(title)}</title><link>https://news.example/{number}</link>"
                               f"<description>{escape(body)}</description><pubDate>{at}</pubDate></item>")  # fmt: skip

    @property
    def content(self) -> bytes:
        told = "".join(self.entries)
        return f'<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>{told}</channel></rss>'.encode()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Monday, 09:00; feeds of this machine may be read."""
    with Office(tmp_path, MONDAY, settings={"OPINION_FETCH_NETWORKS": "127.0.0.0/8"}) as opened:
        yield opened
    assert "Traceback" not in opened.log.read_text(), opened.log.read_text()


@pytest.fixture
def staff(office: Office, open_page: Callable[..., Page]) -> Staff:
    return Staff(office, open_page)


@pytest.fixture
def feed(office: Office) -> Iterator[Feed]:
    made = Feed(lambda: office.now)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = made.content
            self.send_response(200)
            self.send_header("Content-Type", "application/rss+xml; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}/rss"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


class Vendor:
    """A monitoring company's program with the token it was given."""

    def __init__(self, office: Office, token: str) -> None:
        self.office = office
        self.token = token
        self.sent = 0

    def send(self, said: tuple[str, str], source: str, kind: str = "weibo") -> int:
        """The number of the item that it became."""
        self.sent += 1
        at = (self.office.now - timedelta(minutes=2)).isoformat()
        item = {"title": said[0], "body": said[1], "source_name": source, "source_type": kind, "published_at": at,
                "url": f"https://vendor.example/{self.sent}"}  # fmt: skip
        asked = Request(f"{self.office.url}/api/v1/items", json.dumps(item).encode(), method="POST")
        asked.add_header("Authorization", f"Bearer {self.token}")
        asked.add_header("Content-Type", "application/json")
        with urlopen(asked, timeout=20) as answer:
            return int(json.load(answer)["items"][0]["item"])


def test_one_event_goes_from_six_posts_of_four_sources_to_the_archive(office: Office, staff: Staff, feed: Feed):
    clerk = staff["wangfang"]
    vendor = token_for(office, staff["qianjin"])
    add_feed(clerk, feed)

    # Two posts by hand: offered to each other, put together by a person and not before.
    first = entered(clerk, "", title=EVENT, body=FORUM, source_type="forum", source_name="许都论坛(虚构)",
                    url="https://d01.example/71", published_at="2026-03-02 08:20")  # fmt: skip
    second = entered(clerk, "hotline", body=CALL, source_type="hotline", source_name="本局值班电话",
                     published_at="2026-03-02 08:45")  # fmt: skip
    page = analysed(clerk, second)
    offered = page.locator(".list-group-item", has_text=EVENT)
    expect(offered).to_contain_text("依据：")
    look(page, "item_offered")
    assert topics_of(clerk) == [], "items were put together by nobody"
    analysed(clerk, second)
    offered.get_by_role("button", name="是同一事件").click()
    expect(page.locator("#messages")).to_contain_text("已归入该事件")
    assert topics_of(clerk) == [(EVENT, "2", "2")]

    # The feed and the vendor bring two more, which become a topic of their own until a person sees that it is the same
    # event; and one from a district of the same name elsewhere, which stays out.
    feed.post(*NEWS)
    office.pass_time(minutes=6)
    weibo = vendor.send(WEIBO, "许都微博(虚构)")
    elsewhere = vendor.send(ELSEWHERE, "汉江微博(虚构)")
    news = came_by_feed(clerk, NEWS[0])
    page = analysed(clerk, news)
    page.locator(".list-group-item", has_text=f"信息 {weibo} ").get_by_role("button", name="是同一事件").click()
    expect(page.locator("#messages")).to_contain_text("已归入该事件")
    assert topics_of(clerk) == [(WEIBO[0], "2", "2"), (EVENT, "2", "2")], "two topics were merged by nobody"
    merge(topic(clerk), WEIBO[0])
    assert topics_of(clerk) == [(EVENT, "4", "4")]
    page = analysed(clerk, elsewhere)
    expect(page.get_by_text("无关").first).to_be_visible()
    look(page, "item_elsewhere")
    put_aside(page, "湖北襄阳的襄城区，不是本市襄城县")
    assert topics_of(clerk) == [(EVENT, "4", "4")]

    number = case_of_topic(clerk)
    staff.do(EVENT, "Task_screen", places=["襄城县", "禹州市"], county_matter=True)
    staff.do(EVENT, "Task_grade", "Task_contact", "Task_instruct_vice")
    staff.do(EVENT, "Task_confirm_subject", response_subject="multi_place_superior_leads", subject_lead="city")

    # The fifth outlet: the criterion is proposed, asked for and accepted; from here on it is a major case.
    office.pass_time(minutes=50)
    feed.post(*FOLLOW_UP)
    follow_up = came_by_feed(clerk, FOLLOW_UP[0])
    confirm_in_topic(clerk, follow_up)
    expect(topic(clerk).get_by_text("建议提请调整为重大负面")).to_have_count(0)
    confirm_in_topic(clerk, vendor.send(VIDEO, "中原看点视频(虚构)", "short_video"))
    assert topics_of(clerk) == [(EVENT, "6", "5")]
    ask_for_higher_grade(topic(clerk), number)
    staff.do(EVENT, "Task_decide_upgrade")
    expect(clerk.case(number).get_by_text("重大负面", exact=False).first).to_be_visible()
    staff.do(EVENT, "Task_instruct_chief")
    staff.do(EVENT, "Task_draft_statement", "Task_approve_statement", "Task_publish_statement")
    staff.do(EVENT, "Task_draft_deliverables", "Task_review_deliverables")

    # The city leads, two counties answer, one reply is published.
    staff.do(EVENT, "Task_assign", lead_unit="gengbao", co_units=["yuzhou", "xiangcheng"])
    for unit in ("gengbao", "xiangcheng", "yuzhou"):
        staff.do(EVENT, "Task_sign", "Task_verify", unit=unit)
        staff.do(EVENT, "Task_opinion", unit=unit, opinion_text=f"{unit} 已责令停工并回填。")
        staff.do(EVENT, "Task_confirm")
    staff.do(EVENT, "Task_compose_reply", reply_text=REPLY)
    staff.do(EVENT, "Task_approve_chief")
    staff.do(EVENT, "Task_publish_reply", reply_proof=SCREENSHOT)
    staff.do(EVENT, "Task_local_reply", unit="xiangcheng")
    staff.do(EVENT, "Task_local_reply", unit="yuzhou")

    daily_briefing(clerk, number)
    special_briefing(clerk, number)

    office.pass_time(minutes=30)
    staff.do(EVENT, "Task_supervision_group", "Task_supervision_office")
    staff.do(EVENT, "Task_feedback", unit="gengbao")
    staff["liuwei"].do(EVENT, "Task_receipt_leader")
    staff.do(EVENT, "Task_receipt_office", "Task_closing_review", "Task_archive")
    page = clerk.case(number)
    expect(page.get_by_text("跟踪管理", exact=True).first).to_be_visible()
    look(page, "case_archived")

    our_reply_comes_back(clerk, vendor, number)
    who_complains_beside_our_reply_is_no_echo(clerk, vendor)
    page = clerk.go(f"/items/{first}")
    expect(page.get_by_role("link", name=number)).to_be_visible()


# -- ways in ---------------------------------------------------------------------------------------------------------
def token_for(office: Office, admin: Seat) -> Vendor:
    page = admin.menu("接口令牌")
    page.fill("[name=name]", "监测公司(虚构)")
    page.select_option("[name=source_type]", "weibo")
    page.get_by_role("button", name="生成令牌").click()
    return Vendor(office, page.locator("[role=status] code").inner_text())


def add_feed(clerk: Seat, feed: Feed) -> None:
    page = clerk.menu("订阅源")
    page.fill("[name=name]", "颍川新闻网(虚构)")
    page.fill("[name=url]", feed.url)
    page.select_option("[name=source_type]", "portal")
    page.fill("[name=every_minutes]", "5")
    page.get_by_role("button", name="添加").click()
    expect(page.locator("#messages")).to_contain_text("已添加")


def entered(clerk: Seat, kind: str, **typed: str) -> int:
    """The number of an item brought in by hand, or noted down from a call."""
    page = clerk.menu("信息")
    page.get_by_role("link", name="热线来电" if kind else "录入信息").click()
    for name, value in typed.items():
        if name == "source_type":
            page.select_option("[name=source_type]", value)
        else:
            page.fill(f"[name={name}]", value)
    page.locator(".action-bar .btn-primary").click()
    expect(page.locator("#messages")).to_contain_text("已保存")
    return int(page.url.rpartition("/")[2])


def came_by_feed(clerk: Seat, title: str) -> int:
    """Waits until the worker has read the feed; the number of the item."""
    for _ in patiently(30, f"the feed brought no “{title}”"):
        found = clerk.go("/items?route=feed").get_by_role("link", name=title)
        if found.count():
            return int((found.get_attribute("href") or "").rpartition("/")[2])
    raise AssertionError


def analysed(clerk: Seat, number: int) -> Page:
    """The page of an item, once the worker has looked at it."""
    for _ in patiently(30, f"item {number} was not analysed"):
        page = clerk.go(f"/items/{number}")
        if page.get_by_text("正在分析").count() == 0:
            return page
    raise AssertionError


# -- topics ----------------------------------------------------------------------------------------------------------
def topics_of(clerk: Seat) -> list[tuple[str, str, str]]:
    """(title, items, sources) of every topic, as the list shows them."""
    page = clerk.menu("事件")
    rows = page.locator("tbody tr")
    return [
        (row.locator("a").first.inner_text(), *(row.locator("td").nth(n).inner_text() for n in (1, 2)))
        for row in rows.all()
    ]


def topic(clerk: Seat) -> Page:
    page = clerk.menu("事件")
    follow(page.get_by_role("link", name=EVENT))
    expect(page.get_by_role("heading", level=1, name=EVENT)).to_be_visible()
    return page


def confirm_in_topic(clerk: Seat, number: int) -> None:
    """On the topic's page, among what may belong to it."""
    analysed(clerk, number)
    page = topic(clerk)
    waiting = page.locator(".list-group-item", has_text=f"信息 {number} ")
    look(page, "topic_waiting")
    waiting.get_by_role("button", name="是同一事件").click()
    expect(page.locator("#messages")).to_contain_text("已归入该事件")


def merge(page: Page, other: str) -> None:
    """Another topic proves to be this event."""
    likely = page.locator(".card", has_text="可能是同一事件的其他事件").locator(".list-group-item", has_text=other)
    look(page, "topic_likely")
    likely.get_by_role("button", name="是同一事件，合并到这里").click()
    page.get_by_role("dialog").get_by_role("button", name="确定").click()
    expect(page.locator("#messages")).to_contain_text("合并到本事件")


def put_aside(page: Page, reason: str) -> None:
    card = page.locator("details", has_text="标为无关")
    card.locator("summary").click()
    card.locator("[name=reason]").fill(reason)
    card.get_by_role("button", name="标为无关").click()
    expect(page.locator("#messages")).to_contain_text("已标为无关")


# -- the case --------------------------------------------------------------------------------------------------------
def case_of_topic(clerk: Seat) -> str:
    page = topic(clerk)
    page.get_by_role("link", name="立案登记").click()
    sheet = Sheet(page)
    expect(page.get_by_label("标题")).to_have_value(EVENT)
    sheet.fill({"信息类别": "举报", "涉及区划": "市本级", "我确认以上内容和附件不含国家秘密": True})
    look(page, "register_from_topic")
    page.get_by_role("button", name="登记并进入甄别").click()
    said = page.get_by_text(re.compile("已登记，案件编号 WQ-"))
    expect(said).to_be_visible()
    found = re.search(r"WQ-\d{4}-\d{6}", said.inner_text())
    assert found
    return found[0]


def ask_for_higher_grade(page: Page, number: str) -> None:
    expect(page.get_by_text("建议提请调整为重大负面")).to_be_visible()
    look(page, "topic_regrade")
    page.get_by_role("link", name="提请调整等级").click()
    sheet = Sheet(page)
    expect(sheet.field("理由").get_by_role("textbox")).to_have_value(re.compile("24小时内5家媒体"))
    expect(sheet.field("现已符合的重大标准").get_by_label("众多媒体网络集中炒作")).to_be_checked()
    look(page, "regrade_request")
    page.get_by_role("button", name="提请调整等级").click()
    expect(page.locator("#messages")).to_contain_text(f"已提交，案件 {number}")


def daily_briefing(clerk: Seat, number: str) -> None:
    page = clerk.menu("文书")
    page.get_by_role("link", name="今日简报").click()
    counts = page.locator(".datagrid-item")
    expect(counts.filter(has_text="新增件数")).to_contain_text("1")
    expect(counts.filter(has_text="重大件数")).to_contain_text("1")
    expect(page.get_by_role("row").filter(has_text=number).first).to_contain_text(EVENT)
    look(page, "briefing")
    page.get_by_role("button", name="编号并制作").click()
    expect(page.locator("#messages")).to_contain_text("已制作网络舆情简报")
    text = word(page, page.get_by_role("link", name="Word").first)
    assert number in text and EVENT in text and "重大" in text and "颍川" not in text


def special_briefing(clerk: Seat, number: str) -> None:
    page = clerk.case(number)
    page.get_by_role("link", name="信息与材料").click()
    page.get_by_role("link", name="制作或更正").click()
    page.get_by_label("网络舆情专报").check()
    look(page, "make_special")
    page.get_by_role("button", name="编号并制作").click()
    expect(page.locator("#messages")).to_contain_text("已制作网络舆情专报")
    text = word(page, page.locator("#documents").get_by_role("link", name="Word").first)
    for said in (EVENT, "襄城县", "禹州市", "xiangcheng 已责令停工并回填", "十二点六亩", "高度重视，当天对外表态。"):
        assert said in text, f"the special briefing does not say {said}: {text}"


def word(page: Page, link: object) -> str:
    """The words of a document, as downloaded by a click."""
    with page.expect_download() as found:
        link.click()  # type: ignore[attr-defined]
    document = Document(io.BytesIO(Path(found.value.path()).read_bytes()))
    cells = (cell.text for table in document.tables for row in table.rows for cell in row.cells)
    return "\n".join((*(one.text for one in document.paragraphs), *cells))


# -- our own words ---------------------------------------------------------------------------------------------------
def our_reply_comes_back(clerk: Seat, vendor: Vendor, number: str) -> None:
    """It is told with its case, waits for a person, and is no spread."""
    echo = vendor.send(("北汝河挖沙，官方回复了", f"{REPLY}（转自市自然资源和规划局）"), "许都生活号(虚构)", "wechat")
    page = analysed(clerk, echo)
    alert = page.locator(".alert", has_text="这是本局自己的回复被转载")
    expect(alert.get_by_role("link", name=number)).to_be_visible()
    expect(page.get_by_role("button", name="是同一事件")).to_have_count(0)
    look(page, "echo")
    assert topics_of(clerk) == [(EVENT, "6", "5")], "the echo joined by itself"
    page = clerk.go(f"/items/{echo}")
    alert.get_by_role("button", name="确认转载，并入该案件").click()
    expect(page.locator("#messages")).to_contain_text("已作为本局回复的转载并入案件")
    assert topics_of(clerk) == [(EVENT, "7", "5")], "an echo of ours is no sixth outlet"
    page = topic(clerk)
    expect(page.locator(".list-group-item", has_text="许都生活号")).to_contain_text("本局回复转载")
    expect(page.locator(".datagrid-item", has_text="信息数")).to_contain_text("6")
    look(page, "topic_with_echo")


def who_complains_beside_our_reply_is_no_echo(clerk: Seat, vendor: Vendor) -> None:
    said = ("回复是回复了", f"“{REPLY}”可是今天北汝河边又来了挖沙车，麦苗又被毁了，到底有没有人管？")
    page = analysed(clerk, vendor.send(said, "许都论坛(虚构)", "forum"))
    alert = page.locator(".alert", has_text="引用了本局的回复，但另有新内容")
    expect(alert).to_contain_text("有没有人管")
    look(page, "quoted")
    expect(page.locator("h1")).to_have_text(said[0])
    assert topics_of(clerk) == [(EVENT, "7", "5")]


def look(page: Page, name: str) -> None:
    """No station is wider than a screen, on a desk or on a phone, and axe finds nothing serious there, once a station.
    With PICTURES each is kept for people to look at."""
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/{name}_{size['width']}.png", full_page=True)
        wide = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide[0] <= wide[1], f"{name} at {size['width']}: {wide}"
    if name not in _examined:
        _examined.add(name)
        assert findings(page) == [], name
    page.set_viewport_size(DESK)
