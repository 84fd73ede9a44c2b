"""What waits outside of memory changes nothing: the same numbers, the same rows in the same order, to the last bit."""

from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.frames.answer import Answer
from identity.frames.aside import Bounds
from identity.frames.demand import STATE
from identity.frames.faults import FrameError
from identity.frames.intake import Intake
from identity.frames.interning import ALL_BITS
from identity.frames.links import links
from identity.frames.resolving import resolved
from identity.rules import LinkingRules
from tests.identity.compare import KEY
from tests.identity.crowd import crowded_world
from tests.identity.frames.tables import realistic, table
from tests.strategies import World, examples, worlds

LARGE = 2**40


class Shelf:
    """A `Space` in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def add(self, name: str, array: npt.NDArray[Any]) -> None:
        """Put an array aside."""
        self.kept[name] = self.kept.get(name, b"") + array.tobytes()

    def read(self, name: str, kind: npt.DTypeLike, begin: int = 0, count: int = -1) -> npt.NDArray[Any]:
        """Give a part of it."""
        whole = np.frombuffer(self.kept.get(name, b""), kind)
        return whole[begin : len(whole) if count < 0 else begin + count].copy()

    def map(self, name: str, kind: npt.DTypeLike) -> npt.NDArray[Any]:
        """Give all of it."""
        return self.read(name, kind)

    def drop(self, name: str) -> None:
        """Forget it."""
        self.kept.pop(name, None)


def answer(frames: list[pl.DataFrame], world: World, room: int | None, bits: int = ALL_BITS) -> Answer:
    """Resolve tables, some at a time; None: all in memory."""
    bounds = None if room is None else Bounds(space=Shelf(), room=room, most=LARGE)
    intake = Intake(world.rules, bits=bits, bounds=bounds)
    for frame in frames:
        for begin in range(0, max(len(frame), 1), 7):
            intake.add(frame.slice(begin, 7))
    return resolved(intake, world.judgements, key=KEY)


def pairs(frame: pl.DataFrame, random: Random) -> pl.DataFrame:
    """Make links of rows, some of junk and some not yet normal."""
    names = [f"{row['namespace']}:{row['value']}" for row in frame.iter_rows(named=True)]
    names += [name.upper() if name.startswith("email") else f" {name} " for name in names] + ["null", "device_id:0"]
    left, right = ([random.choice(names) for _ in range(40)] for _ in range(2))
    return pl.DataFrame({"left": left, "right": right})


def same(world: World, seed: int, room: int, bits: int) -> None:
    """Compare what is put aside with what is not."""
    real, random = realistic(world), Random(seed)
    rows = table(real, random)
    frames = [rows, pairs(rows, random)] if len(rows) else [rows]
    one, other = (answer(frames, real, held, bits) for held in (None, room))
    assert one.profiles().equals(other.profiles())
    assert one.refused_links().equals(other.refused_links())
    assert pl.concat(links(one)).equals(pl.concat(links(other)))
    assert one.hubs() == other.hubs()
    assert (one.sizes(), one.contested, one.observations) == (other.sizes(), other.contested, other.observations)
    assert (one.input.rejected, one.input.rows) == (other.input.rejected, other.input.rows)


@examples(60)
@given(worlds(), st.integers(0, 9), st.sampled_from([0, 9_000, 20_000]), st.sampled_from([ALL_BITS, 0, 1 << 63]))
def test_nothing_is_another(world: World, seed: int, room: int, bits: int) -> None:
    """With room for nothing, for little, for some; whatever the hashes."""
    same(world, seed, room, bits)


@pytest.mark.parametrize("seed", range(0, 60, 2))
def test_crowds_are_the_same(seed: int) -> None:
    """With hubs and refusals."""
    same(crowded_world(seed), seed, 0, ALL_BITS)


@pytest.mark.long
@examples(5_000)
@given(worlds(), st.integers(0, 999), st.integers(0, 30_000), st.sampled_from([ALL_BITS, 0, 1 << 63, 3 << 62]))
def test_nothing_is_ever_another(world: World, seed: int, room: int, bits: int) -> None:
    """The same at length."""
    same(world, seed, room, bits)


def test_names_that_are_called_otherwise_are_the_same() -> None:
    """A namespace by its other names, with values that are not normal yet, put aside before the usual name is seen."""
    frames = [
        pl.DataFrame({"left": [" userId:Ada", "userId: Ada"], "right": ["device_id:x", "email: ADA@example.org"]}),
        pl.DataFrame({"left": ["user_id:Ada", "email:ada@example.org"], "right": ["device_id:y", "anonymousId:z"]}),
    ]
    told = []
    for room in (None, 0):
        bounds = None if room is None else Bounds(space=Shelf(), room=room, most=LARGE)
        intake = Intake(LinkingRules(), bounds=bounds)
        for frame in frames:
            intake.add(frame)
        told.append(resolved(intake, key=KEY).profiles())
    assert told[0].equals(told[1])
    assert set(told[0]["namespace"]) == {"user_id", "device_id", "email", "anonymous_id"}
    assert told[0]["profile_id"].n_unique() == 1


def test_more_identifiers_than_may_be_held_are_refused() -> None:
    """Saying how much they need."""
    intake = Intake(LinkingRules(), bounds=Bounds(space=Shelf(), room=0, most=2 * STATE))
    intake.add(pl.DataFrame({"left": ["user_id:a", "user_id:b"], "right": ["device_id:x", "device_id:y"]}))
    with pytest.raises(FrameError, match=r"4 identifiers need some 1 MiB at hand.*engine spark"):
        resolved(intake)


def test_what_was_numbered_is_dropped() -> None:
    """The disk holds each text once at the end, and each row."""
    shelf = Shelf()
    intake = Intake(LinkingRules(), bounds=Bounds(space=shelf, room=0, most=LARGE))
    for number in range(5):
        intake.add(pl.DataFrame({"left": [f"user_id:{number}"], "right": ["device_id:x"]}))
    resolved(intake)
    assert not [name for name in shelf.kept if name.endswith(("order", "lengths", "names", "data", "found"))]
