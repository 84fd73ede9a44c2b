"""Whatever became of a selector's file there is a selector: the saved one, the last good one, or one that begins anew.

The last knows what is assumed before anything is learned, and explores: safe wherever its options are.
"""

from pathlib import Path
from typing import NamedTuple

from channel_selector import savefile
from channel_selector.errors import CorruptFileError
from channel_selector.selector import Selector
from channel_selector.settings import SelectorSettings


class Recovered(NamedTuple):
    """A selector, and the file that it was read from; None: it begins anew."""

    selector: Selector
    source: Path | None


def recover(path: Path | str, settings: SelectorSettings | None = None, *, seed: int = 0) -> Recovered:
    """Read what `Selector.save` wrote, else what it wrote before; `settings` and `seed` are for beginning anew."""
    for source in (Path(path), savefile.last_good(Path(path))):
        try:
            return Recovered(Selector.load(source), source)
        except (OSError, CorruptFileError):
            continue
    return Recovered(Selector(settings, seed=seed), None)
