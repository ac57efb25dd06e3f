"""What becomes of an event that is thrown: who catches it, and what happens when nobody does (BPMN 10.5.1, 10.5.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.domain import events as ev

from .faults import KernelFault

if TYPE_CHECKING:
    from .case import Case
    from .tokens import Token


def throw(token: Token, spec: Any) -> bool:
    """Throws the event of an end or intermediate throw event. False when the token must wait for compensation."""
    case: Case = token.workflow.top_workflow.case
    event = spec.node.event
    if event.kind == "signal":
        throw_signal(case, event.name, spec.bpmn_id)
    elif event.kind == "escalation":
        throw_escalation(token, event.name)
    elif event.kind == "error":
        throw_error(token, event.name)
    elif event.kind == "message":
        throw_message(case, token, spec)
    return True


def throw_signal(case: Case, name: str, element: str) -> None:
    """Reaches every event of the case that waits for the signal, and the pools that begin with it (BPMN 10.5.6)."""
    hit = [t for t in case.signals.values() if t.task_spec.node.event.name == name]
    pools = case.program.started_by(case.process, "signal", name)
    case.emit(ev.SignalThrown(name, element, len(hit) + len(pools)))
    for token in hit:
        if token.alive:
            case.trigger(token)
    for pool in pools:
        case.workflow.participant(*pool)


def throw_message(case: Case, token: Token, spec: Any) -> None:
    """One receiver gets a message (BPMN 10.5.6): whoever waits longest; else a pool that it starts; else it is kept if
    somebody in the case can receive it later; else it only leaves the case."""
    name = spec.node.event.name
    key = correlation(case, token, spec)
    receiver = next((w.token for w in case.messages.values() if w.accepts(name, key)), None)
    program = case.program
    if receiver is not None:
        case.emit(ev.MessageThrown(name, spec.bpmn_id, "received", key))
        case.trigger(receiver)
        return
    if program.started_by(case.process, "message", name):
        case.emit(ev.MessageThrown(name, spec.bpmn_id, "started", key))
        start_pool(case, name, key)
        return
    if name in program.receivable(case.process):
        case.emit(ev.MessageThrown(name, spec.bpmn_id, "kept", key))
        case.subscriptions.keep(name, key)
        return
    case.emit(ev.MessageThrown(name, spec.bpmn_id, "left", key))


def start_pool(case: Case, name: str, key: str) -> None:
    """Starts the pool that begins with a message. Where it begins with a receive task or event gateway, the message is
    kept for that one moment."""
    process, element = case.program.started_by(case.process, "message", name)[0]
    if case.bundle.processes[process].nodes[element].kind != "startEvent":
        case.subscriptions.keep(name, key)
    case.workflow.participant(process, element)


def correlation(case: Case, token: Token, spec: Any) -> str:
    """The value that tells one receiver of a message from another, as text; "" for none."""
    if spec.correlation is None:
        return ""
    value = case.engine.value(token, spec.correlation, spec.bpmn_id)
    return "" if value is None else str(value)


def throw_escalation(token: Token, code: str, own: bool = False) -> None:
    """The nearest catcher gets it; nobody to catch it is no fault (BPMN 10.5.1)."""
    found = catcher(token, "escalation", code, own)
    if found is not None:
        _caught(found, code)


def throw_error(token: Token, code: str, own: bool = False) -> None:
    """The nearest catcher gets it. Faults when there is none: the process can't go on as drawn."""
    found = catcher(token, "error", code, own)
    if found is None:
        raise KernelFault(token.task_spec.bpmn_id, "incident.error_uncaught", {"code": code or "-"})
    _caught(found, code)


def _caught(waiting: Token, code: str) -> None:
    """Lets the event that caught a code take effect; it may write the code into a field."""
    waiting.internal_data["caught"] = code
    waiting.task_spec.triggered(waiting)


def catcher(token: Token, kind: str, code: str, own: bool = False) -> Token | None:
    """The waiting token of the innermost event that catches what is thrown at `token`: event sub-processes of a scope
    before boundary events around it, a named code before a catch-all (BPMN 10.5.1). `own`: also on `token` itself."""
    scope: Any = token.workflow
    thrown_in: Any = None
    found = None
    if own:
        host = token if token.task_spec.instance_of is None else token.parent
        found = _match(host.children, kind, code)
    while found is None:
        found = _match([w for w in scope.watchers if w.task_spec.handler is not thrown_in], kind, code)
        if found is not None or scope is scope.top_workflow:
            break
        host = scope.parent_token
        if host.task_spec.node.kind == "participant":
            break
        thrown_in = host.task_spec
        if host.task_spec.instance_of is not None:
            host = host.parent  # boundary events hang on the multi-instance activity, not on one instance
        found = _match(host.children, kind, code)
        scope = host.workflow
    return found


def _match(waiting: list[Token], kind: str, code: str) -> Token | None:
    for wanted in dict.fromkeys((code, "")):
        for token in waiting:
            spec = token.task_spec
            event = spec.node.event
            if spec.catches and event.kind == kind and event.name == wanted:
                return token
    return None
