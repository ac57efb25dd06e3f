"""Copies of a SQLite database while the program writes: SQLite's own online backup, one consistent moment."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

PAGES: Final = 512
"""Copied at once, 2 MB: a writer waits no longer than for these."""


def path_of(url: str) -> Path:
    """The file behind `sqlite:///...`."""
    return Path(url.split("///", 1)[1].split("?")[0])


def copy(source: Path, target: Path, *, still: bool = False) -> dict[str, int]:
    """Writes the database in file `source` to the new file `target`, complete and on the disk on return; returns how
    many entries it holds and the number of its newest checkpoint.

    A reading transaction holds the moment that is copied: writers go on and are not in it. `still`: nobody writes to
    `source`, which may be on a medium that can only be read.
    """
    access = "immutable=1" if still else "mode=ro"
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?{access}", uri=True)) as live,
        closing(sqlite3.connect(target)) as made,
    ):
        live.execute("BEGIN")
        live.execute("SELECT count(*) FROM sqlite_master").fetchone()
        made.execute("PRAGMA synchronous=FULL")
        live.backup(made, pages=PAGES)
        made.execute("PRAGMA journal_mode=DELETE")
        if (said := made.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(said)
        (count,) = made.execute("SELECT count(*) FROM entries").fetchone()
        (checkpoint,) = made.execute("SELECT coalesce(max(number), 0) FROM checkpoints").fetchone()
    return {"entries": count, "checkpoint": checkpoint}
