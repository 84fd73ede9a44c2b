"""Ids that other rules issued are kept with their founders."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add their table."""
    op.create_table(
        "former_ids",
        sa.Column("profile_id", TEXT, primary_key=True),
        sa.Column("namespace", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
    )
    op.create_index("former_ids_founder", "former_ids", ["namespace", "value"])
