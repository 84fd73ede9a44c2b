"""Personal data is shown whole only to whoever may see it; to others it stays recognisable and no more."""

from typing import Any

HIDDEN = "…"
_SHORT = 8


def mask(text: str) -> str:
    """Show the first two characters of a text, one of a short one, none of a very short one."""
    shown = 2 if len(text) >= _SHORT else 1 if len(text) > 2 else 0
    return text[:shown] + HIDDEN


def mask_value(value: Any) -> Any:
    """Mask a trait: texts like any text, yes and no not at all, everything else whole."""
    if isinstance(value, bool):
        return value
    return mask(value) if isinstance(value, str) else HIDDEN
