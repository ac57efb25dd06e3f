"""What a verification found: parts, faults, notes, and the report that machines read (docs/verify.md)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from .catalogue import said

SCHEMA: Final = 1
"""Version of the JSON report."""
PARTS: Final = (
    "chains", "tree", "keys", "checkpoints", "logs", "bundles", "deployments", "documents", "registers", "numbers",
    "files", "replays", "models", "witness",
)  # fmt: skip
"""In the order in which they are checked."""
FAULTS: Final = frozenset(
    (
        "bundle_differs", "bundle_file_differs", "bundle_file_missing", "bundle_missing", "case_missing",
        "chain_body", "chain_column", "chain_hash", "chain_prev_hash", "chain_seq", "chain_stream", "chain_time",
        "checkpoint_columns", "checkpoint_gap", "checkpoint_missing", "checkpoint_order", "deployment_differs",
        "deployment_unmatched", "document_differs", "document_unmatched",
        "edge_differs", "entry_missing", "entry_never_sealed", "file_differs",
        "file_missing", "key_differs", "key_not_vouched", "key_out_of_date", "key_unannounced", "leaf_differs",
        "leaf_gap", "log_differs", "log_gap", "log_unknown", "note_broken", "part_unreadable",
        "model_differs", "model_extra", "model_impossible",
        "model_missing", "number_not_given", "register_differs", "register_unmatched",
        "replay_digest", "replay_events", "replay_fault",
        "replay_impossible", "replay_bundle",
        "replay_rejected", "root_differs", "signature_bad", "subtree_differs", "tree_too_small",
        "witness_differs",
        "witness_key", "witness_longer", "witness_unsigned",
    )
)  # fmt: skip
"""Everything that can be wrong: `what` of a fault."""
SHOWN: Final = 200
"""Faults of a part that are kept; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `where`: stream, file or table; `seq`: entry, row or checkpoint, 0 for none. `what`
    names a sentence of the catalogue, `verify.<what>`."""

    part: str
    where: str
    seq: int
    what: str
    expected: str = ""
    got: str = ""


@dataclass(slots=True)
class Part:
    """One check: how many things it looked at, what it found, how long it took."""

    name: str
    checked: int = 0
    faults: list[Fault] = field(default_factory=list)
    more: int = 0
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def fault(self, where: str, seq: int, what: str, expected: object = "", got: object = "") -> None:
        if what not in FAULTS:
            raise ValueError(what)
        if len(self.faults) < SHOWN:
            self.faults.append(Fault(self.name, where, seq, what, str(expected)[:500], str(got)[:500]))
        else:
            self.more += 1

    def note(self, sentence: str, **params: object) -> None:
        """Something worth knowing that is no fault: a sentence of the catalogue."""
        self.notes.append(said(sentence, params))


@dataclass(slots=True)
class Report:
    """`waiting`: entries not sealed yet, and the instant of the oldest as text: the window that is not proved."""

    at: str
    version: str
    algorithm: str
    origin: str
    parts: list[Part] = field(default_factory=list)
    entries: int = 0
    cases: int = 0
    sealed: int = 0
    waiting: int = 0
    oldest: str = ""

    @property
    def faults(self) -> int:
        return sum(len(part.faults) + part.more for part in self.parts)

    def as_json(self) -> str:
        """The report for machines: everything above, and the sentence of each fault."""
        content: dict[str, Any] = {"schema": SCHEMA, "whole": self.faults == 0, **asdict(self)}
        for part, shown in zip(self.parts, content["parts"], strict=True):
            shown["seconds"] = round(part.seconds, 3)
            for fault, row in zip(part.faults, shown["faults"], strict=True):
                row["means"] = means(fault)
        return json.dumps(content, ensure_ascii=False, indent=1)


def means(fault: Fault) -> str:
    """What a fault means and what to do, in Chinese."""
    return said(f"verify.{fault.what}", {"where": fault.where, "seq": fault.seq})


def line(fault: Fault) -> str:
    """A fault on one line, with expected and got."""
    place = f"{fault.where} #{fault.seq}" if fault.seq else fault.where
    values = f" 应为 {fault.expected}, 实为 {fault.got}" if fault.expected or fault.got else ""
    return f"✗ {said(f'verify.part.{fault.part}', {})} {place}: {means(fault)}{values}"


Tick = Callable[[int], Any]
"""Told how many things were looked at since the last call; draws the progress."""
