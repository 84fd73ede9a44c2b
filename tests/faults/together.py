"""A server, `import`, `rebuild`, `backup` and `keys` at once on one SQLite file, one of them killed: nothing is lost.

What a command has written the server knows at once, a revoked key it refuses within a second, and a backup taken
meanwhile holds, whole, all that was acknowledged before it began.
"""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum

import orjson

from benchmarks.load import Address
from tests.faults.clients import CUT_OFF, Clients, Line
from tests.faults.deaf import hear_nothing
from tests.faults.oracle import undisturbed_of
from tests.faults.programs import PATIENCE, Forked, stuck
from tests.faults.proofs import Result, Run
from tests.faults.servers import Server, Start, forked
from tests.faults.stores import KEYS
from tests.faults.tally import Tally
from tests.faults.traffic import NOW, TRUST, Event, Raw, Sender, events, mixed, request_of
from tests.faults.trials import Trial, held_and_verified

ROUNDS_A_STORE = 4
CHUNK = 40
LATEST = 0.6
"""Seconds within which one of the processes is killed."""
REVOKED_SECONDS = 1.0
"""A revoked key is refused within this."""
BUSY = "another process holds the store"


class Member(StrEnum):
    """A process on the store, beside its server."""

    IMPORT = "import"
    REBUILD = "rebuild"
    BACKUP = "backup"
    KEYS = "keys"


SERVER = "server"


def prove(run: Run) -> list[Result]:
    """Run so many rounds; the control's server hears nothing of the imports beside it."""
    tally = crowded(run, "crowded", run.cycles, tuple(Member), forked())
    deaf = crowded(run, "deaf", 1, (Member.IMPORT,), forked(hear_nothing))
    return [
        tally.result("several processes on one SQLite file"),
        deaf.result("a server that hears nothing of the others", control=True),
    ]


def crowded(run: Run, name: str, cycles: int, members: Sequence[Member], start: Start) -> Tally:
    """Crowd as many stores as it takes."""
    tally = Tally()
    for number, rounds in tally.stores(run, cycles, ROUNDS_A_STORE):
        folder, chance = run.folder / f"{name}-{number}", run.chance(f"{name}-{number}")
        trial = Trial(folder, number, chance, requests=())
        with tally.unstuck(trial.name), Server(folder, db=trial.db, start=start) as server:
            _Crowd(trial, server, tally, members).gather(rounds)
    return tally


class _Crowd:
    """The processes on one store. Some of the shop's events are sent, some imported, some both."""

    def __init__(self, trial: Trial, server: Server, tally: Tally, members: Sequence[Member]) -> None:
        some = list(events(trial.shop))
        trial.chance.shuffle(some)
        sent, imported = some[: int(len(some) * 0.6)], some[int(len(some) * 0.4) :]
        self._trial = trial
        self._server = server
        self._tally = tally
        self._members = members
        self._requests = mixed(trial.shop, trial.chance, some=sent)
        self._chunks = list(_chunks(imported, CHUNK))
        trial.chance.shuffle(self._chunks)

    def gather(self, rounds: int) -> None:
        """Run so many rounds under load, import the rest, let the clients finish, and judge."""
        share = len(self._requests) // (rounds + 2)
        self._server.serve()
        with Clients(lambda: self._server.address, KEYS, self._trial.journal) as clients:
            for number in range(rounds):
                browsing, login, later = joining(number)
                self._trial.journal.add([request_of(browsing.sender, [browsing])])
                clients.finish()
                self._send(share)
                self._round(number, [login, *self._take(login.sender)])
                self._trial.journal.add([request_of(later.sender, [later])])
                self._tally.cycles += 1
            self._send(share)
            self._import_rest(rounds)
            self._send(len(self._requests))
            clients.finish()
            code, _ = self._server.stop()
        self._tally.stopped(self._trial.name, code)
        joined = [event for number in range(rounds) for event in joining(number)]
        self._trial.judge(self._tally, undisturbed_of([*events(self._trial.shop), *joined]))

    def _import_rest(self, number: int) -> None:
        """Import what no round has."""
        rest = [event for chunk in self._chunks for event in chunk]
        for chunk in _chunks(rest):
            number += 1
            self._repeat(Member.IMPORT, number, self._importing(chunk, number))
            self._imported(chunk)

    def _take(self, sender: Sender) -> Sequence[Event]:
        """Take one of a sender's chunks; nothing, if there is none."""
        place = next((place for place, chunk in enumerate(self._chunks) if chunk[0].sender is sender), None)
        return () if place is None else self._chunks.pop(place)

    def _send(self, count: int) -> None:
        """Let the clients send some more."""
        self._trial.journal.add(self._requests[:count])
        self._requests = self._requests[count:]

    def _round(self, number: int, chunk: Sequence[Event]) -> None:
        """Start all at once, kill one, and look at what the others left."""
        known = set(self._trial.journal.acknowledged)
        backup = self._trial.folder / f"backup-{number}.db"
        commands = {
            Member.IMPORT: self._importing(chunk, number),
            Member.REBUILD: ["rebuild"],
            Member.BACKUP: ["backup", str(backup)],
            Member.KEYS: ["keys", "create", "--scope", "read", "--json"],
        }
        begun = {member: self._begin(member, number, commands[member]) for member in self._members}
        # The control's server has to live, to be the one that knows of nothing.
        victim = self._trial.chance.choice([*begun, SERVER, None]) if len(begun) > 1 else None
        time.sleep(self._trial.chance.uniform(0, LATEST))
        self._kill(victim, begun)
        done = {member for member, process in begun.items() if self._succeeded(member, process, victim)}
        if victim == SERVER:
            self._server.serve()
        if Member.IMPORT not in done:
            self._repeat(Member.IMPORT, number, commands[Member.IMPORT])
        self._imported(chunk)
        if Member.KEYS in done:
            self._revoke(orjson.loads(begun[Member.KEYS].output.read_bytes()), number)
        if Member.BACKUP in done:
            self._restore(str(backup), number, known)

    def _kill(self, victim: str | None, begun: Mapping[Member, Forked]) -> None:
        if victim == SERVER:
            self._server.kill()
        elif victim is not None:
            begun[Member(victim)].kill()

    def _succeeded(self, name: str, process: Forked, victim: str | None) -> bool:
        """Wait for a process; note an end that it should not have come to."""
        code = process.wait()
        if code != 0 and name != victim and not _was_busy(process):
            self._note(f"{name}: {stuck(process, f'ended with {code}')}")
        return code == 0

    # --- import ---

    def _importing(self, chunk: Sequence[Event], number: int) -> list[str]:
        path = self._trial.folder / f"chunk-{number}.ndjson"
        path.write_bytes(b"".join(orjson.dumps(event.raw) + b"\n" for event in chunk))
        sender = chunk[0].sender
        return ["import", str(path), "--source", str(sender), "--trust", TRUST[sender].name.lower()]

    def _imported(self, chunk: Sequence[Event]) -> None:
        """Take note of what an import said it took, and ask the server for one of the people in it."""
        self._trial.journal.acknowledged.update(event.name for event in chunk)
        people = [str(event.raw["userId"]) for event in chunk if str(event.raw.get("userId", "")).startswith("u-")]
        address = self._server.address
        if people and address is not None:
            status = _status(address, f"/v1/profiles?namespace=user_id&value={people[0]}", KEYS[Sender.MAILER])
            if status != 200:
                self._note(f"somebody imported is answered with {status}")

    # --- keys ---

    def _revoke(self, made: dict[str, str], number: int) -> None:
        """Use a key that was just made, revoke it, and see how long it is believed."""
        address = self._server.address
        assert address is not None
        if _status(address, "/v1/abandonments", made["key"]) != 200:
            self._note("a new key is not known")
        self._repeat("revoke", number, ["keys", "revoke", made["id"]])
        revoked = asked = time.monotonic()
        while asked - revoked < PATIENCE and _status(address, "/v1/abandonments", made["key"]) == 200:
            self._tally.took(asked - revoked)
            time.sleep(0.02)
            asked = time.monotonic()
        if self._tally.worst > REVOKED_SECONDS:
            self._note(f"a revoked key was believed for {self._tally.worst:.2f} s")

    # --- backup ---

    def _restore(self, backup: str, number: int, known: set[str]) -> None:
        """Restore a backup, which must hold what was acknowledged before it."""
        db = f"sqlite:///{self._trial.folder / f'restored-{number}.db'}"
        self._repeat("restore", number, ["restore", backup], db)
        held, faults = held_and_verified(db)
        missing = sum(name not in held.counts for name in known)
        self._tally.lost += missing
        if missing or faults:
            self._note(f"a backup lacks {missing} and has {len(faults)} faults")

    # --- processes ---

    def _begin(self, name: str, number: int, command: list[str], db: str | None = None) -> Forked:
        url = self._trial.db if db is None else db
        return Forked([*command, "--db", url], self._trial.folder, name=f"{name}-{number}")

    def _repeat(self, name: str, number: int, command: list[str], db: str | None = None) -> None:
        """Run a command, again while another process holds the store."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            process = self._begin(f"{name}-again", number, command, db)
            if process.wait() == 0:
                return
            if not _was_busy(process):
                break
        raise stuck(process, f"{name} failed")

    def _note(self, what: str) -> None:
        self._tally.notes.append(f"{self._trial.name}: {what}")


def joining(number: int) -> tuple[Event, Event, Event]:
    """Give three events: somebody's browser, a login there, and that browser on a device.

    The first and the last are sent, the login is imported between them: whoever knows of no login takes the device for
    nobody's.
    """
    browser: Raw = {"type": "page", "name": "Home", "anonymousId": f"joined-browser-{number}"}
    login = {**browser, "type": "identify", "userId": f"joined-{number}"}
    later = {**browser, "context": {"device": {"id": f"joined-device-{number}", "type": "ios"}}}
    first, second, third = (
        _event(f"joined-{number}-{place}", place, raw) for place, raw in enumerate((browser, login, later))
    )
    return first, second, third


def _event(message_id: str, minutes: int, raw: Raw) -> Event:
    at = NOW - timedelta(days=3) + timedelta(minutes=minutes)
    return Event(sender=Sender.WEB, raw={**raw, "messageId": message_id, "timestamp": at.isoformat()})


def _chunks(some: Sequence[Event], size: int = sys.maxsize) -> Iterator[list[Event]]:
    """Give events of one sender each, so many at a time."""
    for sender in Sender:
        own = [event for event in some if event.sender is sender]
        for start in range(0, len(own), size):
            yield own[start : start + size]


def _was_busy(process: Forked) -> bool:
    return BUSY in process.log.read_text(errors="replace")


def _status(address: Address, path: str, key: str) -> int:
    """Ask, again while the store is held by another process; give the answer's status."""
    line, until = Line(), time.monotonic() + PATIENCE
    while (status := line.get(address, path, key)[0]) in {CUT_OFF, 503} and time.monotonic() < until:
        time.sleep(0.05)
    line.close()
    return status
