"""What the simulated shop is calibrated on: every constant beside its source; orders of magnitude count.

Published figures are vendors' own, attributed and not incremental (CALIBRATION). How far people differ is nobody's
published figure: those constants are assumptions, and said to be.
"""

from typing import NamedTuple

from channel_selector.eligibility.endpoints import APP_PUSH, EMAIL, MESSENGER, SMS, WEB_PUSH


class ChannelFigures(NamedTuple):
    """A channel: shares of people reached, messages clicked, clicks that buy, people who leave; the cost of a send."""

    channel: str
    device_kind: str
    reach: float
    click: float
    buys_after_click: float
    unsubscribes: float
    cost: float


PLACES = (
    # opt-in 67 % Android, 56 % iOS; opened 4.19 % generic to 14.4 % contextual (Batch 2025)
    ChannelFigures(APP_PUSH, "phone", 0.60, 0.090, 0.15, 0.001, 0.0),
    # the same app on a second device; that one customer in five has one is an assumption
    ChannelFigures(APP_PUSH, "tablet", 0.20, 0.060, 0.15, 0.001, 0.0),
    # opt-in 5–15 % (MarketingProfs 2019), doubled for shoppers who come by desktop; click: an assumption
    ChannelFigures(WEB_PUSH, "desktop", 0.25, 0.040, 0.15, 0.001, 0.0),
    # click 5.7 % (Omnisend 2023), 5.31 % (Klaviyo 2024); order 1.71 % of sends (Klaviyo 2024): 0.32 of clicks
    ChannelFigures(EMAIL, "", 0.90, 0.055, 0.32, 0.003, 5.0),
    # click some 10 %, bought 0.5 % of sends, unsubscribed 2.7–3.5 % (Klaviyo); 10–30 KRW (Datarize)
    ChannelFigures(SMS, "", 0.60, 0.100, 0.05, 0.030, 20.0),
    # Alimtalk clicked 11.5 % (Humuson); Friendtalk reaches 45 %, 18–30 KRW (Datarize)
    # 12–20 % of clicks buy (Barilliance)
    ChannelFigures(MESSENGER, "", 0.45, 0.115, 0.12, 0.005, 24.0),
)
SEGMENTS = ("guest", "member", "regular")
SEGMENT_SHARES = (0.3, 0.5, 0.2)
ORGANIC = 0.00573
"""Share that buys without any message (Hillstrom, 64,000 customers)."""
FLAT_BUYS = 0.15
"""In a flat shop every click buys as often, so that both rank alike: 12–20 % of clicks (Barilliance)."""

# How people differ, in standard deviations of log-odds: assumptions.
PLACE_BY_SEGMENT, PLACE_BY_HOUR, HOUR = 0.3, 0.25, 0.3
PERSON, CHANNEL_TASTE, ENDPOINT_TASTE, DEVICE_TASTE, HOUR_TASTE = 0.4, 0.7, 0.3, 0.4, 0.4
BUYS_BY_SEGMENT = 0.3
ACTIVITY_PULL = 0.8
"""How far the log-odds of a click follow the log-share of the customer's own activity at that hour."""
ACTIVITY_EVENTS = 40.0
"""Events of a customer seen in all, on average; their number is geometric, so that many are hardly known."""

HABITS = (
    # Four days of people, as weights of the eight parts of the day (0–3, 3–6, …): commuters, lunch, evening, night.
    (1.0, 0.5, 6.0, 4.0, 3.0, 3.0, 8.0, 4.0),
    (1.0, 0.5, 2.0, 5.0, 9.0, 4.0, 4.0, 3.0),
    (1.0, 0.5, 1.0, 2.0, 3.0, 4.0, 9.0, 8.0),
    (7.0, 2.0, 1.0, 2.0, 3.0, 3.0, 5.0, 9.0),
)
HABIT_SHARES = (0.3, 0.2, 0.35, 0.15)
HABIT_STRENGTH = 12.0
"""A person's own hours are Dirichlet around their habit's, worth this much."""
