"""A store is at this program's schema, is older and brought up in one transaction, or is refused."""

from pathlib import Path

from sqlalchemy import inspect
from sqlalchemy.engine import Connection

from service.errors import SchemaError

HEAD = "0005"
"""The schema this program works with: the newest revision in `migrations/versions`."""


def current(conn: Connection) -> str | None:
    """Give the schema's revision, or None for an empty database; SchemaError for another program's."""
    tables = set(inspect(conn).get_table_names())
    if "alembic_version" in tables:
        revision: str | None = conn.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        return revision
    if tables:
        raise SchemaError("that database has tables, but they are not Homing's; give another with --db")
    return None


def upgrade(conn: Connection, name: str) -> tuple[str | None, str]:
    """Bring the schema to `HEAD` within the transaction that is open; give the revisions before and after.

    Raises SchemaError where the store was written by a newer Homing: nothing is touched then.
    """
    before = current(conn)
    if before != HEAD:
        _run(conn, before, name)
    return before, HEAD


def _run(conn: Connection, before: str | None, name: str) -> None:
    # Alembic is imported only where there is something to do: it costs a fifth of a second.
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415 - see above
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - see above

    config = Config(attributes={"connection": conn})
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if before is not None and before not in known:
        raise SchemaError(
            f"{name}: its schema is {before}, newer than this Homing knows ({HEAD}); install the newer Homing"
        )
    command.upgrade(config, HEAD)
