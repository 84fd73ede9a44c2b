"""What happened to profile ids is kept to be followed, and which identity tokens were used until they expire.

The changes of what is in the logs already are told as the folds are made again, at the next opening.
"""

import sqlalchemy as sa
from alembic import op

from service.store import chain, meta

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add both tables, and find ids by their founders; have the folds made again where there is anything to fold."""
    op.create_table(
        "changes",
        sa.Column("position", BIG, primary_key=True, autoincrement=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("profile_id", TEXT, nullable=False),
        sa.Column("other", TEXT),
        sa.Column("at", BIG, nullable=False),
    )
    op.create_index("changes_profile", "changes", ["profile_id"])
    op.create_index("changes_other", "changes", ["other"])
    op.create_table(
        "used_tokens",
        sa.Column("token", sa.LargeBinary(), primary_key=True),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", BIG, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("used_tokens_expiry", "used_tokens", ["expires_at"])
    conn = op.get_bind()
    if chain.head(conn).block:
        meta.put(conn, meta.FOLDS, meta.STALE)
