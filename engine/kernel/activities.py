"""Activities that do something: user tasks, scripts, decisions, services (BPMN 10.3.3, 13.3)."""

from __future__ import annotations

from typing import Any

from engine.definitions.model import Node
from engine.feel import Expression

from .specs import NodeSpec
from .tokens import Token


class UserTaskSpec(NodeSpec):
    """Waits for a person: the token is READY and manual, as SpiffWorkflow's own user tasks are."""

    def __init__(self, wf_spec: Any, node: Node, name: str = "") -> None:
        super().__init__(wf_spec, node, name)
        self.manual = True

    def enter(self, token: Token) -> bool:
        super().enter(token)
        token.workflow.top_workflow.case.offer(token)
        return True


class ScriptSpec(NodeSpec):
    """FEEL script: its value is written to the field `camunda:resultVariable`."""

    script: Expression

    def act(self, token: Token) -> bool | None:
        top = token.workflow.top_workflow
        value = top.script_engine.value(token, self.script, self.bpmn_id)
        top.case.write({self.node.result: value}, token.scope, self.bpmn_id)
        return True


class DecisionSpec(NodeSpec):
    """Business rule task: a DMN decision; which rules fired is recorded."""

    def act(self, token: Token) -> bool | None:
        token.workflow.top_workflow.case.decide_table(token, self.node)
        return True


class ServiceSpec(NodeSpec):
    """Service task: one of the built-in topics, carried out inside the turn (see topics)."""

    def act(self, token: Token) -> bool | None:
        token.workflow.top_workflow.case.serve(token, self.node)
        return True


class PlayedSpec(UserTaskSpec):
    """A service, send or decision that the bundle lacks, in a trial run: waits for whoever plays to answer for it."""
