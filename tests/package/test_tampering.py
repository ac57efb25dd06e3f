"""Whatever is changed in a package is found and named; an unchanged one raises no alarm."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

from engine.domain.codec import canonical
from engine.service import offline_verifier
from engine.service.offline_verifier import Report
from tests.package.conftest import Office
from tests.support.forger import Unpacked, run_verifier

SEED = 20260302
Unpack = Callable[[], Unpacked]


def told(report: Report, path: str) -> bool:
    """Whether some fault names the file."""
    return any(path == fault.file or path in fault.where or path in fault.en for fault in report.faults)


def test_an_unchanged_package_raises_no_alarm_as_zip_and_unpacked_by_its_own_verifier(package: Path, unpack: Unpack):
    folder = unpack().root

    as_zip, as_folder = run_verifier(package), run_verifier(folder)
    by_itself = run_verifier(program=folder / "verify.py")

    for done in (as_zip, as_folder, by_itself):
        assert done.returncode == 0, done.stdout + done.stderr
        assert "已核验的全部相符" in done.stdout
        assert "[坏]" not in done.stdout
    assert (folder / "verify.py").read_bytes() == Path(offline_verifier.__file__).read_bytes()


def test_no_false_alarm_in_any_of_many_packages(office: Office, tmp_path: Path):
    for cases in ((office.closed.id,), (office.late.id,), (office.late.id, office.closed.id)):
        done = run_verifier(office.export(tmp_path, *cases), "--json")

        assert done.returncode == 0, done.stdout
        assert json.loads(done.stdout)["faults"] == []
    done = run_verifier(office.export(tmp_path, period="2026-04"))
    assert done.returncode == 0, done.stdout


def test_a_flipped_bit_is_found_and_named_in_every_file(unpack: Unpack):
    chance = random.Random(SEED)
    unpacked = unpack()
    unnoticed = []
    trials = 0
    for path in unpacked.paths():
        content = unpacked.read(path)
        for _ in range(3):
            trials += 1
            at, bit = chance.randrange(len(content) or 1), chance.randrange(8)
            if content:
                unpacked.flip(path, at, bit)
            else:
                unpacked.write(path, b"\n")
            report = unpacked.report()
            unpacked.write(path, content)
            if not told(report, path):
                unnoticed.append((path, at, bit, report.faults))

    assert unnoticed == [], f"seed {SEED}"
    assert trials >= 200
    assert unpacked.report().faults == []


def test_a_flipped_bit_ends_the_program_with_1_and_the_name_of_the_file(unpack: Unpack):
    chance = random.Random(SEED + 1)
    unpacked = unpack()
    for path in chance.sample([path for path in unpacked.paths() if unpacked.read(path)], 8):
        content = unpacked.read(path)
        unpacked.flip(path, chance.randrange(len(content)), chance.randrange(8))

        done = run_verifier(unpacked.root)

        unpacked.write(path, content)
        assert done.returncode == 1, (path, done.stderr)
        assert path in done.stdout


def test_a_file_that_is_missing_added_or_swapped_with_another_is_named(unpack: Unpack):
    chance = random.Random(SEED + 2)
    unpacked = unpack()
    payload = [path for path in unpacked.paths() if path.startswith("data/")]
    for path in chance.sample(unpacked.paths(), 20):
        content = unpacked.read(path)
        (unpacked.root / path).unlink()
        assert told(unpacked.report(), path), path
        unpacked.write(path, content)
    for _ in range(20):
        one, two = chance.sample(payload, 2)
        first, second = unpacked.read(one), unpacked.read(two)
        unpacked.write(one, second)
        unpacked.write(two, first)
        report = unpacked.report()
        assert told(report, one) and told(report, two), (one, two)
        unpacked.write(one, first)
        unpacked.write(two, second)
    unpacked.write("data/entries/extra.jsonl", b"{}\n")

    assert told(unpacked.report(), "data/entries/extra.jsonl")


def test_a_removed_swapped_or_doubled_entry_is_located_also_when_the_lists_were_written_anew(
    office: Office, unpack: Unpack
):
    stream = office.late.id
    file = f"data/entries/{stream}.jsonl"
    chance = random.Random(SEED + 3)
    for kind in ("removed", "swapped", "doubled") * 6:
        unpacked = unpack()
        lines = unpacked.lines(file)
        at = chance.randrange(len(lines) - 1)
        if kind == "removed":
            lines.pop(at)
        elif kind == "swapped":
            lines[at], lines[at + 1] = lines[at + 1], lines[at]
        else:
            lines.insert(at, lines[at])
        unpacked.write(file, b"".join(lines))
        unpacked.list_again()

        report = unpacked.report()

        found = [fault for fault in report.faults if fault.check == "chain"]
        assert found and found[0].file == file, (kind, at)
        assert int(found[0].where.rpartition("#")[2]) in (at + 1, at + 2), (kind, at, found[0])
        shutil.rmtree(unpacked.root)


def test_an_entry_rewritten_with_its_own_hash_breaks_the_chain_behind_it(office: Office, unpack: Unpack):
    stream, unpacked = office.closed.id, unpack()
    lines = unpacked.lines(f"data/entries/{stream}.jsonl")
    entry = json.loads(lines[3])
    lines[3] = canonical({**entry, "actor": "zhaogang"}) + b"\n"
    unpacked.write(f"data/entries/{stream}.jsonl", b"".join(lines))
    proofs = unpacked.lines(f"data/proofs/{stream}.jsonl")
    proof = {**json.loads(proofs[3]), "hash": offline_verifier.digest("sha256", lines[3][:-1]).hex()}
    proofs[3] = json.dumps(proof).encode() + b"\n"
    unpacked.write(f"data/proofs/{stream}.jsonl", b"".join(proofs))
    unpacked.list_again()

    report = unpacked.report()

    assert [fault.where for fault in report.faults if fault.check == "chain"] == [f"{stream} #5"]


def test_attachments_and_bundles_are_held_to_what_the_entries_say_also_when_the_lists_fit(unpack: Unpack):
    unpacked = unpack()
    attached = [path for path in unpacked.paths() if path.startswith("data/attachments/")]
    unpacked.write(attached[0], b"another picture")
    diagram = next(path for path in unpacked.paths() if path.endswith("/opinion_case.bpmn"))
    unpacked.write(diagram, unpacked.read(diagram) + b" ")
    unpacked.list_again()

    faults = unpacked.report().faults

    assert {fault.check for fault in faults} == {"attachments", "bundles"}
    assert told(unpacked.report(), attached[0])


def test_an_attachment_taken_out_or_renamed_in_the_index_is_found(unpack: Unpack):
    gone, renamed = unpack(), unpack()
    gone.edit_json("data/attachments.json", lambda rows: rows.pop())
    gone.list_again()
    renamed.edit_json("data/attachments.json", lambda rows: rows[0]["names"][0].update(name="别的.png"))
    renamed.list_again()

    assert [fault.check for fault in gone.report().faults] == ["attachments"]
    assert [fault.check for fault in renamed.report().faults] == ["attachments"]


def test_a_truncated_zip_is_unreadable_or_faulty_wherever_it_is_cut(package: Path, tmp_path: Path):
    whole = package.read_bytes()
    cut = tmp_path / "cut.zip"
    for share in (0.001, 0.1, 0.5, 0.9, 0.999, 0.99999):
        cut.write_bytes(whole[: int(len(whole) * share)])

        assert run_verifier(cut).returncode == 2


def test_a_changed_byte_in_the_content_of_a_zip_is_found_without_unpacking(package: Path, tmp_path: Path):
    chance = random.Random(SEED + 4)
    whole = package.read_bytes()
    start = whole.index(b"PK\x03\x04", 10)
    for _ in range(10):
        at = chance.randrange(start)
        if at < 200:  # the header of the first file: names and times
            continue
        bad = tmp_path / "bad.zip"
        bad.write_bytes(bytes([*whole[:at], whole[at] ^ 4, *whole[at + 1 :]]))

        assert run_verifier(bad).returncode in (1, 2), at


def test_a_shape_that_the_index_must_not_have_is_a_fault_and_no_crash(unpack: Unpack):
    for change in (
        lambda index: index.pop("streams"),
        lambda index: index.update(streams=7),
        lambda index: index["streams"][0].pop("entries_file"),
        lambda index: index.update(log=None),
        lambda index: index.update(hash="md5"),
        lambda index: index.update(version=99),
        lambda index: index.update(bundles=[{}]),
    ):
        unpacked = unpack()
        unpacked.edit_json("data/package.json", change)
        unpacked.list_again()

        faults = unpacked.report().faults

        assert any(fault.file == "data/package.json" for fault in faults)
        shutil.rmtree(unpacked.root)


def test_the_end_of_a_stream_cut_off_everywhere_is_not_found_and_the_report_says_so(office: Office, unpack: Unpack):
    """The limit of what a package can show, stated in docs/audit.md; this test fails the day it changes."""
    stream, unpacked = office.late.id, unpack()
    for folder in ("entries", "proofs"):
        path = f"data/{folder}/{stream}.jsonl"
        unpacked.write(path, b"".join(unpacked.lines(path)[:-1]))

    def shorten(index: dict) -> None:
        for one in index["streams"]:
            if one["name"] == stream:
                one["entries"] -= 1
                one["sealed"] = max(0, one["sealed"] - 1)

    unpacked.edit_json("data/package.json", shorten)
    unpacked.list_again()

    report = unpacked.report()

    assert report.faults == []
    assert any("截去末尾" in zh for zh, _ in report.unchecked)
