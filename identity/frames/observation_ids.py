"""What an observation of a file is called, in a store as in a batch; light to import."""

import json
from collections.abc import Sequence
from hashlib import blake2b

Raw = tuple[str, str]
"""A namespace and a value as they are written, trimmed."""


def observation_id(key: str, at: int | None, trust: int | None, pairs: Sequence[Raw]) -> str:
    """Name an observation after all that it says: the same one again, wherever it stands, is the same fact.

    `pairs` are its namespaces and values, each once, sorted; `at` in microseconds since 1970. A link has no key.
    """
    said = json.dumps([key, at, trust, pairs], ensure_ascii=False, separators=(",", ":"))
    return f"observation-{blake2b(said.encode(), digest_size=16).hexdigest()}"
