"""A witness: a checkpoint that somebody keeps elsewhere. Today's log must begin with the log that it is of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from engine.domain.codec import JSON
from engine.journal import checkpoint as notes
from engine.journal.checkpoint import BadNote, Note

if TYPE_CHECKING:
    from .verification import Part
    from .verify_tree import Grown

FORMAT: Final = "opinion-witness-1"


@dataclass(frozen=True, slots=True)
class Witness:
    """`note`: the checkpoint. `keys`: id -> public key, as the witness has them; {} for a bare checkpoint."""

    note: Note
    keys: Mapping[str, bytes]

    @classmethod
    def read(cls, text: str) -> Witness:
        """A witness file, or the text of a checkpoint. Raises BadNote for what is neither."""
        text = text.lstrip("\ufeff").replace("\r\n", "\n")
        if not text.lstrip().startswith("{"):
            return cls(notes.read(text.lstrip()), {})
        try:
            content = json.loads(text)
            if content["format"] != FORMAT:
                raise BadNote(f"expected format {FORMAT}, got {content['format']!r}"[:200])
            keys = {str(one["key_id"]): bytes.fromhex(one["public"]) for one in content["keys"]}
            return cls(notes.read(content["note"]), keys)
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            raise BadNote(f"not a witness file: {error!r}"[:200]) from error


def written(note: str, keys: list[dict[str, JSON]], watermark: str = "", key_entries: Sequence[str] = ()) -> str:
    """The witness file of a checkpoint: JSON with the signed text, and every key with key_id, public, since.

    `key_entries`: bodies of the entries of stream `_keys`, which tell how one key took over from another.
    """
    content: dict[str, Any] = {"format": FORMAT, "note": note, "keys": keys}
    more = {"watermark": watermark, "key_entries": list(key_entries)}
    return json.dumps({**content, **{name: one for name, one in more.items() if one}}, ensure_ascii=False, indent=1)


def check_witness(part: Part, witness: Witness | None, grown: Grown, keys: Mapping[str, bytes]) -> None:
    """The witness's checkpoint is signed by a key that it and this log know, and the log begins with its tree."""
    if witness is None:
        return
    part.checked = 1
    note = witness.note
    where = f"{note.origin} {note.size}"
    if witness.keys and not notes.signers(note, witness.keys):
        part.fault(where, 0, "witness_unsigned", "", "")
    if not notes.signers(note, keys):
        part.fault(where, 0, "witness_key", ", ".join(one.key_id for one in note.signatures), ", ".join(keys))
    if note.size > grown.size:
        part.fault(where, 0, "witness_longer", note.size, grown.size)
    elif grown.roots.get(note.size) != note.root:
        part.fault(where, 0, "witness_differs", note.root.hex(), grown.roots.get(note.size, b"").hex())
