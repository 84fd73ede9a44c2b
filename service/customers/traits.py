"""A person's traits: the last word on each, where a word of lower trust never replaces one of higher."""

from typing import Any, NamedTuple

from identity.observations import Trust
from service.messages import Message


class _Word(NamedTuple):
    trust: Trust
    value: Any

    def __repr__(self) -> str:
        """Hide the value."""
        return f"_Word({self.trust!r}, …)"


class Traits:
    """Folds one person's messages, given in order of (time, message id)."""

    def __init__(self) -> None:
        self._words: dict[str, _Word] = {}

    def take(self, message: Message) -> None:
        """Take the traits of an identify, and those that any event repeats in its context.

        A group's traits are the group's, and are left alone.
        """
        content = message.content
        context = content.get("context")
        if context:
            self._hear(context.get("traits"), message.trust)
        if message.type == "identify":
            self._hear(content.get("traits"), message.trust)

    def _hear(self, said: dict[str, Any] | None, trust: Trust) -> None:
        for name, value in said.items() if said else ():
            standing = self._words.get(name)
            if standing is None or trust >= standing.trust:
                self._words[name] = _Word(trust, value)

    def known(self) -> dict[str, Any]:
        """Give the traits by name; null is how clients take one back."""
        return {name: word.value for name, word in sorted(self._words.items()) if word.value is not None}
