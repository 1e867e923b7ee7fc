"""Find a session id in what people and programs write."""

import html
import re
from dataclasses import dataclass
from typing import NewType
from urllib.parse import unquote

from bot.core.characters import FORMS, LONGEST_FORM

SessionId = NewType("SessionId", str)
"""A UUID in its canonical form: lower case, 8-4-4-4-12 hexadecimal digits."""

_DASHED = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_NOT_INSIDE_A_WORD = r"(?<![0-9a-z])(?<![0-9a-f]-)"
_NOT_GOING_ON = r"(?![0-9a-z]|-[0-9a-f])"
_ID = re.compile(
    rf"(?P<label>sessions?(?:[_-]?id)?[/=:])?{_NOT_INSIDE_A_WORD}(?P<id>{_DASHED}|[0-9a-f]{{32}}){_NOT_GOING_ON}",
    re.ASCII | re.IGNORECASE,
)
_START_OF_AN_ID = re.compile(r"[0-9a-f]{8}", re.ASCII | re.IGNORECASE)  # found far sooner than an id where none is
_ID_DIGITS = 32
_LINK = re.compile(r"<([@#!][^<>|]*|[a-z]+:[^<>|]*)(?:\|([^<>]*))?>", re.IGNORECASE)
_VISIBLE_ESCAPE = re.compile(r"%(?:[2-6][0-9a-f]|7[0-9a-e])", re.IGNORECASE)
_ID_LIKE = re.compile(r"[0-9a-f]+(?:-[0-9a-f]+)+|[0-9a-f]{16,}", re.ASCII | re.IGNORECASE)


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
    rest = " ".join(word for word, ids_here in words if not ids_here and _is_visible(word))
    if ids:
        return Found(ids[0], rest)
    return Broken(rest, _digits_of_nearest_miss(_fold(rest))) if rest else Missing()


def words_with_ids(text: str) -> list[tuple[str, tuple[SessionId, ...]]]:
    """Split a text as Slack sends it into words, each with the different session ids in it. The time is linear."""
    words = _LINK.sub(_plain_link, _unescape(text)).split()
    return [(word, _ids_in_word(word)) for word in words]


def _unescape(text: str) -> str:
    """Return a text without HTML's escapes."""
    try:
        return html.unescape(text)
    except ValueError:  # a number of over 4,300 digits
        return text


def _ids_in_word(word: str) -> tuple[SessionId, ...]:
    """Return the different ids of a word. Most words are too short for one."""
    if len(word) < _ID_DIGITS and (word.isascii() or len(word) * LONGEST_FORM < _ID_DIGITS):
        return ()
    folded = _fold(word)
    return _ids_in(folded) if len(folded) >= _ID_DIGITS else ()


def _plain_link(match: re.Match[str]) -> str:
    """Return Slack's `<target|label>` as people see it, and with an id that only the target has."""
    target, label = match[1], match[2] or ""
    if target[:1] in {"@", "#", "!"}:
        return target[0] + (label or target[1:])
    ids = dict.fromkeys((*_ids_in_word(target), *_ids_in_word(label)))
    return " ".join(ids) if ids else label or target


def _fold(word: str) -> str:
    """Normalize a word: remove compatibility forms, escapes, marks, invisible characters and typographic dashes."""
    if "%" in word:
        word = unquote(word)
    return word if word.isascii() and word.isprintable() else word.translate(FORMS)


def _is_visible(word: str) -> bool:
    if "%" in word and not _VISIBLE_ESCAPE.search(word):
        return bool(_fold(word))
    return FORMS.get(ord(word[0])) != "" or bool(word.translate(FORMS))


def _ids_in(word: str) -> tuple[SessionId, ...]:
    """Return the different ids of a folded word; in a URL with several, the one labelled as the session's."""
    matches = list(_ID.finditer(word)) if _START_OF_AN_ID.search(word) else []
    marked = [match for match in matches if match["label"]]
    return tuple(dict.fromkeys(_canonical(match["id"]) for match in marked or matches))


def _canonical(found: str) -> SessionId:
    digits = found.replace("-", "").lower()
    return SessionId("-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])))


def _digits_of_nearest_miss(text: str) -> int:
    counts = [len(miss.replace("-", "")) for miss in _ID_LIKE.findall(text)]
    return min(counts, key=lambda count: abs(count - _ID_DIGITS), default=0)
