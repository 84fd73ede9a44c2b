"""A setting's value is the last one given: default, then `homing.toml`, then the environment, then flags.

Each value remembers where it came from. A name that is no setting is refused, wherever it stands.
"""

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service.errors import SettingsError
from service.settings.setting_kinds import Kind
from service.store import faults

ENVIRONMENT_PREFIX = "HOMING_"
CONFIG_VARIABLE = "HOMING_CONFIG"
NO_SETTINGS = frozenset({CONFIG_VARIABLE, faults.VARIABLE})
FILE_NAME = "homing.toml"

KeyPath = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A setting: its path, its kind, and whether its value is hidden when shown.

    `names`: how many further parts of the path are the user's own names (`consent.unknown.<channel>` has one).
    """

    path: KeyPath
    kind: Kind[Any]
    names: int = 0
    hidden: bool = False

    @property
    def depth(self) -> int:
        """How many parts a full path has."""
        return len(self.path) + self.names

    def covers(self, path: KeyPath) -> bool:
        """Tell whether `path` is this setting's."""
        return len(path) == self.depth and path[: len(self.path)] == self.path

    def begins_with(self, path: KeyPath) -> bool:
        """Tell whether `path` is on the way to this setting."""
        return len(path) < self.depth and self.path[: len(path)] == path[: len(self.path)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A setting's value, as given and as read, and its source."""

    given: Any = field(repr=False)
    value: Any = field(repr=False)
    source: str
    hidden: bool


class Keys:
    """All settings there are."""

    def __init__(self, keys: tuple[Key, ...]) -> None:
        self._keys = keys

    def read(self, path: KeyPath, given: object, source: str, *, written: str | None = None) -> Given:
        """Read one value; `written` is the name it was given under, for messages."""
        name = ".".join(path) if written is None else written
        key = next((key for key in self._keys if key.covers(path)), None)
        if key is None:
            raise SettingsError(f"{name} ({source}) is no setting; {self._hint(path)}")
        try:
            value = key.kind.read(given)
        except ValueError as error:
            shown = "(hidden)" if key.hidden else given
            raise SettingsError.at(name, shown, key.kind.allowed, source) from error
        return Given(given=given, value=value, source=source, hidden=key.hidden)

    def leaves(self, table: Mapping[str, Any], path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
        """Give the values of a nested table, each with its path; unknown names as they stand, for `read` to refuse."""
        for name, value in table.items():
            here = (*path, name)
            if isinstance(value, dict) and any(key.begins_with(here) for key in self._keys):
                yield from self.leaves(value, here)
            else:
                yield here, value

    def literal(self, path: KeyPath, text: str) -> object:
        """Give what a text from the environment means: itself, or the TOML value it spells."""
        key = next((key for key in self._keys if key.covers(path)), None)
        if key is None or not key.kind.literal:
            return text
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except (tomllib.TOMLDecodeError, KeyError):
            return text

    def _hint(self, path: KeyPath) -> str:
        names = [".".join((*key.path, *("NAME",) * key.names)) for key in self._keys]
        near = difflib.get_close_matches(".".join(path), names, n=1)
        return f"did you mean {near[0]}?" if near else "there are " + ", ".join(sorted(names))


def from_file(keys: Keys, path: Path) -> dict[KeyPath, Given]:
    """Read a TOML file; SettingsError for one that cannot be read or holds what is no setting."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read ({type(error).__name__}); give another with --config") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is no TOML: {error}") from error
    if "secret" in table:
        raise SettingsError(f"{path}: secret does not belong in a file of settings; use HOMING_SECRET or homing.secret")
    if isinstance(table.get("rules"), str):
        # A path in a file is meant from where the file is, not from where the command runs.
        table["rules"] = str(path.parent / table["rules"])
    return {here: keys.read(here, value, str(path)) for here, value in keys.leaves(table)}


def from_environment(keys: Keys, environment: Mapping[str, str]) -> dict[KeyPath, Given]:
    """Read `HOMING_PORT`, and `HOMING_SELECTOR__FLOOR` for `selector.floor`."""
    found: dict[KeyPath, Given] = {}
    for name, text in environment.items():
        if name.startswith(ENVIRONMENT_PREFIX) and name not in NO_SETTINGS:
            path = tuple(name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__"))
            found[path] = keys.read(path, keys.literal(path, text), "environment", written=name)
    return found


def from_flags(keys: Keys, flags: Mapping[str, Any]) -> dict[KeyPath, Given]:
    """Read what the command line gave, by setting's name; None: not given."""
    return {(name,): keys.read((name,), value, f"--{name}") for name, value in flags.items() if value is not None}
