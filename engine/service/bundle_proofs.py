"""The dear part of a check, made once for all bundles that mean the same.

Who moves a shape, or takes a scenario over, changes a file and nothing that is proved: names, tables, soundness and the
regulation look at what was read of diagrams, and at the bytes of tables, forms and the profile.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from engine.definitions.bundle import SCENARIO, Bundle
from engine.definitions.checks.names import check_names
from engine.definitions.checks.regulation import check_regulation
from engine.definitions.checks.soundness import check_soundness
from engine.definitions.checks.tables import check_tables
from engine.definitions.model import Finding, Process

SECONDS_PER_FILE: Final = 0.4
"""Processor time for proofs, for each diagram; the shipped bundle of 19 needs 0.2 in all."""
REMEMBERED: Final = 4
"""Meanings kept: process owners at work at the same time."""


@dataclass(frozen=True, slots=True)
class _Proven:
    """`processes`: by id, with the lines that findings name; `others`: path -> sha256 of every other file."""

    processes: Mapping[str, Process]
    others: Mapping[str, str]
    findings: tuple[Finding, ...]


_known: list[_Proven] = []
_guard = threading.Lock()


def proofs(bundle: Bundle) -> tuple[Finding, ...]:
    """Findings of all checks that follow what a bundle does. Requires one without findings of severity error."""
    others = _others(bundle)
    with _guard:
        known = [one for one in _known if one.others == others]
    for one in known:
        if one.processes == bundle.processes:
            return one.findings
    expired = _bound(SECONDS_PER_FILE * max(1, sum(path.endswith(".bpmn") for path in bundle.files)))
    found = [*check_names(bundle), *check_tables(bundle), *check_soundness(bundle, expired=expired)]
    in_time = not expired()
    found += check_regulation(bundle)
    proven = _Proven(dict(bundle.processes), others, tuple(found))
    if in_time:  # what was cut short may be decided another time
        with _guard:
            _known[:] = [*_known[-REMEMBERED + 1 :], proven]
    return proven.findings


def _others(bundle: Bundle) -> dict[str, str]:
    return {
        path: hashlib.sha256(content).hexdigest()
        for path, content in bundle.files.items()
        if not path.endswith((".bpmn", SCENARIO))
    }


def _bound(seconds: float) -> Callable[[], bool]:
    """Tells whether this much processor time has passed since now."""
    begun = time.process_time()
    return lambda: time.process_time() - begun > seconds
