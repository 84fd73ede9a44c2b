"""A reason says nothing that its counts do not."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector.arms import Arm
from channel_selector.reasons import LEADS, ReasonCode, sentence
from channel_selector.tallies import NO_EFFECTS, NO_TALLY, CustomerEffects, Tally
from tests.channel_selector.strategies import arms, tallies

PHONE_EVENING = Arm("app_push", "phone", 6)
EVERYBODY = "app pushes on the phone sent at 18:00–21:00"
BEST = ReasonCode.BEST_EXPECTED_VALUE


def test_the_buyers_best_hour() -> None:
    """Nine of fourteen purchases after pushes in the evening: said so."""
    effects = CustomerEffects(
        {
            PHONE_EVENING: Tally(20, 12, 9, 20.0, 12.0),
            Arm("app_push", "phone", 4): Tally(9, 4, 2, 9.0, 4.0),
            Arm("email", "", 3): Tally(12, 5, 3, 12.0, 5.0),
        }
    )
    told = sentence(BEST, PHONE_EVENING, effects, NO_TALLY)
    assert told == "Buys most often after app pushes on the phone, usually 18:00–21:00 (9 of 14 purchases)."


@pytest.mark.parametrize(
    ("own", "everybody", "told"),
    [
        (Tally(5, 2, 0), NO_TALLY, "Opened 2 of 5 app pushes on the phone, 18:00–21:00."),
        (
            Tally(5, 0, 0),
            Tally(900, 80, 30),
            f"No reaction yet to 5 of these; 30 of 900 {EVERYBODY} were followed by a purchase.",
        ),
        (
            None,
            NO_TALLY,
            f"Not tried yet with this customer; nothing is known of {EVERYBODY}, so the starting assumption decides.",
        ),
    ],
)
def test_less_evidence_says_less(own: Tally | None, everybody: Tally, told: str) -> None:
    """Opened, silent, never tried: each is told as it is."""
    effects = NO_EFFECTS if own is None else CustomerEffects({PHONE_EVENING: own})
    assert sentence(BEST, PHONE_EVENING, effects, everybody) == told
    assert sentence(ReasonCode.EXPLORING, PHONE_EVENING, effects, everybody) == f"Tried to learn more. {told}"


@given(
    st.sampled_from(sorted(LEADS)),
    arms.map(lambda arm: Arm(*arm)),
    st.dictionaries(arms.map(lambda arm: Arm(*arm)), tallies(), max_size=6),
    tallies(),
)
def test_every_number_is_a_count(code: ReasonCode, arm: Arm, own: dict[Arm, Tally], everybody: Tally) -> None:
    """Each "n of m" is one of the counts, and "most often" is said only of what is."""
    effects = CustomerEffects(own)
    told = sentence(code, arm, effects, everybody)
    counts = own.get(arm, NO_TALLY)
    allowed = {
        (counts.converted, effects.purchases),
        (counts.converted, counts.sends),
        (counts.engaged, counts.sends),
        (everybody.converted, everybody.sends),
    }
    assert {(int(n), int(m)) for n, m in re.findall(r"(\d+) of (\d+)", told)} <= allowed
    if "most often" in told:
        assert counts.converted == max(tally.converted for tally in own.values() if tally)
    assert told.endswith(".")


@pytest.mark.parametrize("code", [code for code in ReasonCode if code not in LEADS])
def test_what_is_not_the_models_choice_is_said_plainly(code: ReasonCode) -> None:
    """Holdout, no options, not sending, business as usual have their own sentence."""
    assert sentence(code, None, NO_EFFECTS, NO_TALLY).endswith(".")
