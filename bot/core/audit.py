"""The chain of the audit trail of a workspace, and what is found out by following it.

The link of a row is an HMAC over the row, the link before it, and the id of its key. Rows that were deleted leave one
row in their place, which is signed by itself: so a deletion that the bot made is told from another one.
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple

DELETED, GAP, NEW_KEY = "deleted", "gap", "new key"
"""What the rows are about that the bot itself has added: rows deleted before, a restored database, another key."""

SEPARATOR = "|"


class AuditRow(NamedTuple):
    """A row: its workspace and place there, the order that it is `about` ("" if it is about a change), what and when.

    `at` is in Unix seconds. `person` is a pseudonym that can't be traced back once its salt is deleted.
    """

    team_id: str
    place: int
    id: str = ""
    about: str = ""
    what: str = ""
    at: float = 0.0
    person: str = ""
    content: str = ""
    key_id: str = ""
    link: str = ""

    def linked(self, before: str, key: bytes) -> "AuditRow":
        """Return the row with its link, after the link `before`; "" before the first one."""
        fields = [self.team_id, self.place, self.id, self.about, self.what, repr(self.at), self.person, self.content]
        return self._replace(link=_sign([*fields, self.key_id, before], key))


def tombstone(last: AuditRow, key: bytes, **own: Any) -> AuditRow:  # noqa: ANN401 - its id, time and key id
    """Return the row in place of all rows up to this one, which are being deleted. Its place is their number."""
    row = last._replace(about="", what=DELETED, person="", **own)
    return row._replace(content=_seal(row, key))


def _seal(row: AuditRow, key: bytes) -> str:
    fields = [row.what, row.team_id, row.place, row.id, row.about, repr(row.at), row.person, row.link, row.key_id]
    return f"{row.place}{SEPARATOR}{_sign(fields, key)}"


def _sign(fields: list[object], key: bytes) -> str:
    return hmac.digest(key, json.dumps(fields).encode(), sha256).hex()


class Verdict(StrEnum):
    """The result of following the trail, the worst one last."""

    WHOLE = "whole"
    UNVERIFIABLE = "not verifiable"
    CHANGED = "changed"


@dataclass(slots=True)
class Inspection:
    """The state of following all trails, row by row, with the `keys` by id; `wanted` is a link of the log, or ""."""

    keys: Mapping[str, bytes]
    wanted: str = ""
    rows: int = 0
    last: dict[str, AuditRow] = field(default_factory=dict)
    problems: dict[str, Verdict] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)
    is_found: bool = False

    @property
    def verdict(self) -> Verdict:
        """Return the worst of what was found."""
        return max(self.problems.values(), default=Verdict.WHOLE, key=list(Verdict).index)

    def follow(self, row: AuditRow, problem_of_order: str | None) -> None:
        """Check the next row; `problem_of_order` says how its order differs from it, if it does."""
        before = self.last.get(row.team_id)
        self.rows += 1
        self.last[row.team_id] = row
        try:
            self._compare(row, before)
        except (TypeError, ValueError):  # a database can keep a value of any type
            self._report(row, "a value in it is of another type")
        if problem_of_order is not None:
            self._report(row, problem_of_order)

    def _compare(self, row: AuditRow, before: AuditRow | None) -> None:
        self.is_found |= row.link == self.wanted
        place, key = (1 if before is None else before.place + 1), self.keys.get(row.key_id)
        is_sealed = row.what == DELETED and key is not None and row.content == _seal(row, key)
        is_first = row.what == DELETED and before is None
        if row.place > place and not (is_sealed or is_first):
            self._report(row, f"{row.place - place} rows before it were deleted")
        elif key is None:
            self._report(row, f"its key {row.key_id} is not known", Verdict.UNVERIFIABLE)
        elif not is_sealed and row.linked("" if before is None else before.link, key).link != row.link:
            self._report(row, "it was changed, inserted or swapped with another one")
        if row.what == GAP:
            lost, _, link = row.content.partition(SEPARATOR)
            self.gaps.append(f"{name(row)}: the database had lost the rows up to {lost}, link {link}")
            self.is_found |= link == self.wanted

    def end(self, unknown_order: str | None, unchained: int) -> None:
        """Check what no row tells: an order without a row, rows that were not chained in time, a link in no row."""
        if unchained:
            why = f"{unchained} rows are not chained after an hour: no bot runs, or its log says why it can't"
            self.problems[f"{why}."] = Verdict.UNVERIFIABLE
        if unknown_order is not None:
            why = "has no row with its outcome: it was inserted or changed"
            self.problems[f"Order {unknown_order} {why}."] = Verdict.CHANGED
        if self.wanted and not self.is_found:
            why = "its tail was cut, the database was restored from an earlier time, or the row was old and is deleted"
            self.problems[f"The link is not in the trail: {why}."] = Verdict.CHANGED

    def _report(self, row: AuditRow, why: str, verdict: Verdict = Verdict.CHANGED) -> None:
        if verdict not in self.problems.values():  # only the first one is named: all after it can follow from it
            self.problems[f"{name(row)}: {why}."] = verdict


def name(row: AuditRow) -> str:
    """Name a row for an operator, with its whole seconds."""
    about = f"order {row.about}" if row.about else row.what
    return f"Row {row.place} of {row.team_id or 'the workspace'} ({about}, {row.at!s:.10})"
