"""`homing abandonments` lists what the route lists."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.service.commands.program import Program


def left(program: Program, hours: float, **who: Any) -> None:
    """Import a cart last touched so many hours ago."""
    at = datetime.now(UTC) - timedelta(hours=hours)
    properties = {"cart_id": f"c{hours}", "product_id": "p", "price": 10, "currency": "EUR"}
    added = {
        "type": "track",
        "event": "Product Added",
        "messageId": f"m{hours}",
        "timestamp": at.isoformat(),
        "properties": properties,
        "context": {"device": {"id": "tablet-7c1"}},
        **who,
    }
    program.run("import", str(program.write("cart.ndjson", [added])))


def test_carts_are_listed(program: Program) -> None:
    """As JSON with the fields of the route; masked unless asked for whole."""
    left(program, 5, userId="wonjun")
    left(program, 30, userId="wonjun")
    left(program, 24 * 9, userId="wonjun")
    found = program.json("abandonments")
    assert [each["cart_id"] for each in found] == ["c5", "c30"]
    assert found[0]["device"] == {"namespace": "device_id", "value": "ta…"}
    assert found[0]["cart_value"] == 10.0
    assert program.json("abandonments", "--pii")[0]["device"]["value"] == "tablet-7c1"
    assert [each["cart_id"] for each in program.json("abandonments", "--since", "1d")] == ["c5"]
    since = (datetime.now(UTC) - timedelta(days=20)).isoformat()
    assert [each["state"] for each in program.json("abandonments", "--since", since)] == [
        "abandoned",
        "abandoned",
        "expired",
    ]


def test_people_get_a_line_a_cart(program: Program) -> None:
    """Value, device and state on stdout, the count on stderr."""
    left(program, 5, anonymousId="a-browser")
    result = program.run("abandonments")
    (line,) = result.stdout.splitlines()
    assert "c5  10.00 EUR  1 products  device_id ta…  abandoned" in line
    assert result.stderr == "1 carts\n"


def test_a_wrong_since_is_told(program: Program) -> None:
    """Exit 2, with what is allowed."""
    assert "use a time like" in program.refused("abandonments", "--since", "yesterday", expect=2)
