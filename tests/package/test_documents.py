"""The documents of a case lie in its package: whole, numbered, void ones marked, and what is changed is found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from engine.domain.rejection import Rejection
from engine.service import document_lookup, package_documents
from engine.service.documents_tables import made_documents
from engine.service.files import FileStore
from tests.package.conftest import Office
from tests.support.forger import Unpacked, run_verifier

Unpack = Callable[[], Unpacked]
LIST = package_documents.LIST


def rows(unpacked: Unpacked) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(unpacked.read(LIST))
    return found


def faults(unpacked: Unpacked) -> set[tuple[str, str]]:
    """Whatever lists of files there are were written anew first."""
    unpacked.list_again()
    return {(fault.check, fault.file) for fault in unpacked.report().faults}


def test_each_document_lies_there_as_it_is_kept_with_its_number_and_hashes(office: Office, unpack: Unpack):
    unpacked = unpack()

    listed = rows(unpacked)

    with office.world.services.engine.connect() as conn:
        kept = [document_lookup.get(conn, row["number"]) for row in listed]
    assert len(listed) == 3
    for row, document in zip(listed, kept, strict=True):
        assert document is not None
        assert (row["mark"], row["case"], row["void"]) == (document.mark, document.case_id, bool(document.replaced_by))
        for form, sha256 in (("docx", document.docx_sha256), ("pdf", document.pdf_sha256)):
            content = unpacked.read(row[form]["stored"])
            assert hashlib.sha256(content).hexdigest() == row[form]["sha256"] == sha256
            assert content[:4] == {"docx": b"PK\x03\x04", "pdf": b"%PDF"}[form]


def test_a_void_document_is_marked_in_the_list_the_metadata_and_by_the_verifier(
    office: Office, package: Path, unpack: Unpack
):
    unpacked = unpack()
    first, second = [row for row in rows(unpacked) if row["case"] == office.late.id]

    metadata = unpacked.read(f"data/metadata/{office.late.id}.xml").decode()
    said = run_verifier(package).stdout

    assert (first["void"], first["replaced_by"]) == (True, second["number"])
    assert (second["void"], second["replaces"], second["reason"]) == (False, first["number"], "标题有误")
    assert f"<状态>已作废，由{second['mark']}替代</状态>" in metadata and "<状态>有效</状态>" in metadata
    assert f"文书 {first['mark']} 已作废, 由 {second['mark']} 替代" in said
    assert "[好] 文书与记录中的指纹相符: 3" in said


def test_a_package_of_one_case_tells_nothing_of_the_documents_of_another(office: Office, tmp_path: Path):
    unpacked = Unpacked(office.export(tmp_path, office.closed.id), tmp_path / "one")

    assert [row["case"] for row in rows(unpacked)] == [office.closed.id]
    for path in unpacked.paths():
        if "document" in path:
            assert office.late.id.encode() not in unpacked.read(path), path


def test_a_package_of_a_period_holds_the_documents_of_its_cases(office: Office, tmp_path: Path):
    unpacked = Unpacked(office.export(tmp_path, period="2026-04"), tmp_path / "period")

    assert [row["case"] for row in rows(unpacked)] == [office.closed.id]
    assert unpacked.report().faults == []


@pytest.mark.parametrize("form", ["docx", "pdf"])
def test_a_file_that_was_exchanged_is_found_also_when_the_lists_were_written_anew(unpack: Unpack, form: str):
    unpacked = unpack()
    first, second, _ = rows(unpacked)
    unpacked.write(first[form]["stored"], unpacked.read(second[form]["stored"]))

    assert faults(unpacked) == {("documents", first[form]["stored"])}


def test_a_hash_that_was_changed_in_the_list_as_well_is_found(unpack: Unpack):
    unpacked = unpack()
    path = rows(unpacked)[0]["pdf"]["stored"]
    content = b"%PDF-1.7 another"
    unpacked.write(path, content)

    def forge(listed: list[dict[str, Any]]) -> None:
        listed[0]["pdf"] |= {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}

    unpacked.edit_json(LIST, forge)

    assert faults(unpacked) == {("documents", path)}


@pytest.mark.parametrize(
    "change",
    [
        {"void": False, "replaced_by": 0},
        {"recipients": ["unit:gengbao"]},
        {"mark": "许自然资舆呈〔2026〕99号"},
        {"reason": "没有原因"},
    ],
    ids=["void", "recipients", "mark", "reason"],
)
def test_a_list_that_says_other_things_than_the_entries_is_found(unpack: Unpack, change: dict[str, Any]):
    unpacked = unpack()
    at = next(place for place, row in enumerate(rows(unpacked)) if row["void"])

    unpacked.edit_json(LIST, lambda listed: listed[at].update(change))

    assert faults(unpacked) == {("documents", LIST)}


def test_an_entry_that_was_rewritten_is_not_in_the_signed_tree(unpack: Unpack):
    unpacked = unpack()
    entries, proofs = package_documents.ENTRIES, package_documents.PROOFS
    lines, told = unpacked.lines(entries), unpacked.lines(proofs)
    lines[0] = lines[0].replace(b'"reason":""', b'"reason":"x"')
    hashed = hashlib.sha256(lines[0][:-1]).hexdigest()
    told[0] = json.dumps({**json.loads(told[0]), "hash": hashed}, sort_keys=True).encode() + b"\n"
    unpacked.write(entries, b"".join(lines))
    unpacked.write(proofs, b"".join(told))
    unpacked.edit_json(LIST, lambda listed: listed[0].update(reason="x"))

    assert ("tree", proofs) in faults(unpacked)


def test_documents_left_out_or_slipped_in_are_found(unpack: Unpack):
    without_row, without_index, slipped_in, without_entry = unpack(), unpack(), unpack(), unpack()
    stored = rows(without_row)[0]["docx"]["stored"]
    without_row.edit_json(LIST, lambda listed: listed.pop(0))
    without_index.edit_json("data/package.json", lambda index: index.pop("documents"))
    slipped_in.write("data/documents/99-submission.pdf", b"%PDF")
    without_entry.write(package_documents.ENTRIES, b"".join(without_entry.lines(package_documents.ENTRIES)[1:]))

    assert {("documents", LIST), ("documents", stored)} <= faults(without_row)
    assert ("documents", LIST) in faults(without_index)
    assert faults(slipped_in) == {("documents", "data/documents/99-submission.pdf")}
    assert ("documents", package_documents.ENTRIES) in faults(without_entry)


def test_a_file_that_the_store_lost_is_told_and_the_package_is_made_all_the_same(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with office.world.services.engine.connect() as conn:
        lost = conn.scalar(select(made_documents.c.pdf_sha256).where(made_documents.c.case_id == office.closed.id))
        assert conn.scalar(select(func.count()).select_from(made_documents)) == 3
    opened = FileStore.open

    def without(self: FileStore, sha256: str) -> Any:
        if sha256 == lost:
            raise FileNotFoundError(sha256)
        return opened(self, sha256)

    monkeypatch.setattr(FileStore, "open", without)
    package = office.export(tmp_path, office.closed.id)
    assert not isinstance(package, Rejection)

    report = Unpacked(package, tmp_path / "lost").report()

    assert [(fault.check, fault.file) for fault in report.faults] == [("missing", LIST)]
