"""Both logs hang on one hash chain, messages are known by a hash, nodes numbered by the fact that brought them up.

What is in the logs already enters the chain in the order of its seqs. The folds are made again at the next opening.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.engine import Connection, Row

from service.store import chain, faults, meta
from service.store.chain import BlockKind

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
PAGE = 1_000
FACT = ("kind", "source", "trust", "message_id", "digest", "at", "received_at", "type", "name")
ENTRY = ("kind", "decision_id", "key", "at", "received_at")
FOLDS = ("nodes", "sightings", "issued", "decisions", "outcomes", "models")


def upgrade() -> None:
    """Add salts, digests and blocks; let go of the folds."""
    op.create_table(
        "blocks",
        sa.Column("block", BIG, primary_key=True, autoincrement=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("ranges", TEXT, nullable=False),
        sa.Column("touched", TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "message_ids",
        sa.Column("key", sa.LargeBinary(), primary_key=True),
        sa.Column("seq", BIG, nullable=False),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("facts") as facts:
        facts.drop_constraint("facts_message", type_="unique")
    for log in ("facts", "decision_log"):
        op.add_column(log, sa.Column("salt", sa.LargeBinary()))
        op.add_column(log, sa.Column("row_digest", sa.LargeBinary()))
    rare = sa.text("kind <> 'message'")
    op.create_index("facts_rare", "facts", ["kind"], sqlite_where=rare, postgresql_where=rare)
    conn = op.get_bind()
    _enter(conn, "facts", FACT, lambda _row: BlockKind.FACTS)
    _enter(conn, "decision_log", ENTRY, lambda row: BlockKind.RUN if row.kind == "run" else BlockKind.DECISIONS)
    if chain.seal(conn) is not None:
        for fold in FOLDS:
            conn.execute(sa.delete(sa.table(fold)))
        meta.put(conn, meta.FOLDS, meta.STALE)


def _enter(conn: Connection, log: str, fields: Sequence[str], kind: Callable[[Row[Any]], BlockKind]) -> None:
    """Give a log's rows their salts and digests, and the chain their blocks."""
    columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in ("seq", *fields, "body")]
    table = sa.table(log, *columns, sa.column("salt"), sa.column("row_digest"))
    update = (
        sa.update(table)
        .where(table.c.seq == sa.bindparam("at_seq"))
        .values(salt=sa.bindparam("its_salt"), row_digest=sa.bindparam("its_digest"))
    )
    for page in _pages(conn, table):
        digests = []
        for row, salt in zip(page, chain.salts(len(page)), strict=True):
            digests.append((row, salt, chain.row_digest(salt, _told(row), row.body)))
        conn.execute(update, [{"at_seq": r.seq, "its_salt": s, "its_digest": d} for r, s, d in digests])
        for row, _, digest in digests:
            chain.note(conn, kind(row), [(row.seq, digest)])
        faults.reach("mid_migration")


def _told(row: Row[Any]) -> list[str | int | None]:
    """Give what a row's digest is over, but its body."""
    fields: list[Any] = list(row)[1:-1]
    return [value.hex() if isinstance(value, bytes) else value for value in fields]


def _pages(conn: Connection, table: sa.TableClause) -> Iterator[list[Row[Any]]]:
    shown = [column for column in table.c if column.name not in {"salt", "row_digest"}]
    after = 0
    while page := list(conn.execute(sa.select(*shown).where(table.c.seq > after).order_by(table.c.seq).limit(PAGE))):
        yield page
        after = page[-1].seq
