"""What the server keeps of subjects: traits, whom each batch names, requests to erase."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    _traits()
    _mentions()
    _erasures()
    _tombstones()
    op.add_column("streams", sa.Column("erased", sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_column("streams", "erased")
    for table in ("tombstones", "erasures", "mentions", "traits"):
        op.drop_table(table)


def _row_number() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _traits() -> None:
    op.create_table(
        "traits",
        sa.Column("environment", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("environment", "digest", name="pk_traits"),
    )


def _mentions() -> None:
    op.create_table(
        "mentions",
        sa.Column("batch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digests", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("batch", name="pk_mentions"),
    )


def _erasures() -> None:
    op.create_table(
        "erasures",
        sa.Column("number", _row_number(), autoincrement=True, nullable=False),
        sa.Column("environment", sa.String(64), nullable=False),
        sa.Column("id", sa.String(128), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("device", sa.String(128), nullable=True),
        sa.Column("epoch", sa.String(32), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("asked_ms", sa.BigInteger(), nullable=False),
        sa.Column("done_ms", sa.BigInteger(), nullable=True),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("batches", sa.BigInteger(), nullable=False),
        sa.Column("traits", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_erasures"),
        sa.UniqueConstraint("environment", "id", "digest", name="uq_erasures_environment_id_digest"),
    )
    op.create_index("ix_erasures_environment_number", "erasures", ["environment", "number"])


def _tombstones() -> None:
    op.create_table(
        "tombstones",
        sa.Column("row", _row_number(), autoincrement=True, nullable=False),
        sa.Column("erasure", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("scanned_row", sa.BigInteger(), nullable=False),
        sa.Column("searched", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("row", name="pk_tombstones"),
        sa.UniqueConstraint("erasure", "digest", name="uq_tombstones_erasure_digest"),
    )
    op.create_index("ix_tombstones_searched", "tombstones", ["searched"])
