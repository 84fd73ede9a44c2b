"""A hot statement is written once, with `?`, and said in the words of whichever database it is sent to.

Many values are one parameter: `value IN texts(?)` and `node IN numbers(?)` take what `listed` gives. A statement whose
text never changes is planned once, and costs a tenth of one that is put together for each call.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import CursorResult
from sqlalchemy.engine import Connection

_SQLITE = {
    "IN texts(?)": "IN (SELECT value FROM json_each(?))",
    "IN numbers(?)": "IN (SELECT value FROM json_each(?))",
}
_POSTGRESQL = {
    # An array, unlike a subquery, is looked up by index whatever the planner knows of the table.
    "IN texts(?)": "= ANY (ARRAY(SELECT json_array_elements_text(?::json)))",
    "IN numbers(?)": "= ANY (ARRAY(SELECT json_array_elements_text(?::json)::bigint))",
    "?": "%s",
}


class Statement:
    """One statement; call it with a connection and its parameters in order."""

    def __init__(self, text: str) -> None:
        self._said = {"sqlite": _say(text, _SQLITE), "postgresql": _say(text, _POSTGRESQL)}

    def __call__(self, conn: Connection, *parameters: object) -> CursorResult[Any]:
        """Send it once."""
        return conn.exec_driver_sql(self._said[conn.dialect.name], parameters)

    def many(self, conn: Connection, rows: Sequence[tuple[object, ...]]) -> int:
        """Send it for each row, nothing for none; give the number of rows that it changed."""
        if not rows:
            return 0
        changed: int = conn.exec_driver_sql(self._said[conn.dialect.name], list(rows)).rowcount
        return changed


def listed(values: Iterable[str] | Iterable[int]) -> str:
    """Give many values as one parameter; texts are free of NUL (no database could hold it)."""
    return orjson.dumps(list(values)).decode()


def _say(text: str, words: dict[str, str]) -> str:
    for ours, theirs in words.items():
        text = text.replace(ours, theirs)
    return text
