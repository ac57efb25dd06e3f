"""What differs between two bundles: files that came, went or got another name, and what changed inside of them.

Nothing is missed silently: a file whose bytes differ is always listed, with its differences, or as `rewritten` where
both say the same in other bytes. A file that can't be read as what its name says is compared line by line.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from difflib import SequenceMatcher
from pathlib import PurePosixPath
from typing import Final

from . import diff_bpmn, diff_dmn, diff_form, diff_profile
from .diff_matching import alike, pairs
from .diff_model import BundleDiff, Change, FileDiff, Kind, Subject, finished
from .xml import XmlRefused

READERS: Final[Mapping[str, Callable[[bytes, bytes], list[Change]]]] = {
    ".bpmn": diff_bpmn.diff,
    ".dmn": diff_dmn.diff,
    ".form": diff_form.diff,
    ".toml": diff_profile.diff,
}
UNREADABLE: Final = (XmlRefused, diff_form.Unreadable, diff_profile.Unreadable, RecursionError)
SCENARIO: Final = ".scenario.toml"
MAX_LINES: Final = 3_000
"""Longer files that can't be read are told as one change."""
MAX_GUESSED: Final = 50_000
_ID: Final = re.compile(rb"""<(?:[\w.-]+:)?(?:process|decision)\b[^<>]*?\sid\s*=\s*["']([^"'<>]+)["']""")


def diff(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> BundleDiff:
    """What differs between two sets of files (path -> bytes)."""
    gone = sorted(old.keys() - new.keys())
    come = sorted(new.keys() - old.keys())
    renamed = [(gone[i], come[j]) for i, j in _renamed(gone, come, old, new)]
    found = [diff_file(path, path, old[path], new[path]) for path in old.keys() & new.keys() if old[path] != new[path]]
    found += [diff_file(a, b, old[a], new[b]) for a, b in renamed]
    told = {path for pair in renamed for path in pair}
    found += [FileDiff(path, "", "removed") for path in gone if path not in told]
    found += [FileDiff("", path, "added") for path in come if path not in told]
    return BundleDiff(tuple(sorted(found, key=lambda one: one.path)))


def diff_file(old_path: str, new_path: str, old: bytes, new: bytes) -> FileDiff:
    """What differs between two versions of one file."""
    if old == new:
        return FileDiff(old_path, new_path, "renamed")
    suffix = PurePosixPath(new_path).suffix
    reader = READERS.get(suffix) if suffix == PurePosixPath(old_path).suffix else None
    if reader is not None:
        try:
            return finished(old_path, new_path, _of_scenario(new_path, reader(old, new)))
        except UNREADABLE:
            pass
    return finished(old_path, new_path, lines(old, new))


def _of_scenario(path: str, changes: list[Change]) -> list[Change]:
    """What a test of the bundle says is nothing that a case does."""
    return [replace(one, effect="other") for one in changes] if path.endswith(SCENARIO) else changes


def lines(old: bytes, new: bytes) -> list[Change]:
    """Differences of two texts, one for each run of lines; of what is no text, or too long, that its bytes differ."""
    subject = Subject("", "", "text")
    try:
        before, after = old.decode().splitlines(), new.decode().splitlines()
    except UnicodeDecodeError:
        before, after = [], []
    if before == after or max(len(before), len(after)) > MAX_LINES:
        one, other = (f"sha256 {hashlib.sha256(data).hexdigest()}" for data in (old, new))
        return [Change("changed", "other", subject, subject, ("bytes",), one, other)]
    # One way round only: what is reckoned must be the same from either side.
    swapped = before > after
    a, b = (after, before) if swapped else (before, after)
    found = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        one, other = "\n".join(a[i1:i2]), "\n".join(b[j1:j2])
        kind: Kind = "changed" if i2 > i1 and j2 > j1 else "removed" if i2 > i1 else "added"
        change = Change(
            kind, "other", subject, subject, (f"line[{i1 + 1}/{j1 + 1}]",),
            one if i2 > i1 else None, other if j2 > j1 else None,
        )  # fmt: skip
        found.append(change.mirrored() if swapped else change)
    return found


def _renamed(
    gone: list[str], come: list[str], old: Mapping[str, bytes], new: Mapping[str, bytes]
) -> list[tuple[int, int]]:
    """Files under another name: the same bytes, or of one kind with the same process, decision or form in them, or
    mostly the same text."""
    names_old = [(path, old[path]) for path in gone]
    names_new = [(path, new[path]) for path in come]

    def likeness(one: tuple[str, bytes], other: tuple[str, bytes]) -> float:
        if PurePosixPath(one[0]).suffix != PurePosixPath(other[0]).suffix:
            return 0.0
        if max(len(one[1]), len(other[1])) > MAX_GUESSED:
            return 0.0
        return alike(one[1].decode("utf-8", "replace"), other[1].decode("utf-8", "replace"))

    return pairs(
        names_old,
        names_new,
        lambda one: (PurePosixPath(one[0]).suffix, hashlib.sha256(one[1]).digest()),
        _defines,
        likeness=likeness if len(gone) * len(come) <= 100 else None,
        least=0.8,
    )


def _defines(file: tuple[str, bytes]) -> tuple[str, str] | None:
    """(suffix, what the file is called by others): the id of its process, decision or form."""
    suffix = PurePosixPath(file[0]).suffix
    if suffix == ".form":
        try:
            loaded = json.loads(file[1])
        except (ValueError, RecursionError):
            return None
        named = loaded.get("id") if isinstance(loaded, dict) else None
        return (suffix, named) if isinstance(named, str) and named else None
    found = _ID.search(file[1])
    return (suffix, found[1].decode("utf-8", "replace")) if found else None
