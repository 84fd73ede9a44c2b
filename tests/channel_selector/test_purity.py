"""The core stays pure and light: nothing of identity, the service, the operating system or chance is imported."""

import ast
import subprocess
import sys
from pathlib import Path

import channel_selector

SOURCES = sorted(Path(channel_selector.__file__).parent.glob("*.py"))
STANDARD = "bisect collections dataclasses datetime enum hashlib itertools json math pathlib typing zoneinfo"
ALLOWED = {*STANDARD.split(), "numpy", "channel_selector"}


def test_only_allowed_modules_are_imported() -> None:
    """Every import of every file is on the list."""
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert {name.name.partition(".")[0] for name in node.names} <= ALLOWED, source.name
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").partition(".")[0] in ALLOWED, source.name


def test_importing_is_light() -> None:
    """Importing the façade loads neither scipy nor polars nor pydantic."""
    code = (
        "import sys, channel_selector; print(sorted({'scipy', 'polars', 'pydantic', 'sqlalchemy'} & set(sys.modules)))"
    )
    root = SOURCES[0].parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)  # noqa: S603  # our own code
    assert done.stdout.strip() == "[]"


def test_the_facade_is_what_the_contract_names() -> None:
    """The public names are there and no others."""
    names = ["Context", "Decision", "DeliveryOption", "Outcome", "OutcomeKind", "Selector", "SelectorSettings"]
    assert sorted(channel_selector.__all__) == names
