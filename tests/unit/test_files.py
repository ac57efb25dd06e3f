"""The file store: what it keeps, what it refuses, and that names never become paths."""

import hashlib
import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from engine.domain.rejection import Rejection
from engine.service.files import FileStore, as_stream, safe_name
from engine.service.settings import Settings

PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "files", Settings(upload_max_bytes=200_000))


def archive(*entries: tuple[str, bytes], **how: Any) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, **how) as made:
        for name, content in entries:
            made.writestr(name, content)
    return out.getvalue()


def docx(*more: tuple[str, bytes]) -> bytes:
    return archive(("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<w/>"), *more)


def files_in(store: FileStore) -> list[Path]:
    return [path for path in store._root.rglob("*") if path.is_file()]


def test_a_stored_file_comes_back_byte_for_byte(store: FileStore):
    fact = store.save(as_stream(PNG), "截图 1.png")

    assert not isinstance(fact, Rejection)
    assert fact["sha256"] == hashlib.sha256(PNG).hexdigest()
    assert (fact["name"], fact["size"], fact["media_type"]) == ("截图 1.png", len(PNG), "image/png")
    with store.open(str(fact["sha256"])) as content:
        assert content.read() == PNG
    assert store.intact(str(fact["sha256"]))


def test_the_same_content_is_stored_once_under_two_ids(store: FileStore):
    one, other = store.save(as_stream(PNG), "a.png"), store.save(as_stream(PNG), "b.png")

    assert not isinstance(one, Rejection) and not isinstance(other, Rejection)
    assert one["id"] != other["id"]
    assert len(files_in(store)) == 1


def test_a_changed_content_is_noticed(store: FileStore):
    fact = store.save(as_stream(PNG), "a.png")
    assert not isinstance(fact, Rejection)
    kept = files_in(store)[0]
    kept.chmod(0o600)
    kept.write_bytes(PNG + b"!")

    assert not store.intact(str(fact["sha256"]))
    assert not store.intact("0" * 64)


@pytest.mark.parametrize("name", ["../../etc/passwd", "x" * 64, "", "A" * 64, "..", "0" * 63 + "/"])
def test_what_is_no_hash_opens_nothing(store: FileStore, name: str):
    with pytest.raises(FileNotFoundError):
        store.open(name)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\x\\report.docx", "report.docx"),
        ("a\x00b\r\n.png", "ab.png"),
        ("\u202egnp.exe", "gnp.exe"),
        ("  .. ", "file"),
        ("", "file"),
        ("con<>:|?*.pdf", "con.pdf"),
        ("长" * 300 + ".pdf", "长" * 116 + ".pdf"),
        ("e\u0301.pdf", "\u00e9.pdf"),
        (".png", "file.png"),
    ],
)
def test_names_are_text_for_people_and_never_paths(given: str, kept: str):
    assert safe_name(given) == kept


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("a.jpg", b"\xff\xd8\xff\xe0" + bytes(20), "image/jpeg"),
        ("a.gif", b"GIF89a" + bytes(20), "image/gif"),
        ("a.webp", b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        ("a.pdf", b"%PDF-1.7\n", "application/pdf"),
        ("a.doc", OLE, "application/msword"),
        ("a.wps", OLE, "application/wps-office.wps"),
        ("a.docx", docx(), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.ofd", archive(("OFD.xml", b"<ofd/>")), "application/ofd"),
        ("a.zip", archive(("截图.png", PNG)), "application/zip"),
        ("a.zip", docx(), "application/zip"),
        ("a.mp4", b"\0\0\0\x18ftypmp42" + bytes(8), "video/mp4"),
        ("a.mp3", b"ID3\x04" + bytes(8), "audio/mpeg"),
        ("a.txt", "核实情况".encode(), "text/plain"),
        ("a.csv", "标题,内容\n一,二".encode("gb18030"), "text/csv"),
        ("A.TXT", "x".encode("utf-16"), "text/plain"),
    ],
)
def test_an_accepted_file_is_given_the_type_of_its_content(
    store: FileStore, name: str, content: bytes, media_type: str
):
    fact = store.save(as_stream(content), name)

    assert not isinstance(fact, Rejection), fact
    assert fact["media_type"] == media_type


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        ("a.png", b"", "file.empty"),
        ("a.txt", b"x" * 200_001, "file.too_large"),
        ("a.exe", b"MZ", "file.type_refused"),
        ("a.svg", b"<svg/>", "file.type_refused"),
        ("a.html", b"<html>", "file.type_refused"),
        ("noending", b"x", "file.type_refused"),
        ("a.png", b"<script>alert(1)</script>", "file.not_what_it_says"),
        ("a.jpg", PNG, "file.not_what_it_says"),
        ("a.pdf", b"MZ\x90\x00" + bytes(60), "file.not_what_it_says"),
        ("a.txt", b"\x7fELF\x02\x01\x01\x00" + bytes(40), "file.not_what_it_says"),
        ("a.docx", archive(("x.txt", b"x")), "file.not_what_it_says"),
        ("a.docx", OLE, "file.not_what_it_says"),
        ("a.docx", docx(("word/vbaProject.bin", b"macro")), "file.macros"),
        ("a.zip", archive(("../../etc/cron.d/x", b"x")), "file.archive_refused"),
        ("a.zip", archive(("/etc/passwd", b"x")), "file.archive_refused"),
        ("a.zip", archive(("..\\..\\x", b"x")), "file.archive_refused"),
        ("a.zip", archive(("C:\\x.exe", b"x")), "file.archive_refused"),
        ("a.zip", archive(("zeros", bytes(60_000_000))), "file.archive_refused"),
        ("a.zip", b"PK\x03\x04" + bytes(100), "file.archive_refused"),
        ("a.zip", archive(("a", b"a"))[:-30], "file.archive_refused"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_refused_file_leaves_nothing_behind(store: FileStore, name: str, content: bytes, key: str):
    outcome = store.save(as_stream(content), name)

    assert isinstance(outcome, Rejection)
    assert (outcome.code, outcome.key) == ("invalid", key)
    assert files_in(store) == []


def test_an_archive_with_too_many_entries_is_refused_before_they_are_read(store: FileStore):
    made = archive(*[(f"{number}", b"") for number in range(5_001)])[-190_000:]
    end = made.rindex(b"PK\x05\x06")
    assert struct.unpack_from("<H", made, end + 10) == (5_001,)

    outcome = store.save(as_stream(b"PK\x03\x04" + made), "a.zip")

    assert isinstance(outcome, Rejection) and outcome.key == "file.archive_refused"


def test_an_archive_that_lies_about_the_size_of_its_table_is_refused(store: FileStore):
    made = bytearray(archive(("a", b"a")))
    struct.pack_into("<L", made, made.rindex(b"PK\x05\x06") + 12, 3_000_000_000)

    outcome = store.save(as_stream(bytes(made)), "a.zip")

    assert isinstance(outcome, Rejection) and outcome.key == "file.archive_refused"


def test_an_archive_in_the_64_bit_form_is_refused(store: FileStore):
    made = archive(("a", b"a"))
    end = made.rindex(b"PK\x05\x06")
    locator = b"PK\x06\x07" + struct.pack("<LQL", 0, 0, 1)

    outcome = store.save(as_stream(made[:end] + locator + made[end:]), "a.zip")

    assert isinstance(outcome, Rejection) and outcome.key == "file.archive_refused"


def test_a_stream_that_never_ends_is_stopped_at_the_limit(store: FileStore):
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            self.given += size
            return b"x" * size

    endless = Endless()
    outcome = store.save(endless, "a.txt")  # type: ignore[arg-type]

    assert isinstance(outcome, Rejection) and outcome.key == "file.too_large"
    assert endless.given < 400_000
    assert files_in(store) == []


def test_a_type_that_the_settings_leave_out_is_refused(tmp_path: Path):
    store = FileStore(tmp_path, Settings(upload_types=("pdf",)))

    outcome = store.save(as_stream(PNG), "a.png")

    assert isinstance(outcome, Rejection) and outcome.key == "file.type_refused"
