"""What a person decided stands in the facts log beside the events: judgements, undos, erasures."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from identity.erasures import Erasure
from identity.identifiers import Identifier
from identity.judgements import Judgement, JudgementKind, Undo, Word
from identity.observations import Trust
from service.events.messages import Message, digest_of
from service.store.facts import Fact

JUDGEMENT, UNDO, ERASURE = "judgement", "undo", "erasure"
"""The types of these entries."""


Restated = Mapping[int, bytes]
"""What judgements say once the erased are out of them: new row digests by their seqs."""


def word_message(word: Word, name: str, source: str, at: datetime, *, parts: bool = False) -> Message:
    """Write a judgement or an undo as an entry of the log; `name` is its id, `source` the key's.

    `parts`: a judgement parts what was in one profile until then.
    """
    if isinstance(word, Undo):
        return _message(UNDO, name, source, at, {"judgement": word.judgement})
    return _message(JUDGEMENT, name, source, at, _judged(word, parts=parts))


def judgement_body(word: Judgement, *, parts: bool) -> bytes:
    """Write what a judgement says."""
    return orjson.dumps(_judged(word, parts=parts))


def read_parts(fact: Fact) -> bool:
    """Read whether a word parted what was in one profile until then."""
    return orjson.loads(fact.body).get("parts") is True


def erasure_message(erasure: Erasure, source: str, counts: Mapping[str, int], restated: Restated) -> Message:
    """Write an erasure as an entry of the log: tombstones, how much of what it covers, and judgements restated."""
    told = {
        "tombstones": sorted(stone.hex() for stone in erasure.tombstones),
        "counts": dict(counts),
        "restated": {str(seq): digest.hex() for seq, digest in sorted(restated.items())},
    }
    return _message(ERASURE, erasure.id, source, erasure.at, told)


def read_word(fact: Fact) -> Word:
    """Read a judgement or an undo."""
    told = orjson.loads(fact.body)
    if fact.type == UNDO:
        return Undo(judgement=told["judgement"], at=fact.at)
    return Judgement(
        kind=JudgementKind(told["kind"]),
        left=frozenset(Identifier(*each) for each in told["left"]),
        right=frozenset(Identifier(*each) for each in told["right"]),
        at=fact.at,
        id=fact.message_id,
        reason=told["reason"],
    )


def read_erasure(fact: Fact) -> Erasure:
    """Read an erasure."""
    stones = orjson.loads(fact.body)["tombstones"]
    return Erasure(id=fact.message_id, at=fact.at, tombstones=frozenset(map(bytes.fromhex, stones)))


def read_counts(fact: Fact) -> dict[str, int]:
    """Read how much of what an erasure covered."""
    counts: dict[str, int] = orjson.loads(fact.body)["counts"]
    return counts


def read_restated(fact: Fact) -> Restated:
    """Read which judgements an erasure restated."""
    return {int(seq): bytes.fromhex(digest) for seq, digest in orjson.loads(fact.body)["restated"].items()}


def _judged(word: Judgement, *, parts: bool) -> dict[str, Any]:
    return {
        **({"parts": True} if parts else {}),
        "kind": word.kind.value,
        "left": sorted(map(list, word.left)),
        "right": sorted(map(list, word.right)),
        "reason": word.reason,
    }


def _message(type_: str, name: str, source: str, at: datetime, told: dict[str, Any]) -> Message:
    body = orjson.dumps(told)
    return Message(
        message_id=name,
        type=type_,
        name=None,
        source=source,
        trust=Trust.SERVER,
        at=at,
        received_at=at,
        identifiers=(),
        body=body,
        digest=digest_of(body),
    )
