"""Files of every modeler, and of many makers of mistakes: each is read, or refused by element, at once.

`tests/corpus` is written by hand after the BPMN 2.0 standard, in the manner of each tool; nothing in it is taken over
from elsewhere. Encodings are made here, and damage: mutants of the corpus and of the shipped diagrams.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from engine.service.check_worker import findings_of
from engine.service.finding_rows import rows
from engine.service.play_command import Asked, play
from tests.support.mutants import Mutator
from tests.support.world import ROOT

CORPUS = ROOT / "tests" / "corpus"
FILES = sorted(path.name for path in CORPUS.iterdir())
REFUSED: Mapping[str, set[tuple[str, str]]] = {
    "black_boxes.bpmn": {("bpmn.no_process", "Definitions_1")},
    "choreography.bpmn": {("bpmn.unsupported", "Choreography_1")},
    "conversation.bpmn": {("bpmn.no_process", "Definitions_1")},
    "doctype.bpmn": {("xml.doctype", "def")},
    "empty_event_subprocess.bpmn": {("bpmn.event_start", "es")},
    "flow_across_scopes.bpmn": {("bpmn.flow_end", "leak"), ("bpmn.unreachable", "e")},
    "gateways.bpmn": {("bpmn.unsupported", "adhoc"), ("bpmn.flow_end", "f3"), ("bpmn.flow_end", "f4")},
    "invalid_events.bpmn": {
        ("bpmn.event_not_here", "nothing"),
        ("bpmn.reference_missing", "which"),
        ("bpmn.timer_empty", "when"),
        ("bpmn.event_not_here", "stop"),
        ("bpmn.timer_iso", "cron"),
        ("bpmn.flow_end", "f7"),
    },
    "jbpm.bpmn2": {("bpmn.script_language", "_3")},
    "listeners.bpmn": {("bpmn.extension_error", "u"), ("bpmn.service_code", "v")},
    "no_namespace.bpmn": {("bpmn.not_bpmn", "def")},
    "not_closed.bpmn": {("xml.not_well_formed", "cut")},
    "nothing.bpmn": {("xml.not_well_formed", "definitions")},
    "other_standard.bpmn": {("bpmn.not_bpmn", "Package")},
    "part_of_a_diagram.bpmn": {("bpmn.not_bpmn", "lonely")},
    "prefix_model_interfaces.bpmn": {("bpmn.unsupported", "p")},
    "process_without_id.bpmn": {("bpmn.no_id", "definitions")},
    "same_id_twice.bpmn": {("bpmn.duplicate_id", "x")},
    "without_ids.bpmn": {
        ("bpmn.no_id", "p"),
        ("bpmn.flow_end", "f2"),
        ("bpmn.flow_end", "f3"),
        ("bpmn.boundary_host", "b"),
    },
}
"""What each file of the corpus is refused for, by code and element; all others are read. More may be said of a file:
what hangs on an element that can't be run is found fault with too."""
SECONDS = 1.0


@cache
def told() -> Mapping[str, list[dict[str, Any]]]:
    """The rows of every file of the corpus, from one call of the command."""
    done = subprocess.run(
        [sys.executable, "-m", "engine.cli", "check", "--format", "json", *(str(CORPUS / name) for name in FILES)],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "")
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in FILES}
    for row in json.loads(done.stdout):
        found[Path(row["file"]).name].append(row)
    return found


def errors(found: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(row["code"], row["element_id"]) for row in found if row["severity"] == "error"}


def faults(data: bytes, name: str = "file.bpmn") -> list[tuple[str, str]]:
    """(code, element) of each error of a file checked in this process. Must not take more than a second of the
    processor: the command allows no more, and other work on the machine does not count. Every error must name an
    element and say something; none may be the checker's own failure."""
    began = time.process_time()
    found = rows([f for f in findings_of({name: data}) if f.key != "bundle.no_process"], name, data, "zh")
    took = time.process_time() - began
    assert took < SECONDS
    refused = [row for row in found if row.severity == "error"]
    assert all(row.element_id and row.message and row.hint for row in refused), refused
    assert not [row for row in refused if row.code == "bundle.check_failed"], refused
    return [(row.code, row.element_id) for row in refused]


@pytest.mark.parametrize("name", FILES)
def test_a_foreign_file_is_read_or_refused_at_the_elements_that_can_not_be_run(name: str):
    found = errors(told()[name])

    assert REFUSED.get(name, set()) <= found
    assert bool(found) == (name in REFUSED), found


@pytest.mark.parametrize("name", FILES)
def test_every_refusal_names_an_element_of_the_file_and_says_what_to_do(name: str):
    text = (CORPUS / name).read_text(encoding="utf-8")

    for row in told()[name]:
        assert row["element_id"] in text or (text == "" and row["element_id"] == "definitions")
        assert row["element_id"] in row["message"]
        assert row["hint"]
        assert 1 <= row["line"] <= text.count("\n") + 1


def test_a_reference_with_a_prefix_is_a_use_of_what_it_refers_to():
    assert "check.unused" not in {row["code"] for row in told()["qualified_references.bpmn"]}


def test_what_is_refused_is_in_the_corpus():
    assert REFUSED.keys() <= set(FILES)
    assert len(FILES) - len(REFUSED) >= 12


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_the_corpus_takes_less_than_a_second(name: str):
    faults((CORPUS / name).read_bytes(), name.replace(".bpmn2", ".bpmn"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030", "iso-8859-1"])
def test_the_encoding_that_a_file_declares_is_the_one_it_is_read_in(encoding: str):
    name = "Prüfung" if encoding == "iso-8859-1" else "甄别"
    text = (CORPUS / "bizagi.bpmn").read_text(encoding="utf-8").replace("Task 1", name)
    text = text.replace('encoding="utf-8"', f'encoding="{encoding.removesuffix("-sig").removesuffix("-le")}"')
    marked = ("\ufeff" + text) if encoding == "utf-16-le" else text

    assert faults(marked.encode(encoding)) == []


def test_bytes_that_are_not_in_the_declared_encoding_are_refused_where_they_stand():
    text = (CORPUS / "bizagi.bpmn").read_text(encoding="utf-8").replace("Task 1", "甄别")

    assert faults(text.encode("gb18030")) == [("xml.not_well_formed", "Id_t")]


@pytest.mark.parametrize(
    "data",
    [b"\x00" * 1000, b"PK\x03\x04", b"<" * 100_000, b"<a>" * 100_000, b"<!--" * 50_000, b"\xff\xfe<\x00", b"&amp;"],
    ids=["zeros", "zip", "brackets", "nested", "comments", "half", "entity"],
)
def test_bytes_that_are_no_diagram_are_refused_at_once(data: bytes):
    assert [code for code, _ in faults(data)] == ["xml.not_well_formed"]


def test_a_deep_nest_of_sub_processes_is_refused_and_not_recursed_into():
    depth = 250
    inner = "".join(f'<subProcess id="n{n}">' for n in range(depth)) + "</subProcess>" * depth
    data = (
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p">'
        f'<startEvent id="s"/>{inner}<sequenceFlow id="f" sourceRef="s" targetRef="n0"/></process></definitions>'
    )

    assert [code for code, _ in faults(data.encode())] == ["bpmn.too_deep"]


@pytest.mark.parametrize("part", range(4))
def test_a_mutant_is_read_or_refused_by_element_within_a_second(part: int):
    hunt(seed=20_000 + part, count=500)


@pytest.mark.long
@pytest.mark.parametrize("part", range(10))
def test_many_mutants_are_read_or_refused_by_element_within_a_second(part: int):
    hunt(seed=90_000 + part, count=5_000)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_mutant_that_is_read_can_be_played_to_some_end(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("engine.service.play_script.MAX_ROUNDS", 30)
    mutator = Mutator(seed, {name: (CORPUS / name).read_bytes() for name in FILES})
    ends: Counter[str] = Counter()

    for number in range(400):
        name, data = mutator.mutant()
        (tmp_path / "mutant.bpmn").write_bytes(data)
        lines: list[str] = []
        try:
            play(Asked([str(tmp_path / "mutant.bpmn")], auto=True, until="P1D"), lines.append)
        except Exception as error:
            raise AssertionError(f"{name}, seed {seed}, mutant {number}") from error
        ends[json.loads(lines[-1])["status"]] += 1

    assert ends["refused"] > 100 and ends["completed"] > 20, ends
    assert set(ends) <= {"refused", "completed", "waiting", "incident", "stuck", "not_begun"}


def hunt(seed: int, count: int) -> None:
    """Mutants of every file, one after another; a failure prints the file it was made of, the seed and its number."""
    seeds = [*(CORPUS / name for name in FILES), *sorted((ROOT / "bpmn").glob("*.bpmn"))]
    mutator = Mutator(seed, {path.name: path.read_bytes() for path in seeds})
    refused = 0
    for number in range(count):
        name, data = mutator.mutant()
        try:
            refused += bool(faults(data))
        except Exception as error:
            raise AssertionError(f"{name}, seed {seed}, mutant {number}") from error
    assert count // 4 < refused, "mutations must do damage"
