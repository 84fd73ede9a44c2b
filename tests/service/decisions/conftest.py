"""A shop to recommend for."""

import pytest

from tests.service.harness import Api
from tests.service.shopping import Shopping


@pytest.fixture
def shop(api: Api) -> Shopping:
    """Give a shop where Wonjun has left a cart on his tablet."""
    shop = Shopping(api)
    shop.wonjun()
    return shop
