"""Cases kept in memory between commands, caught up from the journal's tail; and compiled bundles."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from engine.definitions.bundle import Bundle
from engine.journal.store import Transaction
from engine.kernel.case import Case
from engine.kernel.program import Program
from engine.kernel.record import Loader
from engine.kernel.replay import NEEDS_HISTORY, Diverged, advance, rebuild

CAPACITY = 2_000
"""Cases held; one costs about 100 kB. Others are rebuilt from the journal when they are next asked for."""


class LiveCases:
    """A cache and nothing more: emptying it changes no outcome."""

    def __init__(
        self,
        load: Callable[[Any, str], tuple[Program, Bundle]],
        current: Callable[[Any], str],
        capacity: int = CAPACITY,
    ) -> None:
        self._load = load
        self._current = current
        self._capacity = capacity
        self._cases: OrderedDict[str, Case] = OrderedDict()
        self._locks: dict[str, tuple[threading.RLock, int]] = {}
        self._guard = threading.Lock()

    def current(self, tx: Transaction) -> tuple[Program, Bundle]:
        """The bundle that new cases run on. Raises KeyError when none is deployed."""
        return self._load(tx, self._current(tx))

    def loader(self, tx: Transaction) -> Loader:
        return lambda version: self._load(tx, version)

    @contextmanager
    def lock(self, case_id: str) -> Iterator[None]:
        """One command at a time per case in this process; other processes are held off by the journal's key."""
        with self._locked(case_id, True):
            yield

    @contextmanager
    def try_lock(self, case_id: str) -> Iterator[bool]:
        """The same without waiting: whether nobody else in this process has the case in hand."""
        with self._locked(case_id, False) as mine:
            yield mine

    @contextmanager
    def _locked(self, case_id: str, wait: bool) -> Iterator[bool]:
        with self._guard:
            lock, users = self._locks.get(case_id, (threading.RLock(), 0))
            self._locks[case_id] = (lock, users + 1)
        mine = False
        try:
            mine = lock.acquire(blocking=wait)
            yield mine
        finally:
            if mine:
                lock.release()
            with self._guard:
                lock, users = self._locks[case_id]
                if users == 1:
                    del self._locks[case_id]
                else:
                    self._locks[case_id] = (lock, users - 1)

    def get(self, tx: Transaction, case_id: str, head: int) -> Case:
        """The case at entry `head`, taken out of the cache until `put`. Raises Diverged when the record can't be
        reproduced, which means a changed journal or a changed engine."""
        with self._guard:
            case = self._cases.pop(case_id, None)
        if case is not None and case.seq <= head:
            tail: list[Any] = tx.read(case_id, case.seq, head) if case.seq < head else []
            if not any(e.command["kind"] in NEEDS_HISTORY for e in tail):
                for entry in tail:
                    case, divergence = advance(case, entry, [], self.loader(tx))
                    if divergence is not None:
                        raise Diverged(divergence)
                return case
        return rebuild(tx.read(case_id, 0, head), self.loader(tx))

    def put(self, case_id: str, case: Case) -> None:
        with self._guard:
            self._cases[case_id] = case
            self._cases.move_to_end(case_id)
            while len(self._cases) > self._capacity:
                self._cases.popitem(last=False)

    def drop(self, case_id: str) -> None:
        with self._guard:
            self._cases.pop(case_id, None)

    def clear(self) -> None:
        with self._guard:
            self._cases.clear()
