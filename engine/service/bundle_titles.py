"""What the files of a bundle are about, in the office's own words, and in which of them something is said."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Final

from engine.definitions.bundle import SCENARIO, Bundle

MOST: Final = 6
"""Names given of one file."""


def titles(bundle: Bundle) -> dict[str, str]:
    """Path -> title: a diagram's processes, a file's decisions, the steps that fill in a form, a scenario's title.
    Files that say nothing of the kind, or can't be read, are not in it."""
    found: dict[str, list[str]] = {}
    for path, name in _names(bundle):
        if name and name not in found.setdefault(path, []):
            found[path].append(name)
    return {
        path: "、".join(names[:MOST]) + ("…" if len(names) > MOST else "") for path, names in found.items() if names
    }


def said_in(bundle: Bundle, words: str) -> dict[str, list[str]]:
    """Path -> names of elements with these words in them, for every file that has the words anywhere; upper and lower
    case alike."""
    wanted = words.casefold()
    found: dict[str, list[str]] = {
        path: [] for path, content in bundle.files.items() if wanted in content.decode(errors="replace").casefold()
    }
    for process in bundle.processes.values():
        for _, node in process.walk():
            mine = found.get(process.file)
            if mine is not None and wanted in node.name.casefold() and node.name not in mine and len(mine) < MOST:
                mine.append(node.name)
    return found


def _names(bundle: Bundle) -> Iterator[tuple[str, str]]:
    for process in bundle.processes.values():
        yield process.file, process.name
        for _, node in process.walk():
            for form in (node.form, node.properties.get("form", "")):
                if form in bundle.form_files:
                    yield bundle.form_files[form], node.name
    for decision, path in bundle.decision_files.items():
        yield path, bundle.decisions[decision].decisions[decision].name
    for path, content in bundle.files.items():
        if path.endswith(SCENARIO):
            yield path, _title(content)


def _title(content: bytes) -> str:
    try:
        return str(tomllib.loads(content.decode()).get("title", ""))
    except ValueError:  # what is wrong with it, its own check says
        return ""
