"""A new channel gets its least share, exactly, and nothing else of the law is lost: floor, sum to 1, proportions."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector import Context, DeliveryOption, SelectorSettings
from channel_selector.batches import Request
from channel_selector.choosing import Chooser, recompute
from channel_selector.decisions import Decision
from channel_selector.eligibility.arms import Arm
from channel_selector.model.population import Population
from channel_selector.model.tallies import Tally
from tests.channel_selector.strategies import NOW, option

PUSHES = Tally(4_000, 600, 200, 4_000.0, 600.0, 200)
SETTINGS = SelectorSettings(new_channel_share=0.1)
WELL_KNOWN = replace(
    Population.empty(SETTINGS.attribution_window), at=NOW, tallies={(None, Arm("app_push", "phone", 6)): PUSHES}
)


def decided(ways: list[DeliveryOption], settings: SelectorSettings, population: Population = WELL_KNOWN) -> Decision:
    """Decide for somebody new."""
    asked = Request(decision_id="d", context=Context(subject="u"), options=ways)
    return Chooser(population, settings, 1).decide([asked], now=NOW)[0]


def share(decision: Decision, channel: str) -> float:
    """Give what the options of a channel have together."""
    return sum(p for p, o in zip(decision.probabilities, decision.options, strict=True) if o.channel == channel)


PUSH = [option(f"push-{hour}", hour=hour, endpoint="phone") for hour in (12, 20)]


def of(channel: str, hours: tuple[int, ...] = (12, 20)) -> list[DeliveryOption]:
    """Make a channel's options."""
    return [option(f"{channel}-{hour}", channel=channel, kind="", hour=hour, endpoint=channel) for hour in hours]


def test_a_new_channel_has_its_share_and_no_more() -> None:
    """A channel dear to send by is never the best, yet has a tenth; without the setting it has its floor alone."""
    dear = [replace(each, cost=100.0) for each in of("kiosk")]
    decision = decided([*PUSH, *dear], SETTINGS)
    assert share(decision, "kiosk") == pytest.approx(0.1, abs=1e-12)
    assert min(decision.probabilities) >= SETTINGS.floor / 4 - 1e-15
    assert recompute(decision, WELL_KNOWN, SETTINGS) == decision.probabilities
    plain = decided([*PUSH, *dear], SelectorSettings())
    assert share(plain, "kiosk") == pytest.approx(plain.probabilities[2] + plain.probabilities[3])
    assert share(plain, "kiosk") == pytest.approx(0.025)
    kept = decision.probabilities[0] - 0.0125, decision.probabilities[1] - 0.0125
    was = plain.probabilities[0] - 0.0125, plain.probabilities[1] - 0.0125
    assert kept[0] / kept[1] == pytest.approx(was[0] / was[1])


def test_a_known_channel_has_none() -> None:
    """From so many messages on; and where nothing but new channels is open, nothing is raised."""
    dear = [replace(each, cost=100.0) for each in PUSH]
    mails = (None, Arm("email", "", 6)), Tally(1_000, 50, 5, 1_000.0, 50.0, 5)
    both = replace(WELL_KNOWN, tallies={**WELL_KNOWN.tallies, mails[0]: mails[1]})
    assert share(decided([*of("email"), *dear], SETTINGS, both), "app_push") == pytest.approx(0.025)
    almost = replace(SETTINGS, new_channel_messages=1_001)
    assert share(decided([*PUSH, *of("email")], almost, both), "email") >= 0.1 - 1e-12
    new = [*of("kiosk"), *(replace(each, cost=100.0) for each in of("fax"))]
    assert share(decided(new, SETTINGS), "fax") == pytest.approx(0.025)
    before = Population.empty(SETTINGS.attribution_window)
    assert share(decided([*dear, *of("kiosk")], SETTINGS, before), "app_push") == pytest.approx(0.025)


@given(
    names=st.lists(st.sampled_from(["kiosk", "fax", "pager", "email", "sms"]), min_size=1, max_size=4, unique=True),
    costs=st.lists(st.sampled_from([0.0, 0.01, 5.0]), min_size=5, max_size=5),
    least=st.floats(0.0, 0.5),
    floor=st.floats(0.0, 1.0),
    free=st.booleans(),
)
def test_floor_sum_and_shares_hold_together(
    names: list[str], costs: list[float], least: float, floor: float, free: bool
) -> None:
    """However many channels are new: a share each, half for all of them at most, and all is a law."""
    ways = [replace(each, cost=costs[n]) for n, name in enumerate(["app_push", *names]) for each in of(name)]
    settings = SelectorSettings(floor=floor, new_channel_share=least, do_not_send=free)
    decision = decided(ways, settings)
    law = np.array([*decision.probabilities, decision.no_send_probability])
    assert law.sum() == pytest.approx(1.0, abs=1e-9)
    assert law[:-1].min() >= floor / (len(ways) + free) - 1e-12
    own = min(least, 0.5 / len(names))
    if floor < 1.0:
        assert all(share(decision, name) >= own - 1e-9 for name in names)
