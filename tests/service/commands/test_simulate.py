"""`homing simulate` compares policies on stdout, draws them if asked, and says what is missing."""

import sys
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from service.commands.simulate import simulate
from service.errors import HomingError

SMALL = ["--customers", "40", "--rounds", "2", "--seed", "3"]
NAMES = ["random", "best fixed", "vendors' rule", "homing", "oracle"]


def test_the_table_is_on_stdout_and_the_chart_in_its_file(tmp_path: Path) -> None:
    """One row a policy; progress on stderr; the file is a PNG."""
    pytest.importorskip("matplotlib")
    chart = tmp_path / "shop.png"
    done = CliRunner().invoke(simulate, [*SMALL, "--chart", str(chart)], catch_exceptions=False)
    assert done.exit_code == 0
    rows = done.stdout.splitlines()
    assert [row.partition("  ")[0].strip() for row in rows[1:6]] == NAMES
    assert "100.0%" in rows[5]
    assert "Simulated" in rows[-1]
    assert chart.read_bytes().startswith(b"\x89PNG")


def test_the_document_holds_every_round() -> None:
    """As JSON, equal for equal seeds."""
    told = [CliRunner().invoke(simulate, [*SMALL, "--json"], catch_exceptions=False).stdout for _ in range(2)]
    policies = orjson.loads(told[0])["policies"]
    assert [each["name"] for each in policies] == NAMES
    assert all(len(each["gaps"]) == 2 and each["sends"] == 80 for each in policies)
    assert told[0] == told[1]


def test_without_matplotlib_it_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Before an hour of simulation, not after it."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(HomingError, match=r"homing\[bench\]"):
        CliRunner().invoke(simulate, [*SMALL, "--chart", str(tmp_path / "x.png")], catch_exceptions=False)
