"""`homing recommend` asks the store what the route would answer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from service.cli import cli
from service.schemas.recommendations import Recommendation
from tests.service.commands.program import Program

WONJUN = {
    "type": "identify",
    "messageId": "m1",
    "userId": "wonjun-kim",
    "timestamp": (datetime.now(UTC) - timedelta(days=30)).isoformat(),  # a token long unseen would not be sent to
    "traits": {"email": "wonjun@example.com"},
    "context": {"device": {"id": "phone-19f", "type": "ios", "token": "token-1"}, "timezone": "Asia/Seoul"},
}
NAMED = ("--namespace", "user_id", "--value", "wonjun-kim", "--message-id", "m1")
BODY = {
    "recipient": {"namespace": "user_id", "value": "wonjun-kim"},
    "message": {"id": "m1"},
    "return": ["user_id", "email"],
}


@pytest.fixture
def known(program: Program) -> Program:
    """Give the program over a store that knows Wonjun."""
    program.run("import", str(program.write("events.ndjson", [WONJUN])))
    return program


def test_the_answer_is_the_contract_s(known: Program) -> None:
    """Named by options or by a file, the same message has the same decision, without any address."""
    told = known.json("recommend", *NAMED)
    assert set(told) == set(Recommendation.model_fields)
    assert (told["action"], told["channel"], told["device_id"]) == ("send", "app_push", "phone-19f")
    assert told["address"] is None
    again = known.json("recommend", str(known.write("body.json", [BODY])))
    assert again["decision_id"] == told["decision_id"]
    assert again["recipient_ids"] == {"user_id": ["wonjun-kim"]}


def test_people_get_two_lines(known: Program) -> None:
    """What, where, when and why; or that it is held, and why."""
    shown = known.run("recommend", *NAMED, "--best").stdout
    assert shown.startswith("send by app_push on device phone-19f at 2")
    assert shown.count("\n") == 2
    stranger = ("--namespace", "user_id", "--value", "nobody", "--message-id", "m1", "--best")
    assert known.run("recommend", *stranger).stdout.startswith("send by ")
    body = BODY | {"message": {"id": "m2"}, "channels": ["sms"]}
    held = known.run("recommend", str(known.write("held.json", [body]))).stdout
    assert held.startswith("hold (channel_not_requested): ")


def test_the_best_is_not_drawn(known: Program) -> None:
    """With --best there is no propensity."""
    assert known.json("recommend", *NAMED, "--best")["propensity"] is None


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{", "is not JSON"),
        (b'{"recipient": {"namespace": "user_id", "value": "u"}}', "message"),
        (b'{"recipient": {"namespace": "user_id", "value": "u"}, "message": {"id": ""}}', "message.id"),
        (b'{"recipient": {"namespace": "user_id", "value": "\\ud800"}, "message": {"id": "m"}}', "is not JSON"),
        (b"[]", "body"),
    ],
)
def test_a_wrong_file_is_told_in_one_line(program: Program, body: bytes, told: str) -> None:
    """What is wrong with it, exit 2."""
    assert told in program.refused("recommend", str(program.write("wrong.json", [body])), expect=2)


def test_what_is_missing_is_named(program: Program) -> None:
    """Options that go together, a file that is not there, a time that is none."""
    assert "--message-id not given" in program.refused("recommend", *NAMED[:4], expect=2)
    assert "cannot be read" in program.refused("recommend", "absent.json", expect=2)
    assert "abandoned_at" in program.refused("recommend", *NAMED, "--abandoned-at", "yesterday", expect=2)


def test_standard_input_is_read(known: Program) -> None:
    """`-` stands for it."""
    result = CliRunner().invoke(cli, ["recommend", "-", "--json"], input=orjson.dumps(BODY))
    told: Any = orjson.loads(result.stdout)
    assert told["action"] == "send"
