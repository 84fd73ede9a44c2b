"""Options packed into the log come out of it as they went in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
from hypothesis import given
from hypothesis import strategies as st

from channel_selector.eligibility.options import DeliveryOption, option_id
from service.decisions.packing import pack, unpack

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)

endpoints = st.tuples(
    st.sampled_from(["a", "b", "channel:sms"]),
    st.sampled_from(["email", "sms"]),
    st.sampled_from(["", "phone"]),
    st.sampled_from([0.0, 0.5, 1.0]),
)
moments = st.tuples(
    st.timedeltas(timedelta(), timedelta(days=3)),
    st.integers(0, 23),
    st.integers(0, 6),
    st.none() | st.sampled_from(["", "plain", "x#y"]),
)


def option(endpoint: tuple[str, str, str, float], moment: tuple[timedelta, int, int, str | None]) -> DeliveryOption:
    """Make an option that is called what options are called."""
    name, channel, kind, cost = endpoint
    wait, hour, weekday, variant = moment
    return DeliveryOption(
        option_id=option_id(name, NOON + wait, variant),
        channel=channel,
        device_kind=kind,
        endpoint_id=name,
        send_at=NOON + wait,
        local_hour=hour,
        weekday=weekday,
        cost=cost,
        variant=variant,
    )


def written(options: object) -> bytes:
    """Write as the log does."""
    return orjson.dumps(options, option=orjson.OPT_SORT_KEYS)


@given(options=st.lists(st.builds(option, endpoints, moments), max_size=30))
def test_options_come_out_as_they_went_in(options: list[DeliveryOption]) -> None:
    """In their order, to the byte of their JSON."""
    unpacked = unpack(orjson.loads(written(pack(options))))

    assert orjson.dumps(unpacked) == written([each.to_json() for each in options])


def test_thirty_options_take_a_fraction() -> None:
    """Three endpoints at ten moments are thirteen rows and thirty places."""
    ways = [(name, "email", "phone", 0.5) for name in ("a" * 32, "b" * 32, "c" * 32)]
    times = [(timedelta(hours=hours), hours % 24, 5, None) for hours in range(10)]
    options = [option(way, time) for way in ways for time in times]

    assert len(written(pack(options))) * 5 < len(written([each.to_json() for each in options]))


def test_what_is_called_otherwise_stays_whole() -> None:
    """A caller of the selector's own may call an option anything."""
    named = replace(option(("a", "email", "", 0.0), (timedelta(), 12, 5, None)), option_id="mine")

    assert pack([named]) == [named.to_json()]
    assert unpack([named.to_json()]) == [named.to_json()]
