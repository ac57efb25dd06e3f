"""Milliseconds that the soundness check takes: each shipped process, and drawn diagrams of about 100 elements.

The baseline beside it is the same check without the reduction of independent steps, within the same budget.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.definitions.bundle import Bundle, read_bundle
from engine.definitions.checks.data import Data
from engine.definitions.checks.explore import explore
from engine.definitions.checks.lint import lint
from engine.definitions.checks.net_builder import build_net
from engine.definitions.checks.soundness import BUDGET, verdict_on, verdicts
from tests.support.diagrams import Scope, document, error, message, timer
from tests.support.random_diagrams import Generator

ROOT = Path(__file__).parents[1]
ROUNDS = 5
RANDOM = 20
"""Random diagrams of 80 to 130 elements."""


def report() -> None:
    """Prints the table."""
    bundle = shipped()
    print("\nsoundness: shipped bundle")
    print(f"  {'process':24} {'elements':>8} {'states':>8} {'ms':>8}  verdict")
    for ident, process in bundle.processes.items():
        verdict = verdict_on(bundle, ident)
        print(f"  {ident:24} {len(process.walk()):8} {verdict.states:8} {_ms(bundle, ident):8.1f}  {verdict.outcome}")
    print(f"  {'all of it':24} {'':8} {'':8} {_timed(lambda: verdicts(bundle)):8.1f}")
    print(f"  {'local rules':24} {'':8} {'':8} {_timed(lambda: lint(bundle)):8.1f}")
    print("\nsoundness: about 100 elements")
    print(f"  {'shape':34} {'elements':>8} {'states':>8} {'ms':>8}  {'verdict':11} every order")
    for name, drawn in shapes():
        _line(name, drawn)
    times = []
    for seed in range(2_000):
        found = read_bundle({"bpmn/bench.bpmn": document(p=Generator(seed, 5).process())})
        if 80 <= len(found.processes["p"].walk()) <= 130:
            begun = time.perf_counter()
            verdict = verdicts(found)["p"]
            times.append(((time.perf_counter() - begun) * 1_000, verdict.outcome))
        if len(times) == RANDOM:
            break
    took = [ms for ms, _ in times]
    decided = sum(outcome != "not_decided" for _, outcome in times)
    median, most = statistics.median(took), max(took)
    print(f"  {len(took)} random ones: median {median:.1f} ms, most {most:.1f} ms, {decided} decided")


def shipped() -> Bundle:
    paths = [*sorted((ROOT / "bpmn").iterdir()), *sorted((ROOT / "forms").iterdir())]
    return read_bundle({p.relative_to(ROOT).as_posix(): p.read_bytes() for p in paths if p.is_file()})


def _line(name: str, scope: Scope) -> None:
    bundle = read_bundle({"bpmn/bench.bpmn": document(p=scope)})
    process = bundle.processes["p"]
    verdict = verdicts(bundle)["p"]
    took = _timed(lambda: verdicts(bundle))
    net = build_net(process, bundle.processes)
    begun = time.perf_counter()
    every = explore(net, Data((), net, {}, {}), budget=BUDGET)
    ms = (time.perf_counter() - begun) * 1_000
    plain = f"{ms:.0f} ms" if every.complete else f"not decided in {ms:.0f} ms"
    print(f"  {name:34} {len(process.walk()):8} {verdict.states:8} {took:8.1f}  {verdict.outcome:11} {plain}")


def _ms(bundle: Bundle, ident: str) -> float:
    return _timed(lambda: verdict_on(bundle, ident))


def _timed(work: Callable[[], object]) -> float:
    """Median milliseconds."""
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        work()
        times.append((time.perf_counter() - begun) * 1_000)
    return statistics.median(times)


# -- shapes ------------------------------------------------------------------------------------------------------------


def shapes() -> Iterator[tuple[str, Scope]]:
    yield "a chain of 98 tasks", _chain(98)
    yield "6 parallel branches of 15 tasks", _branches("parallelGateway", 6, 15)
    yield "6 branches with reminders", _branches("parallelGateway", 6, 6, reminders=True)
    yield "6 inclusive branches of 15 tasks", _branches("inclusiveGateway", 6, 15)
    yield "6 branches in a timed sub-process", _timed_sub(6, 15)
    yield "5 branches, one may fail", _failing(5, 15)
    yield "12 rounds with a way back", _rounds(12)
    yield "6 branches, a join that never fires", _branches("parallelGateway", 6, 15, broken=True)


def _chain(length: int) -> Scope:
    scope = Scope()
    scope.chain(scope.start(), *(scope.user(f"u{n}") for n in range(length)), scope.end())
    return scope


def _fill(scope: Scope, tag: str, width: int, depth: int, reminders: bool, broken: bool = False) -> tuple[str, str]:
    fork, join = scope.node(tag, "fork"), scope.node("parallelGateway" if tag == "parallelGateway" else tag, "join")
    for branch in range(width):
        names = [scope.user(f"u{branch}_{n}") for n in range(depth)]
        scope.flow(fork, names[0], f"pick = {branch}" if tag != "parallelGateway" else "")
        scope.chain(*names, join)
        if reminders:
            for n, name in enumerate(names):
                scope.boundary(f"b{branch}_{n}", name, timer("cycle", "R/PT1H"), interrupting=False)
                scope.flow(f"b{branch}_{n}", scope.end(f"e{branch}_{n}"))
    if broken:
        scope.node("exclusiveGateway", "leak", default="stay")
        scope.chain("fork", scope.user("extra"), "leak")
        scope.flow("leak", "join", ident="stay")
        scope.flow("leak", scope.end("out"), "gone")
    return fork, join


def _branches(tag: str, width: int, depth: int, reminders: bool = False, broken: bool = False) -> Scope:
    scope = Scope()
    fork, join = _fill(scope, tag, width, depth, reminders, broken)
    scope.flow(scope.start(), fork)
    scope.flow(join, scope.end())
    return scope


def _timed_sub(width: int, depth: int) -> Scope:
    inside = Scope(prefix="s")
    fork, join = _fill(inside, "parallelGateway", width, depth, False)
    inside.flow(inside.start("start_s"), fork)
    inside.flow(join, inside.end("end_s"))
    scope = Scope()
    scope.chain(scope.start(), scope.node("subProcess", "sub", inside.text()), scope.end())
    scope.boundary("late", "sub", timer("duration", "PT8H"))
    scope.chain("late", scope.user("chief"), scope.end("late_end"))
    return scope


def _failing(width: int, depth: int) -> Scope:
    inside = Scope(prefix="s")
    fork, join = _fill(inside, "parallelGateway", width, depth, False)
    inside.flow(inside.start("start_s"), fork)
    inside.node("exclusiveGateway", "ok", default="fine")
    inside.flow(join, "ok")
    inside.flow("ok", inside.end("end_s"), ident="fine")
    inside.flow("ok", inside.end("bad_s", error("e_bad")), "failed")
    scope = Scope()
    scope.chain(scope.start(), scope.node("subProcess", "sub", inside.text()), scope.end())
    scope.boundary("caught", "sub", error("e_bad"))
    scope.chain("caught", scope.user("repair"), scope.end("repaired"))
    scope.boundary("recalled", "sub", message("m_go"), interrupting=False)
    scope.chain("recalled", scope.user("note"), scope.end("noted"))
    return scope


def _rounds(count: int) -> Scope:
    scope = Scope()
    last = scope.start()
    for n in range(count):
        merge, choice = (
            scope.node("exclusiveGateway", f"m{n}"),
            scope.node("exclusiveGateway", f"x{n}", default=f"d{n}"),
        )
        scope.flow(last, merge)
        scope.chain(merge, scope.user(f"a{n}"), scope.user(f"b{n}"), scope.user(f"c{n}"), choice)
        scope.flow(choice, merge, f"again = {n}")
        last = scope.node("task", f"t{n}")
        scope.flow(choice, last, ident=f"d{n}")
    scope.flow(last, scope.end())
    return scope


if __name__ == "__main__":
    report()
