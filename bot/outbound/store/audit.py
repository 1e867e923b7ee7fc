"""The audit trail: a row for each order that has ended and each change of settings, in a chain for each workspace.

Rows are added in the transaction of what they are about. A moment later they are chained: the person's id is replaced
by an HMAC with a salt of their own, which `anchor-bot people forget` deletes. Methods can raise StoreUnreachableError.
"""

import asyncio
import hmac
import logging
import math
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from hashlib import sha256
from itertools import takewhile

from cachetools import LRUCache

from bot.core.audit import DELETED, GAP, NEW_KEY, SEPARATOR, AuditRow, Inspection, tombstone
from bot.core.fields import Secret
from bot.core.requests import FORGOTTEN, State
from bot.outbound.store.connections import Connection, listed
from bot.outbound.store.database import Database
from bot.outbound.store.errors import StoreError, UnreadableError
from bot.outbound.store.marks import AUDIT_KEY
from bot.outbound.store.secrets import KEY_COLUMN, FieldCipher, FieldRef
from bot.runtime import happens

_log = logging.getLogger(__name__)

INTERVAL = 5.0  # seconds between two looks for rows to chain, at most two of which an added row waits
_FALLBACK = 64.0  # seconds between two looks for what other processes have left
LOG_INTERVAL = 3_600.0  # seconds between two looks for new last links to log
BATCH = 100  # rows in a transaction, which takes some milliseconds: on SQLite those of orders wait for it
PAGE = 5_000  # rows that are verified at a time
_PAUSE = 0.2  # seconds between two transactions
_CLOSE_TIMEOUT = 1.0  # seconds
_DAY = 86_400.0
_SETTLING = 3_600.0  # seconds by which an order can be older than its row
LOCK = 8_213_905_117_446_201_355  # any number, the same in every process
_MOST_KNOWN = 10_000

_OF_ORDER = """source || '|' || coalesce(outcome, '') || '|' || session_id || '|' || channel_id || '|'
      || coalesce(batch_id, '') || '|' || CAST(round(given_at) AS TEXT)"""
ADD_ORDER = f"""
    INSERT INTO audit (id, team_id, about, what, at, user_id, content)
    SELECT id, team_id, id, verb, settled_at, user_id, {_OF_ORDER} FROM orders
    WHERE id = :id AND owner = :owner AND state = '{State.SETTLED}'
    ON CONFLICT DO NOTHING
"""
"""Add the row of an order of `owner` that is settled, once."""
ADD_CHANGE = """
    INSERT INTO audit (id, team_id, about, what, at, user_id, content)
    VALUES (:id, :team_id, '', :what, :at, :user_id, :value)
"""
_READ = f"SELECT {', '.join(AuditRow._fields)}"
_NEW = f"""
    {_READ}, user_id FROM audit WHERE place IS NULL AND what NOT IN ('{DELETED}', '{GAP}', '{NEW_KEY}') AND at < :latest
    ORDER BY at, id LIMIT {BATCH} FOR UPDATE
"""
"""Rows that the bot has not added are not chained if they would stand for deleted ones, or would never be old."""
_LAST = f"{_READ} FROM audit WHERE team_id = :team_id AND place IS NOT NULL ORDER BY place DESC LIMIT 1"
_LAST_OF_ALL = f"{_READ} FROM audit WHERE (team_id, place) IN (SELECT team_id, max(place) FROM audit GROUP BY team_id)"
_KEPT = f"""
    SELECT 1 FROM audit WHERE team_id = :team_id
      AND (place = :place AND link = :link OR place > :place AND what = '{DELETED}') LIMIT 1
"""
_PEOPLE = """
    SELECT team_id, user_id, person FROM audit_people WHERE (team_id, user_id) IN (
      SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:people))
"""
_ADD_PERSON = "INSERT INTO audit_people (team_id, user_id, salt, person) VALUES (:team_id, :user_id, :salt, :person)"
_CHAIN = """
    UPDATE audit SET place = :place, person = :person, user_id = '', key_id = :key_id, link = :link WHERE id = :id
"""
_INSERT = f"""
    INSERT INTO audit ({", ".join(AuditRow._fields)}, user_id)
    VALUES ({", ".join(f":{one}" for one in AuditRow._fields)}, '')
"""
_ADD_KEY = f"INSERT INTO marks (scope, name, value) VALUES ('{AUDIT_KEY}', :name, :value) ON CONFLICT DO NOTHING"
_KEYS = f"SELECT name, value FROM marks WHERE scope = '{AUDIT_KEY}'"
_DROP_KEYS = f"""
    DELETE FROM marks WHERE scope = '{AUDIT_KEY}' AND name <> :own
      AND NOT EXISTS (SELECT 1 FROM audit WHERE key_id = marks.name)
"""
_DROP_PEOPLE = """
    DELETE FROM audit_people WHERE NOT EXISTS (SELECT 1 FROM audit WHERE audit.team_id = audit_people.team_id
      AND audit.person = audit_people.person AND audit.person <> '')
"""
_OLD_TEAMS = f"""
    SELECT DISTINCT team_id FROM (SELECT team_id FROM audit WHERE at < :limit AND place IS NOT NULL
      AND what <> '{DELETED}' ORDER BY at LIMIT 10000) AS old
"""
_FIRST = f"{_READ} FROM audit WHERE team_id = :team_id AND place IS NOT NULL ORDER BY place LIMIT {BATCH + 1}"
_UP_TO = "FROM audit WHERE team_id = :team_id AND place <= :place"
_ALL = 2**62  # places
_DELETE_NEW = """
    DELETE FROM audit WHERE team_id = :team_id AND place IS NULL
      AND NOT EXISTS (SELECT 1 FROM orders WHERE orders.id = audit.about)
"""
"""Those whose order is gone: others can come from another process while a workspace is being deleted."""
_PROBLEM = f"""
    CASE WHEN audit.user_id <> '' THEN 'a person was added to it'
      WHEN audit.about = '' THEN NULL
      WHEN orders.id IS NULL THEN CASE WHEN audit.at < :limit THEN NULL ELSE 'its order was deleted' END
      WHEN orders.team_id = audit.team_id AND orders.verb = audit.what AND orders.settled_at = audit.at
        AND audit.content = {_OF_ORDER}
      THEN CASE WHEN people.user_id = orders.user_id
          OR (people.user_id IS NULL AND orders.user_id LIKE '{FORGOTTEN}%') THEN NULL
        ELSE 'the person of its order was changed' END
      ELSE 'its order was changed'
    END AS problem
"""
"""It names what differs, also if somebody has put NULL into a column."""
_VERIFIED = f"""
    SELECT {", ".join(f"audit.{one}" for one in AuditRow._fields)}, {_PROBLEM}, people.user_id, people.salt FROM audit
    LEFT JOIN orders ON orders.id = audit.about
    LEFT JOIN audit_people AS people ON people.team_id = audit.team_id AND people.person = audit.person
    WHERE (audit.team_id, audit.place) > (:team_id, :place) AND audit.place IS NOT NULL
    ORDER BY audit.team_id, audit.place LIMIT :most
"""
_REST = f"""
    SELECT (SELECT id FROM orders WHERE state = '{State.SETTLED}' AND (given_at >= :limit OR settled_at >= :limit)
        AND NOT EXISTS (SELECT 1 FROM audit WHERE audit.id = orders.id) LIMIT 1) AS unknown_order,
      (SELECT count(*) FROM audit WHERE place IS NULL AND coalesce(at, 0) NOT BETWEEN :earliest AND :latest)
      AS unchained
"""


@dataclass(eq=False)
class AuditTrail:
    """Repository of the trail, which this process chains with the first key of `cipher`."""

    database: Database
    cipher: FieldCipher

    def __post_init__(self) -> None:
        self._key = self.cipher.derive("anchor-bot: the links of the audit trail")
        self._known: LRUCache[str, AuditRow] = LRUCache(_MOST_KNOWN)
        self._logged: LRUCache[str, str] = LRUCache(_MOST_KNOWN)
        self._log_at = math.inf  # that of commands

    async def run(self) -> None:
        """Chain what is added and log links, until cancelled. The check of the database reports its failures."""
        self._log_at = -math.inf
        while True:
            is_more = await self._chain_some()
            if time.monotonic() >= self._log_at:
                self._log_at = time.monotonic() + LOG_INTERVAL
                await self.log_links()
            if not is_more:
                await happens(self.database.news.audit, within=_FALLBACK)
            await asyncio.sleep(_PAUSE if is_more else INTERVAL)

    async def close(self) -> None:
        """Chain what was added last, since no other process may run, and log the last links if `run` did.

        A command chains nothing with a key that no bot has used: its settings can be out of date.
        """
        is_bot = self._log_at < math.inf
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                if self.database.news.audit.is_set():
                    await self._chain_some(is_bot=is_bot)
                if is_bot:
                    await self.log_links()

    async def _chain_some(self, *, is_bot: bool = True) -> bool:
        self.database.news.audit.clear()
        try:
            return await self.chain(is_bot=is_bot) == BATCH
        except Exception as error:  # noqa: BLE001 - the next look may work
            if not isinstance(error, StoreError):
                _log.exception("audit trail not chained")
            return False

    async def chain(self, *, is_bot: bool = True) -> int:
        """Chain at most BATCH rows, one process at a time. Return how many."""
        chained = await self.database.change(partial(self._chain, is_bot), locks=[LOCK])
        self._known.update({row.team_id: row for row in chained})
        return len(chained)

    async def log_links(self) -> None:
        """Log the last link of each workspace that had another one the last time, whichever process has chained it."""
        with suppress(StoreError):
            for found in await self.database.fetch_all(_LAST_OF_ALL):
                row = self._known[found.team_id] = AuditRow._make(found)
                if self._logged.get(row.team_id) != row.link:
                    self._logged[row.team_id] = row.link
                    _log.info("audit trail", extra={"team": row.team_id, "place": row.place, "link": row.link})

    def _chain(self, is_bot: bool, connection: Connection) -> list[AuditRow]:  # noqa: FBT001 - see partial
        new = connection.fetch_all(_NEW, latest=connection.now() + _DAY)
        if not new or not (is_bot or connection.fetch_all(f"{_KEYS} AND name = :own", own=self.cipher.key_id)):
            return []
        self._keep_key(connection)
        people = self._people(connection, {(row.team_id, row.user_id) for row in new})
        teams = {row.team_id for row in new}
        known = [self._known[team_id] for team_id in teams & self._known.keys()]
        kept = [connection.queue(_KEPT, row._asdict()) for row in known]
        asked = [connection.queue(_LAST, {"team_id": team_id}) for team_id in teams]
        last = {row.team_id: AuditRow._make(row) for one in asked for row in one.fetch_all()}
        lost = {row.team_id: row for row, one in zip(known, kept, strict=True) if not one.fetch_all()}
        added, chained = list[AuditRow](), list[AuditRow]()
        for *values, user_id in new:
            row = AuditRow._make(values)
            named = row._replace(person=people[row.team_id, user_id])
            notes = self._notes(row.team_id, lost.pop(row.team_id, None), last.get(row.team_id), row.at)
            for one in (*notes, named):
                last[row.team_id] = self._next(one, last.get(row.team_id))
                (chained if one is named else added).append(last[row.team_id])
        connection.execute_many(_INSERT, [row._asdict() for row in added])
        connection.execute_many(_CHAIN, [row._asdict() for row in chained])
        return chained

    def _next(self, row: AuditRow, last: AuditRow | None) -> AuditRow:
        place, before = (1, "") if last is None else (last.place + 1, last.link)
        return row._replace(place=place, key_id=self.cipher.key_id).linked(before, self._key)

    def _notes(self, team_id: str, lost: AuditRow | None, last: AuditRow | None, at: float) -> Sequence[AuditRow]:
        """Return the rows to add before the next one: about lost rows of this process, and about another key."""
        notes = [(GAP, f"{lost.place}{SEPARATOR}{lost.link}")] if lost is not None else []
        if last is not None and last.key_id != self.cipher.key_id:
            notes.append((NEW_KEY, last.key_id))
        return [AuditRow(team_id, 0, secrets.token_hex(16), what=what, at=at, content=about) for what, about in notes]

    def _people(self, connection: Connection, people: set[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        """Return the pseudonyms of people, "" for nobody. A new person gets a salt."""
        found = connection.fetch_all(_PEOPLE, people=listed(map(list, people)))
        known = {(team_id, ""): "" for team_id, _ in people}
        known |= {(row.team_id, row.user_id): row.person for row in found}
        new = [{"team_id": one[0], "user_id": one[1], "salt": secrets.token_hex(16)} for one in people - known.keys()]
        for one in new:
            known[one["team_id"], one["user_id"]] = one["person"] = _pseudonym(one["salt"], one["user_id"])
        connection.execute_many(_ADD_PERSON, new)
        return known

    def _keep_key(self, connection: Connection) -> None:
        """Keep the key of the links, encrypted: the key that it is derived from can be replaced."""
        name = self.cipher.key_id
        value = self.cipher.encrypt(Secret(self._key.hex()), FieldRef(name, KEY_COLUMN))
        connection.execute(_ADD_KEY, name=name, value=value)

    async def prune(self, days: int) -> None:
        """Replace rows older than so many days by one in each workspace, in small transactions."""
        limit = time.time() - days * _DAY
        for row in await self.database.fetch_all(_OLD_TEAMS, limit=limit):
            work = partial(self._prune, row.team_id, days)
            while await self.database.change(work, locks=[LOCK]) == BATCH:  # noqa: ASYNC110 - a pause between transactions
                await asyncio.sleep(_PAUSE)

    def _prune(self, team_id: str, days: int, connection: Connection) -> int:
        """Replace the first rows as far as they are old: one that claims to be old does not end those before it."""
        limit = connection.now() - days * _DAY
        first = connection.fetch_all(_FIRST, team_id=team_id)
        is_later = bool(first) and first[0].what == DELETED
        old = list(takewhile(lambda row: row.at < limit, first[is_later:]))[:BATCH]
        if old:
            self.bury(connection, team_id, old[-1].place)
            connection.execute(_DROP_KEYS, own=self.cipher.key_id)
            connection.execute(f"{_DROP_PEOPLE} AND team_id = :team_id", team_id=team_id)
        return len(old)

    def bury(self, connection: Connection, team_id: str, place: int = _ALL) -> None:
        """Replace rows of a workspace, up to a place or all, by one with their number. The transaction holds LOCK."""
        now, up_to = connection.now(), {"team_id": team_id, "place": place}
        self._keep_key(connection)
        new = connection.execute(_DELETE_NEW, team_id=team_id) if place == _ALL else 0
        found = connection.fetch_one(f"{_READ} {_UP_TO} ORDER BY place DESC LIMIT 1", **up_to)
        last = AuditRow(team_id, 0) if found is None else AuditRow._make(found)
        connection.execute(f"DELETE {_UP_TO}", **up_to)
        own = {"place": last.place + new, "id": secrets.token_hex(16), "at": now, "key_id": self.cipher.key_id}
        connection.execute(_INSERT, **tombstone(last, self._key, **own)._asdict())

    async def verify(self, days: int, link: str = "") -> Inspection:
        """Follow the trails of all workspaces, and compare their rows with the orders, which are kept so many days."""
        inspection = Inspection(await self._keys(), link)
        now, at = time.time(), {"team_id": "", "place": -1}
        limit, count = now - days * _DAY + _SETTLING, PAGE
        while count == PAGE:
            rows = await self.database.fetch_all(_VERIFIED, **at, limit=limit, most=PAGE)
            for *values, problem, user_id, salt in rows:
                row = AuditRow._make(values)
                is_another = user_id is not None and _pseudonym(str(salt), str(user_id)) != row.person
                inspection.follow(
                    row, problem or ("the person behind its pseudonym was changed" if is_another else None)
                )
                at = {"team_id": row.team_id, "place": row.place}
            count = len(rows)
        times = {"limit": limit, "earliest": now - _SETTLING, "latest": now + _SETTLING}
        (rest,) = await self.database.fetch_all(_REST, **times)
        inspection.end(rest.unknown_order, rest.unchained)
        return inspection

    async def _keys(self) -> dict[str, bytes]:
        keys = {self.cipher.key_id: self._key}
        for row in await self.database.fetch_all(_KEYS):
            try:
                keys[row.name] = bytes.fromhex(self.cipher.decrypt(row.value, FieldRef(row.name, KEY_COLUMN)).reveal())
            except (UnreadableError, AttributeError):  # no text at all
                _log.info("a key of the audit trail is not known", extra={"key": row.name})
        return keys


@lru_cache(_MOST_KNOWN)
def _pseudonym(salt: str, user_id: str) -> str:
    return hmac.digest(salt.encode(), user_id.encode(), sha256).hex()
