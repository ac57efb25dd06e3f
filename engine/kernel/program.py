"""A compiled bundle: what cases of its processes run on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from SpiffWorkflow.specs.WorkflowSpec import WorkflowSpec

from engine.definitions.model import Finding, Process

from .joins import InclusiveSpec
from .scopes import ParticipantSpec
from .specs import NodeSpec, RootSpec
from .waiting import WatcherSpec


class ProcessSpec(WorkflowSpec):
    """One process or sub-process body as SpiffWorkflow knows it."""

    def __init__(self, process: Process, name: str) -> None:
        super().__init__(name=name)
        self.process = process
        self.start = RootSpec(self, " root")
        self.data_objects: dict[str, Any] = {}
        self.correlation_keys: dict[str, Any] = {}
        self.inclusive_joins: list[InclusiveSpec] = []
        self.nodes: dict[str, NodeSpec] = {}
        self.starts: list[NodeSpec] = []
        self.entries: list[NodeSpec] = []
        self.watching: list[WatcherSpec] = []
        self.participants: dict[str, ParticipantSpec] = {}


@dataclass(slots=True)
class Program:
    """A compiled bundle. `specs`: by process id, bodies of embedded sub-processes as `process/element`. `played`: a
    trial run, where services and forms that the bundle lacks are answered by whoever plays."""

    specs: dict[str, ProcessSpec] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    played: bool = False
    starters: dict[tuple[str, str], dict[str, list[tuple[str, str]]]] = field(default_factory=dict)
    received: dict[str, frozenset[str]] = field(default_factory=dict)

    def started_by(self, process: str, kind: str, name: str) -> list[tuple[str, str]]:
        """(process, element to begin at) of the other pools that a message or signal in a case of `process` starts."""
        return self.starters.get((process, kind), {}).get(name, [])

    def receivable(self, process: str) -> frozenset[str]:
        """Messages that some event of a case of `process` can wait for."""
        return self.received.get(process, frozenset())
