"""Every proof holds and every control is caught: few cycles of each with the other tests, all with `-m long`."""

from pathlib import Path

import pytest

from tests.faults.proofs import PROOFS, Run
from tests.faults.table import table

SEED = 20251118


@pytest.mark.slow
@pytest.mark.parametrize("name", PROOFS)
def test_a_proof_holds(name: str, tmp_path: Path) -> None:
    """As many cycles as CI has time for."""
    proof = PROOFS[name]
    _hold(name, Run(cycles=proof.ci, folder=tmp_path, seed=SEED))


def _hold(name: str, run: Run) -> None:
    results = PROOFS[name].prove(run)
    told = table(results)
    print(told)  # noqa: T201 - shown where the test fails
    assert all(result.holds for result in results), told
    assert any(result.control for result in results), "a proof without a control proves nothing"
