"""The inbox: tabs, order, filters, paging, empty states; it works without scripts."""

import re

from sqlalchemy.event import listen

from engine.domain.commands import ClaimTask, CopyCase, RequestCosign, TransferTask
from tests.support.desk import SCREENED, Desk

ROW = re.compile(r'<tr class="inbox-row([^"]*)">(.*?)</tr>', re.S)


def rows(text: str) -> list[tuple[str, str]]:
    """(class, content) of each line of the list."""
    return [(kind.strip(), content) for kind, content in ROW.findall(text)]


def titles(text: str) -> list[str]:
    return [re.search(r'class="text-reset" href="[^"]*">([^<]*)<', content)[1] for _, content in rows(text)]


def test_tabs_count_what_waits_by_how_it_came(own_desk: Desk):
    desk = own_desk
    case = desk.registered()
    other = desk.registered(title="第二件来信")
    desk.world.do("wangfang", ClaimTask(case.task("Task_screen")), case.id)
    desk.world.do("wangfang", RequestCosign(case.task("Task_screen"), ("zhangmin",)), case.id)
    desk.world.do("wangfang", CopyCase(("user:zhangmin",), "请阅"), other.id)

    clerk = desk.seat("wangfang").get("/inbox?view=mine").text
    leader = desk.seat("zhangmin").get("/inbox?view=cosign").text

    assert len(rows(clerk)) == 1
    assert re.search(r'我的 <span class="badge[^"]*">1<', clerk)
    assert re.search(r'按角色 <span class="badge[^"]*">3<', clerk)  # two contacts and the other screening
    assert re.search(r'会签 <span class="badge[^"]*">1<', leader)
    assert re.search(r'抄送 <span class="badge[^"]*">1<', leader)
    assert "王芳 请您会签" in leader


def test_without_a_tab_in_the_address_the_first_one_where_something_waits_is_shown(own_desk: Desk):
    own_desk.graded(title="等领导批示")

    page = own_desk.seat("zhangmin").get("/inbox").text

    assert titles(page) == ["等领导批示"]
    assert re.search(r'nav-link text-nowrap active" href="/inbox\?view=role"', page)


def test_overdue_tasks_come_first_and_are_marked(own_desk: Desk):
    desk = own_desk
    late = desk.registered(title="迟了的线索")
    desk.world.wait(minutes=45)
    desk.registered(title="刚登记的")

    page = desk.seat("wangfang").get("/inbox?view=role").text

    screening = [(kind, content) for kind, content in rows(page) if ">甄别</a>" in content]
    assert [kind for kind, _ in screening] == ["inbox-overdue", ""]
    assert late.id in screening[0][1]
    assert "超时 15分" in screening[0][1]
    assert "剩余 30分" in screening[1][1]


def test_filters_and_search_narrow_the_list_and_say_so(own_desk: Desk):
    desk = own_desk
    desk.registered(title="禹州采砂破坏林地", district="禹州市")
    desk.registered(title="长葛登记排队", district="长葛市")
    clerk = desk.seat("wangfang")

    assert set(titles(clerk.get("/inbox?view=role&q=采砂").text)) == {"禹州采砂破坏林地"}
    assert set(titles(clerk.get("/inbox?view=role&district=长葛市").text)) == {"长葛登记排队"}
    assert titles(clerk.get("/inbox?view=role&overdue=1").text) == []
    nothing = clerk.get("/inbox?view=role&grade=positive").text
    assert "没有符合条件的事项" in nothing and "清除条件" in nothing


def test_a_long_list_is_paged_and_keeps_its_filters(own_desk: Desk):
    desk = own_desk
    for number in range(12):
        desk.registered(title=f"第{number}件来信")  # two tasks each
    clerk = desk.seat("wangfang")

    first = clerk.get("/inbox?view=role&q=来信").text
    second = clerk.get("/inbox?view=role&q=来信&page=2").text

    assert (len(rows(first)), len(rows(second))) == (20, 4)
    assert re.search(r'href="/inbox\?view=role&amp;q=[^"]*&amp;page=2" rel="next"', first)
    assert "共 24 项" in first


def test_a_row_leads_to_its_task_and_offers_to_claim_it(own_desk: Desk):
    desk = own_desk
    case = desk.registered()
    clerk = desk.seat("wangfang")

    page = clerk.get("/inbox?view=role").text
    target = re.search(r'class="fw-bold stretched-on-phone" href="(/tasks/[^"]*Task_screen[^"]*)"', page)[1]
    answer = clerk.post(f"/cases/{case.id}/claim", {"task": case.task("Task_screen")})

    assert clerk.get(target).status_code == 200
    assert answer.status_code == 303
    assert len(rows(clerk.get("/inbox?view=mine").text)) == 1


def test_a_task_says_how_it_came(own_desk: Desk):
    desk = own_desk
    case = desk.registered()
    desk.world.do("wangfang", TransferTask(case.task("Task_screen"), "lina", "今天外出"), case.id)

    assert "王芳 转办" in desk.seat("lina").get("/inbox?view=mine").text


def test_done_tasks_can_be_withdrawn_for_half_an_hour(own_desk: Desk):
    desk = own_desk
    case = desk.registered()
    case.submit("wangfang", "Task_screen", **SCREENED)

    early = desk.seat("wangfang").get("/inbox?view=done").text
    desk.world.clock.advance(minutes=31)
    late = desk.seat("wangfang").get("/inbox?view=done").text

    assert f"/cases/{case.id}/withdraw?seq=" in early
    assert f"/cases/{case.id}/withdraw?seq=" not in late


def test_empty_tabs_say_what_would_stand_there(own_desk: Desk):
    clerk = own_desk.seat("wangfang")

    for tab in ("mine", "unit", "role", "cosign", "copies", "done"):
        page = clerk.get(f"/inbox?view={tab}").text
        assert 'class="empty-title">' in page
        assert "inbox." not in re.sub(r"<[^>]*>", "", page), "a sentence is missing from the catalogue"


def test_an_empty_inbox_points_to_what_can_be_claimed(own_desk: Desk):
    own_desk.registered()

    assert "去领办事项（2）" in own_desk.seat("wangfang").get("/inbox?view=mine").text


def test_the_number_of_statements_does_not_grow_with_the_list(own_desk: Desk):
    desk = own_desk
    clerk = desk.seat("wangfang")
    asked: list[str] = []
    listen(desk.world.services.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))

    def statements() -> int:
        asked.clear()
        assert clerk.get("/inbox?view=role").status_code == 200
        return len(asked)

    desk.registered()
    statements()  # the first page of a process looks up what it then keeps
    few = statements()
    for _ in range(12):
        desk.registered()

    assert statements() == few <= 15


def test_odd_addresses_are_the_plain_list(own_desk: Desk):
    clerk = own_desk.seat("wangfang")

    for odd in ("view=nothing", "page=-3", "page=zehn", "page=99999", "q=%00%25_", "grade=" + "x" * 5000):
        assert clerk.get(f"/inbox?{odd}").status_code == 200, odd


def test_the_unread_count_is_what_waits_for_the_person_himself(own_desk: Desk):
    desk = own_desk
    case = desk.registered()
    desk.world.do("wangfang", ClaimTask(case.task("Task_screen")), case.id)
    desk.world.do("wangfang", CopyCase(("user:lina",), ""), case.id)

    assert desk.seat("wangfang").get("/inbox/unread").json == {"unread": 1}
    assert desk.seat("lina").get("/inbox/unread").json == {"unread": 1}
    assert desk.seat("zhouwei").get("/inbox/unread").json == {"unread": 0}


def test_who_does_no_case_work_has_no_inbox(own_desk: Desk):
    for login in ("qianjin", "wumin", "zhaoming", "sunli"):
        assert own_desk.seat(login).get("/inbox").status_code == 403, login
