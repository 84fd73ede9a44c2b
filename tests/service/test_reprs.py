"""Nothing personal and no secret stands in a repr: that is what tracebacks and logs show."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from identity.identifiers import Identifier
from identity.judgements import JudgementKind, judged, split
from identity.observations import Trust
from service.campaigns.tables import Row
from service.carts.commerce import commerce_event
from service.customers.event_context import told
from service.customers.traits import trait_words
from service.decisions.asks import Ask
from service.events.collector import open_delivery
from service.events.messages import Message, parse
from service.imports.lines import lines
from service.judgements.judging import Saying
from service.keys import Caller, NewKey, Scope
from service.schemas.consents import ConsentGiven
from service.schemas.judgements import JudgedShown, LinkGiven
from service.schemas.outcomes import OutcomeGiven, OutcomeTaken
from service.schemas.profiles import IdentifierShown
from service.schemas.recommendations import BatchAsked, RecommendationAsked
from service.secret import Secret
from service.settings.settings import load
from service.store.idempotency import Answer
from tests.service.harness import NOON

MARK = "marker-7f3a-of-somebody-and-of-32-characters"
NAMED = {"namespace": "email", "value": MARK}
ASKED = {"recipient": NAMED, "message": {"id": MARK}, "features": {"name": MARK}}
EVENT = {
    "type": "track",
    "event": "Product Added",
    "userId": MARK,
    "context": {"userAgent": MARK, "timezone": MARK, "device": {"id": MARK, "model": MARK}, "traits": {"name": MARK}},
}


def message() -> Message:
    """Make a message whose names and traits are all the marker."""
    read = parse(EVENT, route_type=None, source="shop", trust=Trust.SERVER, received_at=NOON, sent_at=None)
    assert isinstance(read, Message)
    return read


def trait() -> object:
    """Give what is kept of a trait."""
    (word,) = trait_words(message())
    assert (word.name, word.value) == ("name", MARK)
    return word


def row() -> Row:
    """Make a row of observations."""
    return Row(line=1, cells={"observation": MARK, "namespace": "user_id", "value": MARK}, done=1.0)


RECORDS: dict[str, Callable[[], object]] = {
    "message": message,
    "trait": trait,
    "told": lambda: told(message()),
    "commerce": lambda: commerce_event(message()),
    "row": row,
    "delivery": lambda: open_delivery(orjson.dumps({"batch": [EVENT], "writeKey": MARK}), None),
    "ask": lambda: Ask(recipient=(("email", MARK),), message_id=MARK, features={"name": MARK}),
    "asked": lambda: RecommendationAsked.model_validate(ASKED),
    "batch": lambda: BatchAsked.model_validate({"requests": [ASKED]}),
    "consent": lambda: ConsentGiven.model_validate(
        {"identifiers": [NAMED], "channel": None, "state": "denied", "id": MARK}
    ),
    "outcome": lambda: OutcomeGiven.model_validate({"decision_id": MARK, "type": "clicked", "id": MARK}),
    "taken": lambda: OutcomeTaken(id=MARK, status="accepted"),
    "shown": lambda: IdentifierShown(namespace="email", value=MARK),
    "identifier": lambda: Identifier("email", MARK),
    "judgement": lambda: judged(JudgementKind.MUST_LINK, Identifier("email", MARK), Identifier("email", MARK + "2")),
    "reason": lambda: split(
        frozenset({Identifier("email", MARK)}), [{Identifier("email", MARK), Identifier("email", "b")}], reason=MARK
    ),
    "saying": lambda: Saying(source="analyst", now=NOON, reason=MARK),
    "link": lambda: LinkGiven.model_validate(
        {"kind": "must_link", "left": f"email:{MARK}", "right": NAMED, "reason": MARK}
    ),
    "judged": lambda: JudgedShown(
        judgement_id="j", dry_run=False, changes=[{"change": "created", "identifiers": [MARK]}], open_decisions=[]
    ),
    "answer": lambda: Answer(digest=b"", status=200, body=MARK.encode()),
    "secret": lambda: Secret(value=MARK.encode(), origin="HOMING_SECRET"),
    "key": lambda: NewKey(
        text=MARK, caller=Caller(key_id="k", source="s", trust=Trust.SERVER, scopes=frozenset({Scope.READ}))
    ),
    "settings": lambda: load(flags={}, environment={"HOMING_SECRET": MARK}),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_hides_what_it_holds(name: str) -> None:
    """The marker went in wherever somebody's data or a secret can, and does not come out."""
    record = RECORDS[name]()
    assert record is not None
    assert repr(record), "it has a repr all the same"
    assert MARK not in repr(record)


def test_a_line_of_a_file_hides_its_text(tmp_path: Path) -> None:
    """A line holds an event, or somebody's row."""
    path = tmp_path / "events.ndjson"
    path.write_bytes(orjson.dumps(EVENT))
    (line,) = lines(path)
    assert line.text is not None
    assert MARK.encode() in line.text
    assert MARK not in repr(line)
