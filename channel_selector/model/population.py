"""The population is a pure fold of the whole log at one instant: equal logs and instants give equal bits."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from channel_selector.errors import CorruptFileError
from channel_selector.model.delays import Delays
from channel_selector.model.fatigue import Fatigue
from channel_selector.model.organic import Organic
from channel_selector.model.reactions import Reactions
from channel_selector.model.tallies import Cells, cells_from_json, cells_to_json
from channel_selector.validation import MICROSECOND, from_microseconds, to_microseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """What all customers together have taught: how they react; tallies by segment and arm; delays by channel.

    `engaged_delays`: from message to reaction; `converted_delays`: from reaction to purchase.
    `tracked`: the channels that tell of clicks; in the others a purchase is all that is ever told.
    `organic`: who buys without a message; `fatigue`: whom messages drive away.
    `position`: how far the log had been read, in the log's own numbers (0: nothing). `at`: the instant the ages of open
    windows were taken at, None before the first learning. `version`: digest of the content, equal for equal ones only.
    """

    position: int
    at: datetime | None
    tallies: Cells
    engaged_delays: Delays
    converted_delays: Delays
    tracked: frozenset[str] = frozenset()
    reactions: Reactions = field(default_factory=Reactions)
    organic: Organic = field(default_factory=Organic)
    fatigue: Fatigue = field(default_factory=Fatigue)
    version: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        object.__setattr__(self, "version", blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest())

    @classmethod
    def empty(cls, window: timedelta) -> "Population":
        """Give the population before anything was learned; `window` is the attribution window."""
        delays = Delays(window, {})
        return cls(position=0, at=None, tallies={}, engaged_delays=delays, converted_delays=delays)

    def to_json(self) -> dict[str, Any]:
        """Give the snapshot as JSON holds it: one row a cell, in order; what nothing is known of is left out."""
        told = {"organic": self.organic.to_json(), "fatigue": self.fatigue.to_json()}
        known = {"organic": self.organic != Organic(), "fatigue": bool(self.fatigue.cells)}
        return {
            **{name: each for name, each in told.items() if known[name]},
            "position": self.position,
            "at": None if self.at is None else to_microseconds(self.at),
            "window": self.engaged_delays.window // MICROSECOND,
            "tracked": sorted(self.tracked),
            "tallies": cells_to_json(self.tallies),
            "engaged_delays": self.engaged_delays.to_json(),
            "converted_delays": self.converted_delays.to_json(),
            "reactions": self.reactions.to_json(),
        }

    def sealed(self) -> dict[str, Any]:
        """Give the snapshot as JSON with its own digest, by which `recalled` knows that it is whole."""
        return {**self.to_json(), "version": self.version}

    @classmethod
    def recalled(cls, data: Mapping[str, Any]) -> "Population | None":
        """Give the snapshot kept; None for one that an older model learned. CorruptFileError where it is damaged."""
        try:
            if "tallies" in data and "reactions" not in data:
                return None
            kept = cls.from_json(data)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise CorruptFileError("the model cannot be read; it is learned again from the log") from error
        if data.get("version", kept.version) != kept.version:
            raise CorruptFileError("the model is not what it was when it was kept; it is learned again from the log")
        return kept

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Population":
        """Give the snapshot `to_json` wrote."""
        window = timedelta(microseconds=data["window"])
        return cls(
            position=data["position"],
            at=None if data["at"] is None else from_microseconds(data["at"]),
            tracked=frozenset(data["tracked"]),
            tallies=cells_from_json(data["tallies"]),
            engaged_delays=Delays.from_json(data["engaged_delays"], window),
            converted_delays=Delays.from_json(data["converted_delays"], window),
            reactions=Reactions.from_json(data["reactions"]),
            organic=Organic.from_json(data["organic"]) if "organic" in data else Organic(),
            fatigue=Fatigue.from_json(data.get("fatigue", ())),
        )
