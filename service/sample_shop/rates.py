"""How the shop's people behave, each figure with its source; a figure without one says so.

Sources are vendors' own publications, not incremental, good for orders of magnitude alone (CALIBRATION.md).
"""

import math
from dataclasses import dataclass

ABANDONED = 0.756
"""Share of carts left behind: SaleCycle 2018, APAC."""

WOULD_BUY_ANYWAY = (0.573 / 1.253 + 0.573 / 0.884) / 2
"""Share of buyers who would have bought without the e-mail: Hillstrom, 64,000 customers, mean of both campaigns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRates:
    """Probabilities a send, averaged over people and hours; `opened` None: the channel does not tell."""

    opened: float | None
    clicked: float
    converted: float
    unsubscribed: float
    bounced: float


EMAIL = ChannelRates(
    opened=0.412,  # Klaviyo 2017, 9.35 M deliveries of cart e-mails
    clicked=0.095,  # the same
    converted=0.0239,  # Omnisend 2023
    unsubscribed=0.003,  # no source
    bounced=0.01,  # no source
)

ORDERS_PER_CLICK = EMAIL.converted / EMAIL.clicked
"""Taken for channels whose conversion nobody publishes: their clicks are worth what an e-mail's are."""

RATES = {
    "email": EMAIL,
    "sms": ChannelRates(
        opened=None,
        clicked=0.10,  # Klaviyo, SMS flows
        converted=0.005,  # secondary 2025, SMS flows
        unsubscribed=0.031,  # Klaviyo, 2.7–3.5 %
        bounced=0.01,  # no source
    ),
    "app_push": ChannelRates(
        opened=0.144,  # Batch 2025, contextual pushes
        clicked=0.144,  # a push is opened by a tap
        converted=0.144 * ORDERS_PER_CLICK,
        unsubscribed=0.005,  # no source
        bounced=0.01,  # no source
    ),
    "web_push": ChannelRates(
        opened=0.0419,  # Batch 2025, generic pushes; nothing better for browsers
        clicked=0.0419,
        converted=0.0419 * ORDERS_PER_CLICK,
        unsubscribed=0.005,  # no source
        bounced=0.02,  # no source
    ),
    "messenger": ChannelRates(
        opened=0.823,  # Humuson, Kakao Alimtalk
        clicked=0.115,  # the same
        converted=0.115 * ORDERS_PER_CLICK,
        unsubscribed=0.005,  # no source
        bounced=0.005,  # no source
    ),
}

PUSH_OPT_IN = {"android": 0.67, "ios": 0.56, "web": 0.10}
"""Share of devices that take pushes: Batch 2025 for apps; MarketingProfs 2019, 5–15 %, for browsers."""

CONSENT = {"messenger": 0.45, "email": 0.60, "sms": 0.40}
"""Share of members who agree: Datarize for Kakao Friendtalk; e-mail and SMS have no source."""

ORGANIC_RETURN = WOULD_BUY_ANYWAY * EMAIL.converted
"""Probability that an abandoned cart is bought within a week though nothing was sent."""

DECAY = math.log(3.41 / 1.74) / math.log(24)
"""A reminder's worth falls as its delay in hours to the power of −DECAY: SaleCycle 2017, 3.41 % at 1–2 h and 1.74 %
after 24 h."""

WITHIN_AN_HOUR, WITHIN_A_DAY, LONGEST_DAYS = 0.35, 0.50, 30.0
"""Delay of conversions after a click: Chapelle 2014 (display advertisements). The tail is taken as even in log time."""

MEMBERS = 0.85
REFUNDED = 0.03
EMPTIED = 0.04
"""Shares of people with an account, of orders given back, of carts emptied again: no source."""

VISITS_A_WEEK, CART_A_VISIT = 1.6, 0.35
WEB_LOGIN = 0.35
"""How often people come, fill a cart, and log in on a website: no source."""

# What a learner is to find: multiples of a channel's click rate, of mean about 1 over people and hours. No source.
DAYPART_MATCH, DAYPART_MISS = 1.9, 0.58
KIND_MATCH, KIND_MISS = 1.3, 0.7
KEENNESS_SHAPE = 4.0
"""People differ in how readily they click: a Gamma of this shape and mean 1."""


def delay_hours(u: float) -> float:
    """Give the delay from click to order at quantile `u` of those within a week, in hours."""
    tail = 1 - WITHIN_A_DAY
    share = WITHIN_A_DAY + tail * math.log(7) / math.log(LONGEST_DAYS)
    v = u * share
    if v < WITHIN_AN_HOUR:
        return v / WITHIN_AN_HOUR
    if v < WITHIN_A_DAY:
        return 1 + 23 * (v - WITHIN_AN_HOUR) / (WITHIN_A_DAY - WITHIN_AN_HOUR)
    return 24 * math.exp((v - WITHIN_A_DAY) / tail * math.log(LONGEST_DAYS))
