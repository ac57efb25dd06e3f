"""End events, throw events and send tasks (BPMN 10.5.3, 13.5)."""

from __future__ import annotations

from .compensation import compensate
from .specs import NodeSpec
from .throwing import catcher, throw
from .tokens import Token


class EndSpec(NodeSpec):
    """End events: none, terminate, error, escalation, signal, message, compensation, cancel."""

    def act(self, token: Token) -> bool | None:
        scope, event = token.workflow, self.node.event
        case = scope.top_workflow.case
        if "undo" not in token.internal_data:
            case.enter_stage(self.node)
            if "outcome" in self.node.properties:
                case.outcome = self.node.properties["outcome"]
            elif scope is scope.top_workflow:
                case.outcome = case.outcome or self.bpmn_id
        if event.kind == "terminate":
            self._clear(token)
        elif event.kind == "compensate":
            return compensate(token, event.activity) or None
        elif event.kind == "cancel":
            return self._cancel_transaction(token)
        elif event.kind == "error" and self._ends_all(token):
            case.outcome = self.node.properties.get("outcome", "") or event.name or self.bpmn_id
            scope.unwatch()
            self._clear(token)
        else:
            throw(token, self)
        return True if token.alive else None

    def _ends_all(self, token: Token) -> bool:
        """Whether the error ends its process: drawn at the top of a case or pool, where nobody else could catch it."""
        scope = token.workflow
        top = scope is scope.top_workflow or scope.parent_token.task_spec.node.kind == "participant"
        return top and catcher(token, "error", self.node.event.name) is None

    def _clear(self, token: Token) -> None:
        """Ends everything else in the scope; other pools of the case are scopes of their own."""
        for other in token.workflow.live():
            if other is not token and other.task_spec.node.kind != "participant":
                other.cancel()

    def _cancel_transaction(self, token: Token) -> bool | None:
        """Ends everything else in the transaction, undoes what it completed, leaves by its cancel boundary event
        (BPMN 10.5.1, 13.3.3)."""
        scope = token.workflow
        if "undo" not in token.internal_data:
            scope.unwatch()
            self._clear(token)
        if not compensate(token, ""):
            return None
        found = catcher(token, "cancel", "")
        assert found is not None, "the reader asks for a cancel boundary event"
        found.task_spec.triggered(found)
        return None

    def leave(self, token: Token) -> None:
        if token.alive:
            super().leave(token)


class ThrowSpec(NodeSpec):
    """Intermediate throw events (none, link, signal, escalation, message, compensation) and send tasks with a message.

    A link is a flow to its catch event, made by the reader (BPMN 10.5.5).
    """

    def act(self, token: Token) -> bool | None:
        if self.node.event.kind == "compensate":
            return compensate(token, self.node.event.activity) or None
        throw(token, self)
        return True if token.alive else None
