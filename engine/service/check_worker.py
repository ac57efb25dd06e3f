"""Checks in a process of their own, so that no file, however made, can hold up or take down a whole call.

The child is a fork: it costs about 10 ms, once, and shares what is loaded. The bound is processor time, so that a busy
machine refuses nothing; the system itself ends a child that goes over it. Where there is no fork, or other threads run
(a fork of those may stand still), the check runs in this process, unbounded.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any, Final

from engine.definitions.model import Finding

from . import scenarios
from .bundle_check import check

SECONDS_A_FILE: Final = 0.9
"""Processor time; with reading and writing a file is done in 1 s."""
WALL_FACTOR: Final = 8
"""On a machine this much too busy a check ends even though it did not use up its time."""
MEMORY_BYTES: Final = 2_000_000_000
TIMED_OUT: Final = "bundle.check_time"
FAILED: Final = "bundle.check_failed"

Check = Callable[[Mapping[str, bytes]], list[Finding]]


def findings_of(files: Mapping[str, bytes]) -> list[Finding]:
    """What is wrong with a set of files; a check that fails itself is a finding, never an exception."""
    try:
        checked = check(files)
        found = [*checked.findings, *scenarios.failures(checked)]
        return [replace(f, details={k: _plain(v) for k, v in f.details.items()}) for f in found]
    except (Exception, RecursionError) as error:  # the last line of defence: one bad file must not stop the others
        return [_whole(files, FAILED, reason=type(error).__name__)]


def _whole(files: Mapping[str, bytes], key: str, **details: object) -> Finding:
    """A finding about the first file as a whole: of a bundle no single file can be blamed."""
    return Finding("error", next(iter(files), ""), "", "", 0, key, details)


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | list | tuple | type(None)) else str(value)


class Worker:
    """Runs checks one after another; use as a context manager."""

    def __init__(self, run: Check = findings_of, seconds_a_file: float = SECONDS_A_FILE) -> None:
        self._run = run
        self._seconds = seconds_a_file
        self._apart = "fork" in multiprocessing.get_all_start_methods() and threading.active_count() == 1
        self._child: Any = None
        self._pipe: Connection | None = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def findings(self, files: Mapping[str, bytes]) -> list[Finding]:
        """The findings of a set of files, within their time; one finding more tells that it was used up."""
        if not self._apart:
            return self._run(files)
        seconds = self._seconds * max(len(files), 1)
        pipe = self._pipe or self._start()
        try:
            pipe.send((seconds, dict(files)))
            if pipe.poll(seconds * WALL_FACTOR):
                found: list[Finding] = pipe.recv()
                return found
            ended = -signal.SIGPROF
        except (EOFError, ConnectionError):
            self._child.join()
            ended = self._child.exitcode
        self._end()
        if ended == -signal.SIGPROF:
            return [_whole(files, TIMED_OUT, seconds=round(seconds, 1))]
        return [_whole(files, FAILED, reason=f"exit {ended}")]

    def _start(self) -> Connection:
        context = multiprocessing.get_context("fork")
        here, there = context.Pipe()
        self._child = context.Process(target=_serve, args=(there, self._run), daemon=True)
        self._child.start()
        there.close()
        self._pipe = here
        return here

    def _end(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        if self._child is not None:
            self._child.kill()
            self._child.join()
        self._pipe = self._child = None


def _serve(pipe: Connection, run: Check) -> None:
    """The child: answers until the other end is closed."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    while True:
        try:
            seconds, files = pipe.recv()
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_PROF, seconds)
        found = run(files)
        signal.setitimer(signal.ITIMER_PROF, 0)
        pipe.send(found)
