"""Hostile FEEL made from sound and hostile examples by mutation, and the child process that tries it under limits.

`python -m tests.support.feel_fuzz SEED COUNT` tries mutants, without arguments the texts of a JSON list on standard
input; it prints as JSON what broke a limit and the worst figures. Each text is read, evaluated and written as JSON
within SECONDS of processor time and MEMORY bytes on top of what the process had; the address space is limited before
each one, so that a large allocation fails at once.
"""

from __future__ import annotations

import contextlib
import gc
import json
import re
import resource
import signal
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from random import Random
from time import process_time
from types import FrameType
from typing import Any

from engine.feel import (
    Environment,
    FeelEvaluationError,
    FeelSyntaxError,
    compile_expression,
    compile_unary_tests,
    to_json,
    translate_juel,
)
from engine.feel.expression import _expression, _unary_tests
from engine.feel.functions import BUILTINS
from tests.support.feel_expressions import VARIABLES, Grammar
from tests.unit.feel.support import ENV

SECONDS = 0.1
MEMORY = 64 * 2**20
HANG = 2.0
"""Seconds after which an expression is given up."""
FOLDER = Path(__file__).parents[1] / "unit" / "feel"
BOMBS = (
    "9**9**9",
    "10**6144",
    "1e6000",
    "-1e-6000",
    "0.1**99999999",
    "1..1000000000",
    "[1..10**9]",
    "1..10000",
    '"' + "a" * 2000 + '"',
    '"(a+)+$"',
    '"((a*)*)*b"',
    '"(a|a?){60}"',
    '"[^x]{1,999}"',
    '"$0$0$0$0"',
    '"\\\\p{Han}*"',
    "for i in 1..10000 return i",
    "for a in 1..200, b in 1..200 return a * b",
    "partial",
    "?",
    "item",
    "now()",
    'duration("P999999999D")',
    'duration("P999999999Y")',
    '@"9999-12-31T23:59:59Z"',
    '@"0001-01-01"',
    "null",
    "[[[[[[]]]]]]",
    "function(f) f(f)",
    "(function(f) f(f))(function(f) f(f))",
    "{a: 1, b: [a, a, a, a], c: [b, b, b, b], d: [c, c, c, c]}",
    'string join(for i in 1..5000 return "aaaaaaaaaaaaaaaaaaaa", "")',
    "sort(for i in 1..2000 return -i)",
    "`__class__`",
    "x.__class__.__mro__",
    '__import__("os")',
    "\U0001f600",
    "\ud7ff",
    "\u200b",
    "“重大”",
    "//",
    "/*",
    "\\",
)
WRAPPERS = (
    "for i in 1..300 return {}",
    "for i in 1..100 return for j in 1..100 return {}",
    "some x in {0} satisfies {0} = x",
    "[{0}, {0}, {0}, {0}]",
    "{{a: {0}, b: [a, a], c: [b, b], d: [c, c]}}",
    "({0}) + ({0})",
    "string({})",
    "flatten({})",
    "({})[item = item]",
    "sort({}, function(a, b) a < b)",
    "count({0}) ** count({0})",
    "not({})",
    "if {0} then {0} else {0}",
    'replace(string({}), "(a*)*b", "$0$0")',
    'matches(string({}), "^(a|a|b)*c$")',
    'split(string({}), "a*?")',
    "distinct values({})",
    "(function(x) [x, x])({})",
    'context put({{}}, "a", {})',
    "[1, 2, 3][{}]",
    "({}).a.b.c",
    "concatenate({0}, {0}, {0})",
    'string join({}, "aaaaaaaaaaaaaaaaaa")',
    "union({0}, {0})",
    "({0}) in ({0}, > {0})",
    "date and time(string({}))",
    "({0}) * ({0})",
    "({0}) ** ({0})",
    'extract(string({}), ".*.*.*")',
    "({}) instance of list<number>",
)


def examples() -> list[str]:
    """What mutation starts from: the table of cases, the attacks, and random sound expressions are added as it goes."""
    found: list[str] = []
    for name in ("cases.txt", "attacks.txt"):
        for line in (FOLDER / name).read_text("utf-8").splitlines():
            if "==>" in line and not line.startswith("#"):
                found.append(line.rpartition("==>")[0].strip())
    return found


class Mutator:
    """Draws hostile expressions from one Random; what was made before may be used again."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.grammar = Grammar(self.random)
        self.pool = examples()

    def one(self) -> str:
        text = self.random.choice(self.pool) if self.random.random() < 0.6 else self.grammar.any(3)
        for _ in range(self.random.randint(1, 4)):
            text = self._mutated(text)[:25_000]
        if self.random.random() < 0.2:
            self.pool.append(text)
        return text

    def _mutated(self, text: str) -> str:
        pick, at = self.random.choice((0, 0, 0, 0, 1, 2, 3, 4, 5, 5, 6, 6, 7, 8)), self.random.randrange(len(text) + 1)
        end = min(len(text), at + self.random.randint(1, 12))
        if pick == 0:
            return self.random.choice(WRAPPERS).format(text)
        if pick == 1:
            return _number_swapped(text, self.random.choice(BOMBS))
        if pick == 2:
            return text[:at] + self.random.choice(BOMBS) + text[end:]
        if pick == 3:
            return text[:at] + text[end:]
        if pick == 4:
            return text[:at] + text[at:end] * self.random.choice((2, 3, 50)) + text[end:]
        if pick == 5:
            part = self.grammar.any(2)
            return self.random.choice(("{0} and {1}", "{0} + {1}", "[{0}, {1}]", "{0} = {1}", "{0}[{1}]")).format(
                text, part
            )
        if pick == 6:
            name = self.random.choice(sorted(BUILTINS))
            count = self.random.randint(0, 3)
            return f"{name}({', '.join([text, *(self.random.choice(BOMBS) for _ in range(count))])})"
        if pick == 7:
            return text[:at] + self.random.choice("()[]{}\"'`.,:+-*/<>=!?@#$%^&|~\\\n\t ") + text[at:]
        level = self.random.choice((3, 20, 70))
        return self.random.choice(("(", "[", "{a: ", "not(", "-", "if a then ")) * level + text + ")" * level


def _number_swapped(text: str, bomb: str) -> str:
    """The first literal or name replaced by something hostile; what is around it stays as it is."""
    return re.sub(r"\b\d+\b|\bnumbers\b|\bunits\b", lambda found: bomb, text, count=1)


class _Hang(BaseException):
    """Taken too long; no Exception, so that nothing on the way swallows it."""


def _hung(number: int, frame: FrameType | None) -> None:
    raise _Hang


def _attempt(text: str, env: Environment) -> str:
    """How the expression ends: `value`, or the key of what it says."""
    translate_juel("${" + text + "}")
    with contextlib.suppress(FeelSyntaxError, FeelEvaluationError):
        compile_unary_tests(text).matches(7, VARIABLES, env)
    try:
        json.dumps(to_json(compile_expression(text).evaluate(VARIABLES, env)))
    except FeelSyntaxError as error:
        return error.message_key
    except FeelEvaluationError as error:
        return error.message_key
    return "value"


def _allow(more: int) -> None:
    """Lets the address space grow by `more` bytes from here, or without limit for -1."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + more if more >= 0 else resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))


def tried(texts: Iterator[str], env: Environment) -> Iterator[dict[str, Any]]:
    """Each expression with its outcome and processor seconds, under the limits."""
    signal.signal(signal.SIGVTALRM, _hung)
    for text in texts:
        _expression.cache_clear()
        _unary_tests.cache_clear()
        _allow(MEMORY)
        signal.setitimer(signal.ITIMER_VIRTUAL, HANG)
        begun = process_time()
        try:
            outcome = _attempt(text, env)
        except _Hang:
            outcome = "hang"
        except MemoryError:
            outcome = "memory"
        except BaseException:
            outcome = "escaped: " + traceback.format_exc(limit=-3)
        seconds = process_time() - begun
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        _allow(-1)
        yield {"text": text, "outcome": outcome, "seconds": seconds}


def broken(one: dict[str, Any]) -> bool:
    """Whether an attempt broke a limit."""
    return one["outcome"] in ("hang", "memory") or one["outcome"].startswith("escaped") or one["seconds"] > SECONDS


def main(texts: Iterator[str]) -> None:
    """Tries the texts; a slow one is tried twice again, because other programs run here too."""
    gc.disable()
    bad: list[dict[str, Any]] = []
    outcomes: dict[str, int] = {}
    worst = 0.0
    for one in tried(texts, ENV):
        if one["seconds"] > SECONDS and one["outcome"] not in ("hang", "memory"):
            again = list(tried(iter([one["text"]] * 2), ENV))
            one["seconds"] = min([one["seconds"], *(other["seconds"] for other in again)])
        if broken(one):
            bad.append({**one, "text": one["text"][:2000]})
        worst = max(worst, one["seconds"])
        kind = one["outcome"].partition(".")[0] if one["outcome"] != "feel.budget" else "budget"
        outcomes[kind] = outcomes.get(kind, 0) + 1
        if one["seconds"] > SECONDS / 4:
            gc.collect()
    json.dump({"broken": bad, "outcomes": outcomes, "worst_seconds": worst}, sys.stdout)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        mutator = Mutator(int(sys.argv[1]))
        main(mutator.one() for _ in range(int(sys.argv[2])))
    else:
        main(iter(json.load(sys.stdin)))
