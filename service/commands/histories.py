"""`homing profile history | changes`: what happened to one profile, and to all of them."""

from collections.abc import Iterator, Mapping

import click
from sqlalchemy.engine import Connection

from service.commands.asked import Asked, asking
from service.commands.options import Chosen, emit_json, json_option, with_settings
from service.commands.sentences import of_judgement
from service.profiles.change_answers import feed
from service.profiles.histories import History
from service.profiles.histories import history as read_history
from service.profiles.history_answers import Chronicler
from service.profiles.past import who
from service.schemas.changes import ChangeShown
from service.schemas.histories import EntryShown, HistoryShown, OwnedShown
from service.web.pages import MOST

LIMIT = 100

_limit = click.option(
    "--limit", type=click.IntRange(1, MOST), default=LIMIT, show_default=True, help="How many at most."
)


@click.command()
@asking
@_limit
@click.option("--cursor", help="Go on where the page before ended, as its last line says.")
@json_option
@with_settings
def history(
    chosen: Chosen,
    profile_id: str | None,
    namespace: str | None,
    value: str | None,
    *,
    limit: int,
    cursor: str | None,
    pii: bool,
    as_json: bool,
) -> None:
    """Tell what happened to a profile, the newest first: events and whose they are, mergers, splits, judgements."""
    asked = Asked.of(profile_id, namespace, value)
    with chosen.homing() as homing:

        def job(conn: Connection) -> History:
            known_as = asked.profile_id
            if known_as is None:
                known_as = asked.find(who(homing.people, conn, None)).profile.profile_id
            return read_history(conn, homing.people, known_as, cursor, limit)

        found = Chronicler(homing.people, pii=pii).history(homing.writer.submit(job).result())
    if as_json:
        emit_json(found.model_dump(by_alias=True))
        return
    for line in _lines(found):
        click.echo(line)


@click.command()
@click.option("--after", metavar="POSITION", help="Only what came behind this, as an earlier answer's last line says.")
@_limit
@json_option
@with_settings
def changes(chosen: Chosen, after: str | None, limit: int, *, as_json: bool) -> None:
    """List which profiles merged, split and ended, the earliest first: ids alone."""
    with chosen.homing() as homing:
        found = homing.writer.submit(lambda conn: feed(conn, after, limit)).result()
    if as_json:
        emit_json(found.model_dump())
        return
    for change in found.changes:
        click.echo(f"{change.at:%Y-%m-%d %H:%M}Z  {_change(change)}")
    click.echo(f"{'There are more' if found.next_cursor else 'That is all'}; go on with --after {found.after}")


def _lines(found: HistoryShown) -> Iterator[str]:
    """Write a history for a person to read."""
    yield f"{found.profile_id}  answers for {len(found.absorbed)} other {'id' if len(found.absorbed) == 1 else 'ids'}"
    for interval in found.ownership:
        yield f"  {_owned(interval, found.profile_id)}"
    for entry in found.entries:
        yield f"{entry.at:%Y-%m-%d %H:%M}Z  {_told(entry, found.profile_id)}"
    if found.next_cursor is not None:
        yield f"There is more; go on with --cursor {found.next_cursor}"


def _owned(interval: OwnedShown, mine: str) -> str:
    start = "" if interval.start is None else f" from {interval.start:%Y-%m-%d %H:%M}Z"
    end = "" if interval.end is None else f" until {interval.end:%Y-%m-%d %H:%M}Z"
    held = f"{start}{end}" or " at all times"
    return f"{interval.namespace}:{interval.value}{held} is {_whose(interval.profile_id, mine)}"


def _told(entry: EntryShown, mine: str) -> str:
    if entry.change is not None:
        return _change(entry.change)
    if entry.judgement is not None:
        return f"{'undone: ' if entry.kind == 'undo' else ''}{of_judgement(entry.judgement)}"
    event = entry.event
    if event is None:
        raise ValueError(f"{entry.kind} without what it was")
    names = ", ".join(f"{each.namespace}:{each.value}" for each in event.identifiers) or "nobody"
    why = _WHY.get(entry.why or "", "")
    return f"{event.name or event.type} of {names} ({event.trust}) is {_whose(event.profile_id, mine)}{why}"


def _whose(profile_id: str | None, mine: str) -> str:
    if profile_id is None:
        return "nobody's"
    return "its own" if profile_id == mine else f"{profile_id}'s"


def _change(change: ChangeShown) -> str:
    because = f" ({change.because})"
    if change.change == "merged":
        return f"{change.profile_id} took {', '.join(change.absorbed)} in{because}"
    if change.change == "split":
        return f"{change.profile_id} was split: a part of it became {', '.join(change.into)}{because}"
    return f"{change.profile_id} ended{because}"


_WHY: Mapping[str, str] = {
    "person_named": ": it names that person",
    "contact_named_before": ": its contact was last seen with that person before",
    "contact_named_later": ": its contact was first seen with that person later",
    "claimed_before": ": its device was last claimed so before",
    "claimed_later": ": its device was first claimed so later",
    "newest_login": ": the newest login on its device counts",
    "first_login": ": the first login on its device counts",
    "only_claimant": ": nobody else claimed its device",
    "several_claimants": ": several claimed its device",
    "logged_out": ": nobody is named after a login",
    "person_of_profile": ": its profile held that person then",
    "own_profile": ": nobody claims it",
    "names_nobody": ": it names nobody",
}
"""What is said of each ground (`identity.ownership.Ground`)."""
