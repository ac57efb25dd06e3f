"""The layers of docs/architecture.md, held by import-linter (pyproject.toml), and what the pure core may not touch."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PURE = ("domain", "feel", "definitions", "kernel")
PURE_FILES = sorted(path for layer in PURE for path in (REPOSITORY / "engine" / layer).rglob("*.py"))

# A module named here reaches a clock, chance, a file, another machine or another process.
IMPURE_MODULES = {
    "asyncio", "getpass", "http", "logging", "multiprocessing", "os", "pickle", "platform", "random", "secrets",
    "shelve", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading", "time",
    "urllib", "uuid",
}  # fmt: skip
IMPURE_CALLS = {"open", "print", "input", "eval", "exec", "compile", "__import__", "globals", "breakpoint"}
IMPURE_METHODS = {"now", "utcnow", "today", "read_text", "read_bytes", "write_text", "write_bytes"}


def relative(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module, node.lineno


def test_imports_point_upward_only():
    linter = Path(sys.executable).with_name("lint-imports")

    answer = subprocess.run(
        [linter, "--no-logo", "--no-cache"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )

    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_domain_needs_the_standard_library_only():
    foreign = [
        f"{relative(path)}:{line} imports {name}"
        for path in (REPOSITORY / "engine" / "domain").rglob("*.py")
        for name, line in imported(ast.parse(path.read_text()))
        if name.partition(".")[0] not in sys.stdlib_module_names and not name.startswith("engine.domain")
    ]

    assert foreign == []


@pytest.mark.parametrize("path", PURE_FILES, ids=relative)
def test_the_pure_core_touches_nothing_outside_its_arguments(path: Path):
    tree = ast.parse(path.read_text())
    found = [
        f"line {line}: imports {name}" for name, line in imported(tree) if name.partition(".")[0] in IMPURE_MODULES
    ]
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Name) and called.id in IMPURE_CALLS:
            found.append(f"line {node.lineno}: calls {called.id}()")
        if isinstance(called, ast.Attribute) and called.attr in IMPURE_METHODS:
            found.append(f"line {node.lineno}: calls .{called.attr}()")

    assert found == []


def test_every_package_of_the_engine_is_in_a_layer():
    named = {"domain", "feel", "definitions", "kernel", "journal", "readmodels", "intake", "service", "worker"}
    there = {path.parent.name for path in (REPOSITORY / "engine").glob("*/__init__.py")}
    modules = {path.name for path in (REPOSITORY / "engine").glob("*.py")}

    assert there <= named
    groups = {name for name in modules if name.startswith("cli_")}
    assert modules - groups <= {"__init__.py", "cli.py"}


def test_modules_are_named_for_what_they_hold():
    vague = {"utils", "util", "common", "manager", "managers", "helpers", "misc", "base"}
    named = [
        relative(path)
        for top in ("engine", "webui", "bench", "tests")
        for path in (REPOSITORY / top).rglob("*.py")
        if "node_modules" not in path.parts and (path.stem in vague or path.stem.endswith("_service"))
    ]

    assert named == []
