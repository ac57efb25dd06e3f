"""What happened on the other side: the live version moved on since a draft began."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .bundle_drafts import Draft, differing


@dataclass(frozen=True, slots=True)
class Moved:
    """`theirs`: files that only the live version changed; `both`: those that the draft changed too, otherwise;
    `live`: the version."""

    live: str
    theirs: tuple[str, ...]
    both: tuple[str, ...]


def both_sides(services: Any, draft: Draft) -> Moved:
    """Compares the live version and the draft with the version that the draft began from."""
    live = services.deployments.live()
    base = services.bundle_drafts.base(draft)
    now = services.deployments.files(live) if live else {}
    mine = services.bundle_drafts.files(draft.draft_id)
    theirs = set(differing(base, now))
    both = {path for path in theirs & set(differing(base, mine)) if mine.get(path) != now.get(path)}
    return Moved(live, tuple(sorted(theirs - both)), tuple(sorted(both)))
