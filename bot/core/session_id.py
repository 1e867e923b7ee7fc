"""Find a session id in what people and programs write."""

import html
import re
import unicodedata
from dataclasses import dataclass
from typing import NewType
from urllib.parse import unquote

SessionId = NewType("SessionId", str)
"""A UUID in its canonical form: lower case, 8-4-4-4-12 hexadecimal digits."""

_DASHED = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_NOT_INSIDE_A_WORD = r"(?<![0-9a-z])(?<![0-9a-f]-)"
_NOT_GOING_ON = r"(?![0-9a-z]|-[0-9a-f])"
_ID = re.compile(
    rf"(?P<label>sessions?(?:[_-]?id)?[/=:])?{_NOT_INSIDE_A_WORD}(?P<id>{_DASHED}|[0-9a-f]{{32}}){_NOT_GOING_ON}",
    re.ASCII | re.IGNORECASE,
)
_LINK = re.compile(r"<([@#!][^<>|]*|[a-z]+:[^<>|]*)(?:\|([^<>]*))?>", re.IGNORECASE)
_ID_LIKE = re.compile(r"[0-9a-f]+(?:-[0-9a-f]+)+|[0-9a-f]{16,}", re.ASCII | re.IGNORECASE)
_SESSION_ID_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Found:
    """Exactly one session id; `rest` is the other text, with white space folded."""

    session_id: SessionId
    rest: str


@dataclass(frozen=True, slots=True)
class Missing:
    """No text."""


@dataclass(frozen=True, slots=True)
class Broken:
    """No session id in `written`; `digits` counts those of the part that is most like one (0: none is)."""

    written: str
    digits: int


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several different session ids, in the order of the text."""

    session_ids: tuple[SessionId, ...]


Search = Found | Missing | Broken | Ambiguous


def find_session_id(text: str) -> Search:
    """Find the one session that `text` names.

    `text` is what Slack sends: HTML-escaped once, perhaps with link markup, perhaps mangled by a client
    (typographic dashes and quotes, no-break and zero-width spaces) or pasted from a URL, JSON or `urn:uuid:`.
    https://docs.slack.dev/messaging/formatting-message-text
    """
    words = words_with_ids(text)
    ids = tuple(dict.fromkeys(found for _, ids_here in words for found in ids_here))
    if len(ids) > 1:
        return Ambiguous(ids)
    rest = " ".join(word for word, ids_here in words if not ids_here and _fold(word))
    if ids:
        return Found(ids[0], rest)
    return Broken(rest, _digits_of_nearest_miss(_fold(rest))) if rest else Missing()


def words_with_ids(text: str) -> list[tuple[str, tuple[SessionId, ...]]]:
    """Split a text as Slack sends it into words, each with the different session ids in it."""
    words = _LINK.sub(_plain_link, html.unescape(text)).split()
    return [(word, _ids_in(_fold(word))) for word in words]


def _plain_link(match: re.Match[str]) -> str:
    """Return Slack's `<target|label>` as people see it, and with an id that only the target has."""
    target, label = match[1], match[2] or ""
    if target[:1] in {"@", "#", "!"}:
        return target[0] + (label or target[1:])
    ids = dict.fromkeys((*_ids_in(_fold(target)), *_ids_in(_fold(label))))
    return " ".join(ids) if ids else label or target


def _fold(word: str) -> str:
    """Normalize a word: remove compatibility forms, escapes, invisible characters and typographic dashes."""
    word = unquote(word)
    if word.isascii() and word.isprintable():
        return word
    word = unicodedata.normalize("NFKC", word)
    kept = (char for char in word if unicodedata.category(char) not in {"Cf", "Cc"})
    return "".join("-" if unicodedata.category(char) == "Pd" or char == "\N{MINUS SIGN}" else char for char in kept)


def _ids_in(word: str) -> tuple[SessionId, ...]:
    """Return the different ids of a folded word; in a URL with several, the one labelled as the session's."""
    matches = list(_ID.finditer(word))
    marked = [match for match in matches if match["label"]]
    return tuple(dict.fromkeys(_canonical(match["id"]) for match in marked or matches))


def _canonical(found: str) -> SessionId:
    digits = found.replace("-", "").lower()
    return SessionId("-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])))


def _digits_of_nearest_miss(text: str) -> int:
    counts = [len(miss.replace("-", "")) for miss in _ID_LIKE.findall(text)]
    return min(counts, key=lambda count: abs(count - _SESSION_ID_DIGITS), default=0)
