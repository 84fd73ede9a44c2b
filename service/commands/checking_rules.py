"""`homing rules check`: what would merge, split and change owner if other rules replaced those in force."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
import orjson

from identity.changes import ProfileChange
from identity.identifiers import Identifier
from identity.profiles import ProfileRef
from identity.rules import LinkingRules
from service.commands.options import Chosen, with_settings
from service.commands.results import emit_json, json_option

if TYPE_CHECKING:
    from service.folds.rules_check import Checked, Side
    from service.judgements.judgement_answers import Teller
    from service.settings.settings import Settings

SAMPLES = 10
"""How many changes of each kind are shown."""


@click.command()
@click.argument("file", metavar="RULES.toml", type=click.Path(path_type=Path))
@click.option("--pii", is_flag=True, help="Show values whole.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write every change into this file, one a line."
)
@json_option
@with_settings
def check(chosen: Chosen, file: Path, out: Path | None, *, pii: bool, as_json: bool) -> None:
    """Tell what would change if these rules replaced those in force; nothing is changed.

    A server may go on running: one moment of the store is looked at. It takes as long as `homing rebuild` and its
    comparison, and room for a second facts log in the folder for temporary files.
    """
    settings = chosen.load().settings
    wanted = rules_of(file, settings)
    with ExitStack() as stack:
        into = None if out is None else stack.enter_context(_opened(out))
        sample = _Sample(into)
        found = _check(chosen, settings, wanted, sample, pii=pii)
    if as_json:
        emit_json({**_figures(found), "samples": sample.kept})
    else:
        for line in _told(found, sample, out):
            click.echo(line)


def rules_of(path: Path, settings: "Settings") -> LinkingRules:
    """Read a rules file as the setting `rules` would name it."""
    from service.wiring import linking_rules  # noqa: PLC0415 - see above

    return linking_rules(replace(settings, rules=str(path)))


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("wb")
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror}; give another with --out.") from error


class _Sample:
    """Keeps the first changes of each kind, and writes all of them into a file if there is one."""

    def __init__(self, into: IO[bytes] | None) -> None:
        self._into = into
        self._seen: Counter[str] = Counter()
        self.teller: Teller | None = None
        self.kept: list[dict[str, Any]] = []

    def __call__(self, change: ProfileChange, created: Mapping[ProfileRef, tuple[Identifier, ...]]) -> None:
        kind = type(change).__name__
        self._seen[kind] += 1
        if self.teller is None or (self._into is None and self._seen[kind] > SAMPLES):
            return
        told = self.teller.change(change, created)
        if self._seen[kind] <= SAMPLES:
            self.kept.append(told)
        if self._into is not None:
            self._into.write(orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE))


def _check(chosen: Chosen, settings: "Settings", wanted: LinkingRules, sample: _Sample, *, pii: bool) -> "Checked":
    """Compare behind a progress bar on stderr."""
    from service import secret  # noqa: PLC0415 - see above
    from service.errors import RulesChanged  # noqa: PLC0415 - see above
    from service.folds import rules_check, rules_digest  # noqa: PLC0415 - see above
    from service.judgements.judgement_answers import Teller  # noqa: PLC0415 - see above
    from service.profiles.people import People  # noqa: PLC0415 - see above

    with chosen.database() as database, database.transaction(reads=True) as conn:
        key = secret.settle(conn, database.file, settings.secret).derive("profiles")
        now = rules_digest.in_force(conn, wanted)
        if now is None:
            raise RulesChanged(
                "an older Homing folded the store and did not keep its rules; run `homing rebuild` first"
            )
        before, after = People(now, key), People(wanted, key)
        sample.teller = Teller(before.id_of, pii=pii)
        with click.progressbar(length=rules_check.to_check(conn), label="checking", file=sys.stderr) as bar:
            return rules_check.check(conn, before, after, sample, bar.update)


def _figures(found: "Checked") -> dict[str, Any]:
    """Give what was found as JSON holds it."""
    ids = {"kept": found.kept, "redirected": found.redirected, "gone": found.gone, "new": found.fresh}
    return {
        "before": _side(found.before),
        "after": _side(found.after),
        "changes": {_snake(kind): number for kind, number in sorted(found.changes.items())},
        "identifiers_moved": found.moved,
        "profile_ids": ids,
        "warnings": found.warnings,
    }


def _side(side: "Side") -> dict[str, Any]:
    sizes = {str(size): number for size, number in sorted(side.sizes.items())}
    return {**asdict(side), "sizes": sizes, "refused": dict(sorted(side.refused.items()))}


def _snake(kind: str) -> str:
    return "owner_changed" if kind == "OwnerChanged" else kind.lower()


def _told(found: "Checked", sample: _Sample, out: Path | None) -> Iterator[str]:
    """Write what was found for a person to read."""
    from service.commands.sentences import of_change  # noqa: PLC0415 - see above

    yield "Tried out only; nothing is changed."
    for name, side in (("Now", found.before), ("Then", found.after)):
        refused = ", ".join(f"{number:,} {reason}" for reason, number in sorted(side.refused.items())) or "none"
        yield (
            f"{name}: {side.profiles:,} profiles ({side.persons:,} with a person) of {side.identifiers:,} identifiers, "
            f"the largest of {side.largest:,}; {side.shared:,} shared by too many, {side.flooded:,} flooded; "
            f"links refused: {refused}"
        )
    kinds = ", ".join(f"{number:,} {_snake(kind)}" for kind, number in sorted(found.changes.items())) or "none"
    yield f"Changes: {kinds}; {found.moved:,} identifiers are in another profile then, or in none."
    yield (
        f"Profile ids: {found.kept:,} stay, {found.redirected:,} redirect, {found.gone:,} are gone, "
        f"{found.fresh:,} are new."
    )
    yield from (f"WARNING: {warning}." for warning in found.warnings)
    yield from (f"  {of_change(change)}" for change in sample.kept)
    if found.changes.total() > len(sample.kept):
        rest = f"{found.changes.total() - len(sample.kept):,} more"
        yield f"  {rest}: --out FILE writes all of them." if out is None else f"  {rest} in {out}."
