"""A list of any length and content is one parameter of a statement."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.store.database import Database
from service.store.statements import Statement, listed
from tests.strategies import examples

IN_TEXTS = Statement("SELECT CAST(? AS TEXT) IN texts(?)")
IN_NUMBERS = Statement("SELECT CAST(? AS BIGINT) IN numbers(?)")
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
NUMBERS = st.integers(-(2**63), 2**63 - 1)

over_one_store = settings(examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture])


@over_one_store
@given(st.lists(TEXTS), TEXTS)
def test_texts_come_back_as_they_are(database: Database, values: list[str], other: str) -> None:
    """Quotes, line ends and signs of any plane included: each is among them, another is not."""
    with database.transaction(reads=True) as conn:
        for value in [*values, other]:
            assert bool(IN_TEXTS(conn, value, listed(values)).scalar()) is (value in values)


@over_one_store
@given(st.lists(NUMBERS), NUMBERS)
def test_numbers_come_back_as_they_are(database: Database, values: list[int], other: int) -> None:
    """All 64 bits of them."""
    with database.transaction(reads=True) as conn:
        for value in [*values, other]:
            assert bool(IN_NUMBERS(conn, value, listed(values)).scalar()) is (value in values)


def test_a_list_may_be_longer_than_a_statement_may_have_parameters(database: Database) -> None:
    """SQLite allows 32,766 of those, PostgreSQL 65,535."""
    with database.transaction(reads=True) as conn:
        assert IN_NUMBERS(conn, 99_999, listed(range(100_000))).scalar()
