"""The main job: keys, bundles, event batches, devices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    _keys()
    _bundles()
    _batches()
    _devices()


def downgrade() -> None:
    """Go back to the revision before."""
    for table in ("devices", "streams", "batches", "bundle_entries", "bundles", "entries", "api_keys"):
        op.drop_table(table)


def _keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.String(12), nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("environment", sa.String(64), nullable=False),
        sa.Column("device", sa.String(128), nullable=True),
        sa.Column("secret_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("revoked_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key_id", name="pk_api_keys"),
    )


def _bundles() -> None:
    op.create_table(
        "entries",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_entries"),
    )
    op.create_table(
        "bundles",
        sa.Column("environment", sa.String(64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.String(64), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("published_by", sa.String(12), nullable=False),
        sa.Column("published_ms", sa.BigInteger(), nullable=False),
        sa.Column("content_of", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("environment", "version", name="pk_bundles"),
    )
    op.create_index("ix_bundles_environment_root", "bundles", ["environment", "root"])
    op.create_table(
        "bundle_entries",
        sa.Column("environment", sa.String(64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("key", sa.String(512), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("environment", "version", "kind", "key", name="pk_bundle_entries"),
    )
    op.create_index("ix_bundle_entries_environment_digest", "bundle_entries", ["environment", "digest"])


def _batches() -> None:
    op.create_table(
        "batches",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("environment", sa.String(64), nullable=False),
        sa.Column("device", sa.String(128), nullable=False),
        sa.Column("epoch", sa.String(32), nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.JSON(), nullable=False),
        sa.Column("rejected", sa.JSON(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.Column("sent_ms", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
        sa.UniqueConstraint(
            "environment", "device", "epoch", "first_seq", name="uq_batches_environment_device_epoch_first_seq"
        ),
    )
    op.create_index("ix_batches_environment_id", "batches", ["environment", "id"])


def _devices() -> None:
    op.create_table(
        "streams",
        sa.Column("environment", sa.String(64), nullable=False),
        sa.Column("device", sa.String(128), nullable=False),
        sa.Column("epoch", sa.String(32), nullable=False),
        sa.Column("received", sa.JSON(), nullable=False),
        sa.Column("lost", sa.JSON(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("repeated", sa.BigInteger(), nullable=False),
        sa.Column("first_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("environment", "device", "epoch", name="pk_streams"),
    )
    op.create_table(
        "devices",
        sa.Column("environment", sa.String(64), nullable=False),
        sa.Column("device", sa.String(128), nullable=False),
        sa.Column("bundle_version", sa.BigInteger(), nullable=True),
        sa.Column("sdk", sa.String(64), nullable=True),
        sa.Column("seen_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("environment", "device", name="pk_devices"),
    )
