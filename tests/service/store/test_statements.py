"""A list of any length and content is one parameter of a statement."""

import sqlite3
from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st

from service.store.statements import listed

SAME = "SELECT value FROM json_each(?)"
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@given(st.one_of(st.lists(TEXTS), st.lists(st.integers(-(2**63), 2**63 - 1))))
def test_values_come_back_as_they_are(values: list[str] | list[int]) -> None:
    """Quotes, line ends and 64 bits included."""
    with closing(sqlite3.connect(":memory:")) as conn:
        assert [value for (value,) in conn.execute(SAME, (listed(values),))] == values


def test_a_list_may_be_longer_than_a_statement_may_have_parameters() -> None:
    """SQLite allows 32,766 of those."""
    with closing(sqlite3.connect(":memory:")) as conn:
        assert conn.execute(f"SELECT count(*) FROM ({SAME})", (listed(range(100_000)),)).fetchone() == (100_000,)  # noqa: S608 - two constants
