"""A profile's history is put into the words of the contract; values are masked for whoever may not see them."""

from identity.ownership import OwnedInterval
from service.judgements.judgement_answers import Teller
from service.profiles.filed import SeenFact
from service.profiles.histories import Entry, History, Said
from service.profiles.people import People
from service.profiles.profile_answers import Shower
from service.schemas.histories import EntryShown, HistoryShown, OwnedShown


class Chronicler:
    """Tells histories to one caller: whole with `pii`, masked without."""

    def __init__(self, people: People, *, pii: bool) -> None:
        self._people = people
        self._shower = Shower(people.rules, pii=pii)
        self._teller = Teller(people.id_of, pii=pii)

    def history(self, found: History) -> HistoryShown:
        """Tell a page of what happened to a profile."""
        return HistoryShown(
            profile_id=found.view.profile.profile_id,
            redirected_from=found.view.redirected_from,
            absorbed=list(found.absorbed),
            ownership=[self._owned(interval) for interval in found.view.intervals],
            entries=[self._entry(entry, found) for entry in found.entries.entries],
            next_cursor=found.entries.next_cursor,
        )

    def _entry(self, entry: Entry, found: History) -> EntryShown:
        what = entry.what
        if isinstance(what, Said):
            said = self._teller.judgement(what.word)
            return EntryShown(kind="undo" if what.undone else "judgement", at=entry.at, judgement=said)
        if isinstance(what, SeenFact):
            ground = found.grounds.get(what.observation.key)
            return EntryShown(
                kind="event",
                at=entry.at,
                event=self._shower.event(what),
                why=None if ground is None else ground.ground.value,
                decided_by=None if ground is None or ground.by is None else ground.by.id,
            )
        return EntryShown(kind="change", at=entry.at, change=what)

    def _owned(self, interval: OwnedInterval) -> OwnedShown:
        shown = self._shower.identifier(interval.identifier)
        return OwnedShown(
            namespace=shown.namespace,
            value=shown.value,
            start=interval.start,
            end=interval.end,
            profile_id=None if interval.owner is None else self._people.id_of(interval.owner),
        )
