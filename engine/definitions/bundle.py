"""A bundle (流程包): the files that a process owner deploys together, named by their content."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from engine import feel
from engine.domain.calendar import Calendar, CalendarError, calendar_from

from .bpmn import read_bpmn
from .dmn import DecisionModel, DecisionResult, DmnError, parse_dmn
from .forms import Form, FormProblem, FormUnreadable, read_form
from .model import Finding, Process

MAX_FILES = 200
READ = 160
"""Files kept as they were read, by their content: who saves a draft has changed one of some fifty."""
SUFFIXES = (".bpmn", ".dmn", ".form", ".toml")
SCENARIO = ".scenario.toml"
"""How the names of the bundle's own tests end: they are part of it and of its version, but no profile."""


@dataclass(slots=True)
class Bundle:
    """A readable bundle. `files`: path -> bytes as uploaded; everything else is derived from them."""

    version: str
    files: Mapping[str, bytes]
    processes: dict[str, Process] = field(default_factory=dict)
    decisions: dict[str, DecisionModel] = field(default_factory=dict)
    forms: dict[str, Form] = field(default_factory=dict)
    regulation: Mapping[str, Any] = field(default_factory=dict)
    calendar: Calendar | None = None
    findings: list[Finding] = field(default_factory=list)
    decision_files: dict[str, str] = field(default_factory=dict)
    form_files: dict[str, str] = field(default_factory=dict)
    """Decision or form id -> its file."""

    def decide(self, decision: str, variables: Mapping[str, Any], env: feel.Environment) -> DecisionResult:
        """Evaluates a decision of any DMN file. Raises KeyError for an unknown one."""
        return self.decisions[decision].evaluate(decision, variables, env)

    def has_decision(self, decision: str) -> bool:
        return decision in self.decisions

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Numbers and durations of the regulation profile that go into every case's data at opening."""
        found = self.regulation.get("parameters", {})
        return found if isinstance(found, Mapping) else {}

    def start_form(self, process: str) -> str:
        """The form that opens a case: of the profile's [start_forms], else of the start event; "" if none."""
        chosen = self.regulation.get("start_forms", {}).get(process, "")
        return str(chosen) or self.processes[process].start.form


def version_of(files: Mapping[str, bytes]) -> str:
    """sha256 over the sorted `path sha256` lines: the same files give the same version on every machine."""
    lines = "".join(f"{path} {hashlib.sha256(files[path]).hexdigest()}\n" for path in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()


def read_bundle(files: Mapping[str, bytes]) -> Bundle:
    """Reads every file. What can't be read or stands twice is in `findings`; requires no particular file."""
    bundle = Bundle(version_of(files), dict(files))
    if len(files) > MAX_FILES:
        bundle.findings.append(
            Finding("error", "", "", "", 0, "bundle.too_many_files", {"limit": MAX_FILES, "count": len(files)})
        )
        return bundle
    for path in sorted(files):
        if path.endswith(".bpmn"):
            _bpmn(bundle, path)
        elif path.endswith(".dmn"):
            _dmn(bundle, path)
        elif path.endswith(".form"):
            _form(bundle, path)
        elif path.endswith(SCENARIO):
            continue  # read and run by engine.service.scenarios
        elif path.endswith(".toml"):
            _toml(bundle, path)
        else:
            bundle.findings.append(
                Finding("error", path, "", "", 0, "bundle.unknown_file", {"known": ", ".join(SUFFIXES)})
            )
    if not bundle.processes:
        bundle.findings.append(Finding("error", "", "", "", 0, "bundle.no_process"))
    return bundle


# What is read of a file is never changed, so that bundles share it.
@lru_cache(READ)
def _read_bpmn(path: str, content: bytes) -> tuple[tuple[Process, ...], tuple[Finding, ...]]:
    processes, findings = read_bpmn(path, content)
    return tuple(processes), tuple(findings)


@lru_cache(READ)
def _read_dmn(content: bytes) -> DecisionModel:
    return parse_dmn(content)


@lru_cache(READ)
def _read_form(content: bytes) -> tuple[Form, tuple[FormProblem, ...]]:
    form = read_form(content)
    return form, tuple(form.problems())


def _bpmn(bundle: Bundle, path: str) -> None:
    processes, findings = _read_bpmn(path, bundle.files[path])
    bundle.findings.extend(findings)
    for process in processes:
        if not process.nodes:
            continue
        if process.id in bundle.processes:
            other = bundle.processes[process.id].file
            bundle.findings.append(
                Finding("error", path, process.id, process.name, process.line, "bundle.twice", {"other": other})
            )
        bundle.processes.setdefault(process.id, process)


def _dmn(bundle: Bundle, path: str) -> None:
    try:
        model = _read_dmn(bundle.files[path])
    except DmnError as error:
        bundle.findings.extend(
            Finding("error", path, p.element_id, p.name, p.line, p.key, p.details) for p in error.problems
        )
        return
    for decision in model.decisions:
        if decision in bundle.decisions:
            bundle.findings.append(Finding("error", path, decision, "", 0, "bundle.twice", {"other": "DMN"}))
        bundle.decisions[decision] = model
        bundle.decision_files[decision] = path


def _form(bundle: Bundle, path: str) -> None:
    try:
        form, problems = _read_form(bundle.files[path])
    except FormUnreadable as error:
        bundle.findings.append(Finding("error", path, "", "", 0, error.key, error.details))
        return
    if form.id in bundle.forms:
        bundle.findings.append(Finding("error", path, form.id, "", 0, "bundle.twice", {"other": form.id}))
    bundle.forms[form.id] = form
    bundle.form_files[form.id] = path
    bundle.findings.extend(Finding(p.severity, path, p.component_id, "", 0, p.key, p.details) for p in problems)


def _toml(bundle: Bundle, path: str) -> None:
    try:
        bundle.regulation = tomllib.loads(bundle.files[path].decode())
        calendar = bundle.regulation.get("calendar")
        bundle.calendar = calendar_from(calendar) if calendar else None
    except CalendarError as error:
        bundle.findings.append(Finding("error", path, "", "", 0, error.key, error.details))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValueError, TypeError, KeyError) as error:
        bundle.findings.append(Finding("error", path, "", "", 0, "bundle.toml", {"message": str(error)[:200]}))
