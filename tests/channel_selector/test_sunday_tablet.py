"""The cart was filled on the tablet on Sunday; whenever it is asked, the message goes to the phone, in the evening."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from channel_selector import Context, SelectorSettings
from channel_selector.batches import Request
from channel_selector.choosing import Chooser
from channel_selector.decisions import Send
from channel_selector.eligibility.endpoints import Consent, ConsentState, Endpoint
from channel_selector.eligibility.options import EligibilityRules, MessageWindow, Recipient, eligible
from channel_selector.eligibility.slots import KOREAN_NIGHT
from channel_selector.model.learning import Reported, customer_effects, fit_population
from tests.channel_selector.strategies import outcome

SEOUL = ZoneInfo("Asia/Seoul")
SUNDAY = datetime(2026, 11, 15, 20, 41, tzinfo=SEOUL)
TABLET = Endpoint(endpoint_id="tablet", channel="app_push", address="t1", device_kind="tablet")
PHONE = Endpoint(endpoint_id="phone", channel="app_push", address="t2", device_kind="phone")
MAIL = Endpoint(endpoint_id="mail", channel="email", address="w@example.com")
CONSENT = Consent(channel="email", purpose="marketing", state=ConsentState.GRANTED, at=SUNDAY)
RULES = EligibilityRules(quiet=KOREAN_NIGHT)
SETTINGS = SelectorSettings()


def history() -> tuple[list[Send], list[Reported]]:
    """Make a customer who taps on the tablet at noon and reads e-mail, but buys on the phone in the evening."""
    sends: list[Send] = []
    told: list[Reported] = []
    plan = [(TABLET, 13, 12, ("opened",)), (MAIL, 9, 10, ("clicked",)), (PHONE, 19, 14, ("opened", "converted"))]
    for endpoint, hour, times, kinds in plan:
        for number in range(times):
            at = SUNDAY.replace(hour=hour) - timedelta(days=60 - number)
            name = f"{endpoint.endpoint_id}-{number}"
            sends.append(_send(name, endpoint, at))
            told.extend((name, outcome(kind, 0.5, since=at)) for kind in kinds if number % 3)
    return sends, told


def _send(name: str, endpoint: Endpoint, at: datetime) -> Send:
    return Send(
        decision_id=name,
        subject="wonjun",
        segment=None,
        channel=endpoint.channel,
        device_kind=endpoint.device_kind,
        local_hour=at.hour,
        endpoint_id=endpoint.endpoint_id,
        send_at=at,
    )


def test_at_every_hour_of_a_week_it_is_the_phone_in_the_evening() -> None:
    """Asked at any of 168 hours, with two days to the deadline: app push, phone, 18:00–21:00, with the reason why."""
    sends, told = history()
    population = fit_population(sends, told, settings=SETTINGS, now=SUNDAY)
    chooser = Chooser(population, SETTINGS, 1)
    person = Recipient(endpoints=(TABLET, PHONE, MAIL), consents=(CONSENT,), timezone=SEOUL)
    for hour in range(168):
        now = SUNDAY + timedelta(hours=hour)
        effects = customer_effects(sends, told, population=population, settings=SETTINGS, now=now)
        ways = eligible(person, MessageWindow(not_before=now, deadline=now + timedelta(days=2)), RULES).options
        asked = Request(decision_id=str(hour), context=Context(subject="wonjun"), options=ways, effects=effects)
        decision = chooser.decide([asked], now=now, explore=False)[0]
        assert decision.option is not None
        local = decision.option.send_at.astimezone(SEOUL)
        assert (decision.option.endpoint_id, 18 <= local.hour < 21) == ("phone", True)
        assert local - now.astimezone(SEOUL) < timedelta(days=1)
        assert (
            decision.reason == "Buys most often after app pushes on the phone, usually 18:00–21:00 (9 of 9 purchases)."
        )
