"""The shop is the same for the same seed, agrees with the figures it is calibrated on, and deals luck evenly."""

from datetime import timedelta

import numpy as np
import pytest

from channel_selector.eligibility.arms import DAYPARTS
from channel_selector.simulate.figures import FLAT_BUYS, PLACES
from channel_selector.simulate.shop import Shop, ShopSettings

SETTINGS = ShopSettings(customers=300, seed=7)


def test_equal_seeds_make_equal_shops() -> None:
    """To the last bit, luck and delays included; another seed is another shop."""
    one, again, other = Shop(SETTINGS), Shop(SETTINGS), Shop(ShopSettings(customers=300, seed=8))
    assert np.array_equal(one.click(3), again.click(3))
    assert np.array_equal(one.luck(2), again.luck(2))
    assert np.array_equal(one.activity, again.activity)
    assert not np.array_equal(one.click(3), other.click(3))


@pytest.mark.parametrize("place", range(len(PLACES)))
def test_clicks_lie_at_the_published_rates(place: int) -> None:
    """The mean over people and hours is the figure, within two per cent of it."""
    shop = Shop(SETTINGS)
    assert shop.click(0)[:, shop.place == place].mean() == pytest.approx(PLACES[place].click, rel=0.02)


def test_everybody_can_be_reached() -> None:
    """By all parts of the day of each endpoint; before a new channel opens, by another."""
    shop = Shop(ShopSettings(customers=300, new_channel=2, seed=7))
    for turn in (0, 2):
        assert shop.reached(turn).any(axis=1).all()
        assert (shop.reached(turn).sum(axis=1) % DAYPARTS == 0).all()
    messenger = [place.channel for place in PLACES].index("messenger") * DAYPARTS
    assert not shop.reached(0)[:, messenger].any()
    assert shop.reached(2)[:, messenger].any()


def test_endpoints_sleep_and_wake() -> None:
    """A quarter of them in each round, others in each, the same whoever decides; everybody keeps a way."""
    shop, awake = (
        Shop(ShopSettings(customers=2_000, sleeping=0.25, seed=7)),
        Shop(ShopSettings(customers=2_000, seed=7)),
    )
    assert np.array_equal(shop.reached(3), shop.reached(3))
    for turn in (0, 1):
        ways = shop.endpoints.sum()
        share = shop.reached(turn)[:, ::DAYPARTS].sum() / ways
        # those left without any are given e-mail, so a few per cent more than three quarters
        assert share == pytest.approx(0.75, abs=4 * np.sqrt(0.1875 / ways) + 0.05)
        assert shop.reached(turn).any(axis=1).all()
    assert not np.array_equal(shop.reached(0), shop.reached(1))
    assert np.array_equal(awake.reached(0), awake.reached(1))


def test_what_is_asked_to_be_hard_is() -> None:
    """Drift moves tastes, fatigue lowers clicks, delays have their mean, a flat shop buys everywhere alike."""
    hard = Shop(ShopSettings(customers=300, drift=0.3, fatigue=0.5, delay=timedelta(hours=72), flat=True, seed=7))
    assert np.array_equal(hard.click(0), Shop(SETTINGS).click(0))
    assert not np.allclose(hard.click(4), hard.click(0))
    assert (hard.click(0, np.ones(300)) < hard.click(0)).all()
    # 300 × 48 exponential delays: the standard error of their mean is 72 / 120 hours
    assert hard.delays(0).mean() == pytest.approx(72.0, abs=4 * 72.0 / 120.0)
    assert np.unique(hard.buys).tolist() == [FLAT_BUYS]
