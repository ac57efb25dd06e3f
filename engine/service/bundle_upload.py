"""What somebody uploads for a bundle: one zip, or single files as modelers save them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from engine.definitions.bundle import SUFFIXES
from engine.definitions.xml import MAX_BYTES
from engine.domain.rejection import Rejection

from .bundle_folder import Unusable, from_zip, place


@dataclass(frozen=True, slots=True)
class Upload:
    """`files` by their paths in the bundle; `whole`: they are a complete bundle; `name`: of the first file, to show."""

    files: Mapping[str, bytes]
    whole: bool
    name: str


def read(uploads: Sequence[tuple[str, bytes]], known: Mapping[str, bytes]) -> Upload | Rejection:
    """Uploads as (file name, content). A single file takes the place of the one of its name among `known`.

    Rejections (`invalid`): nothing chosen, a broken or oversized zip, a file of another kind, empty or too large,
    two files of one name; `conflict` for single files when there is nothing known to lay them over.
    """
    if not uploads:
        return Rejection("invalid", "bundle.nothing_chosen")
    zips = [(name, content) for name, content in uploads if name.lower().endswith(".zip")]
    if zips and len(uploads) > 1:
        return Rejection("invalid", "bundle.zip_alone")
    if zips:
        return _zip(*zips[0])
    if not known:
        return Rejection("conflict", "bundle.none_to_change")
    files: dict[str, bytes] = {}
    for name, content in uploads:
        if PurePosixPath(name.lower()).suffix not in SUFFIXES:
            return Rejection("invalid", "bundle.kind", {"file": name, "known": " ".join(SUFFIXES)})
        if not content or len(content) > MAX_BYTES:
            return Rejection("invalid", "bundle.size", {"file": name, "limit": MAX_BYTES // 1024})
        path = place(name, known)
        if path in files:
            return Rejection("invalid", "bundle.name_twice", {"file": name})
        files[path] = content
    return Upload(files, False, PurePosixPath(uploads[0][0]).name)


def _zip(name: str, content: bytes) -> Upload | Rejection:
    try:
        files = from_zip(content)
    except Unusable as unusable:
        return Rejection("invalid", "bundle.zip", {"reason": str(unusable)[:200]})
    if not files:
        return Rejection("invalid", "bundle.zip_empty", {"known": " ".join(SUFFIXES)})
    return Upload(files, True, PurePosixPath(name).name)


def live_files(services: Any) -> dict[str, bytes]:
    """The files of the live bundle; none when nothing is deployed."""
    version = services.deployments.live()
    return dict(services.deployments.files(version)) if version else {}
