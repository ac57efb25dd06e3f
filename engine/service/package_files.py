"""Names and contents of the smaller files of a package (docs/package.md); shared by export and import."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Final

from engine.domain.codec import JSON
from engine.journal.entry import StoredEntry
from engine.service.offline_verifier import file_facts

FORMAT: Final = "opinion-archive"
VERSION: Final = 1
INDEX: Final = "data/package.json"
PEOPLE: Final = "data/people.json"
ATTACHMENTS: Final = "data/attachments.json"
CHECKPOINT: Final = "data/log/checkpoint.txt"
EARLIER: Final = "data/log/checkpoints.jsonl"
KEYS: Final = "data/log/keys.json"
VERIFIER: Final = Path(__file__).with_name("offline_verifier.py")
CHUNK: Final = 1 << 20
_PLAIN: Final = re.compile(r"(?!(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$))[a-z0-9_-]+(\.[a-z0-9_-]+)*", re.IGNORECASE)
_ENDING: Final = re.compile(r"\.[a-z0-9]{1,8}")
PACKED: Final = frozenset({".txt", ".csv", ".doc", ".xls", ".ppt", ".bmp"})
"""Attachments worth compressing; pictures, films, PDF and office zips are compressed already."""

README: Final = """归档包 / Archive package

核验（只需 Python 3.8 及以上，无需联网）/ to verify (Python 3.8 or later, no network):

    python verify.py

请尽量使用另外得到的 verify.py、公钥和校验点，说明见 docs/audit.md：
Better use a verify.py, a key and a checkpoint that you got elsewhere (docs/audit.md):

    python verify.py --key KEY --checkpoint FILE PACKAGE

data/entries/     记录，原样字节，一行一条 / entries, stored bytes, one a line
data/proofs/      每条记录在日志树中的证明 / where each entry stands in the signed tree
data/log/         校验点和公钥 / checkpoints and public keys
data/bundles/     案件运行所依据的流程图、决策表、表单 / diagrams, tables and forms the cases ran on
data/attachments/ 附件，以指纹为名 / attachments, named by their hash; names in data/attachments.json
data/documents/   所制文书（Word、PDF），清单见 data/documents.json，作废的已标明 / documents made; void ones are marked
data/reports/     可读报告 / readable reports        data/metadata/  元数据 / metadata
"""


def stream_file(folder: str, stream: str) -> str:
    return f"data/{folder}/{stream}.jsonl"


def json_text(value: JSON) -> str:
    """JSON for a person to read: sorted, indented, the same for the same value."""
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def entry_lines(entries: Iterable[StoredEntry]) -> Iterator[bytes]:
    """Each entry's stored bytes and a line feed. Canonical JSON escapes line feeds, so a line is an entry."""
    for entry in entries:
        if b"\n" in entry.body:
            raise ValueError(f"expected canonical JSON in {entry.case_id} #{entry.seq}")
        yield entry.body + b"\n"


def bundle_names(version: str, paths: Sequence[str]) -> dict[str, str]:
    """path in the bundle -> name in the package: the same where the name is plain on every system, else a number."""
    stored: dict[str, str] = {}
    taken: set[str] = set()
    for number, path in enumerate(sorted(paths), 1):
        plain = all(_PLAIN.fullmatch(part) for part in path.split("/")) and path.lower() not in taken
        name = path if plain else f"other/{number:03d}{PurePosixPath(path).suffix}"
        taken.add(name.lower())
        stored[path] = f"data/bundles/{version[:16]}/{name}"
    return stored


def attachments(entries: Iterable[StoredEntry]) -> dict[str, list[dict[str, JSON]]]:
    """sha256 -> what the entries say of that content: name, size, media_type, id, case, seq; in order."""
    found: dict[str, list[dict[str, JSON]]] = {}
    for entry in entries:
        for fact in file_facts((entry.command, list(entry.events))):
            said = {**{name: fact[name] for name in ("id", "name", "size", "media_type")},
                    "case": entry.case_id, "seq": entry.seq}  # fmt: skip
            known = found.setdefault(str(fact["sha256"]), [])
            if said not in known:
                known.append(said)
    return found


def attachment_name(sha256: str, names: Sequence[Mapping[str, Any]]) -> str:
    """Where a content lies in the package: its hash, with the ending of its first name so that it opens."""
    ending = PurePosixPath(str(names[0]["name"])).suffix.lower() if names else ""
    return f"data/attachments/{sha256}{ending if _ENDING.fullmatch(ending) else ''}"


def chunks(source: BinaryIO) -> Iterator[bytes]:
    while chunk := source.read(CHUNK):
        yield chunk
