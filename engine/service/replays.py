"""Replays of cases for pages: computed once for a record as it stands, kept for the next steps of the same reader."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from engine.definitions.bundle import Bundle
from engine.journal.entry import StoredEntry
from engine.journal.store import Transaction
from engine.kernel.record import Loader
from engine.kernel.replay import UNREADABLE, Diverged, Divergence
from engine.readmodels import trail

from .case_diagram import Diagram, diagrams_of
from .replay_frames import Frame, frames

KEPT: Final = 4
"""Replays held at once: one reader steps through one case; a frame is some kilobytes."""


@dataclass(frozen=True, slots=True)
class Replay:
    """All frames of a case; `bundles` by version. `entries`: how many the record has (more than frames after a
    divergence). `broken`: the entry after the last frame, where nothing of it can be shown."""

    case_id: str
    entries: int
    frames: tuple[Frame, ...]
    bundles: Mapping[str, Bundle]
    broken: Divergence | None = None

    @property
    def faithful(self) -> bool:
        """Whether every step equals the record."""
        return self.differs is None

    @property
    def differs(self) -> Divergence | None:
        """The first difference from the record; there is no step after it."""
        return self.broken or self.frames[-1].divergence


class Replays:
    """A cache and nothing more: emptying it changes no answer."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, int, str], Replay] = OrderedDict()
        self._guard = threading.Lock()

    def get(self, services: Any, case_id: str) -> Replay | None:
        """The replay of the case's record as it is now; None when there is no such case."""
        with services.journal.reading() as tx:
            head = tx.head(case_id)
            if head is None or case_id.startswith("_"):
                return None
            key = case_id, head.seq, head.hash
            with self._guard:
                found = self._known.get(key)
                if found is not None:
                    self._known.move_to_end(key)
                    return found
            load = services.application.live.loader(tx)
            made, broken = _replayed(tx, case_id, head.seq, load)
            bundles = {version: load(version)[1] for version in {frame.bundle for frame in made}}
        found = Replay(case_id, head.seq, tuple(made), bundles, broken)
        with self._guard:
            self._known[key] = found
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return found


def _replayed(tx: Transaction, case_id: str, last: int, load: Loader) -> tuple[list[Frame], Divergence | None]:
    made: list[Frame] = []
    entries, broken = _readable(tx, case_id, last)
    try:
        for frame in frames(entries, load):
            made.append(frame)
    except Diverged as error:
        return made, error.divergence
    ended = made and made[-1].divergence is not None
    return made, None if ended else broken


def _readable(tx: Transaction, case_id: str, last: int) -> tuple[list[StoredEntry], Divergence | None]:
    """The entries up to the first whose bytes are none, and what is the matter with that one."""
    try:
        found = tx.read(case_id, 0, last)
    except UNREADABLE:
        found = []
        for seq in range(1, last + 1):
            try:
                found += tx.read(case_id, seq - 1, seq)
            except UNREADABLE as error:
                return found, Divergence(case_id, seq, "impossible", "", repr(error))
    if not found:
        return [], Divergence(case_id, 1, "impossible", "", "no entries")
    return found, None


def diagrams(replay: Replay, step: int) -> list[Diagram]:
    """The diagrams as they stood after frame `step` (from 1): the case's own process first, then in order of entering.

    Steps from before a migration count where the new version has the same elements.
    """
    frame = replay.frames[step - 1]
    bundle = replay.bundles[frame.bundle]
    process = replay.frames[0].entry.command["process"]
    acts: dict[str, dict[str, dict[str, int]]] = {"": {}}
    for one in replay.frames[:step]:
        for scope, element, action in one.steps:
            counted = acts.setdefault(scope, {}).setdefault(element, {})
            counted[action] = counted.get(action, 0) + 1
    trails = [_with_tokens(trail.scope_of(scope, elements), frame) for scope, elements in acts.items()]
    faulty = {incident.element for incident in frame.incidents}
    return diagrams_of(bundle, process, trails, frame.tasks, faulty, frame.entry.at)


def _with_tokens(been: trail.ScopeTrail, frame: Frame) -> trail.ScopeTrail:
    """Where tokens are is what the re-executed case says, not a sum over the trail."""
    here = [element for scope, element in frame.tokens if scope == been.scope]
    elements = {
        name: trail.ElementTrail(one.visits, here.count(name), one.cancelled) for name, one in been.elements.items()
    }
    for name in here:
        elements.setdefault(name, trail.ElementTrail(1, here.count(name), 0))
    return trail.ScopeTrail(been.scope, elements, been.flows)


def moved_in(shown: Sequence[Diagram], frame: Frame) -> str:
    """Scope of the diagram in which the entry did something: the innermost that its last step was in."""
    scopes = sorted((one.scope for one in shown), key=len, reverse=True)
    at = frame.steps[-1][0] if frame.steps else next((task.scope for task in frame.tasks), "")
    return next((scope for scope in scopes if not scope or at == scope or at.startswith(f"{scope}/")), "")


def next_of(replay: Replay, step: int) -> int:
    """The next step after `step` with a breach or a divergence; 0 when there is none."""
    marked = (n for n, one in enumerate(replay.frames, 1) if n > step and (one.breaches or one.divergence))
    return next(marked, 0)
