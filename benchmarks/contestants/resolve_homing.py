"""`homing resolve` without its command: read, verify, normalise, link, name, write."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from benchmarks.measured import measured
from benchmarks.records import Figures, Size
from benchmarks.resolve_data import NAME
from identity.rules import LinkingRules
from service.resolving.batch import Batch, Steps, run

KEY = b"a key of the benchmark's, 32 byte"


def measure(folder: Path, size: Size) -> Figures:
    """Resolve the links; what is compiled at first use is compiled before, on two rows."""
    with TemporaryDirectory(dir=folder) as name:
        few = Path(name) / "few.parquet"
        pl.DataFrame({"left": ["user_id:ada", "user_id:ben"], "right": ["device_id:tab"] * 2}).write_parquet(few)
        _resolve(few, Path(name))
        return measured(lambda: _resolve(folder / NAME, Path(name)), size.edges)


def _resolve(links: Path, out: Path) -> None:
    batch = Batch(inputs=(links,), out=out / "profiles.parquet", rules=LinkingRules(), key=KEY, now=datetime.now(UTC))
    run(batch, Steps(lambda _: None))
