"""What a file really is: told by its content, compared with what its name says. Nothing is unpacked or decoded."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping
from typing import BinaryIO, Final

from engine.domain.rejection import Rejection

HEAD: Final = 4096
"""Bytes looked at for signatures."""
MAX_ENTRIES: Final = 5_000
MAX_DIRECTORY: Final = 2 * 1024 * 1024
"""Bytes of a zip's table of contents; read before it is parsed."""
MAX_UNPACKED: Final = 2 * 1024 * 1024 * 1024
MAX_RATIO: Final = 200
"""Unpacked to packed size; ordinary documents stay below 30."""
_END: Final = struct.Struct("<4s4H2LH")
_ZIP64: Final = b"PK\x06\x07"

MEDIA_TYPES: Final[Mapping[str, tuple[str, str]]] = {
    "png": ("png", "image/png"),
    "jpg": ("jpeg", "image/jpeg"),
    "jpeg": ("jpeg", "image/jpeg"),
    "gif": ("gif", "image/gif"),
    "webp": ("webp", "image/webp"),
    "pdf": ("pdf", "application/pdf"),
    "ofd": ("ofd", "application/ofd"),
    "doc": ("ole", "application/msword"),
    "xls": ("ole", "application/vnd.ms-excel"),
    "ppt": ("ole", "application/vnd.ms-powerpoint"),
    "wps": ("ole", "application/wps-office.wps"),
    "et": ("ole", "application/wps-office.et"),
    "docx": ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "xlsx": ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "pptx": ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    "txt": ("text", "text/plain"),
    "csv": ("text", "text/csv"),
    "zip": ("zip", "application/zip"),
    "mp4": ("mp4", "video/mp4"),
    "mp3": ("mp3", "audio/mpeg"),
}
"""Ending -> kind of content that belongs to it, media type it is given."""


def judge(content: BinaryIO, name: str, allowed: frozenset[str]) -> str | Rejection:
    """The media type of a file called `name`, or the Rejection (`invalid`). `allowed`: endings, lower case.

    `content` must be seekable; it is left at any position.
    """
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending not in allowed or ending not in MEDIA_TYPES:
        return Rejection("invalid", "file.type_refused", {"name": name, "types": ", ".join(sorted(allowed))})
    expected, media_type = MEDIA_TYPES[ending]
    found = _kind(content)
    if isinstance(found, Rejection):
        return Rejection(found.code, found.key, {**found.details, "name": name})
    if found != expected and not (expected == "zip" and found in ("docx", "xlsx", "pptx", "ofd")):
        return Rejection("invalid", "file.not_what_it_says", {"name": name, "ending": ending})
    return media_type


def _kind(content: BinaryIO) -> str | Rejection:
    """One of the kinds of MEDIA_TYPES, 'unknown', or a Rejection for an archive that must not be kept."""
    content.seek(0)
    head = content.read(HEAD)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _archive(content)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        return "mp4"
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith(b"ID3") or (len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2):
        return "mp3"
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    return "text" if _is_text(content) else "unknown"


_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
)


def _is_text(content: BinaryIO) -> bool:
    """UTF-8, UTF-16 with its mark, or GB 18030, without control characters other than white space."""
    content.seek(0)
    data = content.read()
    for encoding in ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return not any(character < " " and character not in "\t\r\n\f" for character in text)
    return False


def _archive(content: BinaryIO) -> str | Rejection:
    """The kind of a zip by the names in it. Refused: bombs, paths that lead out of it, macros, what can't be read."""
    if not _directory_is_small(content):
        return Rejection("invalid", "file.archive_refused")
    try:
        with zipfile.ZipFile(content) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, struct.error):
        return Rejection("invalid", "file.archive_broken")
    packed = content.seek(0, 2)
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > MAX_ENTRIES or unpacked > MAX_UNPACKED or unpacked > MAX_RATIO * packed:
        return Rejection("invalid", "file.archive_refused")
    names = {entry.orig_filename.replace("\\", "/") for entry in entries}
    if any(name.startswith("/") or "\0" in name or ".." in name.split("/") or name[1:2] == ":" for name in names):
        return Rejection("invalid", "file.archive_refused")
    if any(name.endswith("vbaProject.bin") for name in names):
        return Rejection("invalid", "file.macros")
    return _document(names)


def _document(names: set[str]) -> str:
    if "OFD.xml" in names:
        return "ofd"
    if "[Content_Types].xml" in names:
        for folder, kind in (("word/", "docx"), ("xl/", "xlsx"), ("ppt/", "pptx")):
            if any(name.startswith(folder) for name in names):
                return kind
    return "zip"


def _directory_is_small(content: BinaryIO) -> bool:
    """Whether the table of contents may be parsed: its size is stated at the end of the file, and is checked first.

    Archives in the 64-bit form are refused: below the upload limit nothing needs it.
    """
    size = content.seek(0, 2)
    tail_size = min(size, _END.size + 65_535 + 20)
    content.seek(size - tail_size)
    tail = content.read(tail_size)
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) - place < _END.size or _ZIP64 in tail[max(0, place - 20) : place]:
        return False
    _, _, _, _, entries, directory, _, _ = _END.unpack_from(tail, place)
    return bool(entries <= MAX_ENTRIES and directory <= MAX_DIRECTORY)
