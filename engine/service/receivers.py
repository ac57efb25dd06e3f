"""Whom a command hands something to: whether they exist, and whether they may have it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.domain.commands import Command, CopyCase, DelegateTask, RequestCosign, TransferTask
from engine.domain.rejection import FieldFault, Rejection
from engine.kernel.case import Case

from .authorise import keeps_off

FIELD: Mapping[type[Command], str] = {
    TransferTask: "to",
    DelegateTask: "to",
    RequestCosign: "users",
    CopyCase: "groups",
}
"""Where a page puts the fault of a receiver."""


@dataclass(frozen=True, slots=True)
class Receivers:
    """What is asked of the people's tables. `unknown`: those of the groups that can receive nothing. `groups_of`: the
    groups that a login speaks for now, none for nobody."""

    unknown: Callable[[Any, Sequence[str]], Sequence[str]]
    groups_of: Callable[[Any, str], Collection[str]]

    def refusal(self, tx: Any, command: Command, case: Case) -> Rejection | None:
        """Why what a command hands on can't go to whom it names: nobody of that name, or one whose unit keeps off the
        task (R38)."""
        if case.status == "open" and (missing := self.unknown(tx, named(command))):
            return _fault(command, "person.unknown", missing[0])
        if isinstance(command, TransferTask | DelegateTask):
            task = case.tasks.get(command.task)
            kept_off = "" if task is None else keeps_off(case, task, self.groups_of(tx, command.to))
            if kept_off:
                return _fault(command, "person.recused" if kept_off == "access.recused" else kept_off, command.to)
        return None


def named(command: Command) -> tuple[str, ...]:
    """Logins of the people and GroupIds of the groups that a command names as receivers."""
    if isinstance(command, TransferTask | DelegateTask):
        return (f"user:{command.to}",) if command.to.strip() else ()
    if isinstance(command, RequestCosign):
        return tuple(f"user:{user}" for user in command.users)
    return command.groups if isinstance(command, CopyCase) else ()


def _fault(command: Command, key: str, who: str) -> Rejection:
    return Rejection("invalid", "form.refused", {}, (FieldFault(FIELD[type(command)], key, {"who": who}),))
