"""The journal's tables. One `metadata` for the whole database; other packages add their own tables to it.

Instants are TEXT in `codec.instant_text` form on every database: equal on SQLite and PostgreSQL, and text order is
time order.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint

FORMAT_VERSION = 1
"""Version of the stored entry format (docs/journal.md). Read at start; a newer one is refused."""

metadata = MetaData()

journal_format = Table(
    "journal_format",
    metadata,
    Column("version", Integer, primary_key=True, comment="format of the rows in `entries`; one row"),
    Column("algorithm", Text, nullable=False, server_default="sha256", comment="hash of chain and tree; never changes"),
    Column("origin", Text, nullable=False, server_default="", comment="name of the log in its checkpoints"),
    comment="Which journal format this database holds",
)

entries = Table(
    "entries",
    metadata,
    Column("case_id", Text, primary_key=True, comment="stream: a case, or one of the streams named `_...`"),
    Column("seq", Integer, primary_key=True, autoincrement=False, comment="1, 2, 3 ... without gaps in a stream"),
    Column("at", Text, nullable=False, comment="instant of recording, UTC; never runs backward within a stream"),
    Column("actor", Text, nullable=False, comment="login of the person, or system:timer"),
    Column("command_id", Text, nullable=False, comment="made by the sender; the same id is carried out once"),
    Column("hash", Text, nullable=False, comment="hash of body, hex; the next entry's prev_hash"),
    Column(
        "body", LargeBinary, nullable=False, comment="canonical JSON of the whole entry: the bytes that were hashed"
    ),
    UniqueConstraint("command_id", name="entries_command_once"),
    comment="The journal: what was asked and what it caused. Rows are only ever added",
)

bundle_files = Table(
    "bundle_files",
    metadata,
    Column("sha256", Text, primary_key=True, comment="hash of the content, hex"),
    Column("content", LargeBinary, nullable=False, comment="the file, byte for byte as it was uploaded"),
    comment="Files of bundles, stored once by content",
)

bundles = Table(
    "bundles",
    metadata,
    Column("version", Text, primary_key=True, comment="sha256 over the sorted list of (path, sha256), hex"),
    Column("path", Text, primary_key=True, comment="path inside the bundle, e.g. bpmn/opinion_case.bpmn"),
    Column("sha256", Text, nullable=False, comment="content of that file, see bundle_files"),
    comment="Which files make up a bundle version",
)

deployments = Table(
    "deployments",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False, comment="1, 2, 3 ...; the highest is live"),
    Column("version", Text, nullable=False, comment="bundle that new cases run on from this deployment on"),
    Column("at", Text, nullable=False, comment="instant of deployment, UTC"),
    Column("actor", Text, nullable=False, comment="who deployed"),
    Column("reason", Text, nullable=False, comment="why, in the deployer's words"),
    Column("findings", Text, nullable=False, comment="JSON list of the findings shown before deploying"),
    comment="History of deployments; also in the journal stream _deployments",
)

case_numbers = Table(
    "case_numbers",
    metadata,
    Column("year", Integer, primary_key=True, autoincrement=False, comment="year of opening, Asia/Shanghai"),
    Column("last", Integer, nullable=False, comment="highest running number given in that year"),
    comment="Running case numbers; a number given is never given again",
)

_LONG = BigInteger().with_variant(Integer(), "sqlite")

unsealed = Table(
    "unsealed",
    metadata,
    Column("arrival", _LONG, primary_key=True, autoincrement=True, comment="order of arrival: of the leaves to come"),
    Column("case_id", Text, nullable=False, comment="stream of the entry"),
    Column("seq", Integer, nullable=False, comment="its place in the stream"),
    Column("at", Text, nullable=False, comment="instant of the entry, UTC: how long it has waited"),
    comment="Entries that are not in the tree yet; filled by a trigger on entries, emptied by the sealer",
)

leaves = Table(
    "leaves",
    metadata,
    Column("position", _LONG, primary_key=True, autoincrement=False, comment="0, 1, 2 ...: place of the leaf"),
    Column("case_id", Text, nullable=False, comment="stream of the entry"),
    Column("seq", Integer, nullable=False, comment="its place in the stream"),
    Column("hash", LargeBinary, nullable=False, comment="RFC 6962 leaf hash of the entry's body"),
    UniqueConstraint("case_id", "seq", name="leaves_entry_once"),
    comment="The leaves of the tree over all entries of all streams",
)

subtrees = Table(
    "subtrees",
    metadata,
    Column("height", Integer, primary_key=True, autoincrement=False, comment="8, 16, 24 ...: 2**height leaves"),
    Column("position", _LONG, primary_key=True, autoincrement=False, comment="leaves position * 2**height and on"),
    Column("hash", LargeBinary, nullable=False, comment="RFC 6962 hash of the complete subtree"),
    comment="Complete subtrees, so that a proof reads some hundred rows whatever the size of the tree",
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False, comment="1, 2, 3 ..."),
    Column("size", _LONG, nullable=False, comment="leaves it covers"),
    Column("at", Text, nullable=False, comment="instant of sealing, UTC"),
    Column("edge", LargeBinary, nullable=False, comment="roots of the complete subtrees at this size, 32 bytes each"),
    Column("note", Text, nullable=False, comment="the signed checkpoint, C2SP signed note"),
    Column("key_ids", Text, nullable=False, comment="ids of the keys that signed, separated by blanks"),
    UniqueConstraint("size", name="checkpoints_size_once"),
    comment="Signed statements of the tree's size and root",
)

checkpoint_keys = Table(
    "checkpoint_keys",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False, comment="1, 2, 3 ...; the highest signs"),
    Column("key_id", Text, nullable=False, unique=True, comment="C2SP key id, 8 hex digits"),
    Column("public", Text, nullable=False, comment="Ed25519 public key, 64 hex digits"),
    Column("since", Text, nullable=False, comment="instant from which it signs, UTC"),
    comment="Keys that ever signed checkpoints; also in the journal stream _keys",
)

readmodel_sets = Table(
    "readmodel_sets",
    metadata,
    Column("name", Text, primary_key=True, comment="schema of PostgreSQL that its tables stand in; names their shape"),
    Column("ready", Integer, nullable=False, comment="1: filled; 0: being filled for the first time"),
    Column("seen", _LONG, nullable=False, comment="last use by a program, Unix seconds by the database's clock"),
    comment="PostgreSQL only: sets of read models, one for each shape that some program uses while an upgrade rolls",
)

readmodel_behind = Table(
    "readmodel_behind",
    metadata,
    Column("set_name", Text, primary_key=True, comment="set of read models that lacks the entry"),
    Column("case_id", Text, primary_key=True, comment="stream of the entry"),
    Column("seq", Integer, primary_key=True, autoincrement=False, comment="its place in the stream"),
    comment="PostgreSQL only: entries by programs of another shape, to be projected; filled by a trigger on entries",
)

Index("unsealed_by_stream", unsealed.c.case_id, unsealed.c.seq)
