"""A mask never shows more than two characters, and never all of a value."""

from hypothesis import given
from hypothesis import strategies as st

from service.profiles.masks import HIDDEN, mask, mask_value


@given(st.text())
def test_a_masked_text_shows_its_beginning_and_no_more(text: str) -> None:
    """At most two characters, and of short texts fewer."""
    shown = mask(text).removesuffix(HIDDEN)
    assert text.startswith(shown)
    assert len(shown) <= 2
    assert not text or len(shown) < len(text)


def test_traits_are_masked_by_what_they_are() -> None:
    """Yes and no tell nothing; numbers and tables might."""
    assert [mask_value(value) for value in (True, "wonjun@example.com", 1987, {"zip": "04524"}, ["a"])] == [
        True,
        "wo…",
        HIDDEN,
        HIDDEN,
        HIDDEN,
    ]
