"""A sealed log written down from its definitions (RFC 6962 2.1, C2SP notes), slow and plain: to test verifiers with."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from engine.service.offline_verifier import leaf_hash, make_key, node_hash
from tests.support.forger import Unpacked


def tree_root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(tree_root(leaves[:split]), tree_root(leaves[split:]), "sha256")


def path_to(leaves: list[bytes], index: int) -> list[bytes]:
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return [*path_to(leaves[:split], index), tree_root(leaves[split:])]
    return [*path_to(leaves[split:], index - split), tree_root(leaves[:split])]


def continued(leaves: list[bytes], old: int, whole: bool = True) -> list[bytes]:
    if old == len(leaves):
        return [] if whole else [tree_root(leaves)]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if old <= split:
        return [*continued(leaves[:split], old, whole), tree_root(leaves[split:])]
    return [*continued(leaves[split:], old - split, False), tree_root(leaves[:split])]


def signed(text: str, *keys: tuple[str, Ed25519PrivateKey]) -> str:
    lines = []
    for name, private in keys:
        public = private.public_key().public_bytes_raw()
        raw = bytes.fromhex(make_key(name, public).id) + private.sign(text.encode())
        lines.append(f"— {name} {base64.b64encode(raw).decode()}\n")
    return f"{text}\n{''.join(lines)}"


@dataclass
class ReferenceLog:
    """Seals the entries of an unpacked package, with leaves of others between them."""

    origin: str = "log.example/test"
    key: Ed25519PrivateKey = field(default_factory=lambda: Ed25519PrivateKey.from_private_bytes(b"1" * 32))
    leaves: list[bytes] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)
    keys: list[Ed25519PrivateKey] = field(default_factory=list)

    def checkpoint(self, *also: Ed25519PrivateKey) -> str:
        root = base64.b64encode(tree_root(self.leaves)).decode()
        text = f"{self.origin}\n{len(self.leaves)}\n{root}\ntime 2026-03-02T01:00:00.000000Z\nhash sha256\n"
        note = signed(text, *((self.origin, key) for key in (self.key, *also)))
        self.notes.append((len(self.leaves), note))
        self.keys += [key for key in (self.key, *also) if key not in self.keys]
        return note

    def others(self, count: int) -> None:
        """Leaves of cases that are not in the package."""
        self.leaves += [leaf_hash(b"other %d" % number, "sha256") for number in range(count)]

    def seal(self, unpacked: Unpacked, leave: int = 0) -> None:
        """Puts the package's entries into the tree, the last `leave` of each stream excepted, with checkpoints."""
        index = json.loads(unpacked.read("data/package.json"))
        self._forget_keys(unpacked, index)
        places: dict[str, list[int | None]] = {}
        for part in self._parts(index):
            lines = unpacked.lines(part["entries_file"])
            mine = places[part["entries_file"]] = []
            for at, line in enumerate(lines):
                if at >= len(lines) - leave:
                    mine.append(None)
                    continue
                if at % 5 == 0:
                    self.others(1 + at % 3)
                mine.append(len(self.leaves))
                self.leaves.append(leaf_hash(line[:-1], "sha256"))
            self.checkpoint()
        self.prove(unpacked, places)

    @staticmethod
    def _parts(index: dict[str, Any]) -> list[dict[str, Any]]:
        """What has entries with proofs: the streams, and the entries about the cases' documents."""
        return [*index["streams"], index["documents"]]

    def _forget_keys(self, unpacked: Unpacked, index: dict[str, Any]) -> None:
        """The package's own log is another one: its keys are not ours."""
        for stream in [one for one in index["streams"] if one["name"] == "_keys"]:
            index["streams"].remove(stream)
            for path in (stream["entries_file"], stream["proofs_file"]):
                (unpacked.root / path).unlink()
        unpacked.write("data/package.json", json.dumps(index).encode())

    def prove(self, unpacked: Unpacked, places: dict[str, list[int | None]]) -> None:
        """Writes proofs, checkpoints and keys for the newest checkpoint into the package."""
        size, newest = self.notes[-1]
        index = json.loads(unpacked.read("data/package.json"))
        for part in self._parts(index):
            rows = [json.loads(line) for line in unpacked.lines(part["proofs_file"])]
            for row, leaf in zip(rows, places[part["entries_file"]], strict=True):
                row.update(leaf=leaf, proof=[])
                if leaf is not None:
                    row["proof"] = [part.hex() for part in path_to(self.leaves[:size], leaf)]
            unpacked.write(part["proofs_file"], b"".join(json.dumps(row).encode() + b"\n" for row in rows))
            part["sealed"] = sum(leaf is not None for leaf in places[part["entries_file"]])
        index["log"] = {"origin": self.origin, "size": size, "sealed": True}
        unpacked.write("data/package.json", json.dumps(index).encode())
        unpacked.write("data/log/checkpoint.txt", newest.encode())
        lines = [
            json.dumps({"note": note, "proof": [one.hex() for one in continued(self.leaves[:size], old)]}) + "\n"
            for old, note in self.notes[:-1]
        ]
        unpacked.write("data/log/checkpoints.jsonl", "".join(lines).encode())
        keys = [make_key(self.origin, key.public_key().public_bytes_raw()) for key in self.keys]
        rows = [{"name": k.name, "id": k.id, "public": base64.b64encode(k.public).decode()} for k in keys]
        unpacked.write("data/log/keys.json", json.dumps(rows).encode())
        unpacked.list_again()

    def verifier_key(self, key: Ed25519PrivateKey | None = None) -> str:
        """`NAME+ID+BASE64`, as somebody outside keeps it."""
        made = make_key(self.origin, (key or self.key).public_key().public_bytes_raw())
        return f"{made.name}+{made.id}+{base64.b64encode(bytes([1]) + made.public).decode()}"
