"""What a person may do with a task besides submitting it: which buttons its page offers. The service decides again."""

from __future__ import annotations

from dataclasses import dataclass

from engine.domain.access import may
from engine.domain.organisation import OFFICE, Actor
from engine.readmodels.cases import CaseRow
from engine.readmodels.dossier import CosignRow
from engine.service.case_view import TaskView


@dataclass(frozen=True, slots=True)
class Options:
    """Buttons to show. `sign`: my signature is asked for. `pending`: signatures that hold a submission up."""

    claim: bool
    release: bool
    transfer: bool
    delegate: bool
    give_back: bool
    request_cosign: bool
    sign: bool
    urge: bool
    copy: bool
    comment: bool
    pending: tuple[CosignRow, ...]
    delegated_to_me: bool


def of(view: TaskView, case: CaseRow, signs: tuple[CosignRow, ...], actor: Actor) -> Options:
    task = view.task
    mine = task.assignee == actor.user_id or task.assignee in actor.substitutes_for
    works = view.may_work
    manages = OFFICE in actor.roles or bool(task.unit and f"head:{task.unit}" in actor.groups)
    oversees = bool(may(actor, "view_all_cases")) or case.opened_by == actor.user_id
    asked = tuple(sign for sign in signs if sign.state == "asked")
    return Options(
        claim=works and not task.assignee,
        release=mine and bool(task.candidates) and not task.owner,
        transfer=(works or manages) and not task.owner,
        delegate=works and not task.owner,
        give_back=mine and (bool(task.owner) or task.came_how == "transferred"),
        request_cosign=works,
        sign=any(sign.user_id in (actor.user_id, *actor.substitutes_for) for sign in asked),
        urge=bool(may(actor, "urge_task")) and not (mine or (works and not task.assignee)) and (works or oversees),
        copy=bool(may(actor, "copy_case")) and (works or oversees),
        comment=bool(may(actor, "comment")),
        pending=asked,
        delegated_to_me=mine and bool(task.owner) and task.owner != actor.user_id,
    )
