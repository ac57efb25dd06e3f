"""Ten thousand hostile expressions, made from a seed: none escapes, hangs, or takes more memory or time than it may.

They run in a process of their own, whose address space is limited anew before each (tests/support/feel_fuzz.py).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.feel import FeelSyntaxError, compile_expression, to_json
from tests.support import feel_fuzz
from tests.unit.feel.test_attacks import ATTACKS, SOURCES

SEED = int(os.environ.get("FEEL_FUZZ_SEED", "20261120"))
ESCAPES = [
    "__import__('os').system('id')",
    '__import__("os")',
    "().__class__.__bases__[0].__subclasses__()",
    "x.__class__.__mro__[1]",
    "x.format(d)",
    '"{0.__class__}".format(x)',
    "d.__class__",
    "l.append",
    "l.__len__()",
    "d.keys()",
    "d.get",
    "now().__class__",
    "now().tzinfo",
    'duration("PT1H").__reduce__()',
    "[1..5].start.__class__",
    "(function(a) a).__globals__",
    "(function(a) a).call",
    "count.__wrapped__",
    'open("/etc/passwd")',
    'eval("1")',
    "exec",
    "globals()",
    "vars(x)",
    'getattr(x, "__class__")',
    "lambda: 1",
    "[i for i in l]",
    "`__builtins__`",
    'get value(d, "__class__")',
    'get value(x, "__class__")',
    'context put(null, "__class__", 1).__class__.__mro__',
    'constructor.constructor("return process")()',
    "${T(java.lang.Runtime)}",
    'function(a) external {java: {class: "java.lang.Runtime", method signature: "exec(String)"}}',
]
"""The attack lists on the languages that other engines evaluate."""
ROOT = Path(__file__).parents[3]


def tried(*arguments: int, texts: list[str] | None = None) -> dict[str, Any]:
    """What the child process says; on failure its own words."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.feel_fuzz", *map(str, arguments)],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=500,
    )
    assert done.returncode == 0, f"{arguments}: {done.stderr[-2000:]}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def broken(found: dict[str, Any]) -> list[dict[str, Any]]:
    """What broke a limit each time: processor time counts what others do to the caches of a shared core, so that an
    expression near the limit is tried twice more, alone."""
    again: list[dict[str, Any]] = found["broken"]
    for _ in range(2):
        if again:
            again = tried(texts=[one["text"] for one in again])["broken"]
    return again


def report(seed: int, found: dict[str, Any]) -> str:
    lines = [f"{one['seconds']:.3f} s {one['outcome']}: {one['text']}" for one in found["broken"]]
    return f"seed {seed}, {found['outcomes']}\n" + "\n".join(lines)


def test_mutants_stay_within_their_limits() -> None:
    found = tried(SEED, 1500)

    assert not broken(found), report(SEED, found)
    assert found["outcomes"]["value"] > 200, "mutation must leave enough that can be read"
    assert found["outcomes"]["budget"] > 10


def test_every_known_attack_stays_within_the_limits() -> None:
    texts = [*(text for text, _ in ATTACKS), *SOURCES.values(), *ESCAPES]

    found = tried(texts=texts)

    assert not broken(found), report(0, found)


@pytest.mark.parametrize("text", ESCAPES)
def test_what_reaches_into_other_languages_reaches_nothing(text: str) -> None:
    try:
        value = to_json(compile_expression(text).evaluate({"x": "a", "d": {"k": 1}, "l": [1]}, feel_fuzz.ENV))
    except FeelSyntaxError:
        return

    assert value in (None, [], [None], False)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 5))
def test_many_mutants_stay_within_their_limits(seed: int) -> None:
    found = tried(seed, 2500)

    assert not broken(found), report(seed, found)


@pytest.mark.parametrize(
    ("expression", "limit"),
    [
        ("import", "value"),
        ("loop", "hang"),
        ("memory", "memory"),
        ("fault", "escaped"),
    ],
)
def test_the_limits_are_limits(monkeypatch: pytest.MonkeyPatch, expression: str, limit: str) -> None:
    """What breaks each is seen: the harness itself can fail."""

    def hostile(text: str, env: object) -> str:
        if text == "loop":
            while True:
                pass
        if text == "memory":
            return str(len(bytearray(4 * feel_fuzz.MEMORY)))
        if text == "fault":
            raise KeyError(text)
        return "value"

    monkeypatch.setattr(feel_fuzz, "_attempt", hostile)
    monkeypatch.setattr(feel_fuzz, "HANG", 0.05)

    (one,) = feel_fuzz.tried(iter([expression]), feel_fuzz.ENV)

    assert one["outcome"].startswith(limit)
    assert feel_fuzz.broken(one) == (limit != "value")


def test_the_mutants_of_a_seed_are_always_the_same() -> None:
    first, second = feel_fuzz.Mutator(5), feel_fuzz.Mutator(5)

    assert [first.one() for _ in range(200)] == [second.one() for _ in range(200)]
