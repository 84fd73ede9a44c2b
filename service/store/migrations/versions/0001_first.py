"""The first schema: two logs, their folds, and what operation needs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make every table."""
    _logs()
    _identity_folds()
    _decision_folds()
    _operation()


def _logs() -> None:
    op.create_table(
        "facts",
        sa.Column("seq", BIG, primary_key=True),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("trust", sa.Integer(), nullable=False),
        sa.Column("message_id", TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("at", BIG, nullable=False),
        sa.Column("received_at", BIG, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("name", TEXT),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("source", "trust", "message_id", name="facts_message"),
    )
    tracked = sa.text("type = 'track'")
    op.create_index("facts_tracked", "facts", ["name", "at"], sqlite_where=tracked, postgresql_where=tracked)
    op.create_table(
        "decision_log",
        sa.Column("seq", BIG, primary_key=True),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("decision_id", TEXT),
        sa.Column("key", TEXT, nullable=False, unique=True),
        sa.Column("at", BIG, nullable=False),
        sa.Column("received_at", BIG, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )


def _identity_folds() -> None:
    op.create_table(
        "nodes",
        sa.Column("node", BIG, primary_key=True),
        sa.Column("namespace", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("component", BIG),
        sa.Column("profile_id", TEXT),
        sa.Column("hub", sa.Integer(), nullable=False, server_default="0"),
        sa.UniqueConstraint("namespace", "value", name="nodes_identifier"),
    )
    op.create_index("nodes_component", "nodes", ["component"])
    op.create_index("nodes_profile", "nodes", ["profile_id"])
    op.create_table(
        "sightings",
        sa.Column("node", BIG, primary_key=True, autoincrement=False),
        sa.Column("seq", BIG, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "issued",
        sa.Column("profile_id", TEXT, primary_key=True),
        sa.Column("founder", BIG, nullable=False),
    )


def _decision_folds() -> None:
    op.create_table(
        "decisions",
        sa.Column("decision_id", TEXT, primary_key=True),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("profile_id", TEXT, nullable=False),
        sa.Column("message_id", TEXT, nullable=False),
        sa.Column("endpoint_id", TEXT),
        sa.Column("send_at", BIG),
        sa.Column("expires_at", BIG, nullable=False),
    )
    op.create_index("decisions_message", "decisions", ["profile_id", "message_id"])
    op.create_index("decisions_endpoint", "decisions", ["endpoint_id", "send_at"])
    op.create_table(
        "outcomes",
        sa.Column("seq", BIG, primary_key=True, autoincrement=False),
        sa.Column("decision_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("at", BIG, nullable=False),
    )
    op.create_index("outcomes_decision", "outcomes", ["decision_id"])
    op.create_table(
        "models",
        sa.Column("run", BIG, primary_key=True, autoincrement=False),
        sa.Column("position", BIG, nullable=False),
        sa.Column("at", BIG, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )


def _operation() -> None:
    op.create_table(
        "keys",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("trust", sa.Integer(), nullable=False),
        sa.Column("scopes", TEXT, nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("revoked_at", BIG),
    )
    op.create_table(
        "idempotency",
        sa.Column("key_id", TEXT, primary_key=True),
        sa.Column("idempotency_key", TEXT, primary_key=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", BIG, nullable=False),
    )
    op.create_table(
        "meta",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("value", TEXT, nullable=False),
    )
