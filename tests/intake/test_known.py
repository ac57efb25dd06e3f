"""Topics: offered with reasons, joined by people only; spread is counted, our own reply is told as an echo."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.intake.item import Item
from engine.intake.known import Known
from engine.intake.reading import read
from engine.intake.triage import assess

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def item(ident: str, title: str, body: str = "", hours: float = 0, source: str = "", **more: object) -> Item:
    when = AT + timedelta(hours=hours)
    values = {"published_at": when, "discovered_at": when, "source_name": source, **more}
    return Item(id=ident, title=title, body=body, **values)  # type: ignore[arg-type]


SAID = item("D1", "建安区一小区旁规划绿地被围挡施工，业主质疑改建商铺", "小区东侧规划公示为公共绿地，近日被围挡。")


@pytest.mark.parametrize(
    ("title", "body", "score"),
    [
        ("说好的绿地咋成工地了", "建安区，楼下那块绿地要盖门面房，规划图上是公园，谁批的？", 0.4),
        ("转发：" + SAID.title, SAID.body + " 大家怎么看", 0.85),
        ("建安區一小區旁規劃綠地被圍擋施工", "業主質疑改建商鋪", 0.6),
    ],
)
def test_another_wording_a_repost_and_old_characters_are_offered(title: str, body: str, score: float):
    known = Known()
    known.add(SAID)

    (found,) = known.candidates(item("D2", title, body, 3))

    assert (found.topic, found.items) == ("D1", ("D1",))
    assert found.score >= score
    assert found.reasons


def test_another_district_or_another_matter_speaks_against_it():
    known = Known()
    known.add(SAID)
    near, far, other = (
        known.candidates(item(ident, title, "", 3))
        for ident, title in (
            ("a", "建安区小区旁绿地被围挡"),
            ("b", "长葛市小区旁绿地被围挡"),
            ("c", "建安区不动产登记中心排队太久"),
        )
    )

    scores = [found[0].score if found else 0.0 for found in (near, far, other)]

    assert scores[0] > scores[1] + 0.2
    assert scores[0] > scores[2] + 0.2
    assert any("区域不同" in reason for one in far for reason in one.reasons) or not far


def test_at_most_five_are_listed_and_the_item_itself_is_none_of_them():
    known = Known()
    for number in range(9):
        known.add(item(f"R{number}", SAID.title, SAID.body, number))

    found = known.candidates(item("R3", SAID.title, SAID.body, 20))

    assert len(found) == 5
    assert "R3" not in [one.topic for one in found]


def test_only_a_person_moves_an_item_into_a_topic():
    known = Known()
    known.add(SAID)
    known.add(item("D2", SAID.title, SAID.body, 1))
    before = known.topic_of("D2")

    known.confirm("D2", "T1")
    known.confirm("D1", "T1")
    (found,) = known.candidates(item("D3", SAID.title, SAID.body, 2))

    assert before == "D2"
    assert found.topic == "T1"
    assert sorted(found.items) == ["D1", "D2"]
    with pytest.raises(KeyError):
        known.confirm("nobody", "T1")


def test_spread_counts_media_once_and_netizens_not_at_all():
    known = Known()
    for number, (source, hours) in enumerate(
        [("甲网", 0), ("乙网", 0.2), ("甲网", 0.5), ("网友(匿名)", 3), ("丙报", 30)]
    ):
        known.add(item(f"S{number}", SAID.title, "", hours, source), "T")

    found = known.spread("T")

    assert (found.items, found.outlets, found.per_hour) == (5, ("甲网", "乙网", "丙报"), 3)
    assert found.last_at == AT + timedelta(hours=30)
    assert known.outlets_around(item("S9", SAID.title, "", 1, "丁台"), "T") == ("甲网", "乙网", "丁台")
    assert known.spread("unknown").items == 0


REPLY = "经核查，该地块规划用途为公共绿地，未经批准擅自围挡施工，我局已责令停工并限期恢复原状，处理结果将及时公布。"


def replied(hours: float = 0) -> Known:
    known = Known()
    known.reply("回复1", REPLY, AT + timedelta(hours=hours))
    return known


@pytest.mark.parametrize(
    ("title", "body", "source"),
    [
        ("官方回应了", f"{REPLY} 网友：早该这样", "网友(匿名)"),
        ("许昌晚报：小区旁绿地被围挡，官方回应", f"记者从市自然资源和规划局获悉：{REPLY}", "许昌晚报"),
        ("回应来了", "据了解，未经批准擅自围挡施工，我局已责令停工并限期恢复原状。", "许都论坛(虚构)"),
    ],
)
def test_our_own_reply_passed_on_is_told_as_an_echo(title, body, source):
    found = assess(item("E1", title, body, 2, source, source_type="portal"), replied())

    assert found.echo is not None
    assert (found.echo.reply, found.echo.mere) == ("回复1", True)
    assert any("可作为转载并入" in reason for reason in found.criteria.unsure)


@pytest.mark.parametrize(
    ("title", "body", "words"),
    [
        ("他们回复了", f"{REPLY} 可是今天挖掘机又进场，有没有人管？", {"有没有人管"}),
        ("又来了", "回复说未经批准擅自围挡施工，我局已责令停工并限期恢复原状，今早又强行开工打人！", {"强行"}),
        ("关于回复", f"{REPLY} " + "小区里的人昨天去看过那块地，围挡还在原来的位置，门口停着三辆车，" * 3, set()),
    ],
)
def test_who_quotes_our_reply_and_says_something_new_is_no_mere_echo(title, body, words):
    found = assess(item("E1", title, body, 2, "网友(匿名)"), replied())

    assert found.echo is not None and not found.echo.mere
    assert words <= set(found.echo.words)
    assert any("不是单纯转载，请人工判断" in reason for reason in found.criteria.unsure)


def test_what_came_before_our_reply_or_only_speaks_of_the_same_is_no_echo():
    before = assess(item("E1", "这块地", REPLY, 2, "网友(匿名)"), replied(hours=3))
    polite = "您好，您反映的问题已收悉，经核实，处理结果将及时公布，感谢您的关注。"
    other = assess(item("E2", "某县答复", polite, 4, "某县"), replied())
    withdrawn = replied()
    withdrawn.forget_reply("回复1")

    assert before.echo is None
    assert assess(SAID, replied()).echo is None
    assert other.echo is None
    assert assess(item("E3", "官方回应了", REPLY, 2), withdrawn).echo is None


def test_what_most_of_our_replies_begin_and_end_with_is_no_quote_of_any():
    thanks = "感谢您对许昌市自然资源和规划工作的关心理解与支持祝您生活愉快工作顺利"
    known = Known()
    for number, said in enumerate(("围挡已拆", "证已办结", "公示延期", "已回填", "已立案查处")):
        known.reply(f"R{number}", f"关于{said}一事，{said}，{said}，特此回复。{thanks}")

    found = assess(item("E1", "某县的答复", f"某乡道路已修好。{thanks}", 2), known)

    assert found.echo is None


def test_an_echo_spreads_nothing_until_somebody_says_that_it_is_none():
    known = replied()
    known.add(item("S1", SAID.title, "", 0, "甲网"), "T")
    known.add(item("S2", "官方回应了", REPLY, 1, "乙网"), "T", echo=True)

    before = known.spread("T")
    known.echoes("S2", False)

    assert (before.items, before.outlets) == (1, ("甲网",))
    assert known.spread("T").outlets == ("甲网", "乙网")


def test_a_comment_leads_to_what_it_comments_on():
    known = Known()
    known.add(SAID)

    (found,) = known.candidates(item("C1", "就是，太欺负人了", parent_id="D1"))

    assert (found.topic, found.score) == ("D1", 1.0)


def test_what_may_belong_to_a_major_topic_is_unsure_until_somebody_decides():
    known = Known()
    known.add(item("M1", "禹州鸠山采石场边坡垮塌，挖掘机被埋", "禹州鸠山镇采石场边坡垮塌，村道中断。"))

    found = assess(item("M2", "禹州鸠山采石场又在拉石头", "禹州鸠山镇采石场门口拉石头的车排队，村道都压坏了", 5), known)

    assert found.candidates[0].topic == "M1"
    assert any("重大标准" in reason for reason in found.criteria.unsure)
    assert "m3" not in found.criteria.words


def test_the_same_items_in_the_same_order_give_the_same_answers():
    def answers() -> list[object]:
        known = Known()
        out = []
        for number in range(12):
            one = item(f"A{number}", SAID.title[number % 5 :], SAID.body[: 30 - number], number)
            out.append(known.candidates(one))
            known.add(one, reading=read(one))
        return out

    assert answers() == answers()


def test_an_item_that_comes_again_replaces_itself():
    known = Known()
    known.add(SAID)
    known.add(item("D1", "长葛耕地被硬化", "", 1), "T")

    assert len(known) == 1
    assert known.items_of("D1") == ()
    assert known.items_of("T") == ("D1",)
