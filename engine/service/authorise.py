"""Who may send which command to which case: roles and groups against what the case says of its tasks."""

from __future__ import annotations

import logging
from collections.abc import Collection

from engine.domain import commands as cmd
from engine.domain.access import ACTIONS
from engine.domain.commands import Command
from engine.domain.organisation import Actor
from engine.domain.rejection import Rejection
from engine.kernel.case import Case, OpenTask
from engine.kernel.faults import KernelFault
from engine.kernel.human import recused_units

log = logging.getLogger("opinion.access")

CASE_WORKERS = frozenset({"staff", "section_head", "leader", "chief", "office", "supervision"})
OVERSEERS = frozenset({"office", "supervision", "leader", "chief"})
READ_ONLY = frozenset({"auditor", "system_admin", "security_admin"})


def authorise(command: Command, actor: Actor, case: Case | None) -> str | Rejection:
    """The person on whose behalf the actor acts ("" = own name), or the Rejection `forbidden`.

    Requires that the actor may see the case. A task that is gone is not refused here: the kernel knows better why.
    """
    if "system" in actor.roles:
        return ""
    if isinstance(command, cmd.FireTimer | cmd.SendSignal | cmd.FailTask):
        return Rejection("forbidden", "access.system_only")
    roles = actor.acting_roles
    if roles & READ_ONLY or not roles & (CASE_WORKERS | {"process_owner"}):
        return Rejection("forbidden", "access.read_only")
    if isinstance(command, cmd.ResolveIncident):
        return "" if roles & {"process_owner", "office"} else Rejection("forbidden", "access.incident")
    if isinstance(command, cmd.MigrateCase):
        return "" if roles & ACTIONS["migrate_case"] else Rejection("forbidden", "access.migrate")
    if not roles & CASE_WORKERS:
        return Rejection("forbidden", "access.not_case_work")
    if case is None or isinstance(
        command, cmd.AddComment | cmd.AttachFile | cmd.AcknowledgeCopy | cmd.WithdrawSubmission | cmd.Cosign
    ):
        return _substituted(command, actor, case)
    if isinstance(command, cmd.CopyCase | cmd.UrgeTask):
        holders = {group for task in case.tasks.values() for group in (*task.groups, f"user:{task.assignee}")}
        return _in_name(actor, {*OVERSEERS, *holders, f"user:{case.data.get('opened_by')}"})
    if isinstance(command, cmd.SendMessage):
        waiting = [w for w in case.messages.values() if w.node.event.name == command.name]
        return _in_name(actor, {group for w in waiting for group in w.groups}) if waiting else ""
    task = case.tasks.get(getattr(command, "task", ""))
    if task is None:
        return ""
    if isinstance(command, cmd.TransferTask) and manages(task, actor):
        return ""
    allowed = _may_work(task, actor)
    if isinstance(allowed, Rejection) or _gives_up(command, task, actor):
        return allowed
    kept_off = keeps_off(case, task, actor.groups)
    return _refuse(kept_off) if kept_off else allowed


def _gives_up(command: Command, task: OpenTask, actor: Actor) -> bool:
    """Whether who holds the task lets go of it, which somebody must do who has come to keep off it."""
    mine = task.assignee in (actor.user_id, *actor.substitutes_for)
    return mine and isinstance(command, cmd.ReleaseTask | cmd.ReturnTask | cmd.TransferTask)


def _substituted(command: Command, actor: Actor, case: Case | None) -> str:
    """A co-signature asked of an absent person is given in their name by the substitute."""
    if isinstance(command, cmd.Cosign) and case is not None:
        task = case.tasks.get(command.task)
        if task is not None and actor.user_id not in task.cosigns:
            return next((user for user in actor.substitutes_for if user in task.cosigns), "")
    return ""


def manages(task: OpenTask, actor: Actor) -> bool:
    """The office may hand on the task of anybody; the head of a unit those of the unit."""
    unit = task.created.unit if task.created is not None else ""
    return "office" in actor.acting_roles or bool(unit and f"head:{unit}" in actor.groups)


def keeps_off(case: Case, task: OpenTask, groups: Collection[str]) -> str:
    """Why somebody with these groups may not do the task, as a catalogue key; "" where nothing speaks against it.

    `access.recused`: he, or the person he acts for, is of a unit that handles the case (R38), by employment or by post.
    `access.recusal_unclear`: the diagram's expression fails on this case; until it is mended nobody does the task.
    """
    try:
        units = recused_units(case, task)
    except KernelFault as fault:
        log.warning("case %s: recuse of %s can't be evaluated: %s", case.case_id, task.node.id, fault.key)
        return "access.recusal_unclear"
    return "access.recused" if any(f"unit:{unit}" in groups for unit in units) else ""


def _may_work(task: OpenTask, actor: Actor) -> str | Rejection:
    """A task handed to the actor by name is his own; one that he took for an absent person stays that person's."""
    if task.assignee == actor.user_id:
        return "" if task.owner or task.came_from else actor.speaks_for(task.groups) or ""
    if task.assignee in actor.substitutes_for:
        return task.assignee
    return _in_name(actor, task.groups)


def _in_name(actor: Actor, groups: Collection[str]) -> str | Rejection:
    found = actor.speaks_for(groups)
    return _refuse() if found is None else found


def _refuse(key: str = "access.not_your_task") -> Rejection:
    return Rejection("forbidden", key)
