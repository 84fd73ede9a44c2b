"""Of many words on a trait one counts, by policy, and tells where it is from."""

from random import Random
from typing import Any

import pytest

from identity.errors import RulesError
from identity.loaded_rules import load_rules
from identity.observations import Trust
from identity.rules import Survivorship, TraitRules
from identity.traits import TraitWord, survivors
from tests.identity.sketch import at


def word(value: Any, hour: int, trust: Trust = Trust.SERVER, message: str = "", name: str = "city") -> TraitWord:
    """Say something of somebody's city."""
    return TraitWord(name=name, value=value, at=at(hour), message=message or f"m{hour}", source="web", trust=trust)


SAID = [
    word("Seoul", 8, Trust.ASSERTED),
    word("Busan", 9, Trust.VERIFIED),
    word("Jeju", 10),
    word("Seoul", 11, Trust.ASSERTED),
    word("Daegu", 12),
]


@pytest.mark.parametrize(
    ("policy", "value", "message", "agreeing"),
    [
        (Survivorship.NEWEST, "Daegu", "m12", 1),
        (Survivorship.OLDEST, "Seoul", "m8", 2),
        (Survivorship.MOST_TRUSTED, "Busan", "m9", 1),
        (Survivorship.MOST_FREQUENT, "Seoul", "m11", 2),
    ],
)
def test_each_policy_has_its_word(policy: Survivorship, value: str, message: str, agreeing: int) -> None:
    """Value and provenance are those of the word that counts, in whatever order they came."""
    shuffled = list(SAID)
    Random(7).shuffle(shuffled)
    trait = survivors(shuffled, TraitRules(otherwise=policy))["city"]
    assert (trait.value, trait.message, trait.agreeing, trait.words) == (value, message, agreeing, 5)
    assert (trait.policy, trait.source) == (policy, "web")


def test_null_takes_back_what_it_may() -> None:
    """What was said before at its trust or less is gone; higher trust stays, and so does what comes later."""
    rules = TraitRules(otherwise=Survivorship.NEWEST)
    assert survivors([*SAID, word(None, 13, Trust.VERIFIED)], rules) == {}
    assert survivors([*SAID, word(None, 13)], rules)["city"].value == "Busan"
    assert survivors([word(None, 7), *SAID], rules)["city"].value == "Daegu"


def test_each_trait_has_its_own_policy() -> None:
    """Rules name traits; all others follow `*`."""
    rules = load_rules({"traits": {"plan": "oldest", "*": "newest"}}).traits
    said = [word(v, h, name=n) for n in ("plan", "city") for v, h in (("a", 8), ("b", 9))]
    assert {name: trait.value for name, trait in survivors(said, rules).items()} == {"city": "b", "plan": "a"}
    assert load_rules({}).traits.policy("city") is Survivorship.MOST_TRUSTED


def test_values_of_any_shape_are_counted() -> None:
    """Equal objects are equal whatever the order of their keys, and 1 is not true."""
    said = [word({"a": 1, "b": [2]}, 8), word({"b": [2], "a": 1}, 9), word(value=True, hour=10), word(1, 11)]
    trait = survivors(said, TraitRules(otherwise=Survivorship.MOST_FREQUENT))["city"]
    assert (trait.value, trait.message, trait.agreeing) == ({"a": 1, "b": [2]}, "m9", 2)


def test_words_of_one_moment_are_ordered() -> None:
    """By message id, so that the order of arrival decides nothing."""
    twins = [word("x", 9, message="b"), word("y", 9, message="a")]
    rules = TraitRules(otherwise=Survivorship.NEWEST)
    assert survivors(twins, rules) == survivors(reversed(twins), rules)


def test_values_are_hidden() -> None:
    """Traits are personal data: their repr tells no value."""
    said = word("Seoul", 9)
    assert "Seoul" not in repr(said) + repr(survivors([said], TraitRules()))


@pytest.mark.parametrize(("table", "path"), [({"city": "loudest"}, "traits.city"), ("newest", "traits")])
def test_unknown_policies_are_named(table: Any, path: str) -> None:
    """The error starts with the path and lists what there is."""
    with pytest.raises(RulesError, match=f"^{path}: "):
        load_rules({"traits": table})
