"""The journal in memory: same contract as the SQL store, for tests, play and what-if."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .entry import StoredEntry
from .store import LAST, CommandSeen, Head, SequenceTaken


class MemoryTransaction:
    def __init__(self, streams: dict[str, list[StoredEntry]], commands: dict[str, StoredEntry]) -> None:
        self._streams = streams
        self._commands = commands
        self.added: list[StoredEntry] = []

    def append(self, entry: StoredEntry) -> None:
        if entry.command_id in self._commands or any(e.command_id == entry.command_id for e in self.added):
            raise CommandSeen(entry.command_id)
        if entry.seq in {e.seq for e in self.read(entry.case_id)}:
            raise SequenceTaken(f"{entry.case_id} {entry.seq}")
        self.added.append(entry)

    def head(self, case_id: str) -> Head | None:
        stream = self.read(case_id)
        return Head(stream[-1].seq, stream[-1].hash) if stream else None

    def read(self, case_id: str, after: int = 0, upto: int = LAST) -> list[StoredEntry]:
        own = [e for e in self.added if e.case_id == case_id]
        return [
            e for e in sorted([*self._streams.get(case_id, []), *own], key=lambda e: e.seq) if after < e.seq <= upto
        ]

    def find_command(self, command_id: str) -> StoredEntry | None:
        return self._commands.get(command_id) or next((e for e in self.added if e.command_id == command_id), None)

    def streams(self) -> list[str]:
        return sorted({*self._streams, *(e.case_id for e in self.added)})


class MemoryJournal:
    def __init__(self) -> None:
        self._streams: dict[str, list[StoredEntry]] = {}
        self._commands: dict[str, StoredEntry] = {}

    @contextmanager
    def writing(self) -> Iterator[MemoryTransaction]:
        transaction = MemoryTransaction(self._streams, self._commands)
        yield transaction
        for entry in transaction.added:
            self._streams.setdefault(entry.case_id, []).append(entry)
            self._commands[entry.command_id] = entry

    @contextmanager
    def reading(self) -> Iterator[MemoryTransaction]:
        yield MemoryTransaction(self._streams, self._commands)
