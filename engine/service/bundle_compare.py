"""Two bundles side by side: which they are, what differs, and what that means for the regulation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.definitions import diff_dmn, diff_form
from engine.definitions.bundle import version_of
from engine.definitions.diff import diff
from engine.definitions.diff_model import QUIET, BundleDiff, FileDiff
from engine.definitions.model import Finding
from engine.definitions.xml import XmlRefused

from .bundle_check import SEVERITIES
from .bundle_drafts import Draft
from .bundle_names import DRAFT, resolve, version_named
from .deployments import Deployment

__all__ = ["Comparison", "FileDiff", "Findings", "Side", "clauses", "compare", "fields", "findings", "side", "tables"]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two. `name`: as it was asked for; `deployments`: the times it was made live, the newest first, none
    for a draft; `draft`: None for a version."""

    name: str
    label: str
    version: str
    files: Mapping[str, bytes] = field(repr=False)
    deployments: tuple[Deployment, ...] = ()
    draft: Draft | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    old: Side
    new: Side
    diff: BundleDiff

    def sides(self, file: FileDiff) -> tuple[bytes, bytes]:
        """The bytes of a file on both sides, b"" where it is not."""
        return self.old.files.get(file.old, b""), self.new.files.get(file.new, b"")


@dataclass(frozen=True, slots=True)
class Findings:
    """What the checks say of the new side and not of the old one, and the other way round; the worst first."""

    new: tuple[Finding, ...]
    gone: tuple[Finding, ...]
    kept: int


def side(services: Any, name: str) -> Side | None:
    """The bundle of a name (see bundle_names); None when there is none."""
    found = resolve(services, name)
    if found is None:
        return None
    label, files = found
    if name.startswith(DRAFT):
        draft = services.bundle_drafts.get(name.removeprefix(DRAFT))
        return Side(name, label, version_of(files), files, (), draft)
    version = version_named(services, name) or ""
    made = tuple(one for one in services.deployments.history() if one.version == version)
    return Side(name, label, version, files, made)


def compare(old: Side, new: Side) -> Comparison:
    return Comparison(old, new, diff(old.files, new.files))


def findings(services: Any, comparison: Comparison) -> Findings:
    """Checks both sides, which may take seconds for a bundle that was not checked lately.

    Two findings are the same when they say the same of the same element; lines and counter-examples may differ, and
    an element or file with a new name is the same.
    """
    before = services.deployments.checked(comparison.old.files).findings
    after = services.deployments.checked(comparison.new.files).findings
    return changed_findings(before, after, comparison.diff)


def changed_findings(before: Sequence[Finding], after: Sequence[Finding], told: BundleDiff) -> Findings:
    """What came and went between the findings of two bundles that differ by `told`."""
    files = {file.old: file.new for file in told.files if file.renamed}
    elements = {
        (file.new, change.old.id): change.new.id
        for file in told.files
        for change in file.changes
        if change.kind == "renamed" and change.old is not None and change.new is not None
    }

    def renamed(one: Finding) -> Finding:
        path = files.get(one.file, one.file)
        return replace(one, file=path, element=elements.get((path, one.element), one.element))

    left = Counter(_said(renamed(one)) for one in before)
    right = Counter(_said(one) for one in after)
    new = _only(after, right - left, _said)
    gone = _only(before, left - right, lambda one: _said(renamed(one)))
    return Findings(new, gone, (left & right).total())


def _said(finding: Finding) -> tuple[Any, ...]:
    """A finding without where it stands in the file and by which way a case gets there."""
    details = tuple(
        sorted((name, str(value)) for name, value in finding.details.items() if name not in ("way", "line"))
    )
    return finding.key, finding.severity, finding.file, finding.element, details


def _only(found: Sequence[Finding], wanted: Counter[Any], said: Any) -> tuple[Finding, ...]:
    left, kept = Counter(wanted), []
    for one in found:
        if left[said(one)] > 0:
            left[said(one)] -= 1
            kept.append(one)
    return tuple(
        sorted(kept, key=lambda f: (SEVERITIES[f.severity], not f.key.startswith("regulation"), f.file, f.line))
    )


def clauses(told: BundleDiff) -> dict[str, int]:
    """Clause -> how many changes touch what implements it; changes of the picture alone do not."""
    counted = Counter(
        clause for file in told.files for one in file.changes if one.effect not in QUIET for clause in one.clauses
    )
    return dict(sorted(counted.items()))


def tables(comparison: Comparison, file: FileDiff) -> list[diff_dmn.TableView]:
    """The decision tables of a file, both versions laid over one another; none where the file can't be read."""
    old, new = comparison.sides(file)
    try:
        return diff_dmn.views(old or _EMPTY, new or _EMPTY)
    except XmlRefused:
        return []


def fields(comparison: Comparison, file: FileDiff) -> list[diff_form.FieldRow]:
    """The fields of a form, both versions as one list; none where the file can't be read."""
    old, new = comparison.sides(file)
    try:
        return diff_form.rows(old or b"{}", new or b"{}")
    except diff_form.Unreadable:
        return []


_EMPTY = b"<definitions/>"
