"""Bundles from folders, zip files and single changed files; and back into a zip."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from engine.definitions.bundle import MAX_FILES, SCENARIO, SUFFIXES
from engine.definitions.xml import MAX_BYTES

if TYPE_CHECKING:
    from .deployments import Deployments

FOLDERS = {".bpmn": "bpmn", ".dmn": "bpmn", ".toml": "bpmn", ".form": "forms"}
"""Where a file of a suffix lives in a bundle; a scenario in TESTS."""
TESTS = "tests"
ROOTS = ("bpmn", "forms", TESTS)
"""Folders of a bundle."""
MAX_PATH = 200


class Unusable(Exception):
    """What was given is not a bundle: a missing path, a broken or oversized zip, a name outside the bundle."""


def collect(paths: Sequence[Path], deployments: Deployments | None) -> dict[str, bytes]:
    """Files of folders, zips or single files, later ones over earlier ones. Single files are laid over the live
    bundle when there is one, so that one diagram saved by a modeler can be deployed by itself."""
    files: dict[str, bytes] = {}
    single = all(path.is_file() and path.suffix != ".zip" for path in paths)
    if single and deployments is not None:
        try:
            files.update(deployments.files(deployments.bundle().version))
        except KeyError as error:
            raise Unusable("还没有已发布的流程包, 请先发布完整的文件夹或 zip") from error
    for path in paths:
        if path.is_dir():
            files.update(from_folder(path))
        elif path.suffix == ".zip" and path.is_file():
            files.update(from_zip(path.read_bytes()))
        elif path.is_file():
            files[place(path.name, files)] = path.read_bytes()
        else:
            raise Unusable(str(path))
    return files


def from_folder(root: Path) -> dict[str, bytes]:
    """Every bundle file below `bpmn/` and `forms/` of a folder and every scenario below `tests/`, or what lies in the
    folder itself."""
    found = {}
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if path.is_file() and path.suffix in SUFFIXES and in_bundle(relative.as_posix()):
            found[relative.as_posix()] = path.read_bytes()
    if not found:
        found = {place(p.name, {}): p.read_bytes() for p in sorted(root.iterdir()) if p.suffix in SUFFIXES}
    return found


def place(name: str, files: Mapping[str, bytes]) -> str:
    """Path in the bundle of a single file: where a file of that name is already, else the folder of its kind."""
    name = PurePosixPath(name.replace("\\", "/")).name
    for path in files:
        if PurePosixPath(path).name == name:
            return path
    return f"{folder_of(name)}/{name}"


def folder_of(name: str) -> str:
    """The folder in which a file of that name lives by its kind."""
    return TESTS if name.endswith(SCENARIO) else FOLDERS.get(PurePosixPath(name).suffix, "bpmn")


def in_bundle(path: str) -> bool:
    """Whether a path below some root is one of a bundle: in `tests` only scenarios are."""
    root = path.partition("/")[0]
    return root in ROOTS and (root != TESTS or path.endswith(SCENARIO))


def is_path(path: str) -> bool:
    """Whether a new file may have this path: in one of ROOTS, of a known kind, with names that every system takes."""
    parts = path.split("/")
    plain = all(part and part.strip() == part and part[0] != "." and part.isprintable() for part in parts)
    clean = not set(path) & set('\\:*?"<>|')
    known = PurePosixPath(path).suffix in SUFFIXES and in_bundle(path)
    return len(parts) > 1 and len(path) <= MAX_PATH and plain and clean and known


def from_zip(data: bytes) -> dict[str, bytes]:
    """Bundle files of a zip. Raises Unusable for a broken one, too many files, or files that unpack too large."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [m for m in archive.infolist() if not m.is_dir() and PurePosixPath(m.filename).suffix in SUFFIXES]
            if len(members) > MAX_FILES:
                raise Unusable(f"zip: {len(members)} > {MAX_FILES}")
            files = {}
            for member in members:
                with archive.open(member) as source:
                    content = source.read(MAX_BYTES + 1)
                if len(content) > MAX_BYTES:
                    raise Unusable(f"zip: {member.filename} > {MAX_BYTES}")
                parts = [
                    p for p in PurePosixPath(member.filename.replace("\\", "/")).parts if p not in ("/", "..", ".")
                ]
                path = _within(parts)
                if in_bundle(path):  # `tests` may hold settings of other tests
                    files[path] = content
            return files
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
        raise Unusable(f"zip: {error}") from error


def _within(parts: Sequence[str]) -> str:
    """Path in the bundle of a zip's member: from the first folder of a bundle on, else in the folder of its kind."""
    for root in ROOTS:
        if root in parts[:-1]:
            return "/".join(parts[parts.index(root) :])
    return f"{folder_of(parts[-1])}/{parts[-1]}"


def to_zip(files: Mapping[str, bytes], comment: str = "") -> bytes:
    """A zip of the files, byte for byte; the same files and comment (of the whole zip) give the same zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = comment.encode()
        for path in sorted(files):
            archive.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), files[path], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
