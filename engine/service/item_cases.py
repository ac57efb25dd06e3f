"""A linked item in its case: a remark with where it is found, and word to those who have the case in hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import update

from engine.domain.codec import JSON, instant_text
from engine.domain.commands import AddComment, AttachFile, Command, CopyCase
from engine.domain.organisation import Actor
from engine.readmodels import dossier

from . import items, people, spread, topics
from .item_journal import Writing, decide
from .items import Item
from .items_tables import topics as topic_table

LENGTH: Final = 300
"""Characters of an item's title and address that go into the remark; the rest is on the item's page."""


def run(services: Any, args: Mapping[str, JSON]) -> None:
    """The task: what a person has linked becomes material of the case, in that person's name, and the groups that have
    an open task there are told (without content, R71). Done twice it changes nothing: its commands have fixed ids."""
    item_id, case_id = int(args["item"]), str(args["case"])
    with services.engine.connect() as conn:
        item = items.get(conn, item_id)
        actor = people.actor(conn, str(args["actor"]), services.clock.now())
        tasks = dossier.tasks_of(conn, case_id, open_only=True)
    if item is None or actor is None:
        return
    _send(services, actor, case_id, f"item:{item_id}:{case_id}:remark", AddComment(remark(item)))
    for number, fact in enumerate(item.attachments):
        _send(services, actor, case_id, f"item:{item_id}:{case_id}:file{number}", AttachFile(fact, f"信息 {item_id}"))
    holders = {f"user:{task.assignee}" for task in tasks if task.assignee}
    waiting = {group for task in tasks if not task.assignee for group in task.candidates}
    told = tuple(sorted(holders | waiting))
    if told:
        _send(services, actor, case_id, f"item:{item_id}:{case_id}:told", CopyCase(told, f"新信息 {item_id}"))
    _propose(services, actor, case_id)


def _propose(services: Any, actor: Actor, case_id: str) -> None:
    """The first time that a topic's spread meets a criterion of a major case: an entry of the journal and word to the
    office, which decides whether to ask for the higher grade (R48)."""
    with services.engine.connect() as conn:
        topic = topics.of_case(conn, case_id)
        found = spread.proposal(services, conn, topic) if topic is not None and not topic.told_criterion else None
    if topic is None or found is None:
        return

    def change(writing: Writing) -> bool:
        mine = topic_table.c.topic_id == topic.topic_id, topic_table.c.told_criterion == ""
        told = {"told_criterion": found.spread.criterion, "told_at": instant_text(writing.now)}
        if writing.conn.execute(update(topic_table).where(*mine).values(**told)).rowcount:
            writing.note("ProposeRegrade", "RegradeProposed", topic=topic.topic_id, case=case_id,
                         criterion=found.spread.criterion, outlets=found.spread.most_outlets)  # fmt: skip
        return True

    decide(services, actor.user_id, change)
    _send(services, actor, case_id, f"topic:{topic.topic_id}:{case_id}:regrade", CopyCase(("office",), "建议调整等级"))


def remark(item: Item) -> str:
    """What the case keeps of an item: its number, what it is, where it is found."""
    kind = "本局回复的转载" if item.own_reply else "同一事件的新信息"
    where = f" {item.url[:LENGTH]}" if item.url else ""
    return f"{kind}（信息 {item.item_id}）：{item.title[:LENGTH]}，来源：{item.source_name}{where}"


def _send(services: Any, actor: Actor, case_id: str, command_id: str, command: Command) -> None:
    services.application.handle(command, actor, case_id=case_id, command_id=command_id)
