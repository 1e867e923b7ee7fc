"""Write past orders as a table, as JSON or as CSV. People wrote some of the texts: none may steer what shows them."""

import csv
import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Protocol, TextIO

from bot.core.history import PastOrder
from bot.core.json_fields import parse_object
from bot.messages.markup import printable


class Writer(Protocol):
    """Writer of orders, one line each."""

    def write(self, orders: Iterable[PastOrder]) -> None:
        """Write some orders."""


class JsonWriter:
    """Writer of one JSON object per line."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, orders: Iterable[PastOrder]) -> None:
        """Write some orders."""
        for order in orders:
            self._out.write(json.dumps({name: value(order) for name, value in _RECORD.items()}) + "\n")


class CsvWriter:
    """Writer of CSV with a header, whose cells no spreadsheet takes for formulas."""

    def __init__(self, out: TextIO) -> None:
        self._csv = csv.writer(_Encodable(out), lineterminator="\n")
        self._csv.writerow(_RECORD)

    def write(self, orders: Iterable[PastOrder]) -> None:
        """Write some orders."""
        for order in orders:
            self._csv.writerow([_cell(value(order)) for value in _RECORD.values()])


class TableWriter:
    """Writer of a table for people, at most `width` columns wide (None: any width), without control characters."""

    def __init__(self, out: TextIO, width: int | None) -> None:
        self._out = _Encodable(out)
        self._width = width
        self._sizes = _fitting(width)
        self._write_line({name: name.upper() for name in self._sizes})

    def write(self, orders: Iterable[PastOrder]) -> None:
        """Write some orders."""
        for order in orders:
            self._write_line({name: _TABLE[name][1](order) or "-" for name in self._sizes})

    def _write_line(self, values: Mapping[str, str]) -> None:
        cells = [_fill(printable(values[name], limit=_LONGEST), size) for name, size in self._sizes.items()]
        line = _GAP.join(cells).rstrip()
        self._out.write((line if self._width is None else _cut(line, self._width)) + "\n")


class _Encodable:
    """A stream that writes the characters that its encoding lacks as escapes."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._encoding = out.encoding or "utf-8"

    def write(self, text: str) -> None:
        self._out.write(text.encode(self._encoding, "backslashreplace").decode(self._encoding))


def _time(unix_seconds: float | None, precision: str = "milliseconds") -> str | None:
    """Return a time in ISO 8601, in UTC."""
    if unix_seconds is None:
        return None
    return datetime.fromtimestamp(unix_seconds, UTC).isoformat(timespec=precision).replace("+00:00", "Z")


_RECORD: Mapping[str, Callable[[PastOrder], object]] = {
    "given_at": lambda order: _time(order.given_at),
    "workspace": lambda order: order.team_id,
    "channel": lambda order: order.channel_id,
    "thread": lambda order: order.thread_ts,
    "user": lambda order: order.user_id,
    "home_workspace": lambda order: order.home_team_id,
    "source": lambda order: order.source,
    "verb": lambda order: order.verb,
    "session": lambda order: order.session_id,
    "reason": lambda order: order.reason,
    "outcome": lambda order: order.outcome,
    "details": lambda order: parse_object(order.outcome_fields or ""),
    "seconds": lambda order: None if order.seconds is None else round(order.seconds, 3),
    "settled_at": lambda order: _time(order.settled_at),
    "delivered_by": lambda order: order.delivered_by,
    "told_at": lambda order: _time(order.told_at),
    "state": lambda order: order.state,
    "id": lambda order: order.id,
}
"""The columns and fields for programs."""

_TABLE: Mapping[str, tuple[int, Callable[[PastOrder], str | None]]] = {
    "time": (20, lambda order: _time(order.given_at, "seconds")),
    "workspace": (11, lambda order: order.team_id),
    "channel": (11, lambda order: order.channel_id),
    "user": (11, lambda order: order.user_id),
    "source": (12, lambda order: order.source),
    "verb": (6, lambda order: order.verb),
    "session": (36, lambda order: order.session_id),
    "outcome": (16, lambda order: order.outcome or f"({order.state})"),
    "seconds": (7, lambda order: None if order.seconds is None else f"{order.seconds:.2f}"),
    "told by": (14, lambda order: order.delivered_by),
    "reason": (20, lambda order: order.reason),
}
"""The columns for people: the width, which a longer value exceeds, and the value of an order."""

_DISPENSABLE = ("source", "told by", "workspace", "seconds", "channel")
"""The columns that a narrow terminal lacks, in the sequence in which they are left out."""

_SHORT_SESSION = 9
_LONGEST = 1_000  # characters of a value
_GAP = "  "


def _fitting(width: int | None) -> dict[str, int]:
    """Return the columns that fit, with their sizes."""
    sizes = {name: size for name, (size, _) in _TABLE.items()}
    if width is not None:
        for name in _DISPENSABLE:
            if _total(sizes) > width:
                del sizes[name]
        if _total(sizes) > width:
            sizes["session"] = _SHORT_SESSION
    return sizes


def _total(sizes: Mapping[str, int]) -> int:
    return sum(sizes.values()) + len(_GAP) * (len(sizes) - 1)


def _fill(text: str, size: int) -> str:
    """Return a cell. Of a session that does not fit, the beginning is enough to recognize it."""
    text = _cut(text, size) if size == _SHORT_SESSION else text
    return text + " " * (size - _width(text))


def _cut(text: str, width: int) -> str:
    """Return the beginning of a text, of at most `width` columns."""
    if _width(text) <= width:
        return text
    room = width - len("…")
    end = next(place for place, char in enumerate(text) if (room := room - _width(char)) < 0)
    return text[:end].rstrip() + "…"


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1 for char in text)


def _cell(value: object) -> str:
    """Return a cell of CSV. https://owasp.org/www-community/attacks/CSV_Injection."""
    text = "" if value is None else json.dumps(value) if isinstance(value, dict) else str(value)
    text = printable(text, limit=len(text))
    return f"'{text}" if text.lstrip()[:1] in _FORMULA else text


_FORMULA = frozenset("=+-@＝＋－＠")  # noqa: RUF001 - spreadsheets take the wide ones, too
