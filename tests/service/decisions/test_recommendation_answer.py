"""What an answer tells beside the choice: the best way of each other endpoint, the likeliest first."""

from dataclasses import replace
from datetime import timedelta
from itertools import groupby
from random import Random

import pytest

from channel_selector import Context, DeliveryOption, Selector
from service.decisions.recommendation_answer import ALTERNATIVES, recommendation
from service.decisions.rulings import Ruling
from tests.service.harness import NOON

ENDPOINTS = ["mail", "phone", "tablet", "laptop", "watch", "post", "chat"]


@pytest.mark.parametrize("seed", range(20))
def test_alternatives_are_the_best_of_every_other_endpoint(seed: int) -> None:
    """Of equally likely ones the earliest counts, of equally early ones the first; never the endpoint chosen."""
    random = Random(seed)
    options = [
        DeliveryOption(
            option_id=str(number),
            channel=f"to-{endpoint}",
            device_kind="",
            endpoint_id=endpoint,
            send_at=NOON + timedelta(hours=random.randrange(3)),
            local_hour=12,
            weekday=0,
        )
        for number, endpoint in enumerate(random.choices(ENDPOINTS[: 2 + seed % 6], k=25))
    ]
    decision = replace(
        Selector(seed=seed).choose(Context(subject="ada"), options, now=NOON),
        conversion_probabilities=tuple(random.choice([0.01, 0.02, 0.03]) for _ in options),
    )
    told = recommendation(
        Ruling(
            decision=decision,
            message_id="m1",
            held=None,
            fallback=False,
            excluded=(),
            endpoint=None,
            expires_at=NOON + timedelta(days=1),
            timezone="UTC",
            standing=None,
        ),
        NOON,
    )
    assert decision.option is not None
    ways = sorted(
        zip(options, decision.conversion_probabilities, decision.probabilities, strict=True),
        key=lambda way: (way[0].endpoint_id, -way[1], way[0].send_at, int(way[0].option_id)),
    )
    best = [next(of) for endpoint, of in groupby(ways, lambda way: way[0].endpoint_id)]
    others = [way for way in best if way[0].endpoint_id != decision.option.endpoint_id]
    others.sort(key=lambda way: (-way[1], way[0].send_at, int(way[0].option_id)))
    assert [(each["channel"], each["conversion_probability"], each["propensity"]) for each in told["alternatives"]] == [
        (option.channel, conversion, propensity) for option, conversion, propensity in others[:ALTERNATIVES]
    ]
