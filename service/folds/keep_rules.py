"""While it serves, a process whose settings ask for other rules has them brought into force, job by job of the writer.

Between two jobs it rests as long as the last one took, so that at most half of the writer's time goes into it.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator

from service.folds import rules_to_come
from service.folds.rules_to_come import Folded
from service.store import faults
from service.wiring import Homing

log = logging.getLogger("homing.rules")

AGAIN_SECONDS = 1.0
"""How soon it is tried again after a failure, and looked again where another process is at it."""


async def keep_rules(homing: Homing) -> None:
    """Bring the rules of the settings into force, if others are; until cancelled or done. Failures are told."""
    told = False
    while True:
        began = time.monotonic()
        try:
            if not told:
                if not await homing.writer.run(lambda conn: rules_to_come.want(conn, homing.wanted)):
                    return
                log.warning("the rules are others than those in force: their folds are made; the former ones answer")
                told = True
            found = await homing.writer.run(homing.rules_to_come.step)
        except Exception as error:  # noqa: BLE001 - whatever one step fails of, the rules are still wanted
            log.warning("folding under the new rules failed (%s); it will be tried again", type(error).__name__)
            await asyncio.sleep(AGAIN_SECONDS)
            continue
        if found is None or found.done:
            await homing.writer.run(homing.people.begin)
            log.warning("the folds under the new rules %s", "are given up" if found is None else "are in force")
            return
        await asyncio.sleep(AGAIN_SECONDS if found.waits else time.monotonic() - began)


def bring_in(homing: Homing, sleep: Callable[[float], None] = time.sleep) -> Iterator[Folded]:
    """Bring rules that are wanted by now into force; tell of each step, the last one done. For a command."""
    while True:
        began = time.monotonic()
        found = homing.writer.submit(homing.rules_to_come.step).result()
        if found is None:
            return
        if found.done:
            faults.reach("in_force")
            homing.writer.submit(homing.people.begin).result()
        yield found
        if found.done:
            return
        sleep(AGAIN_SECONDS if found.waits else time.monotonic() - began)
