"""Uploaded files: kept by content outside the web root, judged by what they are, never unpacked, never run."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from engine.domain.codec import JSON
from engine.domain.rejection import Rejection

from .file_types import judge
from .settings import Settings
from .system import new_id

CHUNK: Final = 64 * 1024
MAX_NAME: Final = 120
"""Characters of a file name that are kept; its ending always is."""
_SHA256: Final = re.compile(r"[0-9a-f]{64}")

FileFacts = dict[str, JSON]
"""id (random, one per upload), name, size (bytes), sha256 (hex), media_type: what the journal keeps of a file."""


class FileStore:
    """A folder of contents named by their sha256: `ab/cd/abcd...`. The same content is stored once.

    Names that people gave their files never become paths; they are text in the journal. Safe to use from several
    threads and processes on one folder.
    """

    def __init__(self, root: Path, settings: Settings) -> None:
        self._root = root
        self._max_bytes = settings.upload_max_bytes
        self._types = frozenset(settings.upload_types)

    def save(self, stream: BinaryIO, name: str) -> FileFacts | Rejection:
        """Stores what `stream` yields and returns its facts; on return the content is on the disk.

        Refused (`invalid`), and nothing kept: empty, larger than the limit, a type that is not on the list, or a
        content that is not what the name says it is.
        """
        shown = safe_name(name)
        incoming = self._root / "incoming"
        incoming.mkdir(parents=True, exist_ok=True, mode=0o750)
        with tempfile.NamedTemporaryFile(dir=incoming, delete=False) as target:
            path = Path(target.name)
            try:
                return self._take(stream, shown, target)
            finally:
                path.unlink(missing_ok=True)

    def open(self, sha256: str) -> io.BufferedReader:
        """The content, to be read and closed. Raises FileNotFoundError when it is not here."""
        return self._path(sha256).open("rb")

    def adopt(self, stream: BinaryIO, sha256: str) -> None:
        """Keeps a content whose hash the caller knows, of whatever type: from an archive package, which was judged
        where it was uploaded. Raises ValueError, and keeps nothing, when it has another hash."""
        incoming = self._root / "incoming"
        incoming.mkdir(parents=True, exist_ok=True, mode=0o750)
        with tempfile.NamedTemporaryFile(dir=incoming, delete=False) as target:
            path = Path(target.name)
            try:
                digest = hashlib.sha256()
                while chunk := stream.read(CHUNK):
                    digest.update(chunk)
                    target.write(chunk)
                if digest.hexdigest() != sha256:
                    raise ValueError(f"expected {sha256}, got {digest.hexdigest()}")
                target.flush()
                self._keep(target, sha256)
            finally:
                path.unlink(missing_ok=True)

    def intact(self, sha256: str) -> bool:
        """Whether the content is here and still has this hash; reads all of it."""
        try:
            with self.open(sha256) as content:
                return hashlib.file_digest(content, "sha256").hexdigest() == sha256
        except FileNotFoundError:
            return False

    def stored(self) -> Iterator[str]:
        """Names (sha256) of every content in the store, in no order."""
        for path in self._root.glob("??/??/*"):
            if _SHA256.fullmatch(path.name):
                yield path.name

    def _path(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise FileNotFoundError(f"expected 64 hex digits, got {sha256[:70]!r}")
        return self._root / sha256[:2] / sha256[2:4] / sha256

    def _take(
        self, stream: BinaryIO, name: str, target: tempfile._TemporaryFileWrapper[bytes]
    ) -> FileFacts | Rejection:
        digest = hashlib.sha256()
        size = 0
        while chunk := stream.read(CHUNK):
            size += len(chunk)
            if size > self._max_bytes:
                return Rejection("invalid", "file.too_large", {"name": name, "limit": self._max_bytes // 1024 // 1024})
            digest.update(chunk)
            target.write(chunk)
        if size == 0:
            return Rejection("invalid", "file.empty", {"name": name})
        target.flush()
        with Path(target.name).open("rb") as content:
            media_type = judge(content, name, self._types)
        if isinstance(media_type, Rejection):
            return media_type
        self._keep(target, digest.hexdigest())
        return {"id": new_id(), "name": name, "size": size, "sha256": digest.hexdigest(), "media_type": media_type}

    def _keep(self, target: tempfile._TemporaryFileWrapper[bytes], sha256: str) -> None:
        final = self._path(sha256)
        final.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        os.fsync(target.fileno())
        os.chmod(target.name, 0o440)
        os.replace(target.name, final)
        folder = os.open(final.parent, os.O_RDONLY)
        try:
            # The name too must be on the disk before a journal entry may speak of it.
            os.fsync(folder)
        finally:
            os.close(folder)


def safe_name(name: str) -> str:
    """A name to show and to offer for a download: the last part of any path, without control, direction and other
    invisible characters and those that file systems forbid, at most MAX_NAME characters; never empty."""
    text = unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1])
    text = "".join(c for c in text if unicodedata.category(c)[0] != "C" and c not in '<>:"|?*')
    text = " ".join(text.split()).rstrip(". ")
    stem, dot, ending = text.rpartition(".")
    if not dot:
        return text[:MAX_NAME] or "file"
    ending = ending[-16:]
    return f"{stem[: MAX_NAME - len(ending) - 1].strip('. ') or 'file'}.{ending}"


def as_stream(content: bytes) -> BinaryIO:
    """Bytes as the stream that `FileStore.save` takes."""
    return io.BytesIO(content)
