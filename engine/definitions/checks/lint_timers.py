"""Times that are constants and can't be meant: a timer would stop the case at an incident, or fire at once.

Bare ISO texts are judged when the diagram is read and compiled; here are those written in FEEL, and zero.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

from engine.definitions.model import Finding, Node, Process

ISO = re.compile(
    r"(-?)P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)
FEEL = re.compile(r'(?:duration|date and time)?\s*\(?\s*"([^"]*)"\s*\)?')
NAIVE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?")
CYCLE = re.compile(r"R(\d*)/(?:[^/P][^/]*/)?(-?P[^/]*)(?:/.*)?")
NAMED = re.compile(r"(\d{1,4})\s*(?:个)?(分钟|小时|天|日)(?!\d)")
LENGTH = re.compile(r'"(-?P[0-9T][^"]*)"')
UNITS = {"分钟": "minutes", "小时": "hours", "天": "days", "日": "days"}
"""Lengths as the names of clocks give them, and what they are called here."""
SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(days=5 * 366)


def timers(file: str, scope: Process) -> Iterator[Finding]:
    """Findings on the timers of one scope that are plain literals; times that are computed are not judged."""
    for node in scope.nodes.values():
        timer = node.event.timer
        if timer is None:
            continue
        yield from _named_otherwise(file, node, timer.text)
        found = FEEL.fullmatch(timer.text.strip().removeprefix("=").strip())
        text = found[1] if found else timer.text.strip()
        for severity, key in _problems(timer.kind, text):
            if found or key == "check.timer_zero":
                yield _finding(severity, file, node, key, text)


def _named_otherwise(file: str, node: Node, text: str) -> Iterator[Finding]:
    """A clock whose name gives another length than the one literal length in its text: people go by the name."""
    named, drawn = NAMED.findall(node.name), LENGTH.findall(text)
    if len(named) != 1 or len(drawn) != 1 or (length := duration(drawn[0])) is None:
        return
    number, unit = named[0]
    if timedelta(**{UNITS[unit]: int(number)}) != length:
        details = {"named": f"{number}{unit}", "text": drawn[0]}
        yield Finding("info", file, node.shown, node.name, node.line, "check.timer_named", details)


def _problems(kind: str, text: str) -> Iterator[tuple[Literal["error", "warning"], str]]:
    if kind == "date":
        if NAIVE.fullmatch(text):
            yield "error", "check.timer_naive"
        return
    if kind == "cycle":
        found = CYCLE.fullmatch(text)
        if found is None:
            return
        if found[1] and not int(found[1]):
            yield "error", "check.timer_never"
        text = found[2]
    length = duration(text)
    if length is None:
        return
    if length < timedelta(0):
        yield "error", "check.timer_negative"
    elif kind == "cycle" and length < SHORTEST:
        yield "error", "check.timer_short"
    elif not length:
        yield "warning", "check.timer_zero"
    elif length > LONGEST:
        yield "error", "check.timer_long"


def duration(text: str) -> timedelta | None:
    """Length of an ISO 8601 duration, a month as 30 days and a year as 365; `timedelta.max` for one beyond all
    measure; None when the text is none."""
    found = ISO.fullmatch(text)
    if found is None:
        return None
    sign, *parts = found.groups()
    weights = (365 * 86_400, 30 * 86_400, 7 * 86_400, 86_400, 3_600, 60, 1)
    seconds = sum(float(part) * weight for part, weight in zip(parts, weights, strict=True) if part)
    if seconds > timedelta.max.total_seconds() / 2:
        return timedelta.max
    return timedelta(seconds=-seconds if sign else seconds)


def _finding(severity: Literal["error", "warning"], file: str, node: Node, key: str, text: str) -> Finding:
    return Finding(severity, file, node.shown, node.name, node.line, key, {"text": text})
