"""Numbers on a command line lie in a range; NaN lies in none, which click's own range does not see."""

from typing import Any

import click


class Within(click.FloatRange):
    """A number from one to another, both included."""

    def __init__(self, low: float, high: float) -> None:
        super().__init__(low, high)
        self._low, self._high = low, high

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a number; click.BadParameter where it is none, or lies outside."""
        number: float = click.FLOAT.convert(value, param, ctx)
        if not self._low <= number <= self._high:
            self.fail(f"{value} is not in the range {self._low:g} to {self._high:g}.", param, ctx)
        return number
