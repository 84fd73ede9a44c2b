"""Where something was measured: figures mean nothing without it."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

_LINUX = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The processor, the cores that this process may use, and the Python."""

    processor: str
    cores: int
    python: str

    def __str__(self) -> str:
        """Give it as one line."""
        return f"{self.processor}, {self.cores} cores, Python {self.python}"


def this_machine() -> Machine:
    """Look at the machine that this runs on."""
    may_use = getattr(os, "sched_getaffinity", None)  # Linux alone has it
    cores = os.cpu_count() or 1 if may_use is None else len(may_use(0))
    return Machine(processor=_processor(), cores=cores, python=platform.python_version())


def _processor() -> str:
    lines = _LINUX.read_text(encoding="utf-8").splitlines() if _LINUX.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())
