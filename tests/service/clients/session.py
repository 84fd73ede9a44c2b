"""Send a session with `segment-analytics-python`, told nothing but its host and key.

session.py HOST KEY [gzip] < calls.json
"""

import json
import sys
from datetime import datetime

from segment.analytics.client import Client  # type: ignore[import-untyped]  # it ships no types


def main(host: str, key: str, *options: str) -> int:
    """Make the calls that stand on stdin, flush, and fail if any of them was not delivered."""
    failed: list[Exception] = []
    client = Client(
        key, host=host, gzip="gzip" in options, max_retries=2, on_error=lambda error, _: failed.append(error)
    )
    for call in json.load(sys.stdin):
        renamed = {"userId": "user_id", "anonymousId": "anonymous_id", "groupId": "group_id"}
        given = {renamed.get(name, name): value for name, value in call.items() if name != "method"}
        given["timestamp"] = datetime.fromisoformat(given["timestamp"])
        getattr(client, call["method"])(**given)
    client.shutdown()
    for error in failed:
        sys.stderr.write(f"{error}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
