"""The tables of the server, the same on SQLite and PostgreSQL. Times are Unix milliseconds of the server's clock."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

# Constraints carry names from day one: SQLite can drop only what has a name (alembic's batch mode).
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives out row numbers by itself only for a primary key of type INTEGER.
_row_number = BigInteger().with_variant(Integer, "sqlite")

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", String(12), nullable=False),
    Column("scope", String(16), nullable=False),
    Column("environment", String(64), nullable=False),
    Column("device", String(128)),
    Column("secret_sha256", LargeBinary(32), nullable=False),
    Column("note", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
    PrimaryKeyConstraint("key_id"),
)

entries = Table(
    "entries",
    metadata,
    Column("digest", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("digest"),
)

bundles = Table(
    "bundles",
    metadata,
    Column("environment", String(64), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("root", String(64), nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    Column("published_by", String(12), nullable=False),
    Column("published_ms", BigInteger, nullable=False),
    Column("content_of", BigInteger),
    PrimaryKeyConstraint("environment", "version"),
    Index(None, "environment", "root"),
)

bundle_entries = Table(
    "bundle_entries",
    metadata,
    Column("environment", String(64), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("key", String(512), nullable=False),
    Column("digest", String(64), nullable=False),
    PrimaryKeyConstraint("environment", "version", "kind", "key"),
    Index(None, "environment", "digest"),
)

# `first_seq` is the first event that this row counts: the batch's own first number, except for a batch that overlaps
# what was stored before. `counted` lists the sequence ranges that this row alone accounts for, `rejected` ranges of
# indices into the batch; the reasons follow from the body.
batches = Table(
    "batches",
    metadata,
    Column("id", _row_number, nullable=False, autoincrement=True),
    Column("environment", String(64), nullable=False),
    Column("device", String(128), nullable=False),
    Column("epoch", String(32), nullable=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("counted", JSON, nullable=False),
    Column("rejected", JSON, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("sent_ms", BigInteger),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("environment", "device", "epoch", "first_seq"),
    Index(None, "environment", "id"),
)

# Whom the events of a batch name: the first 4 bytes of each subject's digest, sorted and joined. A batch without a row
# is older than this table and has to be opened. Apart from `batches`, so that a search does not read the bodies.
mentions = Table(
    "mentions",
    metadata,
    Column("batch", BigInteger, nullable=False, autoincrement=False),
    Column("digests", LargeBinary, nullable=False),
    PrimaryKeyConstraint("batch"),
)

# A request to erase a subject, and its receipt. `device`, `epoch`, `seq` are where it was asked, none when by letter.
erasures = Table(
    "erasures",
    metadata,
    Column("number", _row_number, nullable=False, autoincrement=True),
    Column("environment", String(64), nullable=False),
    Column("id", String(128), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("device", String(128)),
    Column("epoch", String(32)),
    Column("seq", BigInteger),
    Column("asked_ms", BigInteger, nullable=False),
    Column("done_ms", BigInteger),
    Column("events", BigInteger, nullable=False),
    Column("batches", BigInteger, nullable=False),
    Column("traits", BigInteger, nullable=False),
    PrimaryKeyConstraint("number"),
    UniqueConstraint("environment", "id", "digest"),
    Index(None, "environment", "number"),
)

# Who is erased by a request: its subject, and each anonymous one that joined it. `scanned_row` is the last batch that
# was searched, `searched` true when all were that the ledger had.
tombstones = Table(
    "tombstones",
    metadata,
    Column("row", _row_number, nullable=False, autoincrement=True),
    Column("erasure", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("scanned_row", BigInteger, nullable=False),
    Column("searched", Boolean, nullable=False),
    PrimaryKeyConstraint("row"),
    UniqueConstraint("erasure", "digest"),
    Index(None, "searched"),
)

streams = Table(
    "streams",
    metadata,
    Column("environment", String(64), nullable=False),
    Column("device", String(128), nullable=False),
    Column("epoch", String(32), nullable=False),
    Column("received", JSON, nullable=False),
    Column("lost", JSON, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("repeated", BigInteger, nullable=False),
    Column("first_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
    Column("erased", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("environment", "device", "epoch"),
)

# The subject itself is not kept: a device that knows it asks by its digest (`erasure_digest`).
traits = Table(
    "traits",
    metadata,
    Column("environment", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("environment", "digest"),
)

devices = Table(
    "devices",
    metadata,
    Column("environment", String(64), nullable=False),
    Column("device", String(128), nullable=False),
    Column("bundle_version", BigInteger),
    Column("sdk", String(64)),
    Column("seen_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("environment", "device"),
)

# The secret is kept as it is: a signature needs it.
channels = Table(
    "channels",
    metadata,
    Column("environment", String(64), nullable=False),
    Column("name", String(64), nullable=False),
    Column("url", Text, nullable=False),
    Column("secret", String(64), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("disabled_ms", BigInteger),
    PrimaryKeyConstraint("environment", "name"),
)

# One row for each trigger event that goes to a channel. `next_ms` is when it is tried next and, once it is settled,
# when it is removed; `until_ms` is when it is given up. The body is emptied as soon as the delivery is sent.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", _row_number, nullable=False, autoincrement=True),
    Column("environment", String(64), nullable=False),
    Column("device", String(128), nullable=False),
    Column("epoch", String(32), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("channel", Text, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("state", String(8), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    Column("next_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("last_error", Text),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("environment", "device", "epoch", "seq"),
    Index(None, "state", "next_ms"),
    Index(None, "environment", "state", "id"),
)
