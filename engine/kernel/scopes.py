"""Activities with tokens of their own inside: sub-processes, transactions, called processes, other pools."""

from __future__ import annotations

from .specs import NodeSpec
from .tokens import Token


class SubProcessSpec(NodeSpec):
    """Embedded sub-process or call activity: done when its last token is gone."""

    called: str

    def act(self, token: Token) -> bool | None:
        top = token.workflow.top_workflow
        if token.internal_data.get("begun"):
            return True
        token.internal_data["begun"] = True
        top.case.guards.nesting(token)
        top.case.enter_stage(self.node)
        spec = top.subprocess_specs[self.called]
        revived = token.internal_data.get("revived")
        if revived is None and not spec.entries:
            return True
        sub = top.nested(token, self.called)
        if revived is None:
            sub.begin()
        else:
            sub.open()
            sub.done = revived
            sub.spawn(self.undoing, "", sub.task_tree)
        return None


class ParticipantSpec(NodeSpec):
    """Another pool of the file that a message has started: runs beside the case's process, inside the same case."""

    called: str

    def act(self, token: Token) -> bool | None:
        if token.internal_data.get("begun"):
            return True
        token.internal_data["begun"] = True
        token.workflow.top_workflow.nested(token, self.called).begin(token.internal_data["start"])
        return None
