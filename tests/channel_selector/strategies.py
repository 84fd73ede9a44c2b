"""Hypothesis strategies and makers of small records for the selector's tests."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from channel_selector import Context, DeliveryOption, Outcome, OutcomeKind
from channel_selector.decisions import Send
from channel_selector.eligibility.arms import Arm
from channel_selector.model.tallies import Cells, CustomerEffects, Spot, Tally

NOW = datetime(2026, 11, 15, 12, 0, tzinfo=UTC)
CHANNELS = ("app_push", "web_push", "email", "sms", "pager")
KINDS = ("", "phone", "tablet")


def option(
    name: str = "o",
    *,
    channel: str = "app_push",
    kind: str = "phone",
    hour: int = 20,
    cost: float = 0.0,
    after: float = 1.0,
    endpoint: str = "e",
) -> DeliveryOption:
    """Make an option that sends `after` hours from NOW, at a local hour that need not agree."""
    return DeliveryOption(
        option_id=name,
        channel=channel,
        device_kind=kind,
        endpoint_id=endpoint,
        send_at=NOW + timedelta(hours=after),
        local_hour=hour,
        weekday=0,
        cost=cost,
    )


def outcome(kind: str, hours: float, *, since: datetime = NOW) -> Outcome:
    """Make an outcome some hours after NOW."""
    return Outcome(kind=OutcomeKind(kind), at=since + timedelta(hours=hours))


def send(name: str, *, subject: str = "u", hours: float = 0.0, channel: str = "app_push", hour: int = 20) -> Send:
    """Make a send some hours after NOW."""
    return Send(
        decision_id=name,
        subject=subject,
        segment=None,
        channel=channel,
        device_kind="phone",
        local_hour=hour,
        endpoint_id="e",
        send_at=NOW + timedelta(hours=hours),
    )


def known(arms: Mapping[Arm, Tally], taught: Cells | None = None) -> CustomerEffects:
    """Make a customer's history of messages to one endpoint."""
    return CustomerEffects({Spot(arm, "e"): tally for arm, tally in arms.items()}, {} if taught is None else taught)


money = st.one_of(st.just(0.0), st.floats(0.01, 1e6), st.floats(0.0, 1e15))

options = st.builds(
    option,
    st.text(min_size=1, max_size=5),
    channel=st.sampled_from(CHANNELS),
    kind=st.sampled_from(KINDS),
    hour=st.integers(0, 23),
    cost=st.one_of(st.just(0.0), st.sampled_from([5.0, 20.0]), money),
    after=st.floats(0.0, 48.0),
)

contexts = st.builds(
    Context,
    subject=st.text(min_size=1, max_size=8),
    segment=st.sampled_from([None, "vip", "new"]),
    activity=st.none() | st.lists(st.integers(0, 50), min_size=24, max_size=24),
    cart_value=st.none() | money,
    margin=st.none() | st.floats(0.0, 1.0),
)


@st.composite
def tallies(draw: st.DrawFn) -> Tally:
    """Draw counts that can be: converted ≤ engaged ≤ sends, converted ≤ bought ≤ sends, exposures up to the counts."""
    sends = draw(st.integers(0, 40))
    engaged = draw(st.integers(0, sends))
    converted = draw(st.integers(0, engaged))
    bought = draw(st.integers(converted, sends))
    return Tally(sends, engaged, converted, sends * draw(st.floats(0, 1)), engaged * draw(st.floats(0, 1)), bought)


arms = st.tuples(st.sampled_from(CHANNELS), st.sampled_from(KINDS), st.integers(0, 7))
