"""A damaged file is passed over for the last good one, and that for a selector that begins anew."""

from pathlib import Path

import pytest

from channel_selector import Context, Selector, SelectorSettings
from channel_selector.recovery import recover
from channel_selector.savefile import last_good
from tests.channel_selector.strategies import NOW, option


def saved_twice(path: Path) -> tuple[Selector, Selector]:
    """Save a selector, let it decide, save it again; give it as it was each time."""
    selector = Selector(seed=3)
    selector.save(path)
    before = Selector.load(path)
    selector.choose(Context(subject="u"), [option()], now=NOW)
    selector.save(path)
    return before, selector


def test_the_newest_whole_file_counts(tmp_path: Path) -> None:
    """The file itself; damaged, the one before it; both damaged or gone, nothing but the settings given."""
    path = tmp_path / "selector.json"
    before, now = saved_twice(path)
    assert (len(recover(path).selector.decisions()), recover(path).source) == (len(now.decisions()), path)
    path.write_bytes(path.read_bytes()[:-20])
    assert recover(path).source == last_good(path)
    assert recover(path).selector.decisions() == before.decisions()
    last_good(path).write_bytes(b"{}")
    anew = recover(path, SelectorSettings(floor=0.2), seed=8)
    assert (anew.source, anew.selector.settings.floor, anew.selector.seed) == (None, 0.2, 8)
    assert anew.selector.choose(Context(subject="u"), [option()], now=NOW).propensity == pytest.approx(1.0)
    assert recover(tmp_path / "absent.json").source is None


def test_a_damaged_file_never_becomes_the_last_good_one(tmp_path: Path) -> None:
    """Saving over it keeps the one kept before."""
    path = tmp_path / "selector.json"
    before, now = saved_twice(path)
    path.write_bytes(b"damaged")
    now.save(path)
    assert Selector.load(last_good(path)).decisions() == before.decisions()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["selector.json", "selector.json.last"]
