"""Items and topics on both databases: kept once, never lost, decided on by people, each decision in the journal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, update
from sqlalchemy.exc import DBAPIError

from engine.domain.commands import OpenCase
from engine.domain.rejection import Rejection
from engine.readmodels import dossier
from engine.service import item_cases, item_decisions, item_fields, item_instants, items, spread, topic_merge, topics
from engine.service.application import Done
from engine.service.item_fields import NewItem
from engine.service.item_journal import STREAM
from engine.service.items_tables import item_instant_edits, item_offers
from engine.service.items_tables import items as table
from engine.service.items_tables import topics as topic_table
from engine.service.transactions import writing
from engine.service.verify import verify
from tests.support.desk import GRADED, SCREENED
from tests.support.world import World


def new(number: int, **values: object) -> NewItem:
    told = {
        "title": f"某村第{number}块耕地被占",
        "body": f"网帖 {number}",
        "source_type": "forum",
        "source_name": f"论坛{number}(虚构)",
        "url": f"https://items.example/{number}",
        "route": "manual",
        "entered_by": "wangfang",
        "unit": "office",
        **values,
    }
    return NewItem(**told)  # type: ignore[arg-type]


@pytest.fixture
def numbers() -> Iterator[int]:
    return iter(range(_next(), 10**9))


_used = [0]


def _next() -> int:
    _used[0] += 1000
    return _used[0]


def add(world: World, *wanted: NewItem) -> list[int]:
    with writing(world.services.engine) as conn:
        return [one.item_id for one in items.add_all(conn, world.clock.now(), wanted)]


def get(world: World, item_id: int) -> items.Item:
    with world.services.engine.connect() as conn:
        found = items.get(conn, item_id)
    assert found is not None
    return found


def offer(world: World, item_id: int, target: str, score: float = 0.9) -> None:
    with writing(world.services.engine) as conn:
        topics.offer(conn, world.clock.now(), item_id, [(target, score, ["同一地点"])])


def offered(world: World, item_id: int) -> tuple[topics.Offer, ...]:
    with world.services.engine.connect() as conn:
        return topics.offers(conn, get(world, item_id))


def journal(world: World, item_id: int) -> list[str]:
    with world.services.journal.reading() as tx:
        events = [entry.events[0] for entry in tx.read(STREAM)]
    return [event["kind"] for event in events if event.get("item") == item_id]


def opened(world: World, item_id: int, login: str = "wangfang") -> Done | Rejection:
    values = {
        "title": "网友反映耕地被占用", "body": "网帖称某村耕地被硬化。", "source_type": "forum", "source_name": "论坛",
        "discovered_at": world.stamp(0), "district": "市本级", "item_kind": "appeal", "discovered_by": "patrol",
        "no_state_secret": True,
    }  # fmt: skip
    command_id = f"{login}:open-{item_id}-{next(world.numbers)}"
    return item_decisions.open_case(
        world.services, world.actor(login), item_id, OpenCase("opinion_case", values), command_id
    )


def test_the_same_address_or_the_same_words_of_one_source_are_kept_once(world: World, numbers):
    number = next(numbers)
    first = new(number)
    with writing(world.services.engine) as conn:
        added = items.add_all(conn, world.clock.now(), [first, new(number, body="改过的正文"), first])
        other_source = items.add(conn, world.clock.now(), new(number, source_name="另一家", url=""))
        same_words = items.add(
            conn, world.clock.now(), new(number, source_name="另一家", url="", body=f"网帖,{number}!")
        )

    assert [one.repeated for one in added] == [False, True, True]
    assert len({one.item_id for one in added}) == 1
    assert not other_source.repeated
    assert same_words.repeated and same_words.item_id == other_source.item_id


def test_many_comments_under_one_address_are_items_of_their_own_below_it(world: World, numbers):
    number = next(numbers)
    post = new(number)
    comments = [
        new(number, parent_url=post.url, title=f"评论{n}", body=f"评论{n}", author=f"网友{n}") for n in range(3)
    ]

    with writing(world.services.engine) as conn:
        added = items.add_all(conn, world.clock.now(), [*comments, post])  # the post stands last in the file
        again = items.add_all(conn, world.clock.now(), [*comments, post])
        below = items.comments(conn, added[-1].item_id, 10)

    assert {one.title for one in below} == {"评论0", "评论1", "评论2"}
    assert all(one.repeated for one in again)
    assert [one.item_id for one in again] == [one.item_id for one in added]


def test_the_database_refuses_to_delete_an_item_or_to_change_its_words(world: World, numbers):
    (item_id,) = add(world, new(next(numbers)))
    offer(world, item_id, "i:1")
    refused = []
    for statement in (
        delete(table).where(table.c.item_id == item_id),
        update(table).where(table.c.item_id == item_id).values(body="没有这回事"),
        update(table).where(table.c.item_id == item_id).values(url=""),
        delete(item_offers).where(item_offers.c.item_id == item_id),
        delete(topic_table),
        delete(item_instant_edits),
    ):
        with pytest.raises(DBAPIError) as caught, writing(world.services.engine) as conn:
            conn.execute(insert(topic_table).values(_topic_row()))  # a row to delete; the refusal undoes it
            conn.execute(
                insert(item_instant_edits).values(
                    item_id=item_id, instant="published_at", old="", new="", reason="x", proposed_by="a",
                    proposed_at="", state="proposed", decided_by="", decided_at="",
                )
            )  # fmt: skip
            conn.execute(statement)
        refused.append("R06" in str(caught.value))

    assert refused == [True] * 6
    with writing(world.services.engine) as conn:  # what people decide may change
        conn.execute(update(table).where(table.c.item_id == item_id).values(state="irrelevant"))
    assert get(world, item_id).body.startswith("网帖")


def _topic_row() -> dict[str, str]:
    return {"title": "x", "case_id": "", "created_at": "", "created_by": "", "told_criterion": "", "told_at": ""}


def test_marking_as_irrelevant_needs_a_reason_is_journaled_and_can_be_taken_back(world: World, numbers):
    (item_id,) = add(world, new(next(numbers)))
    office = world.actor("wangfang")

    without = item_decisions.irrelevant(world.services, office, item_id, "  ")
    done = item_decisions.irrelevant(world.services, office, item_id, "外地事件")
    again = item_decisions.irrelevant(world.services, office, item_id, "外地事件")
    back = item_decisions.take_up(world.services, office, item_id, "经核实在本市")

    assert isinstance(without, Rejection) and without.fields[0].path == "reason"
    assert isinstance(done, items.Item) and (done.state, done.reason, done.decided_by) == (
        "irrelevant", "外地事件", "wangfang",
    )  # fmt: skip
    assert done.signed_at == world.clock.now()
    assert isinstance(again, Rejection) and again.code == "conflict"
    assert isinstance(back, items.Item) and back.state == "new"
    assert journal(world, item_id) == ["ItemIrrelevant", "ItemTakenUp"]


def test_a_case_opened_of_an_item_is_linked_to_it_and_opened_once(world: World, numbers):
    (item_id,) = add(world, new(next(numbers)))

    outcome = opened(world, item_id)
    second = opened(world, item_id, "liqiang")

    assert isinstance(outcome, Done), outcome
    item = get(world, item_id)
    assert (item.state, item.case_id) == ("opened", outcome.case_id)
    assert isinstance(second, Rejection) and second.key == "item.has_case"
    assert journal(world, item_id) == ["ItemOpened"]


def test_a_refused_registration_leaves_the_item_as_it_was(world: World, numbers):
    (item_id,) = add(world, new(next(numbers)))
    office = world.actor("wangfang")

    refused = item_decisions.open_case(world.services, office, item_id, OpenCase("opinion_case", {}), "wangfang:bad")
    outcome = opened(world, item_id, "liqiang")

    assert isinstance(refused, Rejection) and refused.code == "invalid"
    assert isinstance(outcome, Done)


def test_a_program_that_ended_between_the_case_and_the_link_is_made_up_for(world: World, numbers, monkeypatch):
    (item_id,) = add(world, new(next(numbers)))

    def gone(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(item_decisions, "_opened", gone)
        opened(world, item_id)
    meanwhile = opened(world, item_id, "liqiang")
    world.clock.advance(minutes=2)
    settled = item_decisions.settle(world.services)

    assert isinstance(meanwhile, Rejection) and meanwhile.key == "item.being_opened"
    assert settled == 1
    assert get(world, item_id).state == "opened"
    assert item_decisions.settle(world.services) == 0


def test_a_linked_item_becomes_material_of_its_case_and_its_handlers_are_told_once(world: World, numbers):
    case = world.open(title="关联测试案件")
    (item_id,) = add(world, new(next(numbers)))

    done = item_decisions.link(world.services, world.actor("wangfang"), item_id, case.id, "同一地块")
    for _ in range(2):  # a job may run twice
        item_cases.run(world.services, {"item": item_id, "case": case.id, "actor": "wangfang"})

    assert isinstance(done, items.Item) and (done.state, done.case_id) == ("linked", case.id)
    with world.services.engine.connect() as conn:
        remarks = dossier.comments_of(conn, case.id)
        copies = dossier.copies_of(conn, case.id)
    assert [one.text for one in remarks if f"信息 {item_id}" in one.text] == [item_cases.remark(done)]
    assert {copy.grp for copy in copies} == {"office"}


def test_linking_to_a_case_that_is_not_there_is_refused_beside_its_field(world: World, numbers):
    (item_id,) = add(world, new(next(numbers)))

    refused = item_decisions.link(world.services, world.actor("wangfang"), item_id, "WQ-2026-999999", "同一")

    assert isinstance(refused, Rejection) and refused.fields[0].path == "case_id"
    assert get(world, item_id).state == "new"
    assert journal(world, item_id) == []


def test_a_topic_is_offered_and_only_a_person_makes_it(world: World, numbers):
    first, second = add(world, new(next(numbers)), new(next(numbers)))
    offer(world, second, f"i:{first}")
    before = get(world, first).topic_id, get(world, second).topic_id

    made = topics.confirm(world.services, world.actor("wangfang"), second, f"i:{first}")

    assert before == (None, None)
    assert isinstance(made, topics.Topic) and made.size == 2
    assert get(world, first).topic_id == get(world, second).topic_id == made.topic_id
    assert journal(world, second) == ["TopicConfirmed"]


def test_a_rejection_is_remembered_and_not_offered_again(world: World, numbers):
    first, second = add(world, new(next(numbers)), new(next(numbers)))
    offer(world, second, f"i:{first}")

    topics.reject(world.services, world.actor("wangfang"), second, f"i:{first}", "不同地块")
    offer(world, second, f"i:{first}", score=0.99)

    (one,) = offered(world, second)
    assert (one.state, one.reason, one.score) == ("rejected", "不同地块", 0.9)
    assert journal(world, second) == ["TopicRejected"]


def test_a_topic_has_one_case_and_what_joins_later_goes_to_it(world: World, numbers):
    first, second, third = add(world, *(new(next(numbers)) for _ in range(3)))
    office = world.actor("wangfang")
    topics.confirm(world.services, office, second, f"i:{first}")

    outcome = opened(world, second)
    other = opened(world, first)
    offer(world, third, f"i:{first}")
    joined = topics.confirm(world.services, office, third, offered(world, third)[0].key)

    assert isinstance(outcome, Done)
    assert isinstance(other, Rejection) and other.key == "item.has_case"
    assert (get(world, first).state, get(world, first).case_id) == ("linked", outcome.case_id), "said to be the same"
    assert isinstance(joined, topics.Topic) and joined.case_id == outcome.case_id
    assert (get(world, third).state, get(world, third).case_id) == ("linked", outcome.case_id)
    with world.services.engine.connect() as conn:
        waiting = world.services.jobs.listed(conn, "waiting", 50)
    told = [dict(job.args) for job in waiting]
    assert all({"item": one, "case": outcome.case_id, "actor": "wangfang"} in told for one in (first, third))


def test_two_topics_with_a_case_each_are_not_put_together(world: World, numbers):
    first, second = add(world, new(next(numbers)), new(next(numbers)))
    opened(world, first)
    opened(world, second)

    refused = topics.confirm(world.services, world.actor("wangfang"), second, f"i:{first}")

    assert isinstance(refused, Rejection) and refused.key == "topic.two_cases"
    assert get(world, first).topic_id is None, "a refused decision leaves no topic behind"


def test_an_item_is_taken_out_of_its_topic_with_a_reason_and_that_is_remembered(world: World, numbers):
    first, second = add(world, new(next(numbers)), new(next(numbers)))
    office = world.actor("wangfang")
    offer(world, second, f"i:{first}")
    made = topics.confirm(world.services, office, second, f"i:{first}")
    assert isinstance(made, topics.Topic)

    without = topics.split(world.services, office, second, "")
    done = topics.split(world.services, office, second, "另一个村")
    offer(world, second, f"t:{made.topic_id}")

    assert isinstance(without, Rejection)
    assert isinstance(done, items.Item) and done.topic_id is None
    assert {one.state for one in offered(world, second)} == {"split"}
    assert journal(world, second) == ["TopicConfirmed", "TopicSplit"]


def test_an_instant_is_corrected_by_two_people(world: World, numbers):
    (item_id,) = add(world, new(next(numbers), discovered_at="2026-03-02T00:30:00.000000Z"))
    office = world.actor("wangfang")

    edit = item_instants.propose(world.services, office, item_id, "discovered_at", "2026-03-02 08:10", "值班日志记载")
    assert isinstance(edit, int)
    alone = item_instants.answer(world.services, office, edit, True)
    unchanged = get(world, item_id).discovered_at
    done = item_instants.answer(world.services, world.actor("liqiang"), edit, True)

    assert isinstance(alone, Rejection) and alone.key == "item.edit.own"
    assert unchanged is not None and unchanged.isoformat() == "2026-03-02T00:30:00+00:00"
    assert isinstance(done, item_instants.Edit) and done.state == "accepted"
    changed = get(world, item_id).discovered_at
    assert changed is not None and changed.isoformat() == "2026-03-02T00:10:00+00:00"
    assert journal(world, item_id) == ["InstantProposed", "InstantChanged"]


def test_five_sources_within_a_day_propose_a_higher_grade_and_four_do_not(world: World, numbers):
    wanted = [new(next(numbers), published_at=f"2026-03-02T0{hour}:00:00.000000Z") for hour in range(6)]
    first, *rest = add(world, *wanted)
    office = world.actor("wangfang")
    case = opened(world, first)
    assert isinstance(case, Done)
    view = world.case(case.case_id)
    view.submit("wangfang", "Task_screen", **SCREENED)
    view.submit("wangfang", "Task_grade", **GRADED)
    seen = []
    for item_id in rest[:4]:
        topic = topics.confirm(world.services, office, item_id, f"i:{first}")
        assert isinstance(topic, topics.Topic)
        with world.services.engine.connect() as conn:
            proposal = spread.proposal(world.services, conn, topic)
        seen.append(None if proposal is None else (proposal.spread.most_outlets, proposal.spread.criterion))

    item_cases.run(world.services, {"item": rest[3], "case": case.case_id, "actor": "wangfang"})
    item_cases.run(world.services, {"item": rest[3], "case": case.case_id, "actor": "wangfang"})

    assert seen == [None, None, None, (5, "m5_outlets")]
    with world.services.journal.reading() as tx:
        told = [entry.events[0] for entry in tx.read(STREAM) if entry.events[0]["kind"] == "RegradeProposed"]
    assert [(one["case"], one["outlets"]) for one in told] == [(case.case_id, 5)]


def test_one_central_paper_is_enough_and_our_own_reply_counts_for_nothing(numbers):
    at = "2026-03-02T01:00:00.000000Z"
    limits = spread.Thresholds()
    rows = [_plain(1, "许都论坛", at), _plain(2, "人民日报客户端", at)]
    echoes = [_plain(n, f"媒体{n}", at, own=True) for n in range(9)]
    now = rows[0].received_at + timedelta(hours=1)

    assert spread.measured(rows, now, limits).criterion == "m5_media"
    assert spread.measured([rows[0], *echoes], now, limits).criterion == ""
    assert spread.measured([rows[0], *echoes], now, limits).items == 1


def _plain(number: int, source: str, at: str, own: bool = False) -> items.Item:
    from engine.domain.codec import parse_instant

    when = parse_instant(at)
    return items.Item(
        number, "forum", source, "", "t", "", "", "", False, "", "", None, when, None, when, when, None, when, "manual",
        "x", "", (), "new", "", "", None, own, None, "", "", None, {}, "", "",
    )  # fmt: skip


def test_what_was_decided_on_items_verifies_with_the_rest_of_the_journal(world: World, numbers):
    (item_id,) = add(world, new(next(numbers)))
    item_decisions.irrelevant(world.services, world.actor("wangfang"), item_id, "无关")

    report = json.loads(verify(world.services).as_json())

    assert report["whole"], report


def test_unknown_words_and_instants_are_refused_each_beside_its_field(world: World):
    refused = item_fields.checked(
        {
            "title": "", "body": "", "source_type": "报纸摊", "source_name": "", "url": "javascript:alert(1)",
            "published_at": "2026-03-02", "captured_at": "2031-01-01 10:00", "callback": "也许",
        },
        world.clock.now(),
        route="manual",
        entered_by="wangfang",
    )  # fmt: skip

    assert isinstance(refused, Rejection)
    assert {fault.path: fault.key for fault in refused.fields} == {
        "title": "item.fault.no_words", "source_type": "item.fault.not_known", "source_name": "form.required",
        "url": "item.fault.url", "published_at": "item.fault.instant", "captured_at": "item.fault.future",
        "callback": "item.fault.yes_no",
    }  # fmt: skip


@pytest.mark.parametrize(
    "written",
    ["2026-03-02 09:12", "2026/3/2 9:12", "2026年3月2日 9时12分", "2026-03-02T09:12:00+08:00", "2026.3.2 9:12:00",
     "2026-03-02T01:12:00Z", "2026-3-2 09:12"],
)  # fmt: skip
def test_instants_are_read_as_people_and_vendors_write_them(written: str):
    at = item_fields.instant(written)

    assert at is not None and at.isoformat() in ("2026-03-02T09:12:00+08:00", "2026-03-02T01:12:00+00:00")


def test_two_topics_of_one_event_are_put_together_by_a_person_with_the_case_that_one_of_them_has(world: World, numbers):
    me = world.actor("wangfang")
    a, b, c, d, e = add(world, *(new(next(numbers)) for _ in range(5)))
    first = topics.confirm(world.services, me, b, f"i:{a}")
    second = topics.confirm(world.services, me, d, f"i:{c}")
    assert isinstance(first, topics.Topic) and isinstance(second, topics.Topic)
    offer(world, c, f"t:{first.topic_id}")
    offer(world, e, f"t:{second.topic_id}")
    case = opened(world, d)
    assert isinstance(case, Done)
    with world.services.engine.connect() as conn:
        likely = [one.topic_id for one in topic_merge.likely(conn, first.topic_id)]

    merged = topic_merge.merge(world.services, me, second.topic_id, first.topic_id)

    assert likely == [second.topic_id]
    assert isinstance(merged, topics.Topic)
    assert (merged.topic_id, merged.size, merged.case_id) == (first.topic_id, 4, case.case_id)
    assert [get(world, n).state for n in (a, b, c, d)] == ["linked", "linked", "linked", "opened"]
    assert {get(world, n).case_id for n in (a, b, c, d)} == {case.case_id}
    with world.services.engine.connect() as conn:
        (gone,) = topics.by_ids(conn, [second.topic_id])
        listed = {one.topic_id for one in topics.listed(conn, "", "", 1, 10_000).rows}
        assert topic_merge.likely(conn, first.topic_id) == ()
    assert (gone.size, gone.case_id) == (0, "")
    assert second.topic_id not in listed and first.topic_id in listed
    assert [one.key for one in offered(world, e)] == [f"t:{first.topic_id}"]


def test_two_topics_with_a_case_each_and_a_topic_with_itself_are_not_put_together(world: World, numbers):
    me = world.actor("wangfang")
    a, b, c, d = add(world, *(new(next(numbers)) for _ in range(4)))
    first = topics.confirm(world.services, me, b, f"i:{a}")
    second = topics.confirm(world.services, me, d, f"i:{c}")
    assert isinstance(first, topics.Topic) and isinstance(second, topics.Topic)
    opened(world, b)
    opened(world, d)

    both = topic_merge.merge(world.services, me, second.topic_id, first.topic_id)
    itself = topic_merge.merge(world.services, me, first.topic_id, first.topic_id)

    assert isinstance(both, Rejection) and both.key == "topic.two_cases"
    assert isinstance(itself, Rejection) and itself.code == "not_found"
    assert get(world, c).topic_id == second.topic_id


def test_a_topic_that_gets_its_case_from_an_item_that_joins_gives_it_its_other_items(world: World, numbers):
    first, second, third = add(world, *(new(next(numbers)) for _ in range(3)))
    office = world.actor("wangfang")
    made = topics.confirm(world.services, office, second, f"i:{first}")
    outcome = opened(world, third)
    assert isinstance(made, topics.Topic) and isinstance(outcome, Done)

    topics.confirm(world.services, office, third, f"t:{made.topic_id}")

    assert {get(world, one).case_id for one in (first, second, third)} == {outcome.case_id}
    assert [get(world, one).state for one in (first, second, third)] == ["linked", "linked", "opened"]
