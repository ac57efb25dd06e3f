"""The board of running limits and the start page."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import event

from engine.domain.commands import ClaimTask
from engine.readmodels import clocks, today
from tests.support import walks
from tests.support.desk import Desk
from webui.clocks import in_buckets
from webui.dashboard import MOST

NUMBER = re.compile(r'board-number">(\d+)</span><span>([^<]*)<')
ROW = re.compile(r"<tr>(.*?)</tr>", re.S)


def counts(page: str) -> dict[str, int]:
    return {label: int(number) for number, label in NUMBER.findall(page)}


def test_limits_stand_in_order_of_what_is_left_and_are_counted(own_desk: Desk):
    walks.graded_major(own_desk.world)
    late = own_desk.registered(title="迟了的线索")
    own_desk.world.wait(minutes=40)
    own_desk.registered(title="刚登记的线索")

    page = own_desk.seat("wangfang").get("/clocks").text

    assert counts(page) == {"已超时": 1, "1 小时内到期": 1, "24 小时内到期": 1, "更晚到期": 1}
    assert page.index("迟了的线索") < page.index("刚登记的线索")
    assert late.id in page
    assert "超时 10分" in page and "剩余 30分" in page


def test_the_board_says_who_has_to_act(own_desk: Desk):
    case = own_desk.registered()
    before = own_desk.seat("wangfang").get("/clocks").text
    own_desk.world.do("wangfang", ClaimTask(case.task("Task_screen")), case.id)

    after = own_desk.seat("wangfang").get("/clocks").text

    assert re.search(r"办公室\s*<span[^>]*>甄别", before)
    assert re.search(r"王芳</span>\s*<span[^>]*>甄别", after)


def test_each_unit_has_a_line_of_its_own(own_desk: Desk):
    case = walks.graded(own_desk.world)
    walks.assign(case, "gengbao", "shengtai")

    everything = own_desk.seat("wangfang").get("/clocks?limit=eight_hours").text
    one = own_desk.seat("wangfang").get("/clocks?limit=eight_hours&unit=shengtai").text

    assert len([row for row in ROW.findall(everything) if case.id in row]) == 2
    assert len([row for row in ROW.findall(one) if case.id in row]) == 1


@pytest.mark.parametrize("asked", ["q=没有这样的词", "grade=positive", "limit=backstop_48h", "overdue=1"])
def test_a_filter_that_fits_nothing_says_so(own_desk: Desk, asked: str):
    own_desk.registered()

    assert "没有符合条件的时限" in own_desk.seat("wangfang").get(f"/clocks?{asked}").text


def test_who_is_not_concerned_sees_an_empty_board(own_desk: Desk):
    case = own_desk.registered()

    page = own_desk.seat("zhouwei").get("/clocks").text

    assert case.id not in page
    assert "没有运行中的时限" in page


def test_the_board_asks_for_itself_again_without_keeping_the_session_alive(own_desk: Desk):
    own_desk.registered()
    seat = own_desk.seat("wangfang")
    page = seat.get("/clocks?grade=&q=网友").text
    address = re.search(r'hx-get="([^"]+)" hx-trigger="every 30s"', page)[1]

    fragment = seat.get(address.replace("&amp;", "&"))

    assert fragment.status_code == 200
    assert fragment.text.lstrip().startswith('<div id="board"')
    assert "<html" not in fragment.text
    own_desk.world.clock.set(own_desk.world.clock.now() + timedelta(minutes=29))
    seat.get("/clocks/board")
    own_desk.world.clock.set(own_desk.world.clock.now() + timedelta(minutes=2))
    assert seat.get("/clocks/board").status_code in (302, 303, 401)


def test_the_wall_screen_has_no_filters(own_desk: Desk):
    own_desk.registered()

    page = own_desk.seat("wangfang").get("/clocks?wall=1").text

    assert 'class="board-wall"' in page
    assert 'role="search"' not in page
    assert "返回普通显示" in page


def test_the_edges_of_the_buckets(own_desk: Desk):
    case = own_desk.registered()
    now = own_desk.world.clock.now()
    with own_desk.world.services.engine.connect() as conn:
        row = clocks.running(conn, groups=frozenset(), all_cases=True, now=now).rows[0]
    due = row.limit.deadline

    def bucket(before: timedelta) -> str:
        from dataclasses import replace

        at = due - before
        return next(iter(in_buckets([replace(row, overdue=at >= due)], at)))

    assert case.id == row.limit.case_id
    assert bucket(timedelta()) == "overdue"
    assert bucket(timedelta(seconds=1)) == "soon"
    assert bucket(timedelta(hours=1)) == "soon"
    assert bucket(timedelta(hours=1, seconds=1)) == "today"
    assert bucket(timedelta(hours=24)) == "today"
    assert bucket(timedelta(hours=24, seconds=1)) == "later"


def test_the_start_page_says_what_waits_for_me_what_is_major_and_what_was_broken(own_desk: Desk):
    walks.graded_major(own_desk.world)
    own_desk.registered(title="迟了的线索")
    own_desk.world.wait(minutes=40)

    page = own_desk.seat("wangfang").get("/start").text

    assert "王芳，您好" in page
    broken = page.split("今日超时")[1].split("今日情况")[0]
    assert "迟了的线索" in broken
    majors = page.split("在办重大舆情")[1].split("运行中的时限")[0]
    assert "网友反映耕地被占用" in majors and "迟了的线索" not in majors


@pytest.mark.parametrize(
    "login", ["wangfang", "zhangmin", "liuwei", "liqiang", "chenjing", "zhaogang", "sunli", "zhaoming", "zhouwei"]
)
def test_everybody_who_may_see_cases_has_a_start_page(desk: Desk, login: str):
    desk.registered()

    answer = desk.seat(login).get("/start")

    assert answer.status_code == 200
    assert ("我的待办" in answer.text) is (login not in ("sunli", "zhaoming"))


@pytest.mark.parametrize("login", ["qianjin", "wumin"])
def test_administrators_have_no_start_page_about_cases(desk: Desk, login: str):
    assert desk.seat(login).get("/start").status_code == 403


LINK = re.compile(r'<a class="list-group-item[^"]*" href="/cases/(WQ-[\d-]+)">(.*?)</a>', re.S)


def card(page: str, title: str) -> str:
    return page.split(f'<h2 class="card-title">{title}</h2>')[1].split('<h2 class="card-title">')[0]


@pytest.mark.parametrize("login", ["zhangmin", "liuwei"])
def test_a_leaders_start_page_has_what_runs_who_acts_and_the_majors_of_today(own_desk: Desk, login: str):
    yesterday = walks.graded_major(own_desk.world)
    own_desk.world.wait(days=1)
    for n in range(5):
        own_desk.registered(title=f"新登记的线索{n}")
    today_s = walks.graded_major(own_desk.world)
    seat = own_desk.seat(login)

    page, board = seat.get("/start").text, seat.get("/clocks").text

    majors = dict(LINK.findall(card(page, "在办重大舆情")))
    assert list(majors) == [today_s.id, yesterday.id]
    assert [case for case, said in majors.items() if ">今日<" in said] == [today_s.id]
    limits = LINK.findall(card(page, "运行中的时限"))
    dues = [re.search(r'data-due="([^"]+)"', said)[1] for _, said in limits]
    assert len(limits) == MOST and dues == sorted(dues), "the most pressing, by due"
    assert dues == re.findall(r'data-due="([^"]+)"', board)[:MOST], "the same that the board begins with"
    screening = next(said for _, said in limits if "新登记的线索" in said)
    assert re.search(r"办公室\s*<span[^>]*>甄别", screening), "who has to act"
    running = sum(counts(board).values())
    assert running > MOST and f'href="/clocks">全部 {running} 个</a>' in page
    for bucket, number in counts(board).items():
        assert f">{bucket} {number}</span>" in page


def test_the_start_page_takes_as_many_statements_however_much_runs(own_desk: Desk):
    seat = own_desk.seat("liuwei")
    walks.graded_major(own_desk.world)
    asked: list[str] = []
    event.listen(own_desk.world.services.engine, "before_cursor_execute", lambda *call: asked.append(str(call[2])))

    def taken() -> int:
        seat.get("/start")
        asked.clear()
        seat.get("/start")
        return len(asked)

    few = taken()
    for n in range(4):
        own_desk.registered(title=f"新登记的线索{n}")
        walks.graded_major(own_desk.world)

    assert taken() == few > 5


def test_who_has_no_board_has_no_running_limits_on_his_start_page(desk: Desk):
    desk.registered()

    assert 'id="pressing"' in desk.seat("wangfang").get("/start").text
    assert 'id="pressing"' not in desk.seat("sunli").get("/start").text


@pytest.mark.parametrize(
    ("login", "bar"),
    [
        ("zhangmin", ["/start", "/inbox", "/cases", "/clocks", "/account"]),
        ("liuwei", ["/start", "/inbox", "/cases", "/clocks", "/account"]),
        ("wangfang", ["/inbox", "/register", "/cases", "/clocks", "/account"]),
    ],
)
def test_a_leaders_phone_has_the_start_page_in_its_bar(desk: Desk, login: str, bar: list[str]):
    page = desk.seat(login).get("/start").text

    assert re.findall(r'href="([^"]+)"', page.split("fixed-bottom")[1].split("</nav>")[0]) == bar
    assert 'href="/register"' in page, "registering is a button of the page"


def test_the_numbers_of_a_day_count_only_readable_cases(own_desk: Desk):
    own_desk.registered()
    own_desk.world.wait(minutes=40)
    since = own_desk.world.clock.now() - timedelta(hours=2)
    with own_desk.world.services.engine.connect() as conn:
        whole = today.numbers(conn, groups=frozenset(), all_cases=True, since=since)
        nobody = today.numbers(conn, groups=frozenset({"user:zhouwei"}), since=since)
        later = today.numbers(conn, groups=frozenset(), all_cases=True, since=own_desk.world.clock.now())

    assert (whole.open, whole.opened, whole.closed, whole.breached) == (1, 1, 0, 1)
    assert (nobody.open, nobody.opened, nobody.closed, nobody.breached) == (0, 0, 0, 0)
    assert (later.open, later.opened, later.breached) == (1, 0, 0)
