"""Changes in words, as pages, tables and the command line tell them: what, where, from what to what, what it means."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from engine.definitions.diff_model import QUIET, BundleDiff, Change, FileDiff

from . import compare_durations
from .catalogue import sentence
from .compare_parts import CELL, EFFECTS, KINDS, LINES, MEANS, NAMED, PARTS, PROPERTIES, SILENT, STATUSES, TYPES

TRUTH: Final = {"true": "compare.yes", "false": "compare.no"}


@dataclass(frozen=True, slots=True)
class Row:
    """One change. `element`, `old_element`: ids on either side, "" where it is not; `drawn`: ids on the picture that
    show it; `what`: which part, in words; `path`: the same as written in the file; `before`, `after`: "" for none;
    `means`: for people; `quiet`: nobody who works with the process notices it."""

    file: str
    effect: str
    effect_words: str
    kind: str
    kind_words: str
    element: str
    old_element: str
    drawn: tuple[str, ...]
    type: str
    label: str
    place: str
    what: str
    path: str
    before: str
    after: str
    clauses: tuple[str, ...]
    means: str
    quiet: bool


def rows(told: BundleDiff | Iterable[FileDiff], language: str, *, quiet: bool = True) -> list[Row]:
    """Every change of every file; files that came or went, or say the same in other bytes, are rows of their own.
    Without `quiet` what nobody notices is left out."""
    files = told.files if isinstance(told, BundleDiff) else told
    return [row for file in files for row in of_file(file, language) if quiet or not row.quiet]


def of_file(file: FileDiff, language: str) -> list[Row]:
    made = [_row(file, change, language) for change in file.changes]
    if file.renamed:
        made.insert(0, _whole(file, "renamed", file.old, file.new, language))
    if file.status in ("added", "removed"):
        made.insert(0, _whole(file, file.status, file.old, file.new, language))
    elif file.status == "rewritten":
        made.append(_whole(file, "rewritten", "", "", language))
    return made


def _whole(file: FileDiff, kind: str, before: str, after: str, language: str) -> Row:
    """A row about the file as a whole."""
    effect = "flow" if file.path.endswith(".bpmn") else "decision" if file.path.endswith(".dmn") else "other"
    effect = "form" if file.path.endswith(".form") else effect
    quiet = kind in ("rewritten", "renamed")
    key = STATUSES[kind] if kind in STATUSES else KINDS[kind]
    effect = "technical" if quiet else effect
    words = sentence(key, {}, language)
    means = sentence("compare.means.rewritten" if kind == "rewritten" else MEANS[effect], {}, language)
    return Row(
        file.path, effect, sentence(EFFECTS[effect], {}, language), "changed" if kind == "rewritten" else kind, words,
        "", "", (), sentence("compare.type.file", {}, language), file.path.rpartition("/")[2], "", "", "",
        before, after, (), means, quiet,
    )  # fmt: skip


def _row(file: FileDiff, change: Change, language: str) -> Row:
    old, new, subject = change.old, change.new, change.subject
    label = subject.label
    if subject.type == "rule":
        label = sentence("compare.rule", {"number": subject.name}, language)
    drawn = [*(new.drawn if new else ()), *(old.drawn if old else ())]
    return Row(
        file=file.path,
        effect=change.effect,
        effect_words=sentence(EFFECTS[change.effect], {}, language),
        kind=change.kind,
        kind_words=sentence(KINDS[change.kind], {}, language),
        element=new.id if new else "",
        old_element=old.id if old else "",
        drawn=tuple(dict.fromkeys(drawn)),
        type=type_words(file.path, subject.type, language),
        label=label or file.path.rpartition("/")[2],
        place=" › ".join(subject.place),
        what=part_words(change.path, language),
        path="/".join(change.path),
        before=value_words(change, change.before, language),
        after=value_words(change, change.after, language),
        clauses=change.clauses,
        means=means(change, language),
        quiet=change.effect in QUIET,
    )


def type_words(path: str, type_: str, language: str) -> str:
    """`人工任务`; for what has no word of its own its tag; for the components of a form that they are fields."""
    if path.endswith(".form") and type_ not in ("form", "text"):
        return sentence("compare.type.field", {}, language)
    if type_ == "text" or (not path.endswith((".bpmn", ".dmn")) and type_ not in TYPES):
        return sentence("compare.type.words", {}, language)
    return sentence(TYPES[type_], {}, language) if type_ in TYPES else type_


def part_words(path: Sequence[str], language: str) -> str:
    """`计时器 › 时长` for `timerEventDefinition/timeDuration/#text`."""
    said: list[str] = []
    for step in path:
        if (cell := CELL.fullmatch(step)) is not None:
            said.append(sentence("compare.cell", {"column": cell[1]}, language))
        elif (line := LINES.fullmatch(step)) is not None:
            said.append(sentence("compare.line", {"old": line[1], "new": line[2]}, language))
        elif step not in SILENT:
            said.append(_step(step, language))
    shown = [word for place, word in enumerate(said) if word and word not in said[:place]]
    return " › ".join(shown)


def _step(step: str, language: str) -> str:
    if step in PARTS:
        return sentence(PARTS[step], {}, language)
    named = NAMED.fullmatch(step)
    if named is not None:
        if named[1].endswith(":property"):
            return sentence(PROPERTIES[named[2]], {}, language) if named[2] in PROPERTIES else named[2]
        around = sentence(PARTS[named[1]], {}, language) if named[1] in PARTS else named[1].rpartition("}")[2]
        return f"{around} {named[2]}".strip()
    if step == "@value":  # of the property named before it
        return ""
    return step.rpartition("}")[2].lstrip("@")


def value_words(change: Change, value: str | None, language: str) -> str:
    """A value as people read it: durations also in words, truth as yes and no, types by their names."""
    if value is None:
        return ""
    if change.path == ("@type",):
        return sentence(TYPES[value], {}, language) if value in TYPES else value
    if value in TRUTH:
        return sentence(TRUTH[value], {}, language)
    return compare_durations.told(value, language)


def means(change: Change, language: str) -> str:
    """What it means for people, in a sentence; of a limit by how much it became longer or shorter."""
    if change.effect in ("limit", "regulation"):
        exact = compare_durations.difference(change.before or "", change.after or "", language)
        if exact:
            return exact
    if change.kind == "renamed" and change.effect == "technical":
        return sentence("compare.means.guess", {}, language)
    return sentence(MEANS[change.effect], {}, language)


def as_json(told: BundleDiff, language: str, watermark: str = "") -> str:
    """Files, their status, and every change with its words; for other programs. `watermark`: who took it out."""
    files = [
        {
            "file": file.path, "old": file.old, "new": file.new, "status": file.status, "counts": file.counts,
            "changes": [asdict(row) for row in of_file(file, language)],
        }
        for file in told.files
    ]  # fmt: skip
    whole = {"differs": bool(told), "counts": told.counts, "files": files}
    return json.dumps({"taken_out": watermark, **whole} if watermark else whole, ensure_ascii=False, indent=1)


def as_text(told: BundleDiff, language: str, *, quiet: bool = True) -> str:
    """For a terminal: each file with its changes below, the gravest first."""
    if not told:
        return sentence("compare.same", {}, language)
    lines = []
    for file in told.files:
        found = [row for row in of_file(file, language) if quiet or not row.quiet]
        if not found and not quiet:
            continue
        lines.append(f"{file.path}: {sentence(STATUSES[file.status], {}, language)}")
        lines += [f"  {text(row)}" for row in found]
    counts = ", ".join(f"{sentence(EFFECTS[effect], {}, language)} {count}" for effect, count in told.counts.items())
    return "\n".join([*lines, sentence("compare.total", {"files": len(told.files), "counts": counts or "0"}, language)])


def text(row: Row) -> str:
    """A change in one line."""
    subject = " ".join(dict.fromkeys(part for part in (row.type, row.label) if part))
    ident = f" ({row.element or row.old_element})" if (row.element or row.old_element) not in ("", row.label) else ""
    values = " -> ".join(" ".join((value or "∅").split()) for value in (row.before, row.after))
    clauses = f" [{' '.join(row.clauses)}]" if row.clauses else ""
    what = f" {row.what}" if row.what else ""
    return f"{row.effect_words} {row.kind_words}: {subject}{ident}{what}: {values}{clauses}"
