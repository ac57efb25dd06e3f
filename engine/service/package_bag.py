"""Writes a package as a zip in BagIt 1.0 layout (RFC 8493), file by file, without holding any of them in memory."""

from __future__ import annotations

import contextlib
import hashlib
import re
import zipfile
from collections.abc import Iterable, Sequence
from typing import IO, Any, Final

from engine.service.offline_verifier import hasher

SAFE_PATH: Final = re.compile(r"(?!.*\.\.)[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
"""Names in a package: what every file system and every zip program keeps as it is."""
STAMP: Final = (1980, 1, 1, 0, 0, 0)
"""Time of every file in the zip: the same content gives the same bytes."""
LARGE: Final = 1 << 30
"""Bytes from which a file is written with 64-bit sizes."""
DECLARATION: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


class Bag:
    """One bag being written. `base`: its folder in the zip. `algorithms`: of the manifests, sha256 first."""

    def __init__(self, target: IO[bytes], base: str, algorithms: Sequence[str] = ("sha256",)) -> None:
        if not SAFE_PATH.fullmatch(base):
            raise ValueError(f"expected a plain name, got {base!r}")
        self._zip = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, allowZip64=True)
        self._base = base
        self._algorithms = tuple(algorithms)
        self._hashes: dict[str, dict[str, str]] = {}
        self._octets = 0

    def add(self, path: str, chunks: Iterable[bytes], *, size: int = 0, packed: bool = True) -> str:
        """Writes one file; returns its sha256. `size`: bytes if known and large. `packed`: false for what is
        compressed already. Raises ValueError for a name that is not plain or stands twice."""
        if not SAFE_PATH.fullmatch(path) or path.lower() in {known.lower() for known in self._hashes}:
            raise ValueError(f"expected a new plain name, got {path!r}")
        info = zipfile.ZipInfo(f"{self._base}/{path}", STAMP)
        info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        info.create_system, info.external_attr = 3, 0o100644 << 16
        made: dict[str, Any] = {name: hasher(name) for name in self._algorithms}
        with self._zip.open(info, "w", force_zip64=size >= LARGE) as out:
            for chunk in chunks:
                out.write(chunk)
                for one in made.values():
                    one.update(chunk)
                if path.startswith("data/"):
                    self._octets += len(chunk)
        self._hashes[path] = {name: one.hexdigest() for name, one in made.items()}
        return self._hashes[path].get("sha256") or hashlib.sha256().hexdigest()

    def text(self, path: str, content: str) -> str:
        return self.add(path, [content.encode()])

    def close(self, info: Sequence[tuple[str, str]]) -> None:
        """Writes the declaration, `bag-info.txt` with these lines and the payload's size, and the manifests."""
        self.add("bagit.txt", [DECLARATION])
        payload = sorted(path for path in self._hashes if path.startswith("data/"))
        lines = [*info, ("Payload-Oxum", f"{self._octets}.{len(payload)}")]
        self.text("bag-info.txt", "".join(f"{name}: {' '.join(value.split())}\n" for name, value in lines))
        for name in self._algorithms:
            self.text(f"manifest-{name}.txt", self._manifest(payload, name))
        tags = sorted(path for path in self._hashes if not path.startswith("data/"))
        for name in self._algorithms:
            self.text(f"tagmanifest-{name}.txt", self._manifest(tags, name))
        self._zip.close()

    def abandon(self) -> None:
        """Lets go of the target after a fault; what was written so far is no package."""
        with contextlib.suppress(Exception):  # the fault that led here is the one to be told
            self._zip.close()

    def _manifest(self, paths: Sequence[str], algorithm: str) -> str:
        return "".join(f"{self._hashes[path][algorithm]}  {path}\n" for path in paths)
