"""Page after page shows every entry once, whatever comes in between."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import ApiError
from service.web.pages import page

Place = tuple[int, ...]


@given(st.sets(st.tuples(st.integers(-(10**17), 10**17), st.integers(1, 9))), st.integers(1, 5))
def test_pages_cover_all_entries_once_from_high_to_low(places: set[Place], limit: int) -> None:
    """Following the cursors gives the entries in order, also with moments before 1970."""
    shown: list[Place] = []
    cursor: str | None = None
    while True:
        found = page(sorted(places), lambda place: place, cursor, limit)
        shown += found.entries
        assert len(found.entries) <= limit
        if found.next_cursor is None:
            break
        cursor = found.next_cursor
    assert shown == sorted(places, reverse=True)


def test_an_entry_that_comes_in_meanwhile_shifts_nothing() -> None:
    """The next page goes on after the last entry shown."""
    entries: list[Place] = [(1,), (2,), (3,)]
    first = page(entries, lambda place: place, None, 2)
    second = page([*entries, (4,)], lambda place: place, first.next_cursor, 2)
    assert (list(first.entries), list(second.entries), second.next_cursor) == ([(3,), (2,)], [(1,)], None)


@pytest.mark.parametrize("cursor", ["", "x", "1.2.3", "1e5", "9" * 40, "1.", "١"])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    """With 422 and what to do."""
    with pytest.raises(ApiError) as refused:
        page([(1,)], lambda place: place, cursor, 2)
    assert (refused.value.status, refused.value.code) == (422, "invalid_cursor")
