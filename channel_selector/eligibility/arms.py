"""Options that share learning share an arm: channel × device kind × three-hour part of the local day."""

from typing import NamedTuple

HOURS_OF_DAYPART = 3
DAYPARTS = 24 // HOURS_OF_DAYPART


class Medium(NamedTuple):
    """An arm without its hour: what the conversion of an engaged customer depends on."""

    channel: str
    device_kind: str


class Arm(NamedTuple):
    """What a posterior is indexed by; `daypart` 0–7, `device_kind` "" for addresses on no one device."""

    channel: str
    device_kind: str
    daypart: int

    @property
    def medium(self) -> Medium:
        """The arm without its hour."""
        return Medium(self.channel, self.device_kind)


def daypart(local_hour: int) -> int:
    """Give the part of the day (0–7) that a local hour (0–23) lies in."""
    return local_hour // HOURS_OF_DAYPART


def daypart_text(part: int) -> str:
    """Name a part of the day by its clock, such as 18:00–21:00."""
    start = part * HOURS_OF_DAYPART
    return f"{start:02d}:00–{start + HOURS_OF_DAYPART:02d}:00"
