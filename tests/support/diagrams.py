"""Small BPMN files written from Python, so that a test shows its diagram in a few lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from engine.definitions.bundle import Bundle, read_bundle
from engine.domain.codec import from_json, to_json
from engine.domain.commands import COMMANDS, Command, FireTimer, MigrateCase, OpenCase
from engine.domain.events import Event
from engine.domain.rejection import Rejection
from engine.journal.entry import GENESIS, StoredEntry, make_entry
from engine.kernel.case import Case
from engine.kernel.compile import compile_bundle
from engine.kernel.decide import Turn, decide, next_due
from engine.kernel.migrate import migrated
from engine.kernel.program import Program

T0 = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""Monday 2026-03-02 09:00 in Xuchang."""

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:camunda="http://camunda.org/schema/1.0/bpmn" targetNamespace="test">\n'
)


def attributes(values: dict[str, Any]) -> str:
    return "".join(f" {name.replace('camunda_', 'camunda:')}={quoteattr(str(value))}" for name, value in values.items())


@dataclass
class Scope:
    """Content of a process or sub-process under construction."""

    parts: list[str] = field(default_factory=list)
    flows: int = 0
    prefix: str = ""

    def node(
        self, tag: str, ident: str, inner: str = "", properties: dict[str, str] | None = None, **values: Any
    ) -> str:
        """Adds an element; `camunda_x=...` becomes `camunda:x`. Returns the id."""
        extension = ""
        if properties:
            rows = "".join(
                f"<camunda:property name={quoteattr(n)} value={quoteattr(v)}/>" for n, v in properties.items()
            )
            extension = (
                f"<bpmn:extensionElements><camunda:properties>{rows}</camunda:properties></bpmn:extensionElements>"
            )
        self.parts.append(f"<bpmn:{tag} id={quoteattr(ident)}{attributes(values)}>{extension}{inner}</bpmn:{tag}>")
        return ident

    def user(self, ident: str, inner: str = "", **values: Any) -> str:
        values.setdefault("camunda_candidateGroups", "office")
        return self.node("userTask", ident, inner, **values)

    def script(self, ident: str, result: str, text: str) -> str:
        return self.node(
            "scriptTask",
            ident,
            f"<bpmn:script>{escape(text)}</bpmn:script>",
            scriptFormat="feel",
            camunda_resultVariable=result,
        )

    def flow(self, source: str, target: str, condition: str = "", ident: str = "") -> str:
        self.flows += 1
        ident = ident or f"{self.prefix}f{self.flows}"
        inner = f"<bpmn:conditionExpression>{escape(condition)}</bpmn:conditionExpression>" if condition else ""
        self.parts.append(
            f'<bpmn:sequenceFlow id="{ident}" sourceRef="{source}" targetRef="{target}">{inner}</bpmn:sequenceFlow>'
        )
        return ident

    def chain(self, *idents: str) -> None:
        for source, target in zip(idents, idents[1:], strict=False):
            self.flow(source, target)

    def start(self, ident: str = "") -> str:
        return self.node("startEvent", ident or f"{self.prefix}start")

    def end(self, ident: str = "", inner: str = "", **values: Any) -> str:
        return self.node("endEvent", ident or f"{self.prefix}end", inner, **values)

    def boundary(self, ident: str, host: str, event: str, interrupting: bool = True, **values: Any) -> str:
        return self.node(
            "boundaryEvent", ident, event, attachedToRef=host, cancelActivity=str(interrupting).lower(), **values
        )

    def text(self) -> str:
        return "\n".join(self.parts)


def timer(kind: str, text: str) -> str:
    tag = {"date": "timeDate", "duration": "timeDuration", "cycle": "timeCycle"}[kind]
    return f"<bpmn:timerEventDefinition><bpmn:{tag}>{escape(text)}</bpmn:{tag}></bpmn:timerEventDefinition>"


def message(ref: str) -> str:
    return f'<bpmn:messageEventDefinition messageRef="{ref}"/>'


def signal(ref: str) -> str:
    return f'<bpmn:signalEventDefinition signalRef="{ref}"/>'


def error(ref: str = "") -> str:
    return f"<bpmn:errorEventDefinition{attributes({'errorRef': ref}) if ref else ''}/>"


def escalation(ref: str) -> str:
    return f'<bpmn:escalationEventDefinition escalationRef="{ref}"/>'


TERMINATE = "<bpmn:terminateEventDefinition/>"
DECLARED = (
    '<bpmn:message id="m_go" name="go"/><bpmn:message id="m_back" name="back"/><bpmn:signal id="s_stop" name="stop"/>'
    '<bpmn:error id="e_bad" errorCode="bad"/><bpmn:escalation id="c_up" escalationCode="up"/>'
)


def multi(
    collection: str = "", variable: str = "item", sequential: bool = False, completion: str = "", cardinality: str = ""
) -> str:
    values: dict[str, Any] = {"isSequential": str(sequential).lower()}
    if collection:
        values |= {"camunda_collection": collection, "camunda_elementVariable": variable}
    inner = f"<bpmn:loopCardinality>{escape(cardinality)}</bpmn:loopCardinality>" if cardinality else ""
    if completion:
        inner += f"<bpmn:completionCondition>{escape(completion)}</bpmn:completionCondition>"
    return f"<bpmn:multiInstanceLoopCharacteristics{attributes(values)}>{inner}</bpmn:multiInstanceLoopCharacteristics>"


def document(**scopes: Scope) -> bytes:
    """A BPMN file with one executable process per keyword."""
    processes = "".join(
        f'<bpmn:process id="{ident}" isExecutable="true">\n{scope.text()}\n</bpmn:process>\n'
        for ident, scope in scopes.items()
    )
    return f"{HEAD}{DECLARED}\n{processes}</bpmn:definitions>".encode()


def bundle_of(**scopes: Scope) -> tuple[Program, Bundle]:
    """Compiles the processes; fails the test on any error finding."""
    bundle = read_bundle({"bpmn/test.bpmn": document(**scopes)})
    program = compile_bundle(bundle)
    errors = [f for f in (*bundle.findings, *program.findings) if f.severity == "error"]
    assert not errors, errors
    return program, bundle


class Run:
    """A case of process `p` driven directly through `decide`, keeping a journal of its own."""

    def __init__(
        self,
        program: Program,
        bundle: Bundle,
        data: dict[str, Any] | None = None,
        at: datetime = T0,
        first: OpenCase | None = None,
    ) -> None:
        bundle.regulation = {**bundle.regulation, "parameters": data or {}}
        self.program, self.bundle = program, bundle
        self.known = {bundle.version: (program, bundle)}
        self.case = Case(program, bundle, "T-1", "p")
        self.at = at
        self.entries: list[StoredEntry] = []
        self.do(first or OpenCase("p", {}))

    def do(self, command: Command, actor: str = "wangfang") -> tuple[Event, ...]:
        """Settles what is due, then carries the command out; the command must not be refused."""
        if not isinstance(command, OpenCase):
            self.settle()
        outcome = self.try_(command, actor)
        assert not isinstance(outcome, Rejection), outcome
        self.settle()
        return outcome

    def try_(self, command: Command, actor: str = "wangfang") -> tuple[Event, ...] | Rejection:
        turn = Turn(self.at, actor)
        if isinstance(command, MigrateCase):
            moved = migrated(self.case, self.entries, self.load, command, turn)
            outcome = moved if isinstance(moved, Rejection) else moved[1]
            self.case = self.case if isinstance(moved, Rejection) else moved[0]
        else:
            outcome = decide(self.case, command, turn)
        if isinstance(outcome, tuple):
            self.case.seq += 1
            prev = self.entries[-1].hash if self.entries else GENESIS
            stored = to_json(command)
            assert from_json(COMMANDS, stored) == command
            self.entries.append(
                make_entry(
                    case_id="T-1",
                    seq=self.case.seq,
                    at=self.at,
                    actor=actor,
                    on_behalf_of="",
                    command_id=f"c{self.case.seq}",
                    command=stored,
                    bundle=self.case.bundle.version,
                    engine_version="test",
                    events=[to_json(e) for e in outcome],
                    state_digest=self.case.digest(),
                    prev_hash=prev,
                )
            )
        return outcome

    def settle(self) -> int:
        fired = 0
        while (due := next_due(self.case, self.at)) is not None:
            self.try_(FireTimer(due), "system:timer")
            fired += 1
            assert fired < 1_000
        return fired

    def load(self, version: str) -> tuple[Program, Bundle]:
        return self.known[version]

    def learn(self, program: Program, bundle: Bundle) -> str:
        """Makes another version known, with the same parameters; returns it. Nothing runs on it yet."""
        bundle.regulation = {**bundle.regulation, "parameters": self.bundle.parameters}
        self.known[bundle.version] = program, bundle
        return bundle.version

    @property
    def open(self) -> list[str]:
        """Names of the open user tasks, sorted."""
        return sorted(self.case.tasks)

    @property
    def trail(self) -> list[str]:
        """Elements left, in order, over the whole case."""
        return [
            step[1]
            for entry in self.entries
            for event in entry.events
            if event["kind"] == "TokensMoved"
            for step in event["steps"]
            if step[2] == "left"
        ]
