"""The folds to come: who is who under other rules, made beside the folds in force and put in their place at once.

They are tables of their own. What is done within `statements.folding_next` is done to them; everything else, at any
time, sees the folds in force alone.
"""

from sqlalchemy import MetaData, Table
from sqlalchemy.engine import Connection
from sqlalchemy.sql import quoted_name

from service.store.schema import issued, nodes, sightings
from service.store.statements import NEXT

IDENTITY = (nodes, sightings, issued)
"""The folds that depend on the linking rules."""


def make(conn: Connection, number: int) -> None:
    """Make the tables, empty; `number` is another one than at any time before: it goes into the names of indexes."""
    drop(conn)
    for table in _copies(number):
        table.create(conn)


def drop(conn: Connection) -> None:
    """Let go of the folds to come, if there are any."""
    for table in IDENTITY:
        conn.exec_driver_sql(f"DROP TABLE IF EXISTS {NEXT}{table.name}")


def put_in_force(conn: Connection) -> None:
    """Let the folds to come take the place of those in force, which are no more. Costs no copying of rows."""
    for table in IDENTITY:
        conn.exec_driver_sql(f"DROP TABLE {table.name}")
        conn.exec_driver_sql(f"ALTER TABLE {NEXT}{table.name} RENAME TO {table.name}")


def _copies(number: int) -> list[Table]:
    """Give the tables under their other names; indexes keep theirs when a table is renamed, so each has its own."""
    into, made = MetaData(), []
    for table in IDENTITY:
        copy = table.to_metadata(into, name=f"{NEXT}{table.name}")
        for index in copy.indexes:
            index.name = quoted_name(f"{index.name}_{number}", quote=None)
        for constraint in copy.constraints:
            named = f"{table.name}_pkey" if constraint is copy.primary_key else constraint.name
            if named is not None:
                constraint.name = f"{named}_{number}"
        for column in copy.primary_key:
            column.autoincrement = False
        made.append(copy)
    return made
