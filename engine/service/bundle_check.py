"""Everything that is known about a set of files before it is deployed. Needs no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.definitions.bundle import Bundle, read_bundle
from engine.definitions.model import Finding
from engine.kernel.compile import compile_bundle
from engine.kernel.program import Program


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
    """Reads and compiles a set of files; nothing is stored."""
    bundle = read_bundle(files)
    program = compile_bundle(bundle)
    order = {"error": 0, "warning": 1, "info": 2}
    found = sorted([*bundle.findings, *program.findings], key=lambda f: (order[f.severity], f.file, f.line, f.element))
    return Checked(bundle, program, tuple(found))
