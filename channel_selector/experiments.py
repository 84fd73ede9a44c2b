"""Who is in which group of a test is a stable hash of the test and the subject: nothing to store, nothing drifts.

Groups get variants of a message, or policies: whoever decides asks for the subject's group first.
"""

from dataclasses import dataclass
from itertools import accumulate

from channel_selector.holdout import Assignment, stable_uniform
from channel_selector.settings import SelectorSettings
from channel_selector.validation import require_number, require_text

SUM_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group of a test: its name, and its share of the subjects, above 0."""

    name: str
    share: float

    def __post_init__(self) -> None:
        require_text("group", self.name)
        require_number(f"share of group {self.name}", self.share, low=0.0, high=1.0)
        if self.share == 0.0:
            raise ValueError(f"share of group {self.name} must be above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """A test with two groups at least, the first of them the control; another name shuffles the subjects anew.

    Shares sum to 1. Giving some of a group's share to the next moves those subjects alone. ValueError where names
    repeat or shares do not sum to 1.
    """

    name: str
    groups: tuple[Group, ...]

    def __post_init__(self) -> None:
        require_text("experiment", self.name)
        if len(self.groups) < 2 or len({group.name for group in self.groups}) < len(self.groups):
            raise ValueError("an experiment needs two groups at least, each with a name of its own")
        if abs(sum(group.share for group in self.groups) - 1.0) > SUM_TOLERANCE:
            raise ValueError("the groups' shares must sum to 1")

    def group(self, subject: str) -> Group:
        """Give the subject's group: the same today, tomorrow and on every machine."""
        place = stable_uniform("experiment", self.name, subject)
        ends = accumulate(group.share for group in self.groups)
        return next((group for group, end in zip(self.groups, ends, strict=True) if place < end), self.groups[-1])


def assignment_groups(settings: SelectorSettings) -> tuple[Group, ...]:
    """Give holdout, bau and learned as groups, those that have a share: what `lift` needs of `holdout.assign`."""
    learned = 1.0 - settings.holdout - settings.bau
    shares = {Assignment.HOLDOUT: settings.holdout, Assignment.BAU: settings.bau, Assignment.LEARNED: learned}
    return tuple(Group(name=name.value, share=share) for name, share in shares.items() if share > SUM_TOLERANCE)
