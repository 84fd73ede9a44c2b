"""Policies play the same shop and are measured by the truth: chance closes nothing, the oracle everything."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import pytest

from channel_selector import SelectorSettings
from channel_selector.eligibility.arms import DAYPARTS
from channel_selector.simulate.figures import PLACES
from channel_selector.simulate.play import Choice, Offer, Player, Told, draw, play
from channel_selector.simulate.players import FixedPlayer, LearnedPlayer, OraclePlayer, RandomPlayer, VendorPlayer
from channel_selector.simulate.shop import Floats, Shop, ShopSettings

SMALL = ShopSettings(customers=120, rounds=4, flat=True, seed=5)


def test_chance_closes_nothing_and_the_oracle_everything() -> None:
    """In each round; the best fixed order lies between."""
    random, fixed, oracle = (play(Shop(SMALL), player) for player in (RandomPlayer(), FixedPlayer(), OraclePlayer()))
    assert random.gaps == pytest.approx([0.0] * 4, abs=1e-12)
    assert oracle.gaps == pytest.approx([1.0] * 4)
    assert 0.1 < fixed.gap < 0.9
    assert oracle.sends == 480


def test_the_oracle_knows_who_is_tired() -> None:
    """Where every message tires, it still is what the gap is measured by."""
    settings = ShopSettings(customers=120, rounds=4, fatigue=3.0, seed=5)
    assert play(Shop(settings), OraclePlayer()).gaps == pytest.approx([1.0] * 4)


def test_contexts_tell_of_the_messages_of_the_week() -> None:
    """Daily rounds: when each of the messages of the last seven days was due, of this policy's own choices."""
    offers: list[tuple[Offer, Choice]] = []
    play(Shop(ShopSettings(customers=20, rounds=12, gap=timedelta(days=1), seed=3)), _Watched(RandomPlayer(), offers))
    for turn, (offer, _) in enumerate(offers):
        for customer, context in enumerate(offer.contexts):
            sends = [
                earlier.now + timedelta(hours=float(earlier.waits[customer, choice.chosen[customer]]))
                for earlier, choice in offers[:turn]
            ]
            assert list(context.recent_sends) == [at for at in sends if at > offer.now - timedelta(days=7)]


@pytest.mark.parametrize(
    "player", [VendorPlayer(0.05), LearnedPlayer(SelectorSettings(), 5)], ids=lambda each: each.name
)
def test_every_policy_gives_laws_that_its_draws_follow(player: Player) -> None:
    """Probabilities sum to 1 over what can be reached, with the floor everywhere, and what is chosen is possible."""
    offers: list[tuple[Offer, Choice]] = []
    play(Shop(SMALL), _Watched(player, offers))
    assert len(offers) == 4
    for offer, choice in offers:
        assert choice.probabilities.sum(axis=1) == pytest.approx(np.ones(120), abs=1e-9)
        assert (choice.probabilities[~offer.reached] == 0.0).all()
        assert (choice.probabilities[offer.reached] >= 0.05 / 48).all()
        assert offer.reached[np.arange(120), choice.chosen].all()


class _Watched:
    """A player whose offers and choices are kept."""

    def __init__(self, player: Player, kept: list[tuple[Offer, Choice]]) -> None:
        self.name, self._player, self._kept = player.name, player, kept
        self.told: list[tuple[Told, datetime]] = []

    def choose(self, offer: Offer, random: Floats) -> Choice:
        """Choose."""
        self._kept.append((offer, self._player.choose(offer, random)))
        return self._kept[-1][1]

    def hear(self, told: Sequence[Told], now: datetime) -> None:
        """Hear."""
        self.told.extend((each, now) for each in told)
        self._player.hear(told, now)


def test_nothing_is_heard_before_it_has_happened() -> None:
    """Under delays of three days and daily rounds: sent, waited for, and told in the first round after it."""
    shop = Shop(ShopSettings(customers=120, rounds=12, gap=timedelta(days=1), delay=timedelta(hours=72), seed=5))
    offers: list[tuple[Offer, Choice]] = []
    watched = _Watched(RandomPlayer(), offers)
    play(shop, watched)
    assert watched.told
    for told, now in watched.told:
        offer, choice = offers[told.turn]
        happened = offer.now + timedelta(hours=offer.waits[told.customer, choice.chosen[told.customer]] + told.hours)
        assert timedelta(0) <= now - happened <= timedelta(days=1)


def test_options_lie_at_the_customers_own_hours_through_a_change_of_the_clock() -> None:
    """Each part of the local day once, also in the weeks when clocks change (8 and 29 March 2026)."""
    shop = Shop(ShopSettings(customers=20, rounds=40, gap=timedelta(days=1), seed=3))
    offers: list[tuple[Offer, Choice]] = []
    play(shop, _Watched(RandomPlayer(), offers))
    for offer, _ in offers:
        for customer, options in enumerate(offer.options):
            parts = [option.local_hour // 3 for option in options]
            assert parts == [int(k) % 8 for k in np.flatnonzero(offer.reached[customer])]
            assert all(offer.now <= option.send_at < offer.now + timedelta(days=2) for option in options)


def test_draws_follow_the_law() -> None:
    """Over 40,000 rows, within 4 standard errors."""
    law = np.tile([0.2, 0.0, 0.5, 0.3], (40_000, 1))
    seen = np.bincount(draw(law, np.random.default_rng(1).random(40_000)), minlength=4) / 40_000
    assert seen == pytest.approx(law[0], abs=4 * np.sqrt(0.25 / 40_000))
    assert seen[1] == 0.0


def test_the_vendors_rule_counts_the_last_six_months() -> None:
    """Rounds 60 days apart: messages of the last four, and every click of these, however late; no older ones."""
    offers: list[tuple[Offer, Choice]] = []
    rule = VendorPlayer(0.05)
    watched = _Watched(rule, offers)
    settings = ShopSettings(customers=400, rounds=10, gap=timedelta(days=60), delay=timedelta(days=60), seed=5)
    play(Shop(settings), watched)
    sent = np.zeros((400, len(PLACES)))
    for _, choice in offers[-4:]:
        sent[np.arange(400), choice.chosen // DAYPARTS] += 1
    reacted, late = np.zeros_like(sent), 0
    for told, now in watched.told:
        if told.turn >= 6 and told.kind == "clicked":
            reacted[told.customer, offers[told.turn][1].chosen[told.customer] // DAYPARTS] += 1
            late += now - offers[told.turn][0].now > timedelta(days=60)
    assert late > 0
    assert (rule._sent == sent).all()
    assert (rule._reacted == reacted).all()


def test_the_learned_policy_learns() -> None:
    """400 customers, six messages each: a quarter of the way and more, and further at the end than at first.

    Shop and draws are fixed. 0.44 was measured on 600 customers of this shop, 0.34 on two others of 180.
    """
    score = play(Shop(ShopSettings(customers=400, rounds=6, flat=True, seed=101)), LearnedPlayer(SelectorSettings(), 1))
    assert score.gap > 0.28
    assert score.gaps[-1] > score.gaps[0] + 0.1


def test_waiting_costs_little_of_what_is_learned() -> None:
    """Under a mean delay of three days, ten daily rounds: four fifths of what is closed without one, at least.

    One shop of 250, fixed draws; over six shops of 500 and 16 rounds nine tenths were measured (DECISIONS). Purchases
    awaited from the sending on, not from the click, closed 0.79 of it in one of those shops.
    """
    gaps = [
        play(
            Shop(ShopSettings(customers=250, rounds=10, gap=timedelta(days=1), flat=True, delay=delay, seed=15)),
            LearnedPlayer(SelectorSettings(), 15),
        ).gap
        for delay in (timedelta(0), timedelta(hours=72))
    ]
    assert gaps[0] > 0.3
    assert gaps[1] > 0.75 * gaps[0]


@pytest.mark.long
@pytest.mark.parametrize("seed", range(11, 17))
def test_the_learned_policy_overtakes_the_vendors_rule(seed: int) -> None:
    """3,000 customers, 16 messages: five points more of the gap than the rule of thumb, which begins ahead."""
    settings = ShopSettings(customers=3_000, rounds=16, flat=True, seed=seed)
    ours, theirs = (
        play(Shop(settings), player) for player in (LearnedPlayer(SelectorSettings(), seed), VendorPlayer(0.05))
    )
    assert ours.gap > theirs.gap + 0.05
