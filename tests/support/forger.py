"""An unpacked archive package in the hands of somebody who changes it and mends what he can."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.service import offline_verifier

SOURCE = Path(offline_verifier.__file__)


def run_verifier(*arguments: str | Path, program: Path = SOURCE) -> subprocess.CompletedProcess[str]:
    """The verifier on a Python that sees neither this program nor any installed package."""
    return subprocess.run(
        [sys.executable, "-I", "-S", str(program), *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


class Unpacked:
    """`root`: the bag's own folder."""

    def __init__(self, package: Path, folder: Path) -> None:
        with zipfile.ZipFile(package) as archive:
            archive.extractall(folder)
        (self.root,) = folder.iterdir()

    def paths(self) -> list[str]:
        return sorted(path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file())

    def read(self, path: str) -> bytes:
        return (self.root / path).read_bytes()

    def write(self, path: str, content: bytes) -> None:
        (self.root / path).write_bytes(content)

    def flip(self, path: str, at: int, bit: int) -> None:
        content = bytearray(self.read(path))
        content[at] ^= 1 << bit
        self.write(path, bytes(content))

    def edit_json(self, path: str, change: Callable[[Any], None]) -> None:
        value = json.loads(self.read(path))
        change(value)
        self.write(path, json.dumps(value, ensure_ascii=False).encode())

    def lines(self, path: str) -> list[bytes]:
        return self.read(path).splitlines(keepends=True)

    def list_again(self) -> None:
        """Writes the lists of files anew, so that they fit whatever the files are now."""
        paths = self.paths()
        payload = [path for path in paths if path.startswith("data/")]
        info = self.read("bag-info.txt").decode()
        octets = sum(len(self.read(path)) for path in payload)
        self.write("bag-info.txt", re.sub(r"Oxum: \S+", f"Oxum: {octets}.{len(payload)}", info).encode())
        self._list("manifest", payload)
        self._list("tagmanifest", [p for p in paths if not p.startswith(("data/", "tagmanifest-"))])

    def _list(self, kind: str, paths: list[str]) -> None:
        for manifest in sorted(self.root.glob(f"{kind}-*.txt")):
            algorithm = manifest.stem.rpartition("-")[2]
            lines = [f"{offline_verifier.digest(algorithm, self.read(path)).hex()}  {path}\n" for path in paths]
            manifest.write_text("".join(lines))

    def chain_again(self, stream: str, bodies: list[dict[str, Any]], like: Callable[[dict[str, Any]], bytes]) -> None:
        """Writes a stream anew with these entries: numbered, chained and hashed as they must be."""
        prev, lines, proofs = "0" * 64, [], []
        old = [json.loads(line) for line in self.lines(f"data/proofs/{stream}.jsonl")]
        for seq, body in enumerate(bodies, 1):
            raw = like({**body, "seq": seq, "prev_hash": prev})
            prev = hashlib.sha256(raw).hexdigest()
            lines.append(raw + b"\n")
            kept = old[min(seq, len(old)) - 1]
            proofs.append(json.dumps({**kept, "seq": seq, "hash": prev}, sort_keys=True).encode() + b"\n")
        self.write(f"data/entries/{stream}.jsonl", b"".join(lines))
        self.write(f"data/proofs/{stream}.jsonl", b"".join(proofs))

    def report(self, witness: str = "", trusted: str = "") -> offline_verifier.Report:
        package = offline_verifier.open_package(str(self.root))
        return offline_verifier.Verifier(package, witness, trusted).run()
