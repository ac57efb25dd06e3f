"""`run FILE...`: plays a diagram from the command line; every event is a JSON object on a line of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from engine.definitions.bundle import Bundle, read_bundle
from engine.definitions.model import Finding, Process
from engine.domain.codec import JSON, parse_instant
from engine.domain.commands import OpenCase
from engine.kernel.compile import compile_bundle

from . import check_files, finding_rows
from .catalogue import said
from .play import Line, Play, obstacles, playable
from .play_script import (
    BadScript,
    Step,
    StepFailed,
    attached,
    complete_all,
    moment,
    offered,
    read_script,
    refused,
    take,
)

BEGINS_AT: Final = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
"""Monday 09:00 in Xuchang: the same in every run, unless `--at` says otherwise."""


class Unusable(Exception):
    """What was given can't be played at all: a missing file, no JSON, an unknown process, a script that is none."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The arguments of a call, as typed."""

    paths: Sequence[str]
    data: str = "{}"
    script: str = "[]"
    process: str = ""
    at: str = ""
    auto: bool = False
    until: str = ""
    scripts: bool = False
    language: str = "zh"


def play(asked: Asked, write: Callable[[str], None]) -> int:
    """Plays it; lines go to `write`. Returns 0, or 1 when the diagram is refused, a step failed or an incident was not
    expected. Raises Unusable before the first line."""
    subject = _subject(asked)
    data, steps = _json(asked.data, "data"), _json(asked.script, "script")
    if not isinstance(data, dict):
        raise Unusable("data: expected a JSON object")
    try:
        script = read_script(steps)
        at = parse_instant(asked.at) if asked.at else BEGINS_AT
        until = moment(asked.until, at) if asked.until else None
    except (BadScript, ValueError) as error:
        raise Unusable(str(error)) from error
    read = read_bundle(subject.files)
    bundle = playable(read, asked.scripts)
    program = compile_bundle(bundle, played=True)
    found = obstacles((*read.findings, *program.findings), asked.scripts)

    def tell(line: Line) -> None:
        write(json.dumps(line, ensure_ascii=False, allow_nan=False, separators=(", ", ": ")))

    if found or not bundle.processes:
        return _refuse(found, subject, asked, at, tell)
    process = _chosen(bundle, asked.process)
    played = Play(program, bundle, process.id, at, tell)
    return 0 if _run(played, process, data, script, asked, until) else 1


def _run(
    played: Play, process: Process, data: dict[str, JSON], script: Sequence[Step], asked: Asked, until: datetime | None
) -> bool:
    """Whether all went as it should."""
    played.say("PlayStarted", process=process.id, name=process.name, version=played.bundle.version)
    number, good, foreseen = 0, True, False
    try:
        _open(played, process, data, script)
        for step in script:
            number += 1
            take(played, step)
            foreseen = step.verb == "expect" and step.subject.get("status") == "incident"
        if asked.auto:
            complete_all(played, until)
        if until is not None:
            played.advance(until)
    except (StepFailed, BadScript) as failed:
        good = False
        played.say("StepFailed", step=number, reason=str(failed), **getattr(failed, "facts", {}))
    standing = played.standing()
    good = good and (standing["status"] != "incident" or foreseen)
    played.say("PlayEnded", ok=good, **standing)
    return good


def _open(played: Play, process: Process, data: dict[str, JSON], script: Sequence[Step]) -> None:
    wanted = script[0].subject if script and script[0].verb == "start" else ""
    for node in process.nodes.values():
        if node.kind == "startEvent" and wanted and wanted == node.event.name:
            wanted = node.id
    options = offered(played.bundle, played.bundle.start_form(process.id), data)
    refusal = played.do(OpenCase(process.id, data, attached(data), options, wanted))
    if refusal is not None:
        raise StepFailed(said(refusal.key, refusal.details), **refused(refusal))


def _refuse(
    found: Sequence[Finding],
    subject: check_files.Subject,
    asked: Asked,
    at: datetime,
    tell: Callable[[Line], None],
) -> int:
    """One line for each finding that keeps the diagram from being played as drawn."""
    rows = []
    for finding in found:
        data = subject.files.get(finding.file, b"")
        rows += finding_rows.rows([finding], subject.given.get(finding.file, subject.name), data, asked.language)
    for number, row in enumerate(rows, 1):
        tell({"seq": number, "kind": "refused", **asdict(row)})
    tell({"seq": len(rows) + 1, "kind": "PlayEnded", "ok": False, "status": "refused"})
    return 1


def _subject(asked: Asked) -> check_files.Subject:
    gathered = check_files.gather(asked.paths, asked.language, together=True)
    if gathered.unusable:
        raise Unusable("\n".join(row.message for row in gathered.unusable))
    files: dict[str, bytes] = {}
    given: dict[str, str] = {}
    for subject in gathered.subjects:
        files |= subject.files
        given |= subject.given
    return check_files.Subject(files, given, asked.paths[0])


def _json(text: str, what: str) -> JSON:
    """JSON as typed, or of the file named, with or without a leading `@`."""
    source = text
    if text.startswith("@") or text.lstrip()[:1] not in ("{", "["):
        try:
            source = Path(text.removeprefix("@")).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Unusable(f"{what}: {error}") from error
    try:
        return json.loads(source)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"{what}: {error}") from error


def _chosen(bundle: Bundle, wanted: str) -> Process:
    """The process asked for; else an executable one before others, one that no other calls before those, and of what
    is left the first that begins by itself."""
    processes = list(bundle.processes.values())
    if wanted:
        found = bundle.processes.get(wanted)
        if found is None:
            raise Unusable(f"process {wanted!r}: expected one of {', '.join(bundle.processes)}")
        return found
    called = {node.called for p in processes for _, node in p.walk() if node.called}
    executable = [p for p in processes if p.executable] or processes
    first = [p for p in executable if p.id not in called] or executable
    return next((p for p in first if p.entries), first[0])
