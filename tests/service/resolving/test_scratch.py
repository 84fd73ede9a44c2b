"""What waits on the disk comes back as it was, and nothing of it stays; a full disk is told with its file."""

from pathlib import Path

import numpy as np
import pytest

from identity.frames.faults import FrameError
from service.resolving.scratch import Scratch, memory


def test_what_was_put_aside_comes_back(tmp_path: Path) -> None:
    """Whole, in parts, or where it is; under a name that nothing stands under there is nothing."""
    with Scratch(tmp_path / "out.parquet") as scratch:
        scratch.add("a b", np.arange(5))
        scratch.add("a b", np.arange(5, 9))
        assert scratch.read("a b", np.int64).tolist() == scratch.map("a b", np.int64).tolist() == list(range(9))
        assert scratch.read("a b", np.int64, 3, 2).tolist() == [3, 4]
        scratch.drop("a b")
        assert len(scratch.read("a b", np.int32)) == len(scratch.map("a b", np.int32)) == 0
        assert list(tmp_path.iterdir()) == [scratch.folder]
    assert list(tmp_path.iterdir()) == []


def test_what_is_never_used_is_never_made(tmp_path: Path) -> None:
    """No folder appears where all fits."""
    with Scratch(tmp_path / "out.parquet"):
        assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_is_told(tmp_path: Path) -> None:
    """With the reason, and nothing stays behind."""
    with Scratch(tmp_path / "out.parquet") as scratch:
        (scratch.folder / "a").symlink_to("/dev/full")
        with pytest.raises(FrameError, match=r"cannot be written \(No space left on device\)"):
            scratch.add("a", np.arange(5))
    assert list(tmp_path.iterdir()) == []


def test_there_is_some_memory() -> None:
    """More than a program needs to ask."""
    assert memory() > 2**20
