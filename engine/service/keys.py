"""The keys that sign checkpoints: made at first use, kept as files outside the database, changed by rotation.

A new key is announced in the journal's stream `_keys`, with the old key's signature over it, and the next checkpoint
bears the signatures of both. Who lost the old key says so (`lost`), and it shows.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, insert, select, update

from engine.domain.clock import Clock
from engine.domain.codec import instant_text
from engine.journal import log
from engine.journal.checkpoint import key_id
from engine.journal.schema import checkpoint_keys, journal_format
from engine.journal.store import SqlJournal, SqlTransaction

from .system import new_id, new_signing_key
from .system_stream import add_entry

STREAM = "_keys"
SEALER = "system:sealer"


class CannotSign(Exception):
    """No checkpoint can be signed here; the text says why, and what to do."""


class KeyMissing(CannotSign):
    """The key that signs checkpoints is not on this machine."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"缺少校验点签名密钥 {path}: 请从备份恢复; 确已丢失时运行 keys rotate --lost (记录中会显示)")
        self.path = path


class KeysLost(CannotSign):
    """The log has a past, and its table of keys has none: somebody emptied it, or it was restored in part."""

    def __init__(self) -> None:
        super().__init__("校验点公钥表为空, 而记录中已有密钥或校验点: 不会另用新密钥签名; 请运行 verify 并恢复备份")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key of the log. `public`: 32 bytes, hex. `since`, `until`: instants as text; the one that signs has no end."""

    number: int
    key_id: str
    public: str
    since: str
    until: str


@dataclass(frozen=True, slots=True)
class Hand:
    """Signs with one key, or with two while the second takes over (engine.journal.checkpoint.Signer)."""

    origin: str
    keys: tuple[Ed25519PrivateKey, ...]

    def sign(self, message: bytes) -> Sequence[tuple[bytes, bytes]]:
        return [(public_bytes(key), key.sign(message)) for key in self.keys]


class KeyRing:
    """The keys of one log, their private halves in `folder`."""

    def __init__(self, journal: SqlJournal, folder: Path, clock: Clock, origin: str = "") -> None:
        self._journal = journal
        self._folder = folder
        self._clock = clock
        self._wanted_origin = origin

    def hand(self, tx: SqlTransaction) -> Hand:
        """Who signs the next checkpoint. Makes the first key, and the log's name, where there is none yet.

        Requires a writing transaction that is `log.alone`. Raises KeyMissing, KeysLost.
        """
        keys = public_keys(tx.connection)
        if not keys:
            if log.latest(tx.connection) is not None or tx.head(STREAM) is not None:
                raise KeysLost
            name = self._origin(tx.connection)
            return Hand(name, (self._begin(tx, name, "first", ()),))
        name = log.origin(tx.connection)
        signing = [self._private(keys[-1].key_id)]
        newest = log.latest(tx.connection)
        if newest is not None and keys[-1].key_id not in newest.key_ids:
            # Whoever signed last, that others know: after two rotations in a row it is not the last but one.
            before = [key.key_id for key in keys if key.key_id in newest.key_ids][-1:]
            signing += [self._private(ident) for ident in before if (self._folder / f"{ident}.pem").is_file()]
        return Hand(name, tuple(signing))

    def rotate(self, actor: str, reason: str, *, lost: bool = False) -> PublicKey:
        """Lets a new key sign from now on. `lost`: the old one is gone and can't vouch for it. Raises KeyMissing."""
        with self._journal.writing() as tx:
            log.alone(tx.connection)
            keys = public_keys(tx.connection)
            if not keys:
                self.hand(tx)
                return public_keys(tx.connection)[-1]
            old = () if lost else (self._private(keys[-1].key_id),)
            self._begin(tx, log.origin(tx.connection), reason, old, actor=actor, lost=lost)
            return public_keys(tx.connection)[-1]

    def _origin(self, conn: Connection) -> str:
        name = log.origin(conn) or self._wanted_origin or f"opinion-cases/{new_id()[:12]}"
        conn.execute(update(journal_format).values(origin=name))
        return name

    def _begin(
        self,
        tx: SqlTransaction,
        origin: str,
        reason: str,
        old: tuple[Ed25519PrivateKey, ...],
        *,
        actor: str = SEALER,
        lost: bool = False,
    ) -> Ed25519PrivateKey:
        key = new_signing_key()
        public = public_bytes(key)
        ident = key_id(origin, public)
        # The file first: a key that is known to the log but nowhere to be found would stop all sealing.
        self._store(ident, key)
        now = self._clock.now()
        vouched = "".join(one.sign(b"next key\n" + public).hex() for one in old)
        command = {"kind": "AddKey", "reason": reason, **({"lost": True} if lost else {})}
        event = {
            "kind": "KeyAdded", "origin": origin, "key_id": ident, "public": public.hex(), "vouched": vouched,
        }  # fmt: skip
        add_entry(tx, STREAM, now, actor, command, event, self._journal.algorithm)
        number = len(public_keys(tx.connection)) + 1
        tx.connection.execute(
            insert(checkpoint_keys).values(number=number, key_id=ident, public=public.hex(), since=instant_text(now))
        )
        return key

    def _store(self, ident: str, key: Ed25519PrivateKey) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        content = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        handle = os.open(self._folder / f"{ident}.pem", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, content)
            os.fsync(handle)
        finally:
            os.close(handle)

    def _private(self, ident: str) -> Ed25519PrivateKey:
        path = self._folder / f"{ident}.pem"
        try:
            found = serialization.load_pem_private_key(path.read_bytes(), None)
        except FileNotFoundError as error:
            raise KeyMissing(path) from error
        if not isinstance(found, Ed25519PrivateKey):
            raise KeyMissing(path)
        return found


def public_keys(conn: Connection) -> list[PublicKey]:
    """Every key that ever signed, the oldest first."""
    rows = conn.execute(select(checkpoint_keys).order_by(checkpoint_keys.c.number)).all()
    ends = [*(row.since for row in rows[1:]), ""][: len(rows)]
    return [PublicKey(r.number, r.key_id, r.public, r.since, end) for r, end in zip(rows, ends, strict=True)]


def by_id(keys: Iterable[PublicKey]) -> dict[str, bytes]:
    """id -> public key, as `checkpoint.signers` asks for it."""
    return {key.key_id: bytes.fromhex(key.public) for key in keys}


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """The public half: 32 bytes."""
    return key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
