"""归档包离线核验程序 / Offline verifier of an archive package.

    python verify.py                      核验本程序所在的文件夹 / the folder this file lies in
    python verify.py PACKAGE.zip          核验一个归档包 / one package, zip or unpacked folder

选项 / options: --checkpoint FILE  自己保存或打印的校验点 / a checkpoint you kept or printed yourself
                --key KEY          自己得到的公钥 / the public key as you got it, text or file
                --replay           用本系统程序重新运行案件 / re-run the cases (needs the program itself)
                --json             机器可读的结果 / result as JSON

退出码 / exit code: 0 全部相符 all good, 1 发现不符 something is wrong, 2 无法读取 unreadable.

Needs Python 3.8 or later and nothing else. Every archive package carries a copy of this file as `verify.py`, so it is
one file on purpose, longer than the modules around it, with its own SM3 and Ed25519: an auditor must be able to read
all that judges the evidence in one sitting. It imports nothing of this program unless a replay is asked for.
The package format is described in docs/package.md, what each check proves in docs/audit.md.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import importlib
import importlib.util
import io
import json
import os
import re
import struct
import sys
import zipfile
import zlib
from typing import Any, BinaryIO, Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

FORMAT = "opinion-archive"
VERSIONS = (1,)
GENESIS = "0" * 64
CHUNK = 1 << 20
REPLAY_MODULE = "engine.service.package_replay"
HEX = re.compile(r"[0-9a-f]{64}")
SAFE_PATH = re.compile(r"(?!.*\.\.)[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
MANIFEST_LINE = re.compile(r"([0-9a-f]{64})  ([^\r\n]+)")
FILE_FACTS = frozenset(("id", "name", "size", "sha256", "media_type"))
"""What an entry says of an attached file; an object with these keys is one."""


class Unreadable(Exception):
    """The package can't be opened at all."""


# --- hashes -----------------------------------------------------------------------------------------------------------


class Sm3:
    """SM3 (GB/T 32905-2016) in plain Python, for a hashlib without it. About 0.3 MB a second."""

    def __init__(self, data: bytes = b"") -> None:
        self._state = [
            0x7380166F, 0x4914B2B9, 0x172442D7, 0xDA8A0600, 0xA96F30BC, 0x163138AA, 0xE38DEE4D, 0xB0FB0E4E,
        ]  # fmt: skip
        self._rest = b""
        self._length = 0
        self.update(data)

    def update(self, data: bytes) -> None:
        self._length += len(data)
        data = self._rest + data
        whole = len(data) // 64 * 64
        for start in range(0, whole, 64):
            self._state = _sm3_block(self._state, data[start : start + 64])
        self._rest = data[whole:]

    def digest(self) -> bytes:
        tail = self._rest + b"\x80"
        tail += bytes(-(len(tail) + 8) % 64) + struct.pack(">Q", self._length * 8)
        state = self._state
        for start in range(0, len(tail), 64):
            state = _sm3_block(state, tail[start : start + 64])
        return struct.pack(">8I", *state)

    def hexdigest(self) -> str:
        return self.digest().hex()


def _turn(value: int, by: int) -> int:
    by %= 32
    return (value << by | value >> (32 - by)) & 0xFFFFFFFF if by else value


_SM3_T = [_turn(0x79CC4519 if step < 16 else 0x7A879D8A, step) for step in range(64)]


def _sm3_block(state: List[int], block: bytes) -> List[int]:
    words = list(struct.unpack(">16I", block))
    for at in range(16, 68):
        mixed = words[at - 16] ^ words[at - 9] ^ _turn(words[at - 3], 15)
        mixed ^= _turn(mixed, 15) ^ _turn(mixed, 23)
        words.append(mixed ^ _turn(words[at - 13], 7) ^ words[at - 6])
    a, b, c, d, e, f, g, h = state
    for step in range(64):
        first = _turn((_turn(a, 12) + e + _SM3_T[step]) & 0xFFFFFFFF, 7)
        second = first ^ _turn(a, 12)
        if step < 16:
            one, two = a ^ b ^ c, e ^ f ^ g
        else:
            one, two = a & b | a & c | b & c, e & f | ~e & 0xFFFFFFFF & g
        one = (one + d + second + (words[step] ^ words[step + 4])) & 0xFFFFFFFF
        two = (two + h + first + words[step]) & 0xFFFFFFFF
        a, b, c, d = one, a, _turn(b, 9), c
        e, f, g, h = two ^ _turn(two, 9) ^ _turn(two, 17), e, _turn(f, 19), g
    return [old ^ new for old, new in zip(state, (a, b, c, d, e, f, g, h))]


def hasher(algorithm: str) -> Any:
    """A fresh hash object. Raises ValueError for an algorithm other than sha256 and sm3."""
    if algorithm == "sha256":
        return hashlib.sha256()
    if algorithm == "sm3":
        try:
            return hashlib.new("sm3")
        except ValueError:
            return Sm3()
    raise ValueError("unknown hash algorithm %r" % algorithm)


def digest(algorithm: str, data: bytes) -> bytes:
    made = hasher(algorithm)
    made.update(data)
    found: bytes = made.digest()
    return found


# --- the Merkle tree of RFC 6962 --------------------------------------------------------------------------------------


def leaf_hash(body: bytes, algorithm: str) -> bytes:
    return digest(algorithm, b"\x00" + body)


def node_hash(left: bytes, right: bytes, algorithm: str) -> bytes:
    return digest(algorithm, b"\x01" + left + right)


def inclusion_holds(leaf: bytes, index: int, size: int, proof: List[bytes], root: bytes, algorithm: str) -> bool:
    """RFC 9162 2.1.3.2: whether the leaf stands at `index` of the tree of `size` leaves with that root."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for part in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(part, found, algorithm)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, part, algorithm)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def consistency_holds(old: int, new: int, old_root: bytes, new_root: bytes, proof: List[bytes], algorithm: str) -> bool:
    """RFC 9162 2.1.4.2: whether the tree of `new` leaves begins with the tree of `old` leaves."""
    if not 0 < old <= new:
        return False
    if old == new:
        return old_root == new_root and not proof
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = path[0]
    for part in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            before = node_hash(part, before, algorithm)
            after = node_hash(part, after, algorithm)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            after = node_hash(after, part, algorithm)
        at, last = at >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


# --- Ed25519 (RFC 8032), verification only ----------------------------------------------------------------------------

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)
Point = Tuple[int, int, int, int]


def _add(one: Point, two: Point) -> Point:
    a = (one[1] - one[0]) * (two[1] - two[0]) % _P
    b = (one[1] + one[0]) * (two[1] + two[0]) % _P
    c = 2 * one[3] * two[3] * _D % _P
    d = 2 * one[2] * two[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(point: Point, factor: int) -> Point:
    found = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            found = _add(found, point)
        point = _add(point, point)
        factor >>= 1
    return found


def _decode(data: bytes) -> Optional[Point]:
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if x * x % _P != square:
        x = x * _ROOT % _P
    if x * x % _P != square or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


_BASE_Y = 4 * pow(5, _P - 2, _P) % _P
_BASE = _decode(_BASE_Y.to_bytes(32, "little"))
assert _BASE is not None


def signature_holds(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the 64 bytes are an Ed25519 signature of `message` by the key of these 32 bytes. Some milliseconds."""
    if len(public) != 32 or len(signature) != 64 or _BASE is None:
        return False
    key, commitment = _decode(public), _decode(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or scalar >= _L:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % _L
    left, right = _times(_BASE, scalar), _add(commitment, _times(key, challenge))
    return (left[0] * right[2] - right[0] * left[2]) % _P == 0 and (left[1] * right[2] - right[1] * left[2]) % _P == 0


# --- checkpoints: C2SP signed notes -----------------------------------------------------------------------------------


class Key(NamedTuple):
    """A public key of the log. `id`: 8 hex digits, as signature lines name it."""

    name: str
    id: str
    public: bytes


class Note(NamedTuple):
    """A checkpoint. `signatures`: (name, key id in hex, 64 bytes)."""

    text: str
    signed: bytes
    origin: str
    size: int
    root: bytes
    time: str
    algorithm: str
    signatures: Tuple[Tuple[str, str, bytes], ...]


def make_key(name: str, public: bytes) -> Key:
    return Key(name, hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4].hex(), public)


def read_key(text: str, name: str) -> Key:
    """A key from `NAME+ID+BASE64` (C2SP verifier key), base64 or hex of 32 bytes. Raises ValueError."""
    text = text.strip()
    parts = text.split("+", 2)
    if len(parts) == 3 and re.fullmatch(r"[0-9a-fA-F]{8}", parts[1]):
        raw = base64.b64decode(parts[2], validate=True)
        if len(raw) != 33 or raw[:1] != b"\x01":
            raise ValueError("expected an Ed25519 key")
        made = make_key(parts[0], raw[1:])
        if made.id != parts[1].lower():
            raise ValueError("expected key id %s, got %s" % (made.id, parts[1]))
        return made
    raw = bytes.fromhex(text) if re.fullmatch(r"[0-9a-fA-F]{64}", text) else base64.b64decode(text, validate=True)
    if len(raw) == 33 and raw[:1] == b"\x01":
        raw = raw[1:]
    if len(raw) != 32:
        raise ValueError("expected 32 bytes, got %d" % len(raw))
    return make_key(name, raw)


def read_note(text: str) -> Note:
    """The checkpoint of a signed note. Raises ValueError."""
    head, parted, tail = text.partition("\n\n")
    lines = head.split("\n")
    if not parted or len(lines) < 3 or not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]):
        raise ValueError("not a checkpoint note")
    root = base64.b64decode(lines[2], validate=True)
    extra = dict(line.split(" ", 1) for line in lines[3:] if " " in line)
    signatures = []
    if not tail.endswith("\n"):
        raise ValueError("a signature line is cut off")
    for line in tail[:-1].split("\n"):
        found = re.fullmatch("\u2014 (\\S+) (\\S+)", line)
        if found is None:
            raise ValueError("not a signature line: %r" % line[:80])
        raw = base64.b64decode(found.group(2), validate=True)
        if base64.b64encode(raw).decode() != found.group(2) or len(raw) != 68:
            raise ValueError("not an Ed25519 signature: %r" % line[:80])
        signatures.append((found.group(1), raw[:4].hex(), raw[4:]))
    if base64.b64encode(root).decode() != lines[2] or len(root) != 32 or not signatures:
        raise ValueError("not a checkpoint note")
    algorithm = extra.get("hash", "sha256")
    signed = (head + "\n").encode()
    return Note(text, signed, lines[0], int(lines[1]), root, extra.get("time", ""), algorithm, tuple(signatures))


def signers(note: Note, keys: Iterable[Key]) -> List[Key]:
    """Those of `keys` that have validly signed the note."""
    found = []
    for key in keys:
        for name, key_id, signature in note.signatures:
            if (name, key_id) == (key.name, key.id) and signature_holds(key.public, note.signed, signature):
                found.append(key)
                break
    return found


# --- reading a package ------------------------------------------------------------------------------------------------


class Folder:
    """An unpacked package."""

    def __init__(self, root: str) -> None:
        if not os.path.isfile(os.path.join(root, "bagit.txt")):
            inside = [one for one in sorted(os.listdir(root)) if os.path.isfile(os.path.join(root, one, "bagit.txt"))]
            if len(inside) != 1:
                raise Unreadable("no bagit.txt in %s" % root)
            root = os.path.join(root, inside[0])
        self.root = root

    def paths(self) -> List[str]:
        found = []
        for folder, _, names in os.walk(self.root):
            for name in names:
                found.append(os.path.relpath(os.path.join(folder, name), self.root).replace(os.sep, "/"))
        return sorted(found)

    def open(self, path: str) -> BinaryIO:
        full = os.path.join(self.root, *path.split("/"))
        if os.path.islink(full):
            raise OSError("a link, not a file")
        return open(full, "rb")

    def close(self) -> None:
        """Nothing is held open."""


class Zip:
    """A package as one zip file, read in place."""

    def __init__(self, path: str) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise Unreadable("%s: %s" % (path, error)) from error
        try:
            self._read_names(path)
        except Unreadable:
            self._zip.close()
            raise

    def _read_names(self, path: str) -> None:
        names = [one.filename for one in self._zip.infolist() if not one.filename.endswith("/")]
        bases = {name.split("/", 1)[0] for name in names}
        if len(bases) != 1 or not all(SAFE_PATH.fullmatch(name) for name in names):
            raise Unreadable("%s: expected one folder with plain names in it" % path)
        if len(set(names)) != len(names):
            raise Unreadable("%s: a name stands twice in it" % path)
        self._base = bases.pop() + "/"
        self._names = sorted(name[len(self._base) :] for name in names)
        if "bagit.txt" not in self._names:
            raise Unreadable("no bagit.txt in %s" % path)

    def paths(self) -> List[str]:
        return list(self._names)

    def open(self, path: str) -> BinaryIO:
        opened: Any = self._zip.open(self._base + path)
        found: BinaryIO = opened
        return found

    def close(self) -> None:
        self._zip.close()


BROKEN: Tuple[Any, ...] = (OSError, zipfile.BadZipFile, EOFError, ValueError, KeyError, RuntimeError, zlib.error)
"""What reading one damaged file of a package can raise."""


# --- the checks -------------------------------------------------------------------------------------------------------


class Fault(NamedTuple):
    """Something that is not as it must be. `file`: path in the package, `where`: place in it."""

    check: str
    file: str
    where: str
    zh: str
    en: str


class Check(NamedTuple):
    """One thing that was looked at. `number`: how many of them."""

    name: str
    zh: str
    en: str
    number: int


class Report:
    """What was checked, what is wrong and what was not looked at."""

    def __init__(self) -> None:
        self.checks: List[Check] = []
        self.faults: List[Fault] = []
        self.notes: List[Tuple[str, str]] = []
        self.unchecked: List[Tuple[str, str]] = []

    def fault(self, check: str, file: str, where: str, zh: str, en: str) -> None:
        self.faults.append(Fault(check, file, where, zh, en))

    def check(self, name: str, zh: str, en: str, number: int) -> None:
        self.checks.append(Check(name, zh, en, number))

    def not_checked(self, zh: str, en: str) -> None:
        self.unchecked.append((zh, en))

    def note(self, zh: str, en: str) -> None:
        self.notes.append((zh, en))

    def good(self, name: str) -> bool:
        return not any(fault.check == name for fault in self.faults)


class Verifier:
    """Checks one package. `witness`: a checkpoint text from elsewhere; `trusted`: a key text from elsewhere."""

    def __init__(self, package: Any, witness: str = "", trusted: str = "") -> None:
        self.package = package
        self.report = Report()
        self.witness = witness
        self.trusted = trusted
        self.index: Dict[str, Any] = {}
        self.algorithm = "sha256"
        self.note: Optional[Note] = None
        self.earlier: List[Tuple[Note, List[bytes]]] = []
        self.keys: List[Key] = []
        self.facts: Dict[str, List[Dict[str, Any]]] = {}
        self.bundles_used: Dict[str, str] = {}
        self.announced: List[Dict[str, Any]] = []

    def run(self) -> Report:
        paths = self.package.paths()
        self._bag(paths)
        if self._guarded(lambda: self._read_index(paths)):
            for step in (
                self._keys, self._checkpoint, self._streams, self._key_history, self._bundles, self._attachments,
                self._documents, self._from_outside,
            ):  # fmt: skip
                self._guarded(step)
        self._limits()
        return self.report

    def _guarded(self, step: Callable[[], Any]) -> Any:
        """What `step` returns; an index of another shape than it must have is a fault, not a crash."""
        try:
            return step()
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            self.report.fault(
                "index", "data/package.json", "", "索引残缺: %r" % error, "the index is damaged: %r" % error
            )
            return None

    # -- reading ------------------------------------------------------------------------------------------------------
    def _bytes(self, path: str, check: str) -> Optional[bytes]:
        try:
            with self.package.open(path) as source:
                found: bytes = source.read()
                return found
        except BROKEN as error:
            self.report.fault(check, path, "", "读不出来: %s" % error, "can't be read: %s" % error)
            return None

    def _json(self, path: str, check: str) -> Any:
        data = self._bytes(path, check)
        try:
            return None if data is None else json.loads(data.decode("utf-8"))
        except ValueError as error:
            self.report.fault(check, path, "", "不是有效的 JSON: %s" % error, "not valid JSON: %s" % error)
            return None

    # -- 1. the files and their lists ----------------------------------------------------------------------------------
    def _bag(self, paths: List[str]) -> None:
        fault = self.report.fault
        if self._bytes("bagit.txt", "files") not in (
            b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
            b"BagIt-Version: 1.0\r\nTag-File-Character-Encoding: UTF-8\r\n",
        ):
            fault("files", "bagit.txt", "", "不是 BagIt 1.0 的声明", "not the declaration of BagIt 1.0")
        listed = 0
        for kind, own in (("manifest", True), ("tagmanifest", False)):
            lists = [path for path in paths if re.fullmatch(kind + r"-[a-z0-9]+\.txt", path)]
            if kind + "-sha256.txt" not in lists:
                fault("files", kind + "-sha256.txt", "", "缺少清单", "the list is missing")
            for path in lists:
                wanted = self._manifest(path)
                listed += len(wanted)
                self._listed(path, wanted, set(paths))
                for extra in sorted(set(paths) - set(wanted)):
                    if own and extra.startswith("data/"):
                        fault("files", extra, "", "清单 %s 中没有这个文件" % path, "not listed in %s" % path)
                    elif not own and not extra.startswith(("data/", "tagmanifest-")):
                        self.report.note("清单之外的文件: %s" % extra, "a file outside the lists: %s" % extra)
        self._oxum(paths)
        self.report.check("files", "文件与清单相符", "files are as listed", listed)

    def _manifest(self, path: str) -> Dict[str, str]:
        data = self._bytes(path, "files")
        wanted: Dict[str, str] = {}
        try:
            lines = (data or b"").decode("utf-8").split("\n")
        except ValueError:
            lines = ["?"]
        if data is not None and lines[-1] != "":
            self.report.fault("files", path, "", "最后一行不完整", "the last line is cut off")
        for number, line in enumerate(lines[:-1] if lines[-1] == "" else lines, 1):
            found = MANIFEST_LINE.fullmatch(line)
            if found is None or not SAFE_PATH.fullmatch(found.group(2)) or found.group(2) in wanted:
                self.report.fault("files", path, "line %d" % number, "无法识别的一行", "a line that can't be read")
            else:
                wanted[found.group(2)] = found.group(1)
        return wanted

    def _listed(self, manifest: str, wanted: Dict[str, str], there: Any) -> None:
        algorithm = manifest.rpartition("-")[2][:-4]
        for path, expected in wanted.items():
            if path not in there:
                self.report.fault("files", path, manifest, "文件不见了", "the file is missing")
                continue
            try:
                got = self._file_hash(path, algorithm)
            except BROKEN as error:
                self.report.fault("files", path, "", "读不出来: %s" % error, "can't be read: %s" % error)
                continue
            if got != expected:
                self.report.fault(
                    "files", path, manifest, "内容与清单 %s 不符: 应为 %s, 实为 %s" % (manifest, expected, got),
                    "differs from %s: expected %s, got %s" % (manifest, expected, got),
                )  # fmt: skip

    def _file_hash(self, path: str, algorithm: str) -> str:
        made = hasher(algorithm)
        with self.package.open(path) as source:
            while True:
                chunk = source.read(CHUNK)
                if not chunk:
                    break
                made.update(chunk)
        found: str = made.hexdigest()
        return found

    def _oxum(self, paths: List[str]) -> None:
        text = (self._bytes("bag-info.txt", "files") or b"").decode("utf-8", "replace")
        found = re.search(r"^Payload-Oxum: ([0-9]+)\.([0-9]+)$", text, re.M)
        count = sum(path.startswith("data/") for path in paths)
        if found is None or int(found.group(2)) != count:
            self.report.fault(
                "files",
                "bag-info.txt",
                "Payload-Oxum",
                "内容文件应有 %d 个" % count,
                "expected %d payload files" % count,
            )

    # -- 2. what the package says it holds -----------------------------------------------------------------------------
    def _read_index(self, paths: List[str]) -> bool:
        index = self._json("data/package.json", "index")
        if not isinstance(index, dict):
            return False
        if index.get("format") != FORMAT or index.get("version") not in VERSIONS:
            self.report.fault(
                "index", "data/package.json", "version", "不认识的归档包格式", "a package format that is not known here"
            )
            return False
        self.index = index
        self.algorithm = str(index.get("hash"))
        try:
            hasher(self.algorithm)
        except ValueError:
            self.report.fault("index", "data/package.json", "hash", "不认识的杂凑算法", "an unknown hash algorithm")
            return False
        named = {one["entries_file"] for one in index["streams"]} | {one["proofs_file"] for one in index["streams"]}
        for path in paths:
            if path.startswith(("data/entries/", "data/proofs/")) and path not in named:
                self.report.fault("index", path, "", "索引中没有这个文件", "the index does not name this file")
        return True

    # -- 3. the log: keys and checkpoints ------------------------------------------------------------------------------
    def _keys(self) -> None:
        rows = self._json("data/log/keys.json", "log")
        for row in rows if isinstance(rows, list) else ():
            try:
                key = make_key(str(row["name"]), base64.b64decode(row["public"], validate=True))
                if key.id != row["id"]:
                    raise ValueError("key id %s, expected %s" % (row["id"], key.id))
                self.keys.append(key)
            except (ValueError, KeyError, TypeError) as error:
                self.report.fault("log", "data/log/keys.json", "", "密钥有误: %s" % error, "bad key: %s" % error)

    def _checkpoint(self) -> None:
        if not self.index["log"].get("sealed"):
            self.report.not_checked(
                "包内没有校验点: 记录的顺序和完整性没有签名为证",
                "the package has no checkpoint: nothing signed shows that these are the entries",
            )
            return
        data = self._bytes("data/log/checkpoint.txt", "log")
        try:
            note = read_note((data or b"").decode("utf-8"))
            hasher(note.algorithm)
        except ValueError as error:
            self.report.fault(
                "log", "data/log/checkpoint.txt", "", "校验点有误: %s" % error, "bad checkpoint: %s" % error
            )
            return
        self.note = note
        if note.origin != self.index["log"]["origin"] or note.size != self.index["log"]["size"]:
            self.report.fault(
                "log",
                "data/log/checkpoint.txt",
                "",
                "与索引不是同一个校验点",
                "not the checkpoint that the index names",
            )
        self._signed(note, "data/log/checkpoint.txt", "")
        self._earlier(note)
        self.report.check(
            "log", "校验点签名有效, 此前的校验点与它一致", "checkpoint signatures hold, earlier ones are consistent",
            1 + len(self.earlier),
        )  # fmt: skip

    def _signed(self, note: Note, file: str, where: str) -> None:
        valid = signers(note, self.keys)
        if len(valid) != len(note.signatures):
            self.report.fault(
                "log", file, where, "%d 个签名中只有 %d 个有效" % (len(note.signatures), len(valid)),
                "%d of %d signatures are valid" % (len(valid), len(note.signatures)),
            )  # fmt: skip

    def _earlier(self, newest: Note) -> None:
        file = "data/log/checkpoints.jsonl"
        for number, line in enumerate((self._bytes(file, "log") or b"").splitlines(), 1):
            where = "line %d" % number
            try:
                row = json.loads(line.decode("utf-8"))
                note, proof = read_note(row["note"]), [bytes.fromhex(part) for part in row["proof"]]
            except (ValueError, KeyError, TypeError) as error:
                self.report.fault("log", file, where, "校验点有误: %s" % error, "bad checkpoint: %s" % error)
                continue
            self._signed(note, file, where)
            same = note.origin == newest.origin and note.algorithm == newest.algorithm
            if not same or not consistency_holds(
                note.size, newest.size, note.root, newest.root, proof, newest.algorithm
            ):
                self.report.fault(
                    "log", file, where, "与最新校验点不一致: 早先的记录被改过, 或不是同一套日志",
                    "not consistent with the newest: earlier entries were changed, or it is another log",
                )  # fmt: skip
            self.earlier.append((note, proof))

    # -- 4. the entries ------------------------------------------------------------------------------------------------
    def _streams(self) -> None:
        total = sealed = 0
        commands: Dict[str, str] = {}
        for stream in self.index["streams"]:
            count, in_tree = self._stream(stream, commands)
            total, sealed = total + count, sealed + in_tree
        for case in self.index["cases"]:
            if case not in [stream["name"] for stream in self.index["streams"]]:
                self.report.fault("chain", "data/package.json", case, "没有这个案件的记录", "no entries of this case")
        self.report.check("chain", "记录链完整, 序号连续", "chains are whole, sequence numbers without a gap", total)
        if self.note is not None:
            self.report.check("tree", "记录在签名的日志树中", "entries are in the signed tree", sealed)
        if total - sealed:
            self.report.not_checked(
                "%d 条记录尚未封存: 还没有校验点包含它们, 只有记录链为证" % (total - sealed),
                "%d entries are not sealed yet: no checkpoint holds them, only the chain speaks for them"
                % (total - sealed),
            )

    def _lines(self, path: str) -> Iterator[bytes]:
        """Lines of a file without their line feeds; a cut off last one is a fault."""
        try:
            with self.package.open(path) as source:
                for line in io.BufferedReader(source) if not hasattr(source, "readline") else source:
                    if not line.endswith(b"\n"):
                        self.report.fault("chain", path, "", "最后一行不完整", "the last line is cut off")
                    yield line[:-1] if line.endswith(b"\n") else line
        except BROKEN as error:
            self.report.fault("chain", path, "", "读不出来: %s" % error, "can't be read: %s" % error)

    def _stream(self, stream: Dict[str, Any], commands: Dict[str, str]) -> Tuple[int, int]:
        name, file = stream["name"], stream["entries_file"]
        prev, at, last_leaf, count, in_tree = GENESIS, "", -1, 0, 0
        proofs = self._lines(stream["proofs_file"])
        for body in self._lines(file):
            count += 1
            where = "%s #%d" % (name, count)
            try:
                entry = json.loads(body.decode("utf-8"))
                proof = json.loads(next(proofs, b"null").decode("utf-8")) or {}
                expected_hash = proof.get("hash", "")
                fields = [entry[one] for one in ("case_id", "seq", "prev_hash", "at", "command_id", "bundle", "events")]
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                self.report.fault("chain", file, where, "记录读不出来: %s" % error, "can't be read: %s" % error)
                prev = ""
                continue
            got = digest(self.algorithm, body).hex()
            for what, want, have in (
                ("case_id", name, fields[0]), ("seq", count, fields[1]), ("prev_hash", prev, fields[2]),
                ("hash", expected_hash, got),
            ):  # fmt: skip
                if want != have:
                    self.report.fault(
                        "chain", file, where, "%s 应为 %s, 实为 %s" % (what, want, have),
                        "%s: expected %s, got %s" % (what, want, have),
                    )  # fmt: skip
            if fields[3] < at:
                self.report.fault("chain", file, where, "时间倒退", "time runs backward")
            if commands.setdefault(fields[4], where) != where:
                self.report.fault("chain", file, where, "命令编号重复", "the command id stands twice")
            prev, at = got, fields[3]
            leaf = proof.get("leaf")
            if leaf is not None:
                in_tree += self._in_tree(body, leaf, last_leaf, proof, stream, where)
                last_leaf = leaf
            self._look_into(name, entry)
        if count != stream["entries"] or next(proofs, None) is not None:
            self.report.fault(
                "chain", file, name, "应有 %s 条记录, 实有 %d 条" % (stream["entries"], count),
                "expected %s entries, got %d" % (stream["entries"], count),
            )  # fmt: skip
        if in_tree != stream["sealed"] and self.report.good("tree"):
            self.report.fault(
                "tree", stream["proofs_file"], name, "应有 %s 条已封存" % stream["sealed"],
                "expected %s sealed entries, got %d" % (stream["sealed"], in_tree),
            )  # fmt: skip
        return count, in_tree

    def _in_tree(
        self, body: bytes, leaf: Any, last: int, proof: Dict[str, Any], stream: Dict[str, Any], where: str
    ) -> int:
        note = self.note
        try:
            path = [bytes.fromhex(part) for part in proof["proof"]]
            held = note is not None and leaf > last and inclusion_holds(
                leaf_hash(body, note.algorithm), leaf, note.size, path, note.root, note.algorithm
            )  # fmt: skip
        except (ValueError, KeyError, TypeError):
            held = False
        if not held:
            self.report.fault(
                "tree", stream["proofs_file"], where, "记录不在签名的日志树中 (位置 %s)" % leaf,
                "the entry is not in the signed tree (leaf %s)" % leaf,
            )  # fmt: skip
        return 1 if held else 0

    def _look_into(self, stream: str, entry: Dict[str, Any]) -> None:
        if stream.startswith("_"):
            if stream == "_keys":
                self.announced += [event for event in entry["events"] if event.get("kind") == "KeyAdded"]
            return
        self.bundles_used.setdefault(entry["bundle"], "%s #%d" % (stream, entry["seq"]))
        for fact in file_facts((entry.get("command"), entry["events"])):
            self.facts.setdefault(str(fact["sha256"]), []).append(fact)

    def _key_history(self) -> None:
        """Every key must have been announced in the log itself, where its owner can see it."""
        if self.note is None:
            return
        if not any(stream["name"] == "_keys" for stream in self.index["streams"]):
            self.report.not_checked(
                "密钥的来历: 包内没有密钥记录", "where the keys come from: the package has no entries about them"
            )
            return
        said = {(str(event.get("key_id")), str(event.get("public"))) for event in self.announced}
        for key in self.keys:
            if (key.id, key.public.hex()) not in said:
                self.report.fault(
                    "keys",
                    "data/log/keys.json",
                    key.id,
                    "日志中没有启用这个密钥的记录",
                    "the log never announced this key",
                )
        for number, event in enumerate(self.announced):
            before = [key for key in self.keys if key.id in [one.get("key_id") for one in self.announced[:number]]]
            if number and not _vouched(event, before):
                self.report.note(
                    "密钥 %s 没有旧密钥的担保: 旧密钥当时已丢失, 请向管理方核实" % event.get("key_id"),
                    "no earlier key vouched for key %s: it was lost then; ask the owner" % event.get("key_id"),
                )
        self.report.check("keys", "密钥都在日志中公布过", "every key was announced in the log", len(self.keys))

    # -- 5. bundles, attachments, documents ----------------------------------------------------------------------------
    def _bundles(self) -> None:
        known = {}
        for bundle in self.index["bundles"]:
            lines = []
            for one in sorted(bundle["files"], key=lambda one: one["path"]):
                try:
                    lines.append("%s %s\n" % (one["path"], self._file_hash(one["stored"], "sha256")))
                except BROKEN as error:
                    self.report.fault("bundles", one["stored"], "", "读不出来: %s" % error, "can't be read: %s" % error)
            got = hashlib.sha256("".join(lines).encode()).hexdigest()
            if got != bundle["version"]:
                self.report.fault(
                    "bundles", "data/bundles", bundle["version"][:12], "流程包内容与版本号不符: 实为 %s" % got,
                    "the bundle's files give another version: %s" % got,
                )  # fmt: skip
            known[bundle["version"]] = True
        for version, where in self.bundles_used.items():
            if version not in known:
                self.report.fault(
                    "bundles", "data/package.json", where, "缺少流程包 %s" % version, "bundle %s is missing" % version
                )
        self.report.check("bundles", "流程包与记录中的版本号相符", "bundles are those the entries name", len(known))

    def _attachments(self) -> None:
        rows = self._json("data/attachments.json", "attachments")
        listed = {str(row.get("sha256")): row for row in rows} if isinstance(rows, list) else {}
        for sha256, facts in self.facts.items():
            row = listed.get(sha256)
            name = facts[0].get("name", "")
            if row is None or not row.get("stored"):
                self.report.fault(
                    "attachments" if row is None else "missing", "data/attachments.json", sha256[:12],
                    "附件“%s”不在包内%s" % (name, "" if row is None else "（导出时原系统中已经没有）"),
                    "attachment %r is not in the package%s"
                    % (name, "" if row is None else " (gone already when it was exported)"),
                )  # fmt: skip
                continue
            try:
                got = self._file_hash(row["stored"], "sha256")
            except BROKEN as error:
                got = str(error)
            if got != sha256:
                self.report.fault(
                    "attachments", row["stored"], "", "附件“%s”与记录中的指纹不符" % name,
                    "attachment %r is not what the entry recorded" % name,
                )  # fmt: skip
            said = {str(one.get("name")) for one in row.get("names", ())}
            if said != {str(fact.get("name")) for fact in facts}:
                self.report.fault(
                    "attachments",
                    "data/attachments.json",
                    sha256[:12],
                    "文件名与记录不符",
                    "names differ from the entries",
                )
        for sha256 in sorted(set(listed) - set(self.facts)):
            self.report.fault(
                "attachments",
                "data/attachments.json",
                sha256[:12],
                "没有记录提到这个附件",
                "no entry speaks of this file",
            )
        self.report.check("attachments", "附件与记录中的指纹相符", "attachments are those recorded", len(self.facts))

    def _documents(self) -> None:
        """The documents made for the cases: each file is the one that an entry of the log speaks of."""
        about = self.index.get("documents")
        if about is None:
            self.report.not_checked(
                "案件的文书: 这个归档包由较早的版本制作, 不含文书",
                "the documents of the cases: an earlier release made this package, without them",
            )
            about = {}
        told = self._told_of_documents(about) if about else {}
        listed = self._json(about["list"], "documents") if about else []
        rows = {row["number"]: row for row in listed} if isinstance(listed, list) else {}
        stored = {str(about.get(name)) for name in ("list", "entries_file", "proofs_file")}
        after = {event["replaces"]: number for number, (event, _, _) in told.items()}
        for number, (event, by, reason) in sorted(told.items()):
            row = rows.get(number)
            if row is None:
                self._document_fault("data/documents.json", number, "清单中没有这份文书", "not in the list")
                continue
            said = dict(event, by=by, reason=reason, void=number in after, replaced_by=after.get(number, 0))
            wrong = [name for name in said if name not in ("kind", "docx", "pdf") and row.get(name) != said[name]]
            if wrong:
                self._document_fault(
                    "data/documents.json", number, "清单与记录不同: %s" % ", ".join(wrong),
                    "the list differs from the entry: %s" % ", ".join(wrong),
                )  # fmt: skip
            for form in ("docx", "pdf"):
                stored.add(self._document_file(number, event, row, form))
            if number in after:
                other = told[after[number]][0]
                self.report.note(
                    "文书 %s 已作废, 由 %s 替代" % (event["mark"], other["mark"]),
                    "document %s is void, replaced by %s" % (event["mark"], other["mark"]),
                )
        for number in sorted(set(rows) - set(told)):
            self._document_fault("data/documents.json", number, "没有记录提到这份文书", "no entry speaks of it")
        for path in self.package.paths():
            if path.startswith("data/documents") and path not in stored:
                self.report.fault(
                    "documents", path, "", "索引或清单中没有这个文件", "neither index nor list names this file"
                )
        if about:
            self.report.check("documents", "文书与记录中的指纹相符", "documents are those recorded", len(told))

    def _document_fault(self, file: str, number: Any, zh: str, en: str) -> None:
        self.report.fault("documents", file, "%s" % number, zh, en)

    def _document_file(self, number: int, event: Dict[str, Any], row: Dict[str, Any], form: str) -> str:
        """Checks one file of a document; its path in the package, "" for none."""
        path = str(row.get(form, {}).get("stored") or "")
        if not path:
            self.report.fault(
                "missing", "data/documents.json", "%d %s" % (number, form),
                "文书 %s 的文件不在包内（导出时原系统中已经没有）" % event["mark"],
                "a file of document %s is not in the package (gone already when it was exported)" % event["mark"],
            )  # fmt: skip
            return path
        try:
            got = self._file_hash(path, "sha256")
        except BROKEN as error:
            got = str(error)
        same = all(row[form].get(name) == event[form][name] for name in ("sha256", "size"))
        if got != event[form]["sha256"] or not same:
            self._document_fault(
                path, number, "文书 %s 与记录中的指纹不符" % event["mark"],
                "document %s is not what the entry recorded" % event["mark"],
            )  # fmt: skip
        return path

    def _told_of_documents(self, about: Dict[str, Any]) -> Dict[int, Tuple[Dict[str, Any], str, str]]:
        """number -> (event, who made it, reason) of each entry about a document; each must be in the signed tree."""
        file: str = about["entries_file"]
        found: Dict[int, Tuple[Dict[str, Any], str, str]] = {}
        proofs = self._lines(about["proofs_file"])
        last_seq, last_leaf, last_hash, sealed = 0, -1, "", 0
        for body in self._lines(file):
            try:
                entry = json.loads(body.decode("utf-8"))
                proof = json.loads(next(proofs, b"null").decode("utf-8")) or {}
                event, seq, where = entry["events"][0], entry["seq"], "_documents #%d" % entry["seq"]
                found[event["number"]] = event, entry["actor"], entry["command"]["reason"]
            except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
                self.report.fault("documents", file, "", "记录读不出来: %s" % error, "can't be read: %s" % error)
                continue
            got = digest(self.algorithm, body).hex()
            follows = seq > last_seq and (seq != last_seq + 1 or entry["prev_hash"] == (last_hash or GENESIS))
            mine = entry["case_id"] == "_documents" and event["case"] in self.index["cases"]
            if not (follows and mine and proof.get("hash") == got and proof.get("seq") == seq):
                self.report.fault("documents", file, where, "不是应有的记录", "not the entry that must stand here")
            last_seq, last_hash, leaf = seq, got, proof.get("leaf")
            if leaf is not None:
                sealed += self._in_tree(body, leaf, last_leaf, proof, about, where)
                last_leaf = leaf
        if len(found) != about["count"] or sealed != about["sealed"] or next(proofs, None) is not None:
            self.report.fault(
                "documents", file, "",
                "应有 %s 份文书的记录、其中 %s 份已封存, 实有 %d、%d 份"
                % (about["count"], about["sealed"], len(found), sealed),
                "expected entries about %s documents, %s of them sealed, got %d and %d"
                % (about["count"], about["sealed"], len(found), sealed),
            )  # fmt: skip
        if sealed < len(found):
            self.report.not_checked(
                "%d 份文书的记录尚未封存" % (len(found) - sealed),
                "the entries about %d documents are not sealed yet" % (len(found) - sealed),
            )
        return found

    # -- 6. what comes from outside the package ------------------------------------------------------------------------
    def _from_outside(self) -> None:
        if self.trusted:
            self._trusted_key()
        else:
            self.report.not_checked(
                "公钥取自本包: 请用 --key 给出另外得到的公钥, 否则只能说明包内自洽",
                "the key comes from the package itself: give the one you got elsewhere with --key,"
                " else this only shows that the package agrees with itself",
            )
        if self.witness:
            self._witness()
        else:
            self.report.not_checked(
                "没有与包外的校验点比较: 请用 --checkpoint 给出打印的或见证方保存的校验点",
                "not compared with a checkpoint from outside: give a printed or witnessed one with --checkpoint",
            )

    def _trusted_key(self) -> None:
        name = self.note.origin if self.note else str(self.index["log"].get("origin", ""))
        try:
            key = read_key(self.trusted, name)
        except ValueError as error:
            self.report.fault("key", "--key", "", "无法识别的公钥: %s" % error, "not a key: %s" % error)
            return
        if self.note is None:
            self.report.fault("key", "--key", "", "包内没有可核对的签名", "the package has no signature to check")
            return
        trusted = [key]
        for note in sorted([one for one, _ in self.earlier], key=lambda one: one.size) + [self.note]:
            if signers(note, trusted):  # a rotation: the old key signs beside the new one
                trusted += [one for one in signers(note, self.keys) if one not in trusted]
        for event in self.announced:  # or the old key vouches for the new one in an entry of the log
            if _vouched(event, trusted):
                trusted += [one for one in self.keys if one.id == event.get("key_id") and one not in trusted]
        if not signers(self.note, trusted):
            self.report.fault(
                "key", "data/log/checkpoint.txt", "", "校验点不是由您给出的公钥签署的, 也没有由它交接",
                "the checkpoint is not signed by the key you gave, nor by one it handed over to",
            )  # fmt: skip
        self.report.check("key", "校验点由您给出的公钥签署", "the checkpoint is signed by the key you gave", 1)

    def _witness(self) -> None:
        try:
            witness = read_note(self.witness.replace("\r\n", "\n"))
        except ValueError as error:
            self.report.fault("witness", "--checkpoint", "", "不是校验点: %s" % error, "not a checkpoint: %s" % error)
            return
        if self.note is None:
            self.report.fault("witness", "--checkpoint", "", "包内没有校验点可比", "the package has no checkpoint")
            return
        keys = list(self.keys)
        if self.trusted:
            with contextlib.suppress(ValueError):  # told of already
                keys = [read_key(self.trusted, witness.origin)] + keys
        if not signers(witness, keys):
            self.report.fault(
                "witness",
                "--checkpoint",
                "",
                "您给出的校验点签名无效",
                "the checkpoint you gave has no valid signature",
            )
        if witness.origin != self.note.origin:
            self.report.fault(
                "witness", "--checkpoint", "", "不是同一套日志: %s / %s" % (witness.origin, self.note.origin),
                "not the same log: %s / %s" % (witness.origin, self.note.origin),
            )  # fmt: skip
            return
        known = {note.size: note for note, _ in self.earlier}
        known[self.note.size] = self.note
        same = known.get(witness.size)
        if same is None:
            self.report.not_checked(
                "包内没有与您的校验点（%d 条）同样大小的校验点, 无法比较: 请用 export --checkpoint 重新导出"
                % witness.size,
                "the package has no checkpoint of the size of yours (%d), so they can't be compared:"
                " export again with export --checkpoint" % witness.size,
            )
            return
        if same.root != witness.root:
            self.report.fault(
                "witness", "data/log/checkpoint.txt", "", "与您的校验点根值不同: 记录在那之后被改过, 或出示了两套日志",
                "another root than your checkpoint: entries were changed since, or two logs are being shown",
            )  # fmt: skip
        self.report.check(
            "witness",
            "与您给出的校验点（%d 条）一致" % witness.size,
            "agrees with your checkpoint (%d)" % witness.size,
            1,
        )

    # -- 7. what no check here can show --------------------------------------------------------------------------------
    def _limits(self) -> None:
        self.report.not_checked(
            "每个案件最后一条之后是否还有记录: 截去末尾, 记录链和证明看不出来（可与原系统或更晚的归档包比较）",
            "whether entries follow after the last one of a case: neither chain nor proofs show a cut off end"
            " (compare with the system or a later package)",
        )
        if self.index.get("documents") is not None:
            self.report.not_checked(
                "案件的文书是否都在包内: 包内只有与这些案件有关的文书记录, 缺了哪一份从包本身看不出来",
                "whether every document of the cases is here: of the entries about documents only those of these cases"
                " go along, so that a missing one does not show",
            )
        self.report.not_checked(
            "报告（HTML、PDF）、元数据和人名: 它们由记录生成, 只受文件清单保护, 以记录为准",
            "the reports (HTML, PDF), the metadata and people's names: made from the entries, protected by the lists"
            " of files only; the entries count",
        )


def _vouched(event: Dict[str, Any], keys: List[Key]) -> bool:
    """Whether one of `keys` has signed that the key of this KeyAdded event comes next."""
    try:
        message = b"next key\n" + bytes.fromhex(event["public"])
        signatures = bytes.fromhex(event.get("vouched", ""))
    except (KeyError, TypeError, ValueError):
        return False
    parts = [signatures[at : at + 64] for at in range(0, len(signatures), 64)]
    return any(signature_holds(key.public, message, part) for key in keys for part in parts)


def file_facts(value: Any) -> Iterator[Dict[str, Any]]:
    """Every object in a JSON value that tells the facts of a file."""
    if isinstance(value, dict):
        if set(value) >= FILE_FACTS:
            yield value
            return
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for one in value:
            for found in file_facts(one):
                yield found


# --- the command line -------------------------------------------------------------------------------------------------


def open_package(path: str) -> Any:
    """The package at `path`: a zip file or a folder. Raises Unreadable."""
    if os.path.isdir(path):
        return Folder(path)
    if os.path.isfile(path):
        return Zip(path)
    raise Unreadable("%s: no such file" % path)


def replay(package: Any, report: Report, asked: bool) -> None:
    """Re-runs the cases when the program itself can be imported here; says so when it can't."""
    try:
        there = importlib.util.find_spec(REPLAY_MODULE) is not None
    except ImportError:
        there = False
    if not there:
        tell = report.fault if asked else None
        zh, en = "没有重新运行案件: 此处没有安装本系统程序", "cases were not re-run: the program is not installed here"
        if tell is not None:
            tell("replay", REPLAY_MODULE, "", zh, en)
        else:
            report.not_checked(zh, en)
        return

    def read(path: str) -> bytes:
        with package.open(path) as source:
            found: bytes = source.read()
            return found

    run: Callable[[Callable[[str], bytes]], List[Dict[str, Any]]] = importlib.import_module(REPLAY_MODULE).replayed
    try:
        results = run(read)
    except Exception as error:  # whatever a changed package does to the engine is a finding, not a crash
        report.fault("replay", "data/entries", "", "无法重新运行: %r" % error, "can't be re-run: %r" % error)
        return
    for one in results:
        if one["divergence"]:
            report.fault(
                "replay", one["file"], "%s #%s" % (one["case"], one["divergence"]["seq"]),
                "重新运行的结果与记录不同（%s）" % one["divergence"]["what"],
                "re-running gives another outcome (%s)" % one["divergence"]["what"],
            )  # fmt: skip
    report.check(
        "replay",
        "重新运行, 每一步都与记录相同",
        "re-run, every step as recorded",
        sum(one["entries"] for one in results),
    )


def as_text(report: Report, what: str) -> str:
    lines = ["%s" % what]
    for check in report.checks:
        good = report.good(check.name)
        lines.append("[%s] %s: %d" % ("好" if good else "坏", check.zh, check.number))
        lines.append("     %s %s: %d" % ("OK " if good else "BAD", check.en, check.number))
    for zh, en in report.notes:
        lines.append("[注] %s\n     note %s" % (zh, en))
    for fault in report.faults:
        place = fault.file + (" (%s)" % fault.where if fault.where else "")
        lines.append("[坏] %s\n     %s\n     %s" % (place, fault.zh, fault.en))
    lines.append("没有核验的 / NOT checked:")
    for zh, en in report.unchecked:
        lines.append("  - %s\n    %s" % (zh, en))
    if report.faults:
        lines.append("结论: 发现 %d 处不符 / RESULT: %d faults" % (len(report.faults), len(report.faults)))
    else:
        lines.append("结论: 已核验的全部相符 / RESULT: everything that was checked agrees")
    return "\n".join(lines)


def as_json(report: Report, what: str) -> str:
    return json.dumps(
        {
            "package": what,
            "result": "faults" if report.faults else "good",
            "checks": [dict(one._asdict(), good=report.good(one.name)) for one in report.checks],
            "faults": [dict(one._asdict()) for one in report.faults],
            "notes": [{"zh": zh, "en": en} for zh, en in report.notes],
            "not_checked": [{"zh": zh, "en": en} for zh, en in report.unchecked],
        },
        ensure_ascii=False,
        indent=1,
    )


def _text_or_file(value: str) -> str:
    if value and os.path.isfile(value):
        with open(value, encoding="utf-8") as source:
            return source.read()
    return value


def main(arguments: Optional[List[str]] = None) -> int:
    parser = argparse.ArgumentParser(
        description="归档包离线核验 / offline verification of an archive package", prog="verify.py"
    )
    parser.add_argument("package", nargs="?", default="", help="zip 或文件夹 / zip or folder; 默认为本程序所在文件夹")
    parser.add_argument("--checkpoint", default="", metavar="FILE", help="包外的校验点 / a checkpoint from elsewhere")
    parser.add_argument("--key", default="", metavar="KEY", help="包外得到的公钥, 文本或文件 / a key from elsewhere")
    parser.add_argument("--replay", action="store_true", help="必须重新运行案件 / cases must be re-run")
    parser.add_argument("--json", action="store_true", help="输出 JSON / print JSON")
    chosen = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # an old console may not know Chinese; that must not end the check
    path = chosen.package or os.path.dirname(os.path.abspath(__file__))
    try:
        if chosen.checkpoint and not os.path.isfile(chosen.checkpoint):
            raise Unreadable("%s: no such file" % chosen.checkpoint)
        package = open_package(path)
        verifier = Verifier(package, _text_or_file(chosen.checkpoint), _text_or_file(chosen.key))
        report = verifier.run()
    except (Unreadable, OSError) as error:
        sys.stderr.write("无法读取 / can't be read: %s\n" % error)
        return 2
    replay(package, report, chosen.replay)
    package.close()
    sys.stdout.write((as_json if chosen.json else as_text)(report, os.path.basename(path)) + "\n")
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
