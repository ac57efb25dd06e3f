"""One case of a what-if side by side: the recorded replay, and the replay of what the other version makes of it.

What the other version did is written down as entries of its own and replayed like any record, so both sides show what
carrying them out gives, by the same code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from engine import VERSION
from engine.domain.codec import to_json
from engine.domain.commands import FireTimer, WithdrawSubmission
from engine.journal.entry import GENESIS, StoredEntry, make_entry
from engine.kernel.record import Loader
from engine.kernel.rerun import Did, Stuck, rerun

from .bootstrap import Services
from .replay_frames import Frame, frames
from .replays import Replay
from .whatif import Run

STEPS_SHOWN: Final = ("entered", "cancelled")


@dataclass(frozen=True, slots=True)
class Act:
    """What one command of a person led to, with the timers that fired before the next. `seq`: of its entry in the
    record. `then`, `now`: steps of the two replays, from 1; empty where that side has none."""

    seq: int
    at: datetime
    then: tuple[int, ...]
    now: tuple[int, ...]
    same: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """Both replays, the acts that belong together, and where the other version can't go on (None: it can)."""

    then: Replay
    now: Replay
    acts: tuple[Act, ...]
    stuck: Stuck | None

    @property
    def first_difference(self) -> int:
        """Place of the first act that differs, from 1; 0 for none."""
        return next((place for place, act in enumerate(self.acts, start=1) if not act.same), 0)


def pair(services: Services, run: Run, case_id: str) -> Pair | None:
    """The case of a run side by side as its record is now; None when there is none or it can't be replayed."""
    then = services.replays.get(services, case_id)
    if then is None or not then.frames or then.broken is not None:
        return None
    with services.journal.reading() as tx:
        entries = tx.read(case_id)
        load = services.application.live.loader(tx)
        closed = then.frames[-1].status == "closed"
        written, origin, stuck = as_if(entries, load, run.version, None if closed else run.at)
        made = tuple(frames(written, load)) if written else ()
        bundles = {run.version: load(run.version)[1]}
    now = Replay(case_id, len(made), made, bundles)
    return Pair(then, now, tuple(_acts(entries, then.frames, made, origin)), stuck)


def as_if(
    entries: Sequence[StoredEntry], load: Loader, version: str, until: datetime | None
) -> tuple[list[StoredEntry], list[int], Stuck | None]:
    """What the other version did, as entries that can be replayed; for each the number of the entry of the record that
    led to it; and where it could not go on."""
    written: list[StoredEntry] = []
    origin: list[int] = []
    numbers: dict[int, int] = {}

    def tell(did: Did) -> None:
        command: Any = did.command
        if isinstance(command, WithdrawSubmission):
            command = replace(command, seq=numbers.get(command.seq, command.seq))
        began = origin[-1] if isinstance(command, FireTimer) else did.entry.seq
        if not isinstance(command, FireTimer):
            numbers[did.entry.seq] = len(written) + 1
        written.append(
            make_entry(
                case_id=did.entry.case_id,
                seq=len(written) + 1,
                at=did.turn.at,
                actor=did.turn.actor,
                on_behalf_of=did.turn.on_behalf_of,
                command_id=f"whatif-{len(written) + 1}",
                command=to_json(command),
                bundle=version,
                engine_version=VERSION,
                events=[to_json(event) for event in _renumbered(did.events, command)],
                state_digest=did.case.digest(),
                prev_hash=written[-1].hash if written else GENESIS,
            )
        )
        origin.append(began)

    end = rerun(entries, load, version, tell=tell, at_their_due=True, until=until)
    return written, origin, end if isinstance(end, Stuck) else None


def _renumbered(events: Sequence[Any], command: Any) -> Sequence[Any]:
    """A withdrawal names the entry that it takes back: here that has another number."""
    if not isinstance(command, WithdrawSubmission):
        return events
    said = {"by": f"withdraw:{command.seq}"}
    return [
        replace(event, seq=command.seq)
        if event.kind == "SubmissionWithdrawn"
        else replace(event, **said)
        if event.kind == "DataWritten" and event.by.startswith("withdraw:")
        else event
        for event in events
    ]


def _acts(
    entries: Sequence[StoredEntry], then: Sequence[Frame], now: Sequence[Frame], origin: Sequence[int]
) -> list[Act]:
    mine: dict[int, list[int]] = {}
    began = 0
    for step, entry in enumerate(entries[: len(then)], start=1):
        began = began if entry.command["kind"] == "FireTimer" else entry.seq
        mine.setdefault(began, []).append(step)
    theirs: dict[int, list[int]] = {}
    for step, seq in enumerate(origin[: len(now)], start=1):
        theirs.setdefault(seq, []).append(step)
    found = []
    for seq in sorted({*mine, *theirs}):
        left, right = mine.get(seq, []), theirs.get(seq, [])
        ways = [_ways(side, steps) for side, steps in ((then, left), (now, right))]
        found.append(Act(seq, entries[seq - 1].at, tuple(left), tuple(right), ways[0] == ways[1]))
    return found


def _ways(side: Sequence[Frame], steps: Sequence[int]) -> Mapping[str, Any]:
    """What is compared of an act: elements entered and cut short, what decisions gave, and limits broken."""
    shown = [side[step - 1] for step in steps]
    return {
        "ways": sorted(one for frame in shown for one in frame.steps if one[2] in STEPS_SHOWN),
        "decided": {event["element"]: event["result"] for frame in shown for event in frame.decisions},
        "broken": sorted(event["timer"] for frame in shown for event in frame.breaches),
    }
