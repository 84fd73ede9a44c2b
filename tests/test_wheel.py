"""The wheel holds what runs, whole, and nothing else."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("channel_selector", "identity", "service")
LEFT = "__pycache__"
"""What running the code leaves beside it."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """Build the wheel as `pip install` does, without the network; give the names of its files."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)  # noqa: S603  # our own command
    (built,) = folder.glob("*.whl")
    with ZipFile(built) as files:
        return frozenset(files.namelist())


def _on_disk() -> Iterable[str]:
    """List the files of the packages, as they were written."""
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and LEFT not in path.parts:
                yield path.relative_to(ROOT).as_posix()


def test_the_wheel_holds_every_file_of_the_packages_and_no_other(wheel: frozenset[str]) -> None:
    """Migrations and the console's pages travel with the code; tests and benchmarks stay at home."""
    assert {name for name in wheel if ".dist-info/" not in name} == set(_on_disk())


@pytest.mark.parametrize(
    "needed",
    [
        *(f"{package}/py.typed" for package in PACKAGES),
        *(f"service/console/console.{ending}" for ending in ("html", "js", "css")),
        "service/store/migrations/env.py",
        "service/store/migrations/versions/0001_first.py",
        "service/store/migrations/versions/0002_chain.py",
        "service/store/migrations/versions/0003_erasures.py",
        "service/store/migrations/versions/0004_changes.py",
        "service/store/migrations/versions/0005_former_ids.py",
    ],
)
def test_the_wheel_holds_what_is_not_imported(wheel: frozenset[str], needed: str) -> None:
    """What no import would miss is named here, so that it is not lost from the checkout unseen."""
    assert needed in wheel


def test_the_licence_travels_along(wheel: frozenset[str]) -> None:
    """Apache-2.0 asks for its text beside every copy."""
    assert [name for name in wheel if name.endswith(".dist-info/licenses/LICENSE")]
