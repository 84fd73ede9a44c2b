"""Why an observation belongs to whom it does: for every one, and never other than the attribution says."""

from dataclasses import replace

import pytest
from hypothesis import given

from identity.component import Component
from identity.incremental import Incremental
from identity.ownership import Ground
from identity.ports import MemoryShelf
from identity.rules import AfterLogout, DeviceOwner, LinkingRules
from tests.identity.sketch import seen
from tests.strategies import World, examples, worlds


def components(world: World) -> list[Component]:
    """Resolve a world without its judgements."""
    shelf = MemoryShelf()
    Incremental(world.rules, shelf).add_many({o.key: o for o in world.observations}.values())
    return shelf.components()


@examples(80)
@given(worlds())
def test_the_reason_leads_to_the_owner(world: World) -> None:
    """Under all policies; a claim that decided is of the owner's, or of the one after whom it is nobody's."""
    for component in components(world):
        owners = component.owners()
        attribution = owners.attribution()
        grounds = owners.grounds(attribution.keys())
        assert {key: each.owner for key, each in grounds.items()} == attribution
        for key, each in grounds.items():
            if each.by is not None and each.ground is not Ground.LOGGED_OUT:
                assert attribution[each.by.key] == each.owner
            before = each.ground in (Ground.CLAIMED_BEFORE, Ground.CONTACT_NAMED_BEFORE)
            later = each.ground in (Ground.CLAIMED_LATER, Ground.CONTACT_NAMED_LATER)
            assert each.by is not None or not (before or later)
            assert each.by is None or not before or each.by.key < key
            assert each.by is None or not later or each.by.key > key


@pytest.mark.parametrize(
    ("policy", "grounds"),
    [
        (DeviceOwner.INTERVAL, ["claimed_later", "person_named", "claimed_before", "person_named", "claimed_before"]),
        (DeviceOwner.NEWEST_LOGIN, ["newest_login", "person_named", "newest_login", "person_named", "newest_login"]),
        (DeviceOwner.FIRST_LOGIN, ["first_login", "person_named", "first_login", "person_named", "first_login"]),
        (
            DeviceOwner.NOBODY,
            ["several_claimants", "person_named", "several_claimants", "person_named", "several_claimants"],
        ),
    ],
)
def test_each_policy_has_its_reasons(policy: DeviceOwner, grounds: list[str]) -> None:
    """A tablet used before a login, between two, and after."""
    world = World(
        rules=replace(LinkingRules(), device_owner=policy),
        observations=(
            seen("1", 9, "device_id:tab"),
            seen("2", 10, "device_id:tab", "user_id:ada"),
            seen("3", 11, "device_id:tab"),
            seen("4", 12, "device_id:tab", "user_id:bea"),
            seen("5", 13, "device_id:tab"),
        ),
        judgements=(),
    )
    (component,) = components(world)
    told = component.owners().grounds({o.key for o in world.observations})
    assert [str(each.ground) for each in told.values()] == grounds


def test_other_reasons() -> None:
    """After a logout, by a contact, alone, and of nobody."""
    rules = replace(LinkingRules(), after_logout=AfterLogout.ANONYMOUS)
    world = World(
        rules=rules,
        observations=(
            seen("1", 9, "email:a@example.com"),
            seen("2", 10, "device_id:tab", "user_id:ada", "email:a@example.com"),
            seen("3", 11, "email:a@example.com"),
            seen("4", 12, "device_id:tab"),
            seen("5", 13, "device_id:alone"),
        ),
        judgements=(),
    )
    told = {
        key.id: str(each.ground)
        for component in components(world)
        for key, each in component.owners().grounds({o.key for o in world.observations}).items()
    }
    assert told == {
        "1": "contact_named_later",
        "2": "person_named",
        "3": "contact_named_before",
        "4": "logged_out",
        "5": "own_profile",
    }
