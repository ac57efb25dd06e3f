"""Who may do what: one table of roles and actions, and the object rules for cases and tasks.

`may` is the only place that answers; the pages, the API and the service ask it. An answer says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from .organisation import (
    AUDITOR,
    CHIEF,
    LEADER,
    OFFICE,
    PROCESS_OWNER,
    SECURITY_ADMIN,
    SEPARATED_ROLES,
    SUPERVISION,
    SYSTEM_ADMIN,
    WORK_ROLES,
    Actor,
)

_WORK = frozenset(WORK_ROLES)
_LEADERS = frozenset({LEADER, CHIEF})
_COMMAND = frozenset({OFFICE, LEADER, CHIEF, SUPERVISION})

ACTIONS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        # work on cases
        "view_inbox": _WORK,
        "work_task": _WORK,
        "view_task": _WORK | {AUDITOR},  # an open task with its form, read only where it is not his
        "open_case": _WORK,  # any staff of any unit may be the discoverer (R17, requirements 1.10)
        "view_case": _WORK | {PROCESS_OWNER, AUDITOR},
        "view_all_cases": _COMMAND | {AUDITOR},
        "replay_case": _COMMAND | {AUDITOR},
        "comment": _WORK,
        "attach_file": _WORK,
        "send_message": _WORK,
        "copy_case": _WORK,
        "urge_task": _WORK,
        "view_clocks_board": _WORK | {AUDITOR},
        "resolve_incident": frozenset({PROCESS_OWNER, OFFICE}),
        # what comes in
        "view_items": _WORK | {AUDITOR},  # who does not command sees what he or his unit brought in
        "add_item": _WORK,  # R17: every unit watches and reports
        "decide_item": frozenset({OFFICE}),  # R16: the office collects
        "import_items": frozenset({OFFICE}),
        "manage_feeds": frozenset({OFFICE}),
        "view_tokens": frozenset({SYSTEM_ADMIN, AUDITOR}),  # names and times of use; nothing of an item
        "admin_tokens": frozenset({SYSTEM_ADMIN}),
        # registers of the office: patrols, media, teams, links (台账)
        "view_registers": _WORK | {AUDITOR},
        "log_patrol": _WORK,  # R17, R18: every unit watches
        "keep_registers": frozenset({OFFICE}),
        "view_duty": _WORK | {AUDITOR, SYSTEM_ADMIN, SECURITY_ADMIN},  # R23: everybody knows whom to call
        "edit_duty": frozenset({OFFICE, SYSTEM_ADMIN}),
        "judge_case": _WORK,  # R63: who has to do with a case judges it together
        "settle_points": _LEADERS,  # gaps of the regulation: the chosen default is approved by a leader
        # documents (文书); which of them a person reads is decided by kind, case and recipients
        "view_documents": _WORK | {AUDITOR},
        "make_document": frozenset({OFFICE, SUPERVISION}),
        "make_briefing": frozenset({OFFICE}),  # tells of every case
        "view_templates": frozenset({PROCESS_OWNER, OFFICE, AUDITOR}),
        "edit_templates": frozenset({PROCESS_OWNER, OFFICE}),
        # the process itself
        "view_bundles": _LEADERS | {PROCESS_OWNER, OFFICE, AUDITOR},
        "deploy_bundle": frozenset({PROCESS_OWNER}),
        "edit_bundle": frozenset({PROCESS_OWNER}),
        "approve_bundle": frozenset({PROCESS_OWNER, CHIEF}),  # never the proposer himself
        "migrate_case": frozenset({PROCESS_OWNER}),
        # people
        "view_directory": _WORK | {PROCESS_OWNER, SYSTEM_ADMIN, SECURITY_ADMIN, AUDITOR},
        "view_people": frozenset({SYSTEM_ADMIN, SECURITY_ADMIN, AUDITOR}),
        "admin_people": frozenset({SYSTEM_ADMIN}),
        "view_outbox": frozenset({SYSTEM_ADMIN, AUDITOR}),  # case numbers, logins and times; nothing of a case
        "admin_outbox": frozenset({SYSTEM_ADMIN}),
        "view_roles": frozenset({SECURITY_ADMIN, AUDITOR}),
        "admin_roles": frozenset({SECURITY_ADMIN}),
        "unlock_account": frozenset({SECURITY_ADMIN}),
        "reset_password": frozenset({SYSTEM_ADMIN, SECURITY_ADMIN}),
        "view_jobs": frozenset({SYSTEM_ADMIN, AUDITOR}),
        "admin_jobs": frozenset({SYSTEM_ADMIN}),
        # evidence
        "view_evidence": _COMMAND | {AUDITOR},  # limits, ledgers, compliance of all units; one's own case: view_case
        "view_people_log": frozenset({SECURITY_ADMIN, AUDITOR}),
        "view_security_log": frozenset({SECURITY_ADMIN, AUDITOR}),
        "audit": frozenset({AUDITOR}),
        "view_performance": _COMMAND | {PROCESS_OWNER, AUDITOR},
    }
)
"""action -> roles that may do it. `view_case` and what needs a case also pass the object rule below."""

WRITE_ACTIONS: Final = frozenset(
    {
        "work_task", "open_case", "comment", "attach_file", "send_message", "copy_case", "urge_task",
        "resolve_incident", "deploy_bundle", "edit_bundle", "approve_bundle", "migrate_case", "admin_people",
        "admin_roles", "admin_outbox", "admin_jobs", "unlock_account", "reset_password", "add_item", "decide_item",
        "import_items", "manage_feeds", "admin_tokens", "make_document", "edit_templates", "log_patrol",
        "keep_registers", "judge_case", "settle_points", "make_briefing", "edit_duty",
    }
)  # fmt: skip
"""Actions that change something. The auditor has none of them."""


@dataclass(frozen=True, slots=True)
class CaseScope:
    """Whom a case concerns: `groups` that had or have a task in it, opened it, or were copied (抄送)."""

    groups: frozenset[str]


@dataclass(frozen=True, slots=True)
class TaskScope:
    """Who may do one open task: its `assignee` (login or ''), else any of its `candidates` (groups)."""

    case: CaseScope
    candidates: frozenset[str]
    assignee: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether, and why. `hidden`: the object must look as if it did not exist (404, not 403).

    `reason_key` names a sentence of the catalogue, `params` fills its blanks.
    """

    allowed: bool
    reason_key: str
    params: Mapping[str, str] = field(default_factory=dict)
    hidden: bool = False

    def __bool__(self) -> bool:
        return self.allowed


Resource = CaseScope | TaskScope | None


def may(actor: Actor, action: str, resource: Resource = None) -> Decision:
    """Decides one action of one person. Raises KeyError for an action that is not in the table.

    1. A role (own, or taken over by substitution) must carry the action.
    2. With a `CaseScope`: the person sees every case by role, or one of his groups is concerned; else hidden.
    3. With a `TaskScope`: the case must be visible, and the task be his or, unclaimed, his group's.
    """
    by_role = _by_role(actor, action)
    if not by_role or resource is None:
        return by_role
    case = resource.case if isinstance(resource, TaskScope) else resource
    seen = _sees(actor, case)
    if not seen or not isinstance(resource, TaskScope) or action != "work_task":
        return seen
    return _works_on(actor, resource)


def _by_role(actor: Actor, action: str) -> Decision:
    carrying = actor.acting_roles & ACTIONS[action]
    if carrying:
        return Decision(True, "access.by_role", {"role": min(carrying)})
    separated = actor.roles & frozenset(SEPARATED_ROLES)
    if separated:
        return Decision(False, "access.separated_role", {"role": min(separated)})
    return Decision(False, "access.no_role", {"action": action})


def _sees(actor: Actor, case: CaseScope) -> Decision:
    whole = actor.acting_roles & ACTIONS["view_all_cases"]
    if whole:
        return Decision(True, "access.sees_all_cases", {"role": min(whole)})
    concerned = actor.groups & case.groups
    if concerned:
        return Decision(True, "access.concerned", {"group": min(concerned)})
    return Decision(False, "access.case_hidden", hidden=True)


def _works_on(actor: Actor, task: TaskScope) -> Decision:
    if task.assignee == actor.user_id:
        return Decision(True, "access.assignee")
    if task.assignee and f"user:{task.assignee}" in actor.groups:
        return Decision(True, "access.substitute", {"user": task.assignee})
    if task.assignee:
        return Decision(False, "access.held_by_other", {"user": task.assignee})
    shared = actor.groups & task.candidates
    if shared:
        return Decision(True, "access.candidate", {"group": min(shared)})
    return Decision(False, "access.not_candidate")
