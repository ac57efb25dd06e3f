"""Echoes of what we have published: told by triage with their case, linked by a person, counted as no spread; who
quotes us and complains stays a post like any other. On both databases."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

from engine.domain.codec import instant_text
from engine.domain.commands import WithdrawSubmission
from engine.readmodels import dossier
from engine.service import item_decisions, item_triage, items, own_replies, spread, topics
from engine.service.item_fields import NewItem
from engine.service.items import Item
from engine.service.transactions import writing
from tests.support.walks import until_composing
from tests.support.world import CaseView, World

WHERE = "https://zrzyj.example/reply/77"
_numbers = count(1)


TEXTS = (
    "经现场核查，北营村村民反映的耕地硬化一事属实，面积零点三亩，我局已责令当事人限期拆除并复垦，整改情况将向社会公开。",
    "东湖小区不动产登记积压的原因已查明，系开发企业欠缴税费，我局开设专窗，自本周起分批为已购房住户办理首次登记。",
    "关于采石场粉尘，执法人员当晚到场检查，企业喷淋设备停用属实，已下达停产通知书，验收合格前不得恢复生产。",
    "滨河路规划调整尚在公示期内，没有批准任何建设，所传效果图并非我局发布，欢迎市民在公示期内提出意见。",
)  # fmt: skip


def published(world: World, text: str) -> CaseView:
    case = until_composing(world)
    world.clock.set(world.clock.now() + timedelta(minutes=10))
    case.fill("Task_compose_reply", reply_text=text)
    case.fill("Task_approve_vice")
    one = {"channel": "website", "published_on": world.stamp(0), "place": WHERE, "same_text": True}
    case.fill("Task_publish_reply", reply_proof="files::proof", publications=[one])
    world.clock.set(world.clock.now() + timedelta(minutes=10))
    return case


def brought(world: World, title: str, body: str, source: str = "许都论坛(虚构)", minutes: float = 0) -> int:
    at = world.clock.now() + timedelta(minutes=minutes)
    new = NewItem(
        title=title, body=body, source_type="forum", source_name=source,
        url=f"https://echo.example/{next(_numbers)}", route="manual", entered_by="wangfang", unit="bangong",
        published_at=instant_text(at),
    )  # fmt: skip
    with writing(world.services.engine) as conn:
        return items.add(conn, world.clock.now(), new).item_id


def triaged(world: World, item_id: int) -> Item:
    item_triage.run(world.services, {})
    return get(world, item_id)


def get(world: World, item_id: int) -> Item:
    with world.services.engine.connect() as conn:
        found = items.get(conn, item_id)
    assert found is not None
    return found


def test_a_reposted_reply_is_told_and_once_a_person_confirms_joins_the_topic_and_spreads_nothing(world: World):
    text = TEXTS[0]
    case, me = published(world, text), world.actor("wangfang")
    first, second = (
        brought(world, "某村耕地被硬化", "网帖称某村耕地被硬化。"),
        brought(world, "耕地硬化", "无手续。", "甲网"),
    )
    item_decisions.link(world.services, me, first, case.id, "同一事件")
    topic = topics.confirm(world.services, me, second, f"i:{first}")
    assert isinstance(topic, topics.Topic)

    echo = triaged(world, brought(world, "官方回应来了", f"{text}（许都论坛转）", "乙网"))
    untouched = echo.state, echo.topic_id, echo.case_id
    linked = item_decisions.link(world.services, me, echo.item_id, case.id, "转载本局回复", own_reply=True)

    told = items.echo(echo)
    assert (told["case"], told["kind"], told["mere"], told["place"]) == (case.id, "reply", True, WHERE)
    assert told["share"] > 0.9 and echo.grade_hint == "unsure"
    assert untouched == ("new", None, ""), "triage itself linked the item"
    assert isinstance(linked, Item)
    assert (linked.state, linked.own_reply, linked.topic_id) == ("linked", True, topic.topic_id)
    with world.services.engine.connect() as conn:
        found = spread.of_topic(world.services, conn, topic.topic_id)
        (counted,) = topics.by_ids(conn, [topic.topic_id])
    assert (found.items, found.outlets, counted.outlets) == (2, 2, 2)


def test_who_quotes_the_reply_and_complains_anew_stays_for_a_person_with_the_words(world: World):
    text = TEXTS[1]
    case = published(world, text)

    found = triaged(world, brought(world, "他们就这样回复", f"“{text}”可今天又在硬化，到底有没有人管？", "网友(匿名)"))

    told = items.echo(found)
    assert (told["case"], told["mere"]) == (case.id, False)
    assert "有没有人管" in told["words"] and "有没有人管" in told["rest"]
    assert found.grade_hint == "unsure"
    assert any("不是单纯转载，请人工判断" in reason for reason in found.assessment["grade_reasons"])


def test_before_its_publication_and_after_it_was_withdrawn_a_reply_has_no_echo(world: World):
    text = TEXTS[2]
    case = published(world, text)
    early = triaged(world, brought(world, "转一个", text, minutes=-600))
    late = triaged(world, brought(world, "转一个", text))
    (done,) = [one for one in _tasks(world, case) if one.form == "reply_publish"]

    world.do("wangfang", WithdrawSubmission(done.completed_seq, "发错了"), case.id)
    after = triaged(world, brought(world, "再转一个", text))

    assert items.echo(early) == {}
    assert items.echo(late)["case"] == case.id
    assert items.echo(after) == {}


def test_a_look_reads_only_cases_that_changed_since_the_last_one(world: World, monkeypatch):
    world.clock.set(world.clock.now() + timedelta(minutes=30))
    triaged(world, brought(world, "路灯不亮", "某路路灯不亮。"))
    read: list[str] = []
    kept = own_replies._reply
    monkeypatch.setattr(own_replies, "_reply", lambda *asked: (read.append(asked[1]), kept(*asked))[1])
    world.clock.set(world.clock.now() + timedelta(minutes=30))

    triaged(world, brought(world, "路灯还不亮", "某路路灯还是不亮。"))
    nothing = list(read)
    text = TEXTS[3]
    case = published(world, text)
    echo = triaged(world, brought(world, "转", text))

    assert nothing == []
    assert read == [case.id] and items.echo(echo)["case"] == case.id


def _tasks(world: World, case: CaseView) -> tuple[dossier.TaskRow, ...]:
    with world.services.engine.connect() as conn:
        return dossier.tasks_of(conn, case.id)
