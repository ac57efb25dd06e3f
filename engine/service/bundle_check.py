"""Everything that is known about a set of files before it is deployed. Needs no database.

1. Read every file, compile every expression: what can't be run is refused by element.
2. If all can be run: local rules, names that nothing writes, tables with holes, then soundness of each process and the
   regulation on the whole. Proofs are bounded in states and, so that nobody waits for a page, in processor time; what
   is not decided by then is said to be so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.definitions.bundle import Bundle, read_bundle
from engine.definitions.checks.lint import lint
from engine.definitions.model import Finding
from engine.kernel.compile import compile_bundle
from engine.kernel.program import Program

from .bundle_proofs import proofs
from .scenario_reader import unreadable

SEVERITIES = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Checked:
    """A bundle read and compiled, and all findings about it."""

    bundle: Bundle
    program: Program
    findings: tuple[Finding, ...]

    @property
    def blocked(self) -> bool:
        """True when an error keeps it from being deployed."""
        return any(f.severity == "error" for f in self.findings)


def check(files: Mapping[str, bytes]) -> Checked:
    """Reads, compiles and proves a set of files; nothing is stored. Errors come first, then by file and line."""
    bundle = read_bundle(files)
    program = compile_bundle(bundle)
    found = [*bundle.findings, *program.findings, *unreadable(files)]
    if not any(f.severity == "error" for f in found):
        found += lint(bundle)
        found += proofs(bundle)
    found.sort(key=lambda f: (SEVERITIES[f.severity], f.file, f.line, f.element))
    return Checked(bundle, program, tuple(found))
