"""What a message says of its person's traits, one word a trait."""

from collections.abc import Iterator

from identity.traits import TraitWord
from service.events.messages import Message


def trait_words(message: Message) -> Iterator[TraitWord]:
    """Give the traits of an identify, and those that any event repeats in its context.

    A group's traits are the group's, and are left alone.
    """
    content = message.content
    context = content.get("context")
    said = dict((context or {}).get("traits") or {})
    if message.type == "identify":
        said |= content.get("traits") or {}
    for name, value in said.items():
        yield TraitWord(
            name=name,
            value=value,
            at=message.at,
            message=message.message_id,
            source=message.source,
            trust=message.trust,
        )
