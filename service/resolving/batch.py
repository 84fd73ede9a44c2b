"""Files in, profiles out, no store: what `homing resolve` does. Its results appear together, whole, or not at all."""

import glob
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import orjson
import polars as pl

from identity.frames import files
from identity.frames.answer import Answer
from identity.frames.aside import Bounds
from identity.frames.intake import Intake
from identity.frames.links import links
from identity.frames.reading import Legible
from identity.frames.resolving import resolved
from identity.rules import LinkingRules
from service.errors import BatchFailed
from service.resolving.ahead import ahead
from service.resolving.nested import flat
from service.resolving.scratch import Scratch, memory

REFUSED, SUMMARY, EXPLAINED = "refused.parquet", "summary.json", "links.parquet"
MOST_HUBS = 1_000
"""Hubs that the summary lists; it counts them all."""
LEAST = 512 * 2**20
"""The least memory that may be asked for."""
SHARE = 0.6
"""The share of the machine's memory that is used unless something else is asked for."""
_PROGRAM = 560 * 2**20
"""What the program takes whatever it has read: its code (130 MiB), and the parts of files on their way in or out."""
_LEFT = 0.375
"""At least so much of the memory is for what was read: below some 900 MiB the bound is passed for want of less."""


def _nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What to resolve, and how; `key` hashes profile ids, `now` is the moment of the run.

    `ready` is called once all is written, before it appears; what it raises leaves nothing of it.
    """

    inputs: tuple[Path, ...]
    out: Path
    rules: LinkingRules
    key: bytes = field(repr=False)
    now: datetime
    explain: bool = False
    held: "Held | None" = None
    ready: Callable[[], None] = _nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """How many bytes may be held: `room` until something waits on the disk, `most` from then on."""

    room: int
    most: int

    @classmethod
    def within(cls, memory: int) -> "Held":
        """Divide the memory that the whole program may take, at least LEAST bytes."""
        left = max(memory - _PROGRAM, int(memory * _LEFT))
        return cls(room=left, most=left)


@dataclass(slots=True)
class Steps:
    """How long each step took; `told` hears when one begins."""

    told: Callable[[str], None]
    seconds: dict[str, float] = field(default_factory=dict)
    _begun: float = 0.0
    _step: str | None = None

    def begin(self, step: str) -> None:
        """Begin a step, and so end the one before."""
        self.end()
        self._begun, self._step = time.perf_counter(), step
        self.told(step)

    def end(self) -> None:
        """End the step that is under way."""
        if self._step is not None:
            taken = time.perf_counter() - self._begun
            self.seconds[self._step] = round(self.seconds.get(self._step, 0.0) + taken, 3)
        self._step = None


def found(patterns: Sequence[str]) -> tuple[Path, ...]:
    """Give the files that names and globs mean, each once; BatchFailed where one means none, or nothing readable."""
    paths: dict[Path, None] = {}
    for pattern in patterns:
        some = [pattern] if Path(pattern).exists() else sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - may be absolute
        if not some:
            raise BatchFailed(f"{pattern}: there is no such file")
        for name in some:
            if not name.endswith(files.READ):
                raise BatchFailed(f"{name} has no ending that tells what it is; use one of {', '.join(files.READ)}")
            if Path(name).is_dir():
                ending = next(each for each in files.READ if name.endswith(each))
                raise BatchFailed(f"{name}: is a folder; name the files in it, as {name}/*{ending}")
            paths[Path(name)] = None
    return tuple(paths)


def run(batch: Batch, steps: Steps) -> dict[str, Any]:
    """Resolve, write, and give the summary. Raises FrameError and BatchFailed; nothing is left half-written."""
    check(batch)
    with Scratch(batch.out) as scratch, Results(batch.out) as results:
        answer = resolved(_read(batch, steps, scratch), key=batch.key, told=steps.begin)
        steps.begin("writing")
        with ahead(answer.parts()) as parts:
            results.write(batch.out.name, parts)
        results.write(REFUSED, iter([answer.refused_links()]))
        if batch.explain:
            results.write(EXPLAINED, links(answer))
        steps.end()
        summary = _summary(answer, steps)
        Path(results.path(SUMMARY)).write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2))
        batch.ready()
    return summary


def _read(batch: Batch, steps: Steps, scratch: Scratch) -> Intake:
    """Take all files in."""
    held = Held.within(int(memory() * SHARE)) if batch.held is None else batch.held
    intake = Intake(batch.rules, batch.now, bounds=Bounds(space=scratch, room=held.room, most=held.most))
    intake.expect(sum(files.rows(str(path)) for path in batch.inputs))
    for path in batch.inputs:
        steps.begin(f"reading {path.name}")
        legible = Legible(str(path))
        with ahead(intake.read(part, str(path)) for part in flat(files.parts(str(path)), path)) as parts:
            for part in parts:
                legible.see(part)
                intake.take(part)
        legible.end()
    return intake


def check(batch: Batch) -> None:
    """Refuse an output that cannot be, and inputs without a byte, before anything is read."""
    if not batch.out.name.endswith(files.WRITTEN) or batch.out.name in (REFUSED, EXPLAINED):
        raise BatchFailed(
            f"{batch.out} cannot be the output: use a name that ends in one of {', '.join(files.WRITTEN)}, and is "
            f"neither {REFUSED} nor {EXPLAINED}, which stand beside it"
        )
    if not batch.out.absolute().parent.is_dir():
        raise BatchFailed(f"{batch.out.absolute().parent} is no folder; make it first")
    names = (batch.out.name, REFUSED, SUMMARY, *((EXPLAINED,) if batch.explain else ()))
    written = {batch.out.with_name(name).resolve() for name in names}
    for path in batch.inputs:
        if path.is_file() and path.stat().st_size == 0:
            raise BatchFailed(f"{path}: the file is empty; leave it out, or see why nothing was written there")
        if path.resolve() in written:
            raise BatchFailed(f"{path} is an input, and would be written over; name another output")


def _summary(answer: Answer, steps: Steps) -> dict[str, Any]:
    """Tell what came of it (CONTRACT 4)."""
    hubs, sizes = answer.hubs(), answer.sizes()
    return {
        "rows": answer.input.rows,
        "observations": answer.observations,
        "identifiers": sum(size * count for size, count in sizes.items()),
        "profiles": sum(sizes.values()),
        "sizes": {str(size): count for size, count in sizes.items()},
        "contested": answer.contested,
        "refused": len(answer.fought.left),
        "hubs": {
            "shared": sum(hub.shared for hub in hubs),
            "flooded": sum(not hub.shared for hub in hubs),
            "most_persons": [
                {"identifier": str(hub.identifier), "persons": hub.persons, "shared": hub.shared}
                for hub in sorted(hubs, key=lambda hub: (-hub.persons, hub.identifier))[:MOST_HUBS]
            ],
        },
        "rejected": dict(sorted(answer.input.rejected.items())),
        "seconds": steps.seconds,
    }


class Results:
    """Files that get their names all at once, at the end; a run that fails leaves none of them."""

    def __init__(self, out: Path) -> None:
        self._folder = out.absolute().parent
        self._token = secrets.token_hex(4)
        self._names: list[str] = []

    def __enter__(self) -> Self:
        return self

    def path(self, name: str) -> str:
        """Give where to write what is to be called so."""
        self._names.append(name)
        return str(self._draft(name))

    def write(self, name: str, frames: Iterator[pl.DataFrame]) -> None:
        """Write a table that is to be called so. Raises FrameError."""
        files.write(frames, self.path(name), str(self._folder / name))

    def _draft(self, name: str) -> Path:
        return self._folder / f".{self._token}-{name}"

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            if kind is None:
                for name in self._names:
                    self._draft(name).replace(self._folder / name)
        except OSError as failure:
            raise BatchFailed(f"{self._folder} cannot be written ({failure.strerror})") from failure
        finally:
            for name in self._names:
                self._draft(name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise BatchFailed(f"{self._folder} cannot be written ({error.strerror})") from error
