"""A reason says nothing that its counts do not."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector.eligibility.arms import Arm
from channel_selector.model.tallies import NO_EFFECTS, NO_TALLY, Tally
from channel_selector.reasons import LEADS, Evidence, ReasonCode, sentence
from tests.channel_selector.strategies import arms, known, tallies

PHONE_EVENING = Arm("app_push", "phone", 6)
EVERYBODY = "app pushes on the phone sent at 18:00–21:00"
UNKNOWN = Evidence(NO_TALLY, NO_TALLY)
UNTRIED = "Not tried yet with this customer; nothing is known of others' "
SILENT = "No reaction yet to 5 of these; nothing is known of others' "
BEST = ReasonCode.BEST_EXPECTED_VALUE


def test_the_buyers_best_hour() -> None:
    """Nine of fourteen purchases after pushes in the evening: said so."""
    effects = known(
        {
            PHONE_EVENING: Tally(20, 12, 9, 20.0, 12.0, 9),
            Arm("app_push", "phone", 4): Tally(9, 4, 2, 9.0, 4.0, 2),
            Arm("email", "", 3): Tally(12, 5, 1, 12.0, 5.0, 3),
        }
    )
    told = sentence(BEST, PHONE_EVENING, effects, UNKNOWN)
    assert told == "Buys most often after app pushes on the phone, usually 18:00–21:00 (9 of 14 purchases)."


def test_purchases_without_a_click_count_as_purchases() -> None:
    """The model leaves them out; the sentence says what the log says, and "most often" only of all purchases."""
    clicked = {PHONE_EVENING: Tally(20, 4, 3, 20.0, 4.0, 5), Arm("email", "", 3): Tally(12, 0, 0, 12.0, 0.0, 6)}
    told = sentence(BEST, PHONE_EVENING, known(clicked), UNKNOWN)
    assert told == "Bought after 5 of 20 app pushes on the phone, 18:00–21:00."


@pytest.mark.parametrize(
    ("own", "everybody", "told"),
    [
        (Tally(5, 2, 0), UNKNOWN, "Opened 2 of 5 app pushes on the phone, 18:00–21:00."),
        (
            Tally(5, 0, 0),
            Evidence(Tally(900, 80, 10, 900.0, 80.0, 30), Tally(2000, 90, 20, 2000.0, 90.0, 70)),
            f"No reaction yet to 5 of these; 30 of 900 {EVERYBODY} were followed by a purchase.",
        ),
        (
            None,
            Evidence(NO_TALLY, Tally(2000, 90, 20, 2000.0, 90.0, 70)),
            f"{UNTRIED}{EVERYBODY}, but 70 of 2000 app pushes of all kinds were followed by a purchase.",
        ),
        (
            None,
            UNKNOWN,
            f"{UNTRIED}app pushes, so the starting assumption decides.",
        ),
        (
            Tally(5, 0, 0),
            UNKNOWN,
            f"{SILENT}app pushes, so the starting assumption decides.",
        ),
    ],
)
def test_less_evidence_says_less(own: Tally | None, everybody: Evidence, told: str) -> None:
    """Opened, silent, never tried: each is told as it is."""
    effects = NO_EFFECTS if own is None else known({PHONE_EVENING: own})
    assert sentence(BEST, PHONE_EVENING, effects, everybody) == told
    assert sentence(ReasonCode.EXPLORING, PHONE_EVENING, effects, everybody) == f"Tried to learn more. {told}"


@given(
    st.sampled_from(sorted(LEADS)),
    arms.map(lambda arm: Arm(*arm)),
    st.dictionaries(arms.map(lambda arm: Arm(*arm)), tallies(), max_size=6),
    st.builds(Evidence, tallies(), tallies()),
)
def test_every_number_is_a_count(code: ReasonCode, arm: Arm, own: dict[Arm, Tally], everybody: Evidence) -> None:
    """Each "n of m" is one of the counts, and "most often" is said only of what is."""
    effects = known(own)
    told = sentence(code, arm, effects, everybody)
    counts = own.get(arm, NO_TALLY)
    allowed = {
        (counts.bought, effects.purchases),
        (counts.bought, counts.sends),
        (counts.engaged, counts.sends),
        (everybody.arm.bought, everybody.arm.sends),
        (everybody.channel.bought, everybody.channel.sends),
    }
    assert {(int(n), int(m)) for n, m in re.findall(r"(\d+) of (\d+)", told)} <= allowed
    if "most often" in told:
        assert counts.bought == max(tally.bought for other, tally in own.items() if other.medium == arm.medium)
        media = [tally.bought for medium, tally in effects.media.items() if medium != arm.medium]
        assert effects.media[arm.medium].bought > max(media, default=-1)
    assert told.endswith(".")


@pytest.mark.parametrize("code", [code for code in ReasonCode if code not in LEADS])
def test_what_is_not_the_models_choice_is_said_plainly(code: ReasonCode) -> None:
    """Holdout, no options, not sending, business as usual have their own sentence."""
    assert sentence(code, None, NO_EFFECTS, UNKNOWN).endswith(".")
