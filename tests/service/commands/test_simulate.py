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


@pytest.mark.parametrize("option", ["gap-days", "delay-hours", "floor", "drift", "sleeping", "fatigue"])
@pytest.mark.parametrize("number", ["nan", "inf", "-1"])
def test_what_is_no_number_is_refused(option: str, number: str) -> None:
    """Exit 2, and the range."""
    refused = CliRunner().invoke(simulate, [*SMALL, f"--{option}", number], catch_exceptions=False)
    assert refused.exit_code == 2
    assert f"{number} is not in the range" in refused.stderr


def test_a_chart_that_cannot_be_written_is_refused_before_the_run(tmp_path: Path) -> None:
    """Nobody has played when the folder is found missing."""
    pytest.importorskip("matplotlib")
    refused = CliRunner().invoke(simulate, [*SMALL, "--chart", str(tmp_path / "none" / "c.png")])
    assert isinstance(refused.exception, HomingError)
    assert "there is no folder" in str(refused.exception)
    assert refused.stderr == ""


def test_the_messenger_opens_in_the_round_named() -> None:
    """In round 2 of the chart there are more ways than without it, in round 1 as many: the oracle is as before."""
    arguments = [*SMALL, "--rounds", "3", "--json"]
    closed, opened = (
        orjson.loads(CliRunner().invoke(simulate, [*arguments, "--new-channel", number], catch_exceptions=False).stdout)
        for number in ("4", "2")
    )
    one, other = (each["policies"][NAMES.index("best fixed")]["gaps"] for each in (closed, opened))
    assert one[0] == other[0]
    assert one[1] != other[1]


def test_without_matplotlib_it_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Before an hour of simulation, not after it."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(HomingError, match=r"homing\[bench\]"):
        CliRunner().invoke(simulate, [*SMALL, "--chart", str(tmp_path / "x.png")], catch_exceptions=False)
