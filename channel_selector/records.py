"""Records made of values that are known to be right, one for each field in order, without looking at them again."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

T = TypeVar("T")


def maker(kind: type[T]) -> Callable[..., T]:
    """Give what makes a record of a frozen dataclass with slots; it takes little more than half of the class's time.

    Defaults, checks and `__post_init__` are left out: it is for what is made by the hundred thousand.
    """
    put = tuple(vars(kind)[each.name].__set__ for each in fields(kind))  # type: ignore[arg-type]  # a dataclass

    def make(*values: Any) -> T:
        record = object.__new__(kind)
        for place, value in zip(put, values, strict=True):
            place(record, value)
        return record

    return make
