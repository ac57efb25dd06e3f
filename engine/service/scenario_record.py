"""A recorded case as a scenario: its commands as steps, and what waited after each as what is expected.

The steps are played on the version that the case ran on while they are written, so the file holds on that version from
the start. What people wrote is replaced by placeholders, unless it is to be kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from engine.definitions.bundle import Bundle
from engine.domain.codec import JSON
from engine.domain.commands import Command, OpenCase, SendMessage, SubmitTask
from engine.domain.rejection import Rejection
from engine.journal.entry import StoredEntry
from engine.kernel.decide import form_of
from engine.kernel.program import Program

from .play import Play
from .play_script import PAPER, offered
from .scenario_masks import Masks
from .scenario_text import Written, instant, text

STOPS: Final = frozenset({"WithdrawSubmission", "ResolveIncident", "MigrateCase"})
"""What a trial run can't do: the recording ends before it."""
MAX_TRIES: Final = 40


@dataclass(frozen=True, slots=True)
class Recorded:
    """`content`: the file. `complete`: False where the recording ends before the record does; `faithful`: whether the
    same tasks wait at its end as in the case."""

    content: bytes
    complete: bool
    faithful: bool


class NotRecordable(Exception):
    """The record has no beginning that could be played; the text says why, as a key of the catalogue."""


def record(services: Any, case_id: str, *, keep: bool = False) -> Recorded:
    """The scenario of a case as it stands. `keep`: with what people wrote, and their logins. Raises NotRecordable,
    KeyError for an unknown case."""
    with services.journal.reading() as tx:
        head = tx.head(case_id)
        if head is None or case_id.startswith("_"):
            raise KeyError(case_id)
        entries = tx.read(case_id)
        program, bundle = services.deployments.load(tx, entries[-1].bundle)
        live = services.application.live.get(tx, case_id, head.seq)
        waiting = sorted(task.node.id for task in live.tasks.values())
        services.application.live.put(case_id, live)
    recording = _Recording(program, bundle, entries, Masks(entries, keep=keep))
    complete = recording.go()
    faithful = complete and recording.open() == waiting
    return Recorded(recording.file(case_id, faithful, keep).encode(), complete, faithful)


def record_trial(program: Program, bundle: Bundle, entries: Sequence[StoredEntry], title: str) -> Recorded:
    """The scenario of a trial (engine.service.trial): nothing in it is of the office, so all of it is kept. Raises
    NotRecordable for a trial that has not begun."""
    if not entries:
        raise NotRecordable("scenario.not_recordable")
    recording = _Recording(program, bundle, entries, Masks(entries, keep=True))
    complete = recording.go()
    note = "由试运行录制。发布前自动运行；可按需要删改步骤和核对。"
    return Recorded(recording.text(title, note).encode(), complete, complete)


class _Recording:
    def __init__(self, program: Program, bundle: Bundle, entries: Sequence[StoredEntry], masks: Masks) -> None:
        self._entries = entries
        self._bundle = bundle
        self._masks = masks
        first = entries[0]
        if first.command["kind"] != OpenCase.kind:
            raise NotRecordable("scenario.not_recordable")
        self._process = str(first.command["process"])
        self._play = Play(program, bundle, self._process, first.at.replace(microsecond=0), lambda line: None)
        self._data: Mapping[str, JSON] = {}
        self._steps: list[Written] = []

    def go(self) -> bool:
        """Plays and notes the record; False when it can't be played to its end."""
        first = self._entries[0].command
        form = self._bundle.start_form(self._process)

        def opened(values: Mapping[str, JSON]) -> Command:
            options = offered(self._bundle, form, values)
            return OpenCase(self._process, values, _files(first), options, str(first.get("start", "")))

        data = self._accepted(form, first["values"], opened, self._masks.person(self._entries[0].actor))
        if data is None:
            raise NotRecordable("scenario.not_recordable")
        self._data = data
        self._expect()
        for entry in self._entries[1:]:
            kind = entry.command["kind"]
            if kind in STOPS:
                return False
            if kind in (SubmitTask.kind, SendMessage.kind) and not self._step(entry):
                return False
        self._play.advance(max(self._play.at, self._entries[-1].at.replace(microsecond=0)))
        self._steps.append(Written(at=self._play.at, expect=self._ending()))
        return True

    def open(self) -> list[str]:
        return sorted(task.node.id for task in self._play.case.tasks.values())

    def file(self, case_id: str, faithful: bool, keep: bool) -> str:
        notes = [f"由案件 {case_id} 录制。发布前自动运行；可按需要删改步骤和核对。"]
        if not keep:
            notes.append("填写的文字和人员已换成占位内容。")
        if not faithful:
            notes.append("录制到此为止：其后的记录（撤回、迁移、异常处理等）不能重演，或结果与原案件不同。")
        return self.text(case_id, "\n".join(notes))

    def text(self, title: str, notes: str) -> str:
        return text(
            title, self._process, self._entries[0].at, self._masks.person(self._entries[0].actor), self._data,
            self._steps, notes,
        )  # fmt: skip

    def _step(self, entry: StoredEntry) -> bool:
        command, by = entry.command, self._masks.person(entry.actor)
        at = max(self._play.at, entry.at.replace(microsecond=0))
        self._play.advance(at)
        if command["kind"] == SendMessage.kind:
            name = str(command["name"])
            form = form_of(self._play.case, SendMessage(name))
            more: dict[str, JSON] = {"by": by, **({"key": command["key"]} if command.get("key") else {})}
            written = Written(at=at, verb="message", subject=name, more=more)
        else:
            task = self._play.case.tasks.get(str(command["task"]))
            if task is None:
                return False
            form, unit = task.node.form, task.created.unit if task.created is not None else ""
            plain = self._play.task(task.node.id, unit) is task
            more = {"by": by, **({"unit": unit} if unit else {})}
            written = Written(
                at=at, verb="complete", subject=task.node.id if plain else task.name, note=task.node.name, more=more
            )

        def made(values: Mapping[str, JSON]) -> Command:
            options = offered(self._bundle, form, values)
            if command["kind"] == SendMessage.kind:
                return SendMessage(name, values, _files(command), options, str(command.get("key", "")))
            return SubmitTask(str(command["task"]), values, _files(command), options)

        values = self._accepted(form, command["values"], made, by)
        if values is None:
            return False
        written.more = {**written.more, "fields": values}
        self._steps.append(written)
        self._expect()
        return True

    def _expect(self) -> None:
        """What waits now, as the expectation of the last step."""
        if not self._steps:
            self._steps.append(Written())
        self._steps[-1].expect = {"open": self.open()}

    def _ending(self) -> dict[str, JSON]:
        limits = sorted(self._play.limits.values(), key=lambda one: (str(one["due"]), str(one["limit"])))
        shown: list[JSON] = [{**one, "due": _local(str(one["due"]))} for one in limits]
        breached = sorted({str(one["limit"]) for one in limits if one["state"] in ("breached", "late")})
        ended = self._play.status == "completed"
        return {"ended": ended, "open": self.open(), "breached": [*breached], "limits": shown}

    def _accepted(self, form: str, values: Mapping[str, JSON], made: Any, by: str) -> dict[str, JSON] | None:
        """The values under masks that the form takes, submitted; None when it takes none."""
        tried = self._masks.values(self._bundle.forms.get(form), values)
        for _ in range(MAX_TRIES):
            refusal: Rejection | None = self._play.do(made(tried.values), by)
            if refusal is None:
                return None if self._play.case.incidents else tried.values
            if not tried.another(fault.path for fault in refusal.fields):
                return None
        return None


def _files(command: Mapping[str, Any]) -> dict[str, JSON]:
    """The files of a command, each as a placeholder: contents and names stay where they are."""
    return {name: [dict(PAPER)] for name, facts in (command.get("files") or {}).items() if facts}


def _local(due: str) -> str:
    return instant(datetime.fromisoformat(due))
