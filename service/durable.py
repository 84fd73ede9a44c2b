"""A file is on the disk once both its bytes and its name are: a name is its folder's, and has a sync of its own."""

import os
from pathlib import Path


def sync(file: Path) -> None:
    """Have a closed file and its name on the disk; OSError where that cannot be."""
    for path, flags in ((file, os.O_RDONLY), (file.absolute().parent, os.O_DIRECTORY)):
        opened = os.open(path, flags)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
