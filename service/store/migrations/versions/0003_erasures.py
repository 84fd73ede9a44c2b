"""Erasures: what they still have to destroy, what they kept out since, and which block of the chain a fact is in."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add tables and indexes; answers kept for second tries from now on know their decision."""
    op.create_table(
        "purges",
        sa.Column("log", TEXT, primary_key=True),
        sa.Column("first", BIG, primary_key=True, autoincrement=False),
        sa.Column("last", BIG, nullable=False),
        sa.Column("erasure", TEXT, nullable=False),
    )
    op.create_table(
        "dropped",
        sa.Column("erasure", TEXT, primary_key=True),
        sa.Column("facts", BIG, nullable=False),
    )
    op.create_table(
        "fact_blocks",
        sa.Column("first", BIG, primary_key=True, autoincrement=False),
        sa.Column("block", BIG, nullable=False),
    )
    op.create_index("issued_founder", "issued", ["founder"])
    op.create_index("fact_blocks_block", "fact_blocks", ["block"])
    erased = sa.text("kind = 'erased'")
    op.create_index(
        "decision_log_erased", "decision_log", ["decision_id"], sqlite_where=erased, postgresql_where=erased
    )
    with op.batch_alter_table("idempotency") as idempotency:
        idempotency.add_column(sa.Column("decision_id", TEXT))
    op.create_index("idempotency_decision", "idempotency", ["decision_id"])
