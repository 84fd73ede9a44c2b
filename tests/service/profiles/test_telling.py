"""The facts of a profile that tell anything of it are a part of its component's, and nothing is lost with the rest."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.clock import FixedClock
from service.customers import customer
from service.profiles import finding
from service.profiles.profile_view import ProfileView
from service.sample_shop import generate
from service.sample_shop.shop_loading import load
from tests.service.harness import deployment

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.slow
def test_a_customer_is_the_same_by_the_facts_that_tell_of_it(tmp_path: Path) -> None:
    """For every profile of a shop whose kiosks and shared tablets make large components."""
    homing = deployment(tmp_path, FixedClock(NOW))
    shop = generate(NOW, people=60)
    load(homing, shop)
    users = sorted({str(each.raw["userId"]) for each in shop.messages if each.raw.get("userId")})
    views = homing.writer.submit(
        lambda conn: [finding.profile_of(conn, homing.people, "user_id", u) for u in users]
    ).result()
    found = [view for view in views if isinstance(view, ProfileView)]

    left_out = sum(len(view.facts) - len(view.telling()) for view in found)
    rules = homing.customer_rules
    differing = [
        view.profile.profile_id
        for view in found
        if customer(view.profile, view.telling(), rules) != customer(view.profile, view.facts, rules)
    ]
    homing.close()

    assert left_out > 0
    assert differing == []
