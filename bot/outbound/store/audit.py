"""The audit trail: a row for each order that has ended and each change of settings, in a chain for each workspace.

Rows are added, signed, in the transaction of what they are about. A moment later the leader chains them: an HMAC with a
salt of their own replaces a person's id, and `anchor-bot people forget` deletes the salt. The mark of a workspace, in
the table `marks`, has the ends of its chain. Methods can raise StoreUnreachableError.
"""

import asyncio
import logging
import math
import secrets
import time
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from cachetools import LRUCache

from bot.core.audit import (
    GAP,
    NEW_KEY,
    ORDER_COLUMNS,
    UNNAMED,
    AuditRow,
    Found,
    Inspection,
    Mark,
    Point,
    Verdict,
    pseudonym,
    read_mark,
)
from bot.core.fields import Secret
from bot.core.orders import State
from bot.outbound.store.connections import Connection, Row, listed
from bot.outbound.store.database import Database
from bot.outbound.store.encryption import AUDIT_KEY, KEY_COLUMN, FieldCipher, FieldRef
from bot.outbound.store.errors import UnreadableError
from bot.outbound.store.leases import LEADS, Lease

_log = logging.getLogger(__name__)

INTERVAL = 16.0  # seconds between two looks for rows to chain
LOG_INTERVAL = 3_600.0  # seconds between two looks for gaps
BATCH = 100  # rows in a transaction, which takes some milliseconds: on SQLite those of orders wait for it
_PAUSE = 0.2  # seconds between two transactions
_DAY = 86_400.0
_SETTLING = 3_600.0  # seconds by which an order can be older than its row
LOCK = 8_213_905_117_446_201_355  # any number, the same in every process
_MOST_KNOWN = 10_000
_START: Mapping[str, Any] = {"at": -math.inf, "id": ""}
_WIDTH = len(AuditRow._fields)
_AUDIT_END = "audit end"  # the scope of marks

_ADD = """
    INSERT INTO audit (id, team_id, about, what, at, content, user_id, key_id, link)
    SELECT :id, :team_id, CAST(:about AS TEXT), :what, CAST(:at AS DOUBLE PRECISION), :content, :person, :key_id, :link
    WHERE 1 = 1
"""
_ADD_ORDER = f"""
    {_ADD} AND EXISTS (SELECT 1 FROM orders WHERE id = CAST(:about AS TEXT) AND owner = :owner
      AND state = '{State.SETTLED}' AND settled_at = CAST(:at AS DOUBLE PRECISION)) ON CONFLICT DO NOTHING
"""
"""The row of an order is added by the process that has settled it then, once."""
_MOST = 2**62  # places
_READ = f"SELECT {', '.join(AuditRow._fields)}"
_IS_NEW = "audit.place IS NULL AND (audit.at, audit.id) > (:at, :id)"
_HAS_NEW = "SELECT 1 FROM audit WHERE place IS NULL LIMIT 1"
_NEW = f"SELECT audit.* FROM audit WHERE {_IS_NEW} AND {LEADS} ORDER BY at, id LIMIT {BATCH}"
_CHAINED = f"audit.team_id = teams.team_id AND audit.place BETWEEN 1 AND {_MOST}"
_ENDS = f"""
    SELECT teams.team_id AS team, marks.value AS mark, (SELECT min(place) FROM audit WHERE {_CHAINED}) AS first,
      {", ".join(f"last.{one}" for one in AuditRow._fields)}
    FROM (SELECT value AS team_id FROM json_each(:teams)) AS teams
    LEFT JOIN marks ON marks.scope = '{_AUDIT_END}' AND marks.name = teams.team_id
    LEFT JOIN audit AS last ON last.team_id = teams.team_id
      AND last.place = (SELECT max(place) FROM audit WHERE {_CHAINED})
"""
_WRITE_MARK = f"""
    INSERT INTO marks (scope, name, value) VALUES ('{_AUDIT_END}', :team_id, :value)
    ON CONFLICT (scope, name) DO UPDATE SET value = excluded.value
"""
_TEAMS = f"""
    SELECT team_id FROM (SELECT name AS team_id FROM marks WHERE scope = '{_AUDIT_END}'
      UNION SELECT team_id FROM audit WHERE place IS NOT NULL) AS teams
    WHERE team_id > :after ORDER BY team_id LIMIT 500
"""
_PEOPLE = """
    SELECT team_id, user_id, person FROM audit_people WHERE (team_id, user_id) IN (
      SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:people))
"""
_ADD_PERSON = "INSERT INTO audit_people (team_id, user_id, salt, person) VALUES (:team_id, :user_id, :salt, :person)"
_CHAIN = """
    UPDATE audit SET place = :place, person = :person, user_id = '', link = :link WHERE id = :id
      AND NOT EXISTS (SELECT 1 FROM audit AS odd WHERE odd.team_id = :team_id AND odd.place = :place)
"""
"""A row that somebody has inserted there stops only this one."""
_INSERT = f"""
    INSERT INTO audit ({", ".join(AuditRow._fields)}, user_id)
    VALUES ({", ".join(f":{one}" for one in AuditRow._fields)}, '') ON CONFLICT DO NOTHING
"""
_FORGET = "DELETE FROM audit_people WHERE {own} RETURNING team_id, person"
_ADD_KEY = f"INSERT INTO marks (scope, name, value) VALUES ('{AUDIT_KEY}', :name, :value) ON CONFLICT DO NOTHING"
_KEYS = f"SELECT name, value FROM marks WHERE scope = '{AUDIT_KEY}' ORDER BY name LIMIT 100"
_DROP_KEYS = f"""
    DELETE FROM marks WHERE scope = '{AUDIT_KEY}' AND name <> :own
      AND NOT EXISTS (SELECT 1 FROM audit WHERE key_id = marks.name)
"""
_DROP_PEOPLE = """
    DELETE FROM audit_people WHERE NOT EXISTS (SELECT 1 FROM audit WHERE audit.team_id = audit_people.team_id
      AND audit.person = audit_people.person AND audit.person <> '')
"""
_OLD_TEAMS = """
    SELECT DISTINCT team_id FROM (SELECT team_id FROM audit WHERE at < :limit AND place IS NOT NULL
      ORDER BY at LIMIT 10000) AS old
"""
_FIRST = f"""
    {_READ}, CASE WHEN at < :limit THEN 1 ELSE 0 END AS is_old FROM audit
    WHERE team_id = :team_id AND place BETWEEN 1 AND {_MOST} ORDER BY place LIMIT {BATCH}
"""
_DELETE_FIRST = "DELETE FROM audit WHERE team_id = :team_id AND place <= :place"
_DELETE_OLD = f"DELETE FROM audit WHERE at < :limit AND (place IS NULL OR place NOT BETWEEN 1 AND {_MOST})"
_DELETE_NEW = """
    DELETE FROM audit WHERE team_id = :team_id AND place IS NULL
      AND NOT EXISTS (SELECT 1 FROM orders WHERE orders.id = audit.about)
"""
"""Those whose order is gone: others can come from another process while a workspace is being deleted."""
_FOUND = f"""
    SELECT {", ".join(f"audit.{one}" for one in AuditRow._fields)}, audit.user_id, people.user_id, people.salt,
      {", ".join(f"orders.{one}" for one in ORDER_COLUMNS)}, marks.value AS mark FROM audit
    LEFT JOIN orders ON orders.id = audit.about
    LEFT JOIN audit_people AS people ON people.team_id = audit.team_id AND people.person = audit.person
    LEFT JOIN marks ON marks.scope = '{_AUDIT_END}' AND marks.name = audit.team_id
"""
_FOLLOWED = f"""
    {_FOUND} WHERE (audit.team_id, audit.place) > (:team_id, :place) AND audit.place IS NOT NULL
    ORDER BY audit.team_id, audit.place LIMIT :most
"""
_WAITING = f"{_FOUND} WHERE {_IS_NEW} ORDER BY audit.at, audit.id LIMIT :most"
_UNKNOWN_ORDER = f"""
    SELECT id FROM orders WHERE state = '{State.SETTLED}' AND (given_at >= :limit OR settled_at >= :limit)
      AND NOT EXISTS (SELECT 1 FROM audit WHERE audit.id = orders.id) LIMIT 1
"""


def changed(what: str, content: str, *, team_id: str, at: float, by: str = "") -> AuditRow:
    """Return the row of a change, not signed yet."""
    return AuditRow(team_id, 0, secrets.token_hex(16), what=what, at=at, person=by, content=content)


@dataclass(eq=False, repr=False)
class AuditTrail:
    """Repository of the trail. The first key of `cipher` signs what this process adds."""

    database: Database
    cipher: FieldCipher
    page: int = 5_000  # rows that are verified at a time

    def __post_init__(self) -> None:
        self._key = self.cipher.derive("anchor-bot: the links of the audit trail")
        self._known: LRUCache[str, Mark] = LRUCache(_MOST_KNOWN)
        self._after: Mapping[str, Any] = _START

    def add(self, connection: Connection, row: AuditRow, owner: str = "") -> None:
        """Add a row, signed; that of an order only if `owner` has just settled it."""
        connection.queue(_ADD_ORDER if row.about else _ADD, {**self._signed(row)._asdict(), "owner": owner})

    def _signed(self, row: AuditRow) -> AuditRow:
        return row._replace(key_id=self.cipher.key_id).linked("", self._key)

    async def report(self) -> float:
        """Log each gap. Return the seconds until the next report."""
        async for mark in self._all_marks():
            if mark.gap:
                _log.error("the audit trail has a gap", extra={"team": mark.team_id, "why": mark.gap})
        return LOG_INTERVAL

    async def gap(self, team_id: str) -> str:
        """Return what is missing in the trail of a workspace; "" if nothing is."""
        return (await self.database.read(partial(self._marks, [team_id])))[team_id].gap

    async def acknowledge(self, by: str) -> None:
        """Let the trails go on after their gaps, each with a row about it. Raises UnreadableError for other keys."""

        def write(team_id: str, connection: Connection) -> None:
            self._require_key(connection)
            mark = self._marks([team_id], connection)[team_id]
            self._write_marks(connection, [mark._replace(gap="")])
            self.add(connection, changed(GAP, mark.gap, team_id=team_id, at=connection.now(), by=by))

        async for mark in self._all_marks():
            if mark.gap:
                await self.database.change(partial(write, mark.team_id), locks=[LOCK])

    async def _all_marks(self) -> AsyncIterator[Mark]:
        after = ""
        while rows := await self.database.fetch_all(_TEAMS, after=after):
            after = rows[-1].team_id
            teams = [row.team_id for row in rows if isinstance(row.team_id, str)]
            for mark in (await self.database.read(partial(self._marks, teams))).values():
                yield mark

    async def chain(self, lease: Lease) -> float:
        """Chain at most BATCH rows, if this process leads. Return the seconds until there can be more."""
        if lease.term is None or not await self.database.look(_HAS_NEW):
            return INTERVAL
        values = {**self._after, **lease.leading}
        page, marks = await self.database.change(partial(self._chain, values), locks=[LOCK])
        self._known.update(marks)
        is_full = len(page) == BATCH
        self._after = {"at": page[-1].at, "id": page[-1].id} if is_full else _START
        return _PAUSE if is_full else INTERVAL

    def _chain(self, values: Mapping[str, Any], connection: Connection) -> tuple[list[Row], dict[str, Mark]]:
        """Chain rows that have a valid signature, and no others. Return those that were read, and the marks."""
        page, own = connection.fetch_all(_NEW, **values), self.cipher.key_id
        keys = self._keys(connection) if page else {}
        new = [row for row in map(_waiting, page) if row.is_signed(keys)]
        marks = self._marks({row.team_id for row in new}, connection, self._known) if new else {}
        new = [row for row in new if row.key_id in {own, marks[row.team_id].end.key_id}]
        people = self._people(connection, {(row.team_id, row.person) for row in new}) if new else {}
        added, chained, ends = list[AuditRow](), list[AuditRow](), {name: mark.end for name, mark in marks.items()}
        for row in sorted(new, key=lambda row: row.key_id == own):  # after the own key no earlier one counts
            end = ends[row.team_id]
            if end.key_id not in {"", row.key_id}:
                note = changed(NEW_KEY, end.key_id, team_id=row.team_id, at=row.at)
                added.append(note._replace(place=end.place + 1, key_id=own).linked(end.link, self._key))
                end = added[-1].end
            named = row._replace(place=end.place + 1, person=people[row.team_id, row.person])
            chained.append(named.linked(end.link, keys[row.key_id]))
            ends[row.team_id] = chained[-1].end
        connection.queue(_INSERT, *[row._asdict() for row in added])
        connection.queue(_CHAIN, *[row._asdict() for row in chained])
        used = {row.team_id for row in chained}
        return page, self._write_marks(connection, [marks[name]._replace(end=ends[name]) for name in used])

    def _marks(
        self, teams: Collection[str], connection: Connection, known: Mapping[str, Mark] | None = None
    ) -> dict[str, Mark]:
        """Return the ends of trails, with their gaps. Of two versions of a mark the later one counts."""
        keys, marks = self._keys(connection), dict[str, Mark]()
        for team_id, text, first, *columns in connection.fetch_all(_ENDS, teams=listed(teams)):
            found = [read_mark(team_id, text, keys, self.cipher.key_id), (known or {}).get(team_id)]
            mark = max(filter(None, found), key=lambda mark: mark.version, default=None)
            if mark is None and (first, text) == (None, None):
                mark = Mark(team_id)
            elif mark is None:
                start = Point() if first in {None, 1} else Point(int(first) - 1, None)
                mark = Mark(team_id, start, gap="the mark of its end is gone or was changed")
            marks[team_id] = mark.compared(None if first is None else AuditRow._make(columns))
        return marks

    def _write_marks(self, connection: Connection, marks: Iterable[Mark]) -> dict[str, Mark]:
        """Write marks, and the key of their signature, encrypted: the key that it is derived from can be replaced."""
        own, written = self.cipher.key_id, {one.team_id: one._replace(version=one.version + 1) for one in marks}
        texts = [{"team_id": name, "value": one.sealed(own, self._key)} for name, one in written.items()]
        connection.queue(_WRITE_MARK, *texts)
        value = self.cipher.encrypt(Secret(self._key.hex()), FieldRef(own, KEY_COLUMN))
        connection.queue(_ADD_KEY, *([{"name": own, "value": value}] if written else ()))
        return written

    def _people(self, connection: Connection, people: set[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        """Return the pseudonyms of people, "" for nobody. A new person gets a salt."""
        found = connection.fetch_all(_PEOPLE, people=listed(map(list, people)))
        known = {(team_id, ""): "" for team_id, _ in people}
        known |= {(row.team_id, row.user_id): str(row.person) for row in found}
        new = [{"team_id": one[0], "user_id": one[1], "salt": secrets.token_hex(16)} for one in people - known.keys()]
        for one in new:
            known[one["team_id"], one["user_id"]] = one["person"] = pseudonym(one["salt"], one["user_id"])
        connection.queue(_ADD_PERSON, *new)
        return known

    def forget(self, connection: Connection, own: str, **person: object) -> int:
        """Delete what leads back to a person, and say so in the trail. Raises UnreadableError for other keys."""
        self._require_key(connection)
        gone = connection.fetch_all(_FORGET.format(own=own), **person)
        for row in gone:
            self.add(connection, changed(UNNAMED, row.person, team_id=row.team_id, at=connection.now()))
        return len(gone)

    def signed_again(self, connection: Connection, row: Row, user_id: str) -> dict[str, str]:
        """Return what changes in a row that is not chained if it gets another user id, if its signature is valid."""
        if row.place is not None or not _waiting(row).is_signed(self._keys(connection)):
            return {}
        signed = self._signed(_waiting(row)._replace(person=user_id))
        return {"key_id": signed.key_id, "link": signed.link}

    def _require_key(self, connection: Connection) -> None:
        if (known := connection.fetch_all(_KEYS)) and self.cipher.key_id not in {row.name for row in known}:
            raise UnreadableError("the bot has another encryption key than these settings")

    async def prune(self, days: int) -> None:
        """Delete the first rows of each workspace up to the last one older than so many days, in small transactions."""
        limit = time.time() - days * _DAY
        await self.database.execute(_DELETE_OLD, limit=limit)
        for row in await self.database.fetch_all(_OLD_TEAMS, limit=limit):
            work = partial(self._prune, row.team_id, days)
            with suppress(TypeError, ValueError):  # a database can keep a value of any type, also as an id
                while await self.database.change(work, locks=[LOCK]) == BATCH:  # noqa: ASYNC110 - a pause
                    await asyncio.sleep(_PAUSE)

    def _prune(self, team_id: str, days: int, connection: Connection) -> int:
        """Delete some rows. Those that somebody has changed before are a gap."""
        limit, mark = connection.now() - days * _DAY, self._marks([team_id], connection)[team_id]
        first = connection.fetch_all(_FIRST, team_id=team_id, limit=limit)
        while first and not first[-1].is_old:
            first.pop()
        if first:
            inspection = Inspection(self._keys(connection), self.cipher.key_id, limit=math.inf)  # only their links
            for row in (first := [AuditRow._make(row[:_WIDTH]) for row in first]):
                inspection.follow(row, Found(mark))
            gap = next((why for why, kind in inspection.problems.items() if kind is Verdict.CHANGED), "")
            connection.execute(_DELETE_FIRST, team_id=team_id, place=first[-1].place)
            self._write_marks(connection, [mark._replace(start=first[-1].end, gap=mark.gap or gap)])
            connection.execute(_DROP_KEYS, own=self.cipher.key_id)
            connection.execute(f"{_DROP_PEOPLE} AND team_id = :team_id", team_id=team_id)
        return len(first)

    def bury(self, connection: Connection, team_id: str) -> None:
        """Delete the rows of a workspace; its mark keeps their number. The transaction holds LOCK."""
        mark, of_team = self._marks([team_id], connection)[team_id], {"team_id": team_id}
        end = mark.end._replace(place=mark.end.place + connection.execute(_DELETE_NEW, **of_team))
        connection.execute("DELETE FROM audit WHERE team_id = :team_id AND place IS NOT NULL", **of_team)
        self._write_marks(connection, [mark._replace(start=end, end=end)])

    async def verify(self, days: int) -> Inspection:
        """Follow the trails of all workspaces, and compare their rows with the orders, which are kept so many days."""
        now = await self.database.change(lambda connection: connection.now())
        limit = now - days * _DAY + _SETTLING
        inspection = Inspection(await self.database.read(self._keys), self.cipher.key_id, now, limit)
        read = lru_cache(_MOST_KNOWN)(partial(read_mark, keys=inspection.keys, own=self.cipher.key_id))
        for sql, start in ((_FOLLOWED, {"team_id": "", "place": -1}), (_WAITING, _START)):
            after, count = start, self.page
            while count == self.page:
                rows = await self.database.fetch_all(sql, **after, most=self.page)
                for row in rows:
                    found, mark = AuditRow._make(row[:_WIDTH]), read(row.team_id, row.mark) or Mark(row.team_id)
                    beside, known, salt, *order = row[_WIDTH:-1]
                    inspection.follow(found, Found(mark, beside, known, salt, tuple(order)))
                after, count = {name: getattr(rows[-1], name) for name in start} if rows else {}, len(rows)
        unknown = await self.database.fetch_one(_UNKNOWN_ORDER, limit=limit)
        inspection.end(unknown and unknown.id, {mark.team_id: mark.gap async for mark in self._all_marks() if mark.gap})
        return inspection

    def _keys(self, connection: Connection) -> dict[str, bytes]:
        keys = {self.cipher.key_id: self._key}
        for row in connection.fetch_all(_KEYS):
            with suppress(UnreadableError, AttributeError, ValueError):  # one that is lost, or no text at all
                kept = self.cipher.decrypt(row.value, FieldRef(row.name, KEY_COLUMN))
                keys[row.name] = bytes.fromhex(kept.reveal())
        return keys


def _waiting(row: Row) -> AuditRow:
    fields = {name: getattr(row, name) for name in AuditRow._fields}
    return AuditRow(**fields | {"place": 0, "person": row.user_id})
