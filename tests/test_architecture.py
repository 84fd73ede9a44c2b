"""The cores stay pure and light: they know neither the service nor each other, no clock, no chance and no machine.

import-linter names what they must not import; here stands all that they may.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import channel_selector

ROOT = Path(__file__).parents[1]
CORES = ("identity", "channel_selector")
STANDARD = frozenset(
    ("bisect", "collections", "dataclasses", "datetime", "enum", "functools", "hashlib", "itertools", "types", "typing")
)
ALLOWED = {
    "identity": STANDARD
    | {"identity", "heapq", "json", "math", "re", "unicodedata"}
    | {"email_validator", "networkx", "phonenumbers", "polars"},
    "channel_selector": STANDARD | {"channel_selector", "json", "math", "operator", "statistics", "zoneinfo", "numpy"},
}
FRAMES = {"polars", "numpy", "numba", "llvmlite", "ctypes", "json"}
"""What tables are resolved with, in identity/frames; nothing else of that core imports any of it."""
SPARK = FRAMES | {"pyspark", "pyarrow"}
COMPILED = {"numpy", "numba"}
"""What decisions are worked out with, in channel_selector/compiled; the rest of that core loads it when it decides."""
FILES = {"channel_selector/recovery.py", "channel_selector/savefile.py", "channel_selector/selector.py"}
"""Where a path may be named: what writes and reads a saved selector, and the façade it is handed over by."""
THREADS = {"channel_selector/spreading.py"}
"""Where threads may be: what many decisions are spread by, which changes nothing of them."""
CLOCKS = frozenset({"now", "today", "utcnow", "time_ns", "monotonic", "perf_counter"})
HEAVY = frozenset(
    {"scipy", "networkx", "polars", "numba", "pyspark", "pydantic", "sqlalchemy", "fastapi", "asyncio", "socket"}
)
SEEDED = frozenset({"default_rng", "Generator", "SeedSequence", "PCG64"})

SOURCES = [path for core in CORES for path in sorted((ROOT / core).rglob("*.py"))]
EACH_SOURCE = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
EACH_CORE = pytest.mark.parametrize("core", CORES)


def _nodes(source: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(source.read_text(encoding="utf-8")))


def _imported(source: Path) -> Iterator[str]:
    """Give the modules that a file imports, anywhere in it; a relative import would not be told from another."""
    for node in _nodes(source):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield node.module if node.module is not None and node.level == 0 else "(relative)"


def _called(call: ast.Call) -> str:
    """Give the last name of what is called: `now` of `datetime.now(…)`."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


@EACH_SOURCE
def test_only_what_is_on_the_list_is_imported(source: Path) -> None:
    """Neither the service nor the other core is; a new dependency is a decision, made here; few name paths, threads."""
    core, where = source.relative_to(ROOT).parts[0], source.relative_to(ROOT).as_posix()
    allowed = ALLOWED[core] | ({"pathlib"} if where in FILES else frozenset())
    allowed |= {"concurrent"} if where in THREADS else frozenset()
    allowed |= (
        FRAMES
        if where.startswith("identity/frames/")
        else COMPILED
        if where.startswith("channel_selector/compiled/")
        else SPARK
        if where.startswith("identity/spark/")
        else frozenset()
    )
    assert {module.partition(".")[0] for module in _imported(source)} <= allowed


def test_networkx_is_imported_in_one_place() -> None:
    """Whoever needs no graph loads none of it."""
    assert [path.name for path in SOURCES if "networkx" in set(_imported(path))] == ["graph.py"]


@EACH_SOURCE
def test_no_core_asks_the_clock_chance_or_the_disk(source: Path) -> None:
    """Times, seeds and paths are arguments: nothing calls `now()`, `open()`, or a generator without its seed."""
    for node in _nodes(source):
        if isinstance(node, ast.Call):
            name = _called(node)
            assert name not in CLOCKS | {"open", "input", "print", "exec", "eval", "__import__"}, node.lineno
            assert name not in SEEDED or node.args or node.keywords, node.lineno
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute) and node.value.attr == "random":
            assert node.attr in SEEDED, node.lineno


@EACH_CORE
def test_importing_a_core_reads_and_writes_nothing(core: str) -> None:
    """With its libraries there, importing every module of a core opens no file but code, no socket and no process.

    Compiled modules are left out: numba looks for its cache, and polars and Spark for their libraries.
    """
    libraries = sorted(ALLOWED[core] - {core})
    code = f"""
import importlib, pkgutil, sys
for name in {libraries!r}: importlib.import_module(name)
seen = []
def hear(event, args):
    code = event == "open" and str(args[0]).endswith((".py", ".pyc"))
    if not code and event.partition(".")[0] in ("open", "socket", "subprocess", "sqlite3"): seen.append((event, args))
sys.dont_write_bytecode = True
sys.addaudithook(hear)
core = importlib.import_module({core!r})
for module in pkgutil.walk_packages(core.__path__, {core + "."!r}):
    if not {{"frames", "spark", "compiled"}} & set(module.name.split(".")): importlib.import_module(module.name)
print(seen)
"""
    assert _told(code) == "[]"


@EACH_CORE
def test_importing_a_facade_is_light(core: str) -> None:
    """Whoever takes one core into a program of their own loads none of what the others need."""
    assert _told(f"import sys, {core}; print(sorted({set(HEAVY)!r} & sys.modules.keys()))") == "[]"


def test_the_selectors_facade_is_what_the_contract_names() -> None:
    """The public names are there and no others."""
    names = ["Context", "Decision", "DeliveryOption", "Outcome", "OutcomeKind", "Selector", "SelectorSettings"]
    assert sorted(channel_selector.__all__) == names


def test_every_folder_of_tests_is_a_package() -> None:
    """Or two tests of one name would be one module."""
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py")}
    assert not [folder for folder in folders if not (folder / "__init__.py").exists()]


def _told(code: str) -> str:
    """Run code in a fresh interpreter; give what it prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603  # our own code
    return done.stdout.strip()
