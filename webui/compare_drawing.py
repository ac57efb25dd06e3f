"""Both versions of a diagram with the marks of their differences, as assets/compare.js draws them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from engine.service.bundle_compare import Comparison, FileDiff
from engine.service.compare_words import Row

from .catalogue import t

ORDER: Final = ("layout", "changed", "removed", "added")
"""Marks, the strongest last: an element has one."""
MAX_ABOUT: Final = 6


def drawings(comparison: Comparison, file: FileDiff, rows: Sequence[Row], *, loud: bool) -> dict[str, dict[str, Any]]:
    """`old` and `new`: what to draw of either side; a side that has no such file is left out."""
    found = {}
    for side, path, data in zip(("old", "new"), (file.old, file.new), comparison.sides(file), strict=True):
        if path:
            found[side] = {"xml": data.decode("utf-8", "replace"), "name": t(f"compare.{side}"), **marks(rows, side)}
    return found


def marks(rows: Sequence[Row], side: str) -> dict[str, Any]:
    """Marks, short texts beside the elements, and what is said of one when it is chosen."""
    marked: dict[str, str] = {}
    said: dict[str, list[str]] = {}
    for row in rows:
        own = row.element if side == "new" else row.old_element
        mark = _mark(row, side)
        for element in (own, *row.drawn):
            if not element or mark is None:
                continue
            marked[element] = max(marked.get(element, mark), mark, key=ORDER.index)
            said.setdefault(element, []).append(_said(row))
    notes = [{"element": element, "text": _note(mark, len(said[element]))} for element, mark in marked.items()]
    about = {element: "；".join(told[:MAX_ABOUT]) for element, told in said.items()}
    return {"marks": {element: [mark] for element, mark in marked.items()}, "notes": notes, "about": about}


def _mark(row: Row, side: str) -> str | None:
    if not row.what and row.kind in ("added", "removed"):
        return {"added": "added" if side == "new" else None, "removed": "removed" if side == "old" else None}[row.kind]
    return "layout" if row.quiet else "changed"


def _said(row: Row) -> str:
    if not row.what:
        return row.kind_words
    said = f"{row.what} {row.before or '∅'} → {row.after or '∅'}"
    return f"{said}，{row.means}" if row.effect == "limit" else said


def _note(mark: str, count: int) -> str:
    return t("compare.note.changed", count=count) if mark == "changed" else t(f"compare.note.{mark}")
