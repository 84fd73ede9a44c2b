"""A store is at this program's schema, is older and brought up in one transaction, or is refused."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect
from sqlalchemy.engine import Connection

from service.errors import SchemaError

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0005"
"""The schema this program works with: the newest revision in `migrations/versions`."""

_OURS = {"facts", "decision_log", "meta"}
"""Tables of every revision. Many programs keep an `alembic_version`, and number its revisions as we do."""


def current(conn: Connection) -> str | None:
    """Give the schema's revision, or None for an empty database; SchemaError for another program's."""
    inspector = inspect(conn)
    tables = set(inspector.get_table_names())
    if "alembic_version" in tables and tables >= _OURS:
        revision: str | None = conn.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        return revision
    # On PostgreSQL tables of another schema may be in sight, and would be taken for ours.
    if tables or inspector.has_table("alembic_version"):
        raise SchemaError("that database has tables, but they are not Homing's; give another with --db")
    return None


def check(revision: str | None, name: str) -> None:
    """Raise SchemaError where the store was written by a newer Homing."""
    if revision not in {None, HEAD} and revision not in _known():
        raise SchemaError(
            f"{name}: its schema is {revision}, newer than this Homing knows ({HEAD}); install the newer Homing"
        )


def upgrade(conn: Connection, name: str) -> tuple[str | None, str]:
    """Bring the schema to `HEAD` within the transaction that is open; give the revisions before and after.

    Raises SchemaError where the store was written by a newer Homing: nothing is touched then.
    """
    before = current(conn)
    check(before, name)
    if before != HEAD:
        from alembic import command  # noqa: PLC0415 - only where there is something to do: it costs a fifth of a second

        config = _config()
        config.attributes["connection"] = conn
        command.upgrade(config, HEAD)
    return before, HEAD


def _known() -> set[str]:
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - see above

    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def _config() -> "Config":
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    return config
