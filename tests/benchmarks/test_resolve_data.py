"""Generated links are the same however many are spelled out at once."""

from pathlib import Path

import polars as pl
import pytest

from benchmarks import resolve_data


@pytest.mark.parametrize("contested", [0.0, 0.05])
def test_links_made_in_parts_are_those_made_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, contested: float
) -> None:
    """Of 4,000 links, 137 at a time; the seed is the benchmark's own."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder, part in ((whole, 10_000), (parts, 137)):
        folder.mkdir()
        monkeypatch.setattr(resolve_data, "PART", part)
        resolve_data.write_links(folder, 4_000, contested)
    first, second = (pl.read_parquet(folder / resolve_data.NAME) for folder in (whole, parts))
    assert first.equals(second)
    assert len(first) == 4_000
    assert first["left"].n_unique() > 1_000
