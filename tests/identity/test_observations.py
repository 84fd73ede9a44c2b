"""Observations have one place in the replay, and identifiers keep their values to themselves."""

from dataclasses import replace

import pytest

from identity.observations import ReplayKey, Trust
from tests.identity.sketch import at, name, seen


def test_trust_is_ordered() -> None:
    """From probable to verified, each beats the one before."""
    assert sorted(Trust, reverse=True) == [Trust.VERIFIED, Trust.SERVER, Trust.ASSERTED, Trust.PROBABLE]
    assert [Trust.parse(text) for text in ("probable", "Asserted", "SERVER", "verified")] == sorted(Trust)


def test_an_unknown_trust_says_what_is_allowed() -> None:
    """The message lists the trusts there are."""
    with pytest.raises(ValueError, match="probable, asserted, server, verified"):
        Trust.parse("high")


def test_the_replay_is_ordered_by_time_id_source_and_trust() -> None:
    """No two distinct observations share a place, and none depends on anything but themselves."""
    first = seen("1", 10, "user_id:ada")
    later = [
        replace(first, trust=Trust.VERIFIED),
        replace(first, source="web"),
        replace(first, id="2"),
        replace(first, at=at(11), id="0"),
    ]
    assert sorted([*reversed(later), first], key=lambda o: o.key) == [first, *later]
    assert first.key == ReplayKey(at(10), "1", "", Trust.SERVER)


def test_an_observation_is_known_from_its_receipt() -> None:
    """Without a receipt it is known from its event time on."""
    assert seen("1", 10, "user_id:ada").known_at == at(10)
    assert replace(seen("1", 10, "user_id:ada"), received_at=at(12)).known_at == at(12)


def test_identifiers_are_written_whole_and_shown_without_value() -> None:
    """Text is for files; what reaches a log by way of a traceback hides the value."""
    event = seen("1", 10, "email:ada@example.com")
    assert str(name("email:ada@example.com")) == "email:ada@example.com"
    assert "ada" not in repr(name("email:ada@example.com"))
    assert "ada" not in repr(event)
    assert "email" in repr(event)


def test_identifiers_compare_by_code_point() -> None:
    """No locale orders them."""
    names = [name(text) for text in ("email:Z", "email:a", "email:é", "email:\uffff", "email:\U00010000", "gaid:a")]
    shuffled = [names[n] for n in (3, 0, 5, 1, 4, 2)]
    assert sorted(shuffled) == names
