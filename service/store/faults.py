"""For the proofs alone: at a named point the process kills itself, as a machine would that loses its power.

`HOMING_FAULT_AT=NAME` or `NAME:N` (the N-th time); without it nothing happens.
"""

import os
import signal
from itertools import count

VARIABLE = "HOMING_FAULT_AT"

POINTS = (
    "before_append",
    "after_append",
    "before_seal",
    "before_commit",
    "after_commit",
    "mid_rebuild",
    "mid_next_folds",
    "after_switch",
    "in_force",
    "mid_migration",
    "mid_backup",
    "before_purge",
    "mid_purge",
)

asked = os.environ.get(VARIABLE, "")
_name, _, _times = asked.partition(":")
_left = count(int(_times or 1) - 1, -1)


def reach(point: str) -> None:
    """Be at a point: die there if that is asked for."""
    if point == _name and next(_left) == 0:
        os.kill(os.getpid(), signal.SIGKILL)
