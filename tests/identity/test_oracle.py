"""The oracle itself holds every written case, so that what is compared with it is compared with the words."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.identity.oracle import Answer, oracle
from tests.identity.written import misses, read_case, read_facts, written_cases


def as_contract(answer: Answer) -> dict[str, Any]:
    """Say an oracle's answer in CONTRACT 5's form, as far as the oracle goes."""
    homes = sorted((sorted(map(str, group)), name) for name, group in answer.profiles.items())
    place = {name: n for n, (_, name) in enumerate(homes)}
    return {
        "profiles": [identifiers for identifiers, _ in homes],
        "founders": [str(name.founder) for _, name in homes],
        "attribution": [
            {"observation": key.id, "profile": None if name is None else place[name]}
            for key, name in sorted(answer.attribution.items())
        ],
        "shared": [
            {"identifier": str(hub), "profiles": sorted(place[name] for name in names)}
            for hub, names in sorted(answer.shared.items())
        ],
        "owners": [
            {
                "identifier": str(span.identifier),
                "from": _written(span.start),
                "to": _written(span.end),
                "profile": None if span.profile is None else place[span.profile],
            }
            for span in answer.owners
        ],
    }


def _written(moment: datetime | None) -> str | None:
    """Write a time as a case does."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("path", written_cases(), ids=lambda path: path.stem)
def test_the_oracle_holds_every_written_case(path: Path) -> None:
    """What a case expects of clustering, founders and attribution, the oracle gives."""
    case = read_case(path)
    facts = read_facts(case)
    answer = oracle(facts.observations, facts.rules, facts.judgements, facts.as_of)
    ours = {k: v for k, v in case["expect"].items() if k not in {"rejected_reason", "refused"}}
    assert misses({**case, "expect": ours}, as_contract(answer)) == []
    refused = [(str(left), str(right), refusal.by) for (left, right), refusal in sorted(answer.refused.items())]
    if "refused" in case["expect"]:
        assert refused == [(row["left"], row["right"], row["by"]) for row in case["expect"]["refused"]]
