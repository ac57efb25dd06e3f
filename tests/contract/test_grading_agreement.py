"""Suggestions beside what people decided, on both databases: from the kept suggestion and the case's own journal."""

from __future__ import annotations

from datetime import timedelta

from engine.domain.commands import AddComment, OpenCase
from engine.service import grading_agreement, grading_pairs, item_decisions, item_triage, items
from engine.service.application import Done
from engine.service.grading_agreement import Counts, statistics
from engine.service.grading_pairs import LOOKS, NOT_OURS, Pair
from engine.service.item_fields import NewItem
from engine.service.transactions import writing
from tests.support.world import World


def come_in(world: World, title: str, body: str) -> int:
    told = {"source_type": "forum", "source_name": "许都论坛(虚构)", "url": "", "route": "manual", "unit": "office"}
    with writing(world.services.engine) as conn:
        added = items.add_all(conn, world.clock.now(), [NewItem(title=title, body=body, entered_by="wangfang", **told)])
    item_triage.run(world.services, {})
    return added[0].item_id


def open_case(world: World, item_id: int) -> str:
    values = {
        "title": "网友反映用地问题", "body": "网帖称某处用地有问题。", "source_type": "forum",
        "source_name": "论坛", "district": "市本级",
        "discovered_at": world.stamp(0), "item_kind": "appeal", "discovered_by": "patrol", "no_state_secret": True,
    }  # fmt: skip
    command_id = f"wangfang:open-{item_id}"
    done = item_decisions.open_case(
        world.services, world.actor("wangfang"), item_id, OpenCase("opinion_case", values), command_id
    )
    assert isinstance(done, Done), done
    return done.case_id


def test_what_people_decided_stands_beside_what_was_suggested(world: World):
    slide = come_in(world, "禹州鸠山镇采石场边坡垮塌", "今晨采石场边坡垮塌，村道中断，挖掘机被埋。")
    mistaken = come_in(world, "建安区苏桥镇耕地被硬化", "路边二十亩耕地浇了水泥，村民问有没有手续。")
    other = come_in(world, "魏都区七一路天天堵车", "红绿灯配时不合理，希望交警优化。")
    undecided = come_in(world, "长葛石象镇麦田被推平", "三十亩麦地盖厂房，没有手续。")
    first, second = world.case(open_case(world, slide)), world.case(open_case(world, mistaken))
    waiting = world.case(open_case(world, undecided))
    first.fill("Task_screen", m3=True, n1=False, places=["禹州市"], county_matter=True)
    first.fill("Task_grade", grade="major_negative", grade_reason="突发事件")
    second.fill("Task_screen", m4=True, n1=True, places=["建安区"], county_matter=True)
    second.fill("Task_grade", grade="major_negative", grade_reason="已有聚集")
    item_decisions.irrelevant(world.services, world.actor("wangfang"), other, "交警的事")

    found = grading_agreement.agreement(world.services)
    (wrong,) = [one for one in grading_pairs.pairs(world.services) if one.outcome == "wrong"]
    (theirs,) = [one for one in grading_pairs.pairs(world.services) if one.decided_grade == NOT_OURS]
    later = grading_agreement.agreement(world.services, since=world.clock.now() + timedelta(days=1))

    assert "Task_screen" in waiting.open
    assert found.grades == {
        ("major_negative", "major_negative"): 1,
        ("ordinary_negative", "major_negative"): 1,
        (NOT_OURS, NOT_OURS): 1,
    }
    assert (found.total, found.right, found.wrong, found.unsure) == (3, 2, 1, 0)
    assert found.criteria["m3"] == Counts(both=1, neither=1)
    assert found.criteria["m4"] == Counts(only_person=1, neither=1)
    assert (found.screened, found.places) == (2, 2)
    assert later.total == 0
    assert found.units == {"office": {"right": 2, "wrong": 1, "unsure": 0}}
    assert (wrong.title, wrong.by, wrong.reason) == ("建安区苏桥镇耕地被硬化", "wangfang", "已有聚集")
    assert wrong.words and all(words for words in wrong.words.values())
    assert wrong.case_id and wrong.decided["m4"] is True
    assert (theirs.by, theirs.reason, theirs.case_id) == ("wangfang", "交警的事", "")


def test_a_case_that_is_graded_late_is_read_to_its_end(world: World):
    """Its first entries are comments: more than the first looks take."""
    item = come_in(world, "襄城县十里铺镇麦田上建厂房", "三十亩麦地盖厂房，没有手续，村民问谁批的。")
    case = world.case(open_case(world, item))
    for number in range(LOOKS[0][1]):
        world.do("wangfang", AddComment(f"第{number}次核对"), case.id)
    case.fill("Task_screen", m3=False, n1=True, places=["襄城县"], county_matter=True)
    case.fill("Task_grade", grade="ordinary_negative", grade_reason="一般反映")

    (found,) = [one for one in grading_pairs.pairs(world.services) if one.item_id == item]

    assert (found.decided_grade, found.reason) == ("ordinary_negative", "一般反映")


def test_an_unsure_suggestion_is_neither_right_nor_wrong():
    pairs = [Pair(1, "unsure", {}, "major_negative", {"m3": True}), Pair(2, "positive", {"p1": True}, "positive", {})]

    found = statistics(pairs)

    assert (found.unsure, found.right, found.wrong) == (1, 1, 0)
    assert found.criteria["p1"].agreed == 0.5
    assert found.criteria["m1"].agreed == 1.0
    assert Counts().agreed is None
