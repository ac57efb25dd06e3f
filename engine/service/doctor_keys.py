"""The doctor's look at the keys that sign checkpoints."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from engine.journal import log

from .doctor import Found
from .keys import PublicKey, public_bytes, public_keys

if TYPE_CHECKING:
    from .bootstrap import Services

STANDS_STILL: Final = timedelta(minutes=10)
"""An entry that has waited so long for its seal shows that nobody has the key."""


def look(services: Services) -> Iterator[Found]:
    with services.engine.connect() as conn:
        known = public_keys(conn)
        waiting = log.waiting(conn)
    now = services.clock.now()
    stands = waiting.oldest is not None and now - waiting.oldest > STANDS_STILL
    if stands:
        yield Found(
            "seal", "error", f"{waiting.count} 条记录超过 10 分钟没有封存", "检查 worker 是否运行、是否有签名密钥"
        )
    if not known:
        yield Found("keys", "ok", "还没有签名密钥: 首次封存时生成")
        return
    folder = services.settings.keys_folder
    yield _file(folder / f"{known[-1].key_id}.pem", known[-1], stands)
    if folder.is_dir() and folder.stat().st_mode & 0o077:
        yield Found("keys", "warn", f"密钥目录 {folder} 对其他用户开放", f"chmod 700 {folder}")


def _file(path: Path, key: PublicKey, stands: bool) -> Found:
    if not path.is_file():
        return Found(
            "keys", "error" if stands else "warn", f"本机没有签名密钥 {key.key_id}",
            "只提供网页的机器不需要; 否则从备份恢复, 确已丢失时运行 keys rotate --lost",
        )  # fmt: skip
    if not os.access(path, os.R_OK):
        return Found("keys", "error", f"签名密钥 {path} 无法读取", "改为由运行程序的用户所有")
    try:
        found = serialization.load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError):
        return Found("keys", "error", f"签名密钥 {path} 已损坏", "从备份恢复")
    if not isinstance(found, Ed25519PrivateKey) or public_bytes(found).hex() != key.public:
        return Found("keys", "error", f"签名密钥 {path} 与登记的公钥不符", "从备份恢复; 不要继续使用这个文件")
    if path.stat().st_mode & 0o077:
        return Found("keys", "error", f"签名密钥 {path} 对其他用户开放", f"chmod 600 {path}")
    return Found("keys", "ok", f"签名密钥 {key.key_id} 可用, 与登记一致")
