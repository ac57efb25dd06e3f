"""`check FILE...`: what is given becomes subjects, each is checked, every finding is told of the file as it was given.

* A folder or a zip is one bundle.
* A single diagram is a subject of its own. Forms, decisions and processes that it refers to are looked up among all
  files given in the call; two diagrams may have processes of the same id.
* A single decision, form or profile is read and examined by itself.
* `together`: all single files are one bundle.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Final

from engine.definitions.bundle import SUFFIXES
from engine.definitions.model import Finding
from engine.definitions.xml import MAX_BYTES

from . import bundle_folder
from .check_worker import Worker
from .finding_rows import Row, rows

UNREADABLE: Final = "bundle.unreadable"
NO_PROCESS: Final = "bundle.no_process"
REFERRED: Final = {"bpmn.call_unknown": "called", "bpmn.form_unknown": "form", "bpmn.decision_unknown": "decision"}
"""Findings that a file given beside the diagram may answer, and the blank that names what is sought."""
DATA_OF_OTHERS: Final = frozenset(
    f"{area}.unknown_name{near}" for area in ("bpmn", "dmn", "form") for near in ("", "_near")
)
"""Names that nothing writes: an error in a whole bundle. A single file with what it refers to is not one: whoever
starts or calls it may bring them, so there it is a warning."""
MAX_COMPANIONS: Final = 50
_DEFINED: Final = re.compile(rb"""<(?:[\w.-]+:)?(?:process|decision)\b[^<>]*?\sid\s*=\s*["']([^"'<>]+)["']""")
_FORM_ID: Final = re.compile(rb'"id"\s*:\s*"([^"\\]+)"')


@dataclass(slots=True)
class Subject:
    """Files checked together. `given`: path in the bundle -> how the caller named it. `single`: one loose file."""

    files: dict[str, bytes]
    given: dict[str, str]
    name: str
    single: bool = False


@dataclass(slots=True)
class Gathered:
    """What the paths of a call hold. `unusable`: what could not be read at all."""

    subjects: list[Subject] = field(default_factory=list)
    unusable: list[Row] = field(default_factory=list)


def gather(paths: Sequence[str], language: str, *, together: bool = False) -> Gathered:
    """Reads everything that is named; what can't be read is a row, the rest goes on."""
    found = Gathered()
    loose: list[Subject] = []
    for text in paths:
        path = Path(text)
        try:
            if path.is_dir():
                found.subjects.append(_many(text, bundle_folder.from_folder(path), f"{text.rstrip('/')}/"))
            elif path.suffix.lower() == ".zip":
                found.subjects.append(_many(text, bundle_folder.from_zip(path.read_bytes()), f"{text}!"))
            else:
                loose.append(_one(text, _content(path)))
                if not together:
                    found.subjects.append(loose[-1])
        except (OSError, ValueError, bundle_folder.Unusable) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            finding = Finding("error", "", PurePosixPath(text).name, "", 0, UNREADABLE, {"reason": reason})
            found.unusable += rows([finding], text, b"", language)
    if together and loose:
        found.subjects.append(_joined(loose))
    return found


def _content(path: Path) -> bytes:
    """The bytes of a file; of one that is too large as much as it takes to be refused for that."""
    with path.open("rb") as source:
        return source.read(MAX_BYTES + 1)


def _many(name: str, files: Mapping[str, bytes], prefix: str) -> Subject:
    if not files:
        raise bundle_folder.Unusable(" ".join(SUFFIXES))
    return Subject(dict(files), {path: prefix + path for path in files}, name)


def _one(given: str, data: bytes) -> Subject:
    path = f"given/{PurePosixPath(given).stem or 'file'}{_kind(given, data)}"
    return Subject({path: data}, {path: given}, given, single=True)


def _kind(name: str, data: bytes) -> str:
    """Suffix of the reader for a file. Modelers also write `.bpmn20.xml` and `.bpmn2`; the content decides then."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in SUFFIXES:
        return suffix
    head = data[:4_000]
    if head.lstrip()[:1] == b"{":
        return ".form"
    return ".dmn" if b"/DMN/" in head and b"/BPMN/" not in head else ".bpmn"


def _joined(loose: Iterable[Subject]) -> Subject:
    files: dict[str, bytes] = {}
    given: dict[str, str] = {}
    for number, one in enumerate(loose):
        for path, data in one.files.items():
            free = path if path not in files else f"given/{number}/{PurePosixPath(path).name}"
            files[free], given[free] = data, one.given[path]
    return Subject(files, given, ".")


class Checker:
    """Checks the subjects of one call with one worker."""

    def __init__(self, subjects: Sequence[Subject], worker: Worker, language: str) -> None:
        self._subjects = subjects
        self._worker = worker
        self._language = language
        self._known: dict[str, list[tuple[str, str, bytes]]] | None = None

    def rows(self, subject: Subject) -> list[Row]:
        """All findings about a subject, in words, errors first."""
        found = self._worker.findings(subject.files)
        if subject.single:
            found = self._alone(subject, found)
        made: list[Row] = []
        by_file: dict[str, list[Finding]] = {}
        for finding in found:
            by_file.setdefault(finding.file, []).append(finding)
        for path, here in by_file.items():
            made += rows(here, subject.given.get(path, subject.name), subject.files.get(path, b""), self._language)
        order = {"error": 0, "warning": 1, "info": 2}
        return sorted(made, key=lambda one: (one.file, order[one.severity], one.line, one.element_id, one.code))

    def _alone(self, subject: Subject, found: list[Finding]) -> list[Finding]:
        """Findings of a loose file: it need not be a bundle, and what it refers to may be given beside it."""
        (path,) = subject.files
        beside = self._companions(subject, found)
        if len(beside) > len(subject.files):
            found = self._worker.findings(beside)
        mine = [
            replace(f, severity="warning") if f.key in DATA_OF_OTHERS and f.severity == "error" else f
            for f in found
            if f.file == path
        ]
        whole = [replace(f, file=path) for f in found if not f.file and f.key != NO_PROCESS]
        return mine + whole

    def _companions(self, subject: Subject, found: Sequence[Finding]) -> dict[str, bytes]:
        """The files of the subject and those that define what it refers to, and so on."""
        files = dict(subject.files)
        (path,) = subject.files
        wanted = [f for f in found if f.key in REFERRED and f.file == path]
        while wanted and len(files) < MAX_COMPANIONS:
            fresh = {}
            for finding in wanted:
                sought = str(finding.details.get(REFERRED[finding.key], ""))
                for name, given, data in self._definitions().get(sought, []):
                    if given not in subject.given.values() and name not in files:
                        fresh[name] = data
                        break
            if not fresh:
                break
            files |= fresh
            wanted = [f for f in self._worker.findings(files) if f.key in REFERRED]
        return files

    def _definitions(self) -> Mapping[str, list[tuple[str, str, bytes]]]:
        """id of a process, decision or form -> the files given in this call that define it."""
        if self._known is None:
            self._known = {}
            number = 0
            for subject in self._subjects:
                for path, data in subject.files.items():
                    number += 1
                    name = f"beside/{number}{PurePosixPath(path).suffix}"
                    ids = _FORM_ID.findall(data) if path.endswith(".form") else _DEFINED.findall(data)
                    for ident in dict.fromkeys(ids):
                        known = self._known.setdefault(ident.decode("utf-8", "replace"), [])
                        known.append((name, subject.given[path], data))
        return self._known
