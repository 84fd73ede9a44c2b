"""A record made of its values in order is the one that its class makes of them by name."""

from dataclasses import fields

import pytest

from channel_selector import Context, DeliveryOption, SelectorSettings
from channel_selector.batches import Request
from channel_selector.choosing import MODEL, Chooser
from channel_selector.decisions import Decision
from channel_selector.holdout import Assignment
from channel_selector.model.delays import Delays
from channel_selector.model.population import Population
from channel_selector.model.tallies import NO_EFFECTS, Cells, Tally, total
from channel_selector.reasons import ReasonCode
from channel_selector.records import maker
from tests.channel_selector.strategies import NOW, option


@pytest.mark.parametrize("kind", [DeliveryOption, Request, Decision])
def test_values_in_order_make_the_record(kind: type[DeliveryOption | Request | Decision]) -> None:
    """As by name, and not with a value too few."""
    values = [f"value {number}" for number in range(len(fields(kind)))]
    made = maker(kind)(*values)
    assert [getattr(made, each.name) for each in fields(kind)] == values
    with pytest.raises(ValueError, match="shorter"):
        maker(kind)(*values[1:])


def test_every_field_of_a_decision_is_its_own() -> None:
    """What was asked, drawn and known stands where its name says."""
    settings = SelectorSettings(floor=0.25, do_not_send=True)
    way, other = option("a"), option("b", hour=1)
    told: Cells = {(None, way.arm): Tally(90, 9, 3, 90.0, 9.0, 3), (None, other.arm): Tally(5, 1, 0, 5.0, 1.0)}
    delays = Delays(settings.attribution_window, {})
    taught = Population(position=1, at=NOW, tallies=told, engaged_delays=delays, converted_delays=delays)
    asked = Request(decision_id="d", context=Context(subject="ada", cart_value=7.0), options=[way])
    made = Chooser(taught, settings, 5).decide([asked], now=NOW)[0]
    assert made.interval is not None
    assert made.interval[0] < made.conversion_probabilities[0] < made.interval[1]
    assert made == Decision(
        decision_id="d",
        subject="ada",
        option_id="a",
        propensity=made.probabilities[0],
        probabilities=(0.875,),
        no_send_probability=0.125,
        expected_value=7.0 * made.conversion_probabilities[0],
        assignment=Assignment.LEARNED,
        policy_version=f"learned-2:{settings.version}",
        model_version=f"{MODEL}:{taught.version}",
        seed=5,
        at=NOW,
        chosen=0,
        conversion_probability=made.conversion_probabilities[0],
        conversion_probabilities=made.conversion_probabilities,
        interval=made.interval,
        reason_code=ReasonCode.POPULATION_BEST,
        evidence=told[None, way.arm],
        effects=NO_EFFECTS,
        context=asked.context,
        options=(way,),
        channel_evidence=total(told.values()),
    )
