"""The tables: two logs are the truth, the folds can be thrown away and reproduced, and a few tables serve operation.

All times are integers, microseconds since the epoch in UTC (see `times`). The migrations together make exactly this.
"""

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, UniqueConstraint, text

metadata = MetaData()

BIG = BigInteger().with_variant(Integer, "sqlite")
"""64 bits everywhere; on SQLite `INTEGER`, the only type that makes a primary key the row id."""

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Texts compare by code point everywhere."""

# --- the logs: append-only, the truth -----------------------------------------------------------------------------

facts = Table(
    "facts",
    metadata,
    Column("seq", BIG, primary_key=True),
    Column("kind", TEXT, nullable=False),
    Column("source", TEXT, nullable=False),
    Column("trust", Integer, nullable=False),
    Column("message_id", TEXT, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("at", BIG, nullable=False),
    Column("received_at", BIG, nullable=False),
    Column("type", TEXT, nullable=False),
    Column("name", TEXT),
    Column("body", LargeBinary, nullable=False),
    Column("salt", LargeBinary),
    Column("row_digest", LargeBinary),
    Index("facts_rare", "kind", sqlite_where=text("kind <> 'message'"), postgresql_where=text("kind <> 'message'")),
    Index("facts_tracked", "name", "at", sqlite_where=text("type = 'track'"), postgresql_where=text("type = 'track'")),
)

decision_log = Table(
    "decision_log",
    metadata,
    Column("seq", BIG, primary_key=True),
    Column("kind", TEXT, nullable=False),
    Column("decision_id", TEXT),
    Column("key", TEXT, nullable=False, unique=True),
    Column("at", BIG, nullable=False),
    Column("received_at", BIG, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("salt", LargeBinary),
    Column("row_digest", LargeBinary),
    Index(
        "decision_log_erased",
        "decision_id",
        sqlite_where=text("kind = 'erased'"),
        postgresql_where=text("kind = 'erased'"),
    ),
)

blocks = Table(
    "blocks",
    metadata,
    Column("block", BIG, primary_key=True, autoincrement=False),
    Column("kind", TEXT, nullable=False),
    Column("ranges", TEXT, nullable=False),
    Column("touched", TEXT, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("link", LargeBinary, nullable=False),
)

# --- the folds: thrown away and reproduced by `homing rebuild` ----------------------------------------------------

message_ids = Table(
    "message_ids",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("seq", BIG, nullable=False),
    sqlite_with_rowid=False,
)

nodes = Table(
    "nodes",
    metadata,
    Column("node", BIG, primary_key=True),
    Column("namespace", TEXT, nullable=False),
    Column("value", TEXT, nullable=False),
    Column("component", BIG),
    Column("profile_id", TEXT),
    Column("hub", Integer, nullable=False, server_default="0"),
    UniqueConstraint("namespace", "value", name="nodes_identifier"),
    Index("nodes_component", "component"),
    Index("nodes_profile", "profile_id"),
)

sightings = Table(
    "sightings",
    metadata,
    Column("node", BIG, primary_key=True, autoincrement=False),
    Column("seq", BIG, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

issued = Table(
    "issued",
    metadata,
    Column("profile_id", TEXT, primary_key=True),
    Column("founder", BIG, nullable=False),
    Index("issued_founder", "founder"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("decision_id", TEXT, primary_key=True),
    Column("seq", BIG, nullable=False),
    Column("profile_id", TEXT, nullable=False),
    Column("message_id", TEXT, nullable=False),
    Column("endpoint_id", TEXT),
    Column("send_at", BIG),
    Column("expires_at", BIG, nullable=False),
    Index("decisions_message", "profile_id", "message_id"),
    Index("decisions_endpoint", "endpoint_id", "send_at"),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("seq", BIG, primary_key=True, autoincrement=False),
    Column("decision_id", TEXT, nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("at", BIG, nullable=False),
    Index("outcomes_decision", "decision_id"),
)

models = Table(
    "models",
    metadata,
    Column("run", BIG, primary_key=True, autoincrement=False),
    Column("position", BIG, nullable=False),
    Column("at", BIG, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

changes = Table(
    "changes",
    metadata,
    Column("position", BIG, primary_key=True, autoincrement=False),
    Column("kind", TEXT, nullable=False),
    Column("profile_id", TEXT, nullable=False),
    Column("other", TEXT),
    Column("at", BIG, nullable=False),
    Index("changes_profile", "profile_id"),
    Index("changes_other", "other"),
)

FOLDS = (message_ids, nodes, sightings, issued, decisions, outcomes, models, changes)

# --- what outlives the folds -------------------------------------------------------------------------------------

former_ids = Table(
    "former_ids",
    metadata,
    Column("profile_id", TEXT, primary_key=True),
    Column("namespace", TEXT, nullable=False),
    Column("value", TEXT, nullable=False),
    Index("former_ids_founder", "namespace", "value"),
)
"""Ids that other rules issued, with their founders: an id ever issued answers for ever."""

# --- operation: neither truth nor fold ----------------------------------------------------------------------------

keys = Table(
    "keys",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("name", TEXT, nullable=False),
    Column("source", TEXT, nullable=False),
    Column("trust", Integer, nullable=False),
    Column("scopes", TEXT, nullable=False),
    Column("created_at", BIG, nullable=False),
    Column("revoked_at", BIG),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("key_id", TEXT, primary_key=True),
    Column("idempotency_key", TEXT, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("at", BIG, nullable=False),
    Column("decision_id", TEXT),
    Index("idempotency_decision", "decision_id"),
)

# What erasures still have to destroy, and what they kept out since.

purges = Table(
    "purges",
    metadata,
    Column("log", TEXT, primary_key=True),
    Column("first", BIG, primary_key=True, autoincrement=False),
    Column("last", BIG, nullable=False),
    Column("erasure", TEXT, nullable=False),
)

dropped = Table(
    "dropped",
    metadata,
    Column("erasure", TEXT, primary_key=True),
    Column("facts", BIG, nullable=False),
)

fact_blocks = Table(
    "fact_blocks",
    metadata,
    Column("first", BIG, primary_key=True, autoincrement=False),
    Column("block", BIG, nullable=False),
    Index("fact_blocks_block", "block"),
)

used_tokens = Table(
    "used_tokens",
    metadata,
    Column("token", LargeBinary, primary_key=True),
    Column("key", LargeBinary, nullable=False),
    Column("expires_at", BIG, nullable=False),
    Index("used_tokens_expiry", "expires_at"),
    sqlite_with_rowid=False,
)

meta = Table(
    "meta",
    metadata,
    Column("name", TEXT, primary_key=True),
    Column("value", TEXT, nullable=False),
)
