"""Shops under settings of their own."""

from collections.abc import Iterator
from pathlib import Path

from service.clock import FixedClock
from tests.service.harness import Api, deployment
from tests.service.shopping import Shopping


def opened(folder: Path, clock: FixedClock, **environment: str) -> Iterator[Shopping]:
    """Open a shop under settings of its own, with Wonjun's cart in it."""
    homing = deployment(folder, clock, environment)
    api = Api(homing)
    shop = Shopping(api)
    shop.wonjun()
    yield shop
    api.close()
    homing.close()
