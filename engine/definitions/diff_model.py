"""What differs between two versions of a bundle, as plain values: of what, where in it, from which value to which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

Kind = Literal["added", "removed", "changed", "moved", "renamed"]
Effect = Literal[
    "limit", "regulation", "people", "flow", "decision", "form", "data", "text", "other", "technical", "layout"
]
EFFECTS: Final[tuple[Effect, ...]] = (
    "limit", "regulation", "people", "flow", "decision", "form", "data", "other", "text", "technical", "layout",
)  # fmt: skip
"""What a change means for people, the gravest first."""
QUIET: Final = frozenset({"technical", "layout"})
"""Effects that nobody who works with the process notices."""
Status = Literal["added", "removed", "renamed", "changed", "layout", "rewritten"]
MIRRORED: Final[Mapping[str, Kind]] = {"added": "removed", "removed": "added"}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a change is about, as it stands on one side. `id`: of a diagram element, rule, field or key; `type`: its
    tag; `place`: names of what it lies in, from outside; `drawn`: ids of elements of the picture that show it."""

    id: str
    name: str = ""
    type: str = ""
    place: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()
    drawn: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return self.name or self.id


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `old`, `new`: its subject on either side, None where it is not; `path`: steps inside of it, ()
    for the subject as a whole; `before`, `after`: values, None where there is none."""

    kind: Kind
    effect: Effect
    old: Subject | None
    new: Subject | None
    path: tuple[str, ...] = ()
    before: str | None = None
    after: str | None = None

    @property
    def subject(self) -> Subject:
        """As it is called now; as it was called where it is gone."""
        found = self.new or self.old
        assert found is not None
        return found

    @property
    def clauses(self) -> tuple[str, ...]:
        """Clauses of the regulation that the subject carries on either side."""
        both = [*(self.old.clauses if self.old else ()), *(self.new.clauses if self.new else ())]
        return tuple(sorted(dict.fromkeys(both)))

    def mirrored(self) -> Change:
        """The same difference seen from the other side."""
        return Change(
            MIRRORED.get(self.kind, self.kind), self.effect, self.new, self.old, self.path, self.after, self.before
        )

    @property
    def order(self) -> tuple[object, ...]:
        """Sorts the gravest first, and the changes of a subject together as far as that goes."""
        sides = sorted((one.label, one.id) for one in (self.old, self.new) if one is not None)
        return EFFECTS.index(self.effect), sides, self.path, self.kind, sorted((self.before or "", self.after or ""))


@dataclass(frozen=True, slots=True)
class FileDiff:
    """What differs in one file. `old`, `new`: its path on either side, "" where it is not.

    `status`: renamed when its bytes are the same; layout when nothing but the picture or inner ids differ; rewritten
    when it says the same in other bytes (blanks, comments, order of attributes). A file with equal bytes and path is
    not listed at all.
    """

    old: str
    new: str
    status: Status
    changes: tuple[Change, ...] = ()

    @property
    def path(self) -> str:
        return self.new or self.old

    @property
    def renamed(self) -> bool:
        return bool(self.old and self.new and self.old != self.new)

    @property
    def counts(self) -> dict[Effect, int]:
        """effect -> how many changes, the gravest first."""
        counted = Counter(one.effect for one in self.changes)
        return {effect: counted[effect] for effect in EFFECTS if counted[effect]}

    def mirrored(self) -> FileDiff:
        status: Status = {"added": "removed", "removed": "added"}.get(self.status, self.status)  # type: ignore[assignment]
        return replace(
            self, old=self.new, new=self.old, status=status, changes=tuple(one.mirrored() for one in self.changes)
        )


@dataclass(frozen=True, slots=True)
class BundleDiff:
    """What differs between two bundles, file by file in the order of their paths; empty for a version with itself."""

    files: tuple[FileDiff, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.files)

    @property
    def counts(self) -> dict[Effect, int]:
        counted: Counter[Effect] = Counter()
        for file in self.files:
            counted.update(file.counts)
        return {effect: counted[effect] for effect in EFFECTS if counted[effect]}

    def file(self, path: str) -> FileDiff | None:
        return next((one for one in self.files if path in (one.new, one.old)), None)

    def mirrored(self) -> BundleDiff:
        return BundleDiff(tuple(sorted((one.mirrored() for one in self.files), key=lambda one: one.path)))


def finished(old: str, new: str, changes: list[Change]) -> FileDiff:
    """The diff of a file that is on both sides and whose bytes differ."""
    loud = any(one.effect not in QUIET for one in changes)
    status: Status = "changed" if loud else "layout" if changes else "rewritten"
    return FileDiff(old, new, status, tuple(sorted(changes, key=lambda one: one.order)))
