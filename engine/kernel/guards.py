"""Bounds on one turn and on one case: crossing one raises an incident, never a hang, never a false 'completed'."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .faults import KernelFault


@dataclass(frozen=True, slots=True)
class Limits:
    """Defaults leave a regulation case 20 times its need."""

    steps: int = 2_000
    """element visits in one turn"""
    tokens: int = 2_000
    """live tokens of one case"""
    nesting: int = 20
    """sub-processes and calls inside one another"""
    instances: int = 200
    """instances of one multi-instance activity"""
    data_bytes: int = 1_000_000
    """canonical JSON of the case data"""


class Guards:
    """Counts one turn. `expired` tells whether the turn's wall time is used up; it comes from outside, because the
    kernel has no clock; a turn ended by it is replayed as the recorded incident, not re-run."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self.limits = limits
        self.steps = 0
        self.expired: Callable[[], bool] = lambda: False

    def begin(self, expired: Callable[[], bool] | None) -> None:
        self.steps = 0
        self.expired = expired or (lambda: False)

    def step(self, token: Any) -> None:
        self.steps += 1
        element = token.task_spec.bpmn_id or ""
        if self.steps > self.limits.steps:
            raise KernelFault(element, "incident.steps", {"limit": self.limits.steps})
        if self.steps % 16 == 0:
            if self.expired():
                raise KernelFault(element, "incident.time", {"steps": self.steps})
            top = token.workflow.top_workflow
            live = sum(len(scope.tasks) for scope in top.scopes())
            if live > self.limits.tokens:
                raise KernelFault(element, "incident.tokens", {"limit": self.limits.tokens})

    def event(self, element: str) -> None:
        """Counts a condition that fires: one that makes itself true again must not go on for ever."""
        self.steps += 1
        if self.steps > self.limits.steps:
            raise KernelFault(element, "incident.steps", {"limit": self.limits.steps})

    def nesting(self, token: Any) -> None:
        if token.name.count("/") + 1 > self.limits.nesting:
            raise KernelFault(token.task_spec.bpmn_id, "incident.nesting", {"limit": self.limits.nesting})

    def instances(self, element: str, count: int) -> None:
        if count > self.limits.instances:
            raise KernelFault(element, "incident.instances", {"limit": self.limits.instances, "count": count})

    def data(self, element: str, size: int) -> None:
        if size > self.limits.data_bytes:
            raise KernelFault(element, "incident.data", {"limit": self.limits.data_bytes, "size": size})
