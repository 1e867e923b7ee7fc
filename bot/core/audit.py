"""The chain of the audit trail of a workspace, and what is found out by following it.

A row is signed when it is added. The link of a chained one is an HMAC over the row and the link before it, with the
same key. The mark of a workspace, signed as well, has both ends of its chain: so rows that the bot has deleted are told
from others that are gone.
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple

from bot.core.orders import FORGOTTEN, Source, operator_name

GAP, NEW_KEY, UNNAMED = "gap", "new key", "forgotten"
"""What rows of the bot's own are about: a gap that an operator has acknowledged, another key, a person forgotten."""

SEPARATOR = "|"
CHAINED_WITHIN, CHAINED_AT_LATEST = 60.0, 3_600.0  # seconds: of an unsigned row, and of any
_MOST_NAMED = 20  # rows that can't be read
_encode = json.JSONEncoder(default=repr).encode
_UNSIGNED = "it has no valid signature"
_BY_COMMAND = "it is not signed: the command line without the keys, or a forgery"
LOST_KEY = "the key of its mark is not known"
_LATE = "it is not chained after an hour: no bot runs, or its log says why it can't"


class Point(NamedTuple):
    """A place in a chain, the link there, None if that is not known, and the key that counts from there on."""

    place: int = 0
    link: str | None = ""
    key_id: str = ""


class AuditRow(NamedTuple):
    """A row: its workspace and place there, the order that it is `about` ("" if it is about a change), what and when.

    `at` is in Unix seconds. `person` is a pseudonym that can't be traced back once its salt is deleted. A row that is
    not chained yet has the place 0, the id of the person, and its signature as its link.
    """

    team_id: str
    place: int | None
    id: str = ""
    about: str = ""
    what: str = ""
    at: float = 0.0
    person: str = ""
    content: str = ""
    key_id: str = ""
    link: str = ""

    def linked(self, before: str | None, key: bytes) -> "AuditRow":
        """Return the row with its link, after the link `before`; "" before the first one."""
        fields = [self.team_id, self.place, self.id, self.about, self.what, repr(self.at), self.person, self.content]
        return self._replace(link=_sign([*fields, self.key_id, before], key))

    def is_signed(self, keys: Mapping[str, bytes]) -> bool:
        """Return whether one that is not chained has the signature of one of the keys."""
        key = keys.get(self.key_id)
        return key is not None and self.linked("", key).link == self.link

    @property
    def end(self) -> Point:
        """Return the end of a chain that ends with it."""
        return Point(int(self.place or 0), self.link, self.key_id)


ORDER_COLUMNS = (
    *("id", "team_id", "verb", "source", "session_id", "channel_id", "batch_id", "user_id"),
    *("given_at", "settled_at", "outcome"),
)
"""The columns of an order that has ended which its row repeats."""


def row_of_order(columns: tuple[Any, ...]) -> AuditRow:
    """Return the row of an order with these ORDER_COLUMNS, not signed yet."""
    order_id, team_id, verb, source, session_id, channel_id, batch_id, user_id, given_at, settled_at, outcome = columns
    content = SEPARATOR.join(map(str, (source, outcome, session_id, channel_id, batch_id or "", given_at)))
    return AuditRow(team_id, 0, order_id, order_id, verb, settled_at, user_id, content)


def _sign(fields: list[object], key: bytes) -> str:
    return hmac.digest(key, _encode(fields).encode(), sha256).hex()


def pseudonym(salt: str, user_id: str) -> str:
    """Return the pseudonym of a person with this salt."""
    return hmac.digest(salt.encode(), user_id.encode(), sha256).hex()


class Mark(NamedTuple):
    """The ends of the chain of a workspace: `start` is the last row that was deleted. Each change has a new version.

    `gap` says what is missing, until an operator acknowledges it.
    """

    team_id: str
    start: Point = Point()
    end: Point = Point()
    gap: str = ""
    version: int = 0

    def compared(self, last: AuditRow | None) -> "Mark":
        """Return the mark to go on from, which has a gap if the last row is another one than it says."""
        end = self.start if last is None else last.end
        gap = "" if end == self.end else f"its last row was {self.end.place}, with the link {self.end.link}"
        return self._replace(end=end, gap=self.gap or gap)

    def sealed(self, own: str, key: bytes) -> str:
        """Return it as a text, signed with the key with the id `own`."""
        fields = [*self[1:], own]
        return json.dumps([*fields, _sign(["mark", self.team_id, *fields], key)], default=repr)


def read_mark(team_id: str, text: object, keys: Mapping[str, bytes], own: str) -> Mark | None:
    """Return a mark; None if nothing that counts has signed it: that is the key of its chain, or the own one.

    If the key of its chain is lost, that can't be known, which is a gap, too.
    """
    try:
        *fields, signer, signature = json.loads(str(text))
        mark, key = Mark(team_id, Point(*fields[0]), Point(*fields[1]), *fields[2:]), keys.get(signer)
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
    if signer not in (mark.end.key_id, own):
        return None
    if key is None:
        return mark._replace(gap=LOST_KEY)
    return mark if signature == _sign(["mark", team_id, *fields, signer], key) else None


class Verdict(StrEnum):
    """The result of following the trail, the worst one last."""

    WHOLE = "whole"
    UNVERIFIABLE = "not verifiable"
    CHANGED = "changed"


class Found(NamedTuple):
    """The mark of the workspace of a row, the person beside it, that of its pseudonym with the salt, and its order."""

    mark: Mark
    user_id: str = ""
    known: str | None = None
    salt: str | None = None
    order: tuple[Any, ...] = (None,)


@dataclass(slots=True)
class Inspection:
    """The state of following all trails, row by row, with the `keys` by id, of which the `own` one signs now.

    `now` is the database's time. Orders that have ended before `limit` are deleted.
    """

    keys: Mapping[str, bytes]
    own: str
    now: float = 0.0
    limit: float = 0.0
    rows: int = 0
    ends: dict[str, Point] = field(default_factory=dict)
    problems: dict[str, Verdict] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)
    _earlier: set[tuple[str, str]] = field(default_factory=set)
    _traced: dict[tuple[str, str], AuditRow | None] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """Return the worst of what was found."""
        return max(self.problems.values(), default=Verdict.WHOLE, key=list(Verdict).index)

    def follow(self, row: AuditRow, found: Found) -> None:
        """Check the next row, those that are not chained yet last. One that can't be read is skipped."""
        try:
            if row.place is None:
                self._wait(row._replace(place=0, person=found.user_id), found)
            else:
                self.link(row, found.mark.start)
                self._compare(row, found)
        except (TypeError, ValueError, AttributeError):  # a database can keep a value of any type
            if len(self.problems) < _MOST_NAMED:
                self.problems[f"{name(row)}: it can't be read, and is skipped."] = Verdict.CHANGED

    def link(self, row: AuditRow, start: Point) -> None:
        """Check the link of the next row of a chain that has this start."""
        before = max(self.ends.get(row.team_id, Point()), start, key=lambda point: point.place)
        self.rows += 1
        key, missing = self.keys.get(row.key_id), row.end.place - before.place - 1
        if missing > 0:
            self._report(row, f"{missing} rows before it were deleted")
        elif key is None:
            self._report(row, f"its key {row.key_id} is not known", Verdict.UNVERIFIABLE)
        elif before.link is not None and row.linked(before.link, key).link != row.link:
            self._report(row, "it was changed, inserted or swapped with another one")
        elif before.key_id not in ("", row.key_id):
            is_new = row.what == NEW_KEY and row.content == before.key_id
            if not is_new or (row.team_id, row.key_id) in self._earlier:
                self._report(row, f"its key {row.key_id} does not count any more")
            self._earlier.add((row.team_id, before.key_id))
        self.ends[row.team_id] = row.end

    def _compare(self, row: AuditRow, found: Found) -> None:
        if row.what == GAP:
            self.gaps.append(f"{name(row)}: an operator has acknowledged a gap: {row.content}.")
        self._report(row, "a person was added to it" if found.user_id else self._about_order(row, found))
        if row.what == UNNAMED:
            self._traced[row.team_id, row.content] = None
        elif row.person and found.known is None:
            self._traced.setdefault((row.team_id, row.person), row)
        elif row.person and pseudonym(str(found.salt), str(found.known)) != row.person:
            self._report(row, "the person behind its pseudonym was changed")

    def _wait(self, row: AuditRow, found: Found) -> None:
        age, counting = abs(self.now - row.at), {self.own, self.ends.get(row.team_id, Point()).key_id}
        is_signed = row.key_id in counting and row.is_signed(self.keys)
        problem = self._about_order(row, found._replace(known=row.person)) or (None if is_signed else _UNSIGNED)
        is_by_command = operator_name(row.person) or row.content.startswith(f"{Source.COMMAND_LINE}{SEPARATOR}")
        if problem is None and row.what == UNNAMED:
            self._traced[row.team_id, row.content] = None
        if problem == _UNSIGNED and is_by_command and row.key_id not in self.keys and age > CHAINED_WITHIN:
            self._report(row, _BY_COMMAND, Verdict.UNVERIFIABLE)
        elif problem and not age <= CHAINED_WITHIN:  # also if it is no number
            self._report(row, problem)
        elif age > CHAINED_AT_LATEST:
            self._report(row, _LATE, Verdict.UNVERIFIABLE)

    def _about_order(self, row: AuditRow, found: Found) -> str | None:
        if not row.about:
            return None
        if found.order[0] is None:
            return None if row.at < self.limit else "its order was deleted"
        own = row_of_order(found.order)
        if (own.team_id, own.what, own.at, own.content) != (row.team_id, row.what, row.at, row.content):
            return "its order was changed"
        is_same = own.person == found.known or (found.known is None and own.person.startswith(FORGOTTEN))
        return None if is_same else "the person of its order was changed"

    def end(self, unknown_order: str | None, gaps: Mapping[str, str]) -> None:
        """Check what no row tells: an order without a row, pseudonyms of nobody, lost ends."""
        for row in self._traced.values():
            self._report(row, "the person behind its pseudonym was deleted")
        for team_id, gap in gaps.items():
            where = f"The trail of {team_id or 'the workspace'} has a gap"
            self.problems[f"{where}: {gap}."] = Verdict.UNVERIFIABLE if gap == LOST_KEY else Verdict.CHANGED
        if unknown_order is not None:
            why = "has no row with its outcome: it was inserted or changed"
            self.problems[f"Order {unknown_order} {why}."] = Verdict.CHANGED

    def _report(self, row: AuditRow | None, why: str | None, verdict: Verdict = Verdict.CHANGED) -> None:
        if row and why and verdict not in self.problems.values():  # all after the first one can follow from it
            self.problems[f"{name(row)}: {why}."] = verdict


def name(row: AuditRow) -> str:
    """Name a row for an operator, with its whole seconds."""
    about = f"order {row.about}" if row.about else row.what
    place = f"Row {row.place}" if row.place else "A new row"
    return f"{place} of {row.team_id or 'the workspace'} ({about}, {row.at!s:.10})"
