"""Prints counterexamples with the values that identifiers hide: the tests' names are invented."""

from collections.abc import Iterable, Mapping

from hypothesis import currently_in_test_context, note

from identity.judgements import Judgement, Undo, Word
from identity.observations import Observation
from identity.rules import LinkingRules
from tests.identity.compare import Said


def tell(rules: LinkingRules, facts: Iterable[Observation | Word]) -> None:
    """Note the rules and the facts, one a line."""
    note(f"{rules}")
    for fact in facts:
        if isinstance(fact, Judgement):
            note(f"{fact.id} {fact.kind} {_readable(fact.left)} {_readable(fact.right)} at {fact.at}")
        elif isinstance(fact, Undo):
            note(f"undo {fact.judgement} at {fact.at}")
        else:
            names = " ".join(map(str, fact.identifiers))
            note(f"{fact.at:%H} {fact.id} {fact.source or '-'} {fact.trust.name} {names} received {fact.received_at}")


def differing(left: Said, right: Said) -> list[str]:
    """Name the parts in which two answers differ, and note both."""
    parts = [part for part in Said.__dataclass_fields__ if getattr(left, part) != getattr(right, part)]
    for part in parts:
        _say(f"{part}: {_readable(getattr(left, part))}\n  not {_readable(getattr(right, part))}")
    return parts


def _say(text: str) -> None:
    """Note a line of a counterexample; outside of Hypothesis print it, for pytest to show."""
    if currently_in_test_context():
        note(text)
    else:
        print(text)  # noqa: T201 # pytest shows it with the failure


def _readable(value: object) -> str:
    """Show identifiers with their values, ids shortened."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(sorted(f"{_readable(k)}: {_readable(v)}" for k, v in value.items())) + "}"
    if type(value) in {tuple, frozenset} and isinstance(value, Iterable):
        return "(" + ", ".join(sorted(map(_readable, value))) + ")"
    return value[:6] if isinstance(value, str) and not isinstance(value, tuple) else str(value)
