"""Find session ids in what people and programs write."""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NewType
from urllib.parse import unquote

_INVISIBLE = (
    *(0xAD, 0x180E, 0xFEFF, *range(0x20), *range(0x7F, 0xA0), *range(0x200B, 0x2010), *range(0x202A, 0x202F)),
    *(*range(0x2060, 0x2065), *range(0xFE00, 0xFE10)),
)
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_FORMS = {
    **dict.fromkeys(_INVISIBLE, ""),
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
    **dict.fromkeys(map(ord, _DASHES), "-"),
}
"""For `str.translate`: what clients and people write in place of ASCII: invisible, full-width ones, and dashes."""

_DASHED = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_NOT_INSIDE_A_WORD = r"(?<![0-9a-z])(?<![0-9a-f]-)"
_NOT_GOING_ON = r"(?![0-9a-z]|-[0-9a-f])"
_ID = re.compile(
    rf"(?P<label>sessions?(?:[_-]?id)?[/=:])?{_NOT_INSIDE_A_WORD}(?P<id>{_DASHED}|[0-9a-f]{{32}}){_NOT_GOING_ON}",
    re.ASCII | re.IGNORECASE,
)
_START_OF_AN_ID = re.compile(r"[0-9a-f]{8}", re.ASCII | re.IGNORECASE)  # found far sooner than an id where none is
_ID_DIGITS = 32
_EIGHT_DIGITS = re.compile("[0-9a-fA-F]{8}", re.ASCII)
_MARKS = ".,:;!"
QUOTES = "`'\"\u2018\u2019\u201c\u201d\u00ab\u00bb"
_LINK = re.compile(r"<([@#!][^<>|]*|[a-z]+:[^<>|]*)(?:\|([^<>]*))?>", re.IGNORECASE)

MOST_IDS = 100  # the most ids that are found in one message

_MOST_CHARACTERS = 100_000  # that are read of one message
_MOST_PARTS = 20_000

_PARTS = ("text", "blocks", "attachments")
_READ = frozenset(
    (
        *("text", "title", "pretext", "fallback", "footer", "author_name", "author_subname", "subtitle", "body"),
        *("description", "label", "hint", "placeholder", "alt_text", "provider_name", "ok_text", "dismiss_text"),
        *("url", "title_link", "title_url", "author_link", "value"),
    )
)
"""What is shown, links, and what a button sends."""
_UNSEEN = frozenset(("metadata", "event_payload", "files", "file", "slack_file"))
_RICH_TEXT = ("rich_text_section", "rich_text_preformatted", "rich_text_quote")


SessionId = NewType("SessionId", str)
"""A UUID in its canonical form: lower case, 8-4-4-4-12 hexadecimal digits."""


_Word = tuple[str, tuple[SessionId, ...]]  # a word, and the different ids in it


@dataclass(frozen=True, slots=True)
class Found:
    """Exactly one session id; `rest` is the other text, with white space folded."""

    session_id: SessionId
    rest: str


@dataclass(frozen=True, slots=True)
class NoId:
    """No session id in `written`, "" if that is no text."""

    written: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several different session ids, in the order of the text."""

    session_ids: tuple[SessionId, ...]


Search = Found | NoId | Ambiguous


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
    return Found(ids[0], rest) if ids else NoId(rest)


def eight_digits(words: str) -> str:
    """Return the first word if it is the first 8 digits of an id, else ""."""
    digits = words.strip().partition(" ")[0].strip(_MARKS + QUOTES)
    return digits if _EIGHT_DIGITS.fullmatch(digits) else ""


def words_with_ids(text: str) -> list[_Word]:
    """Split a text as Slack sends it into words, each with the different session ids in it. The time is linear."""
    words = _LINK.sub(_plain_link, _unescape(text)).split()
    return [(word, _ids_in_word(word)) for word in words]


def _unescape(text: str) -> str:
    try:
        return html.unescape(text)
    except ValueError:  # a number of over 4,300 digits
        return text


def _ids_in_word(word: str) -> tuple[SessionId, ...]:
    return _ids_in(_fold(word)) if len(word) >= _ID_DIGITS else ()


def _plain_link(match: re.Match[str]) -> str:
    """Return Slack's `<target|label>` as people see it, and with an id that only the target has."""
    target, label = match[1], match[2] or ""
    if target[:1] in {"@", "#", "!"}:
        return target[0] + (label or target[1:])
    ids = dict.fromkeys((*_ids_in_word(target), *_ids_in_word(label)))
    return " ".join(ids) if ids else label or target


def _fold(word: str) -> str:
    """Return a word in ASCII, as far as that is another way to write it: without escapes and invisible characters."""
    if "%" in word:
        word = unquote(word)
    return word if word.isascii() and word.isprintable() else word.translate(_FORMS)


def _ids_in(word: str) -> tuple[SessionId, ...]:
    """Return the different ids of a folded word; in a URL with several, the one labelled as the session's."""
    matches = list(_ID.finditer(word)) if _START_OF_AN_ID.search(word) else []
    marked = [match for match in matches if match["label"]]
    return tuple(dict.fromkeys(_canonical(match["id"]) for match in marked or matches))


def _canonical(found: str) -> SessionId:
    digits = found.replace("-", "").lower()
    return SessionId("-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])))


@dataclass(frozen=True, slots=True)
class Mentions:
    """The different session ids of a message, in its order; not complete if the message is too large to be read."""

    found: tuple[SessionId, ...]
    is_complete: bool = True


def find_mentions(message: Mapping[str, Any]) -> Mentions:
    """Find the session ids in a message as Slack sends it to apps; anything else than expected in it is ignored."""
    found: dict[SessionId, None] = {}
    parts, characters, is_complete = 0, 0, True
    for text in _passages([(name, message.get(name)) for name in _PARTS]):
        readable = text[: max(0, _MOST_CHARACTERS - characters)]
        parts, characters = parts + 1, characters + len(text)
        found |= dict.fromkeys(one for _, ids in words_with_ids(readable) for one in ids)
        is_complete = parts <= _MOST_PARTS and characters <= _MOST_CHARACTERS and len(found) <= MOST_IDS
        if not is_complete:
            break
    return Mentions(tuple(found)[:MOST_IDS], is_complete)


_Part = tuple[str, Any]


def _passages(parts: list[_Part]) -> Iterator[str]:
    """Yield the texts in these parts of a message. "" is a part without a text."""
    stack = parts[::-1]
    while stack:
        name, value = stack.pop()
        yield value if isinstance(value, str) and name in _READ else ""
        if isinstance(value, list):
            stack += [(name, one) for one in value[_MOST_PARTS::-1]]
        elif isinstance(value, dict):
            stack += _children(value)[_MOST_PARTS::-1]


def _children(holder: Mapping[str, Any]) -> list[_Part]:
    elements = holder.get("elements")
    if holder.get("type") in _RICH_TEXT and isinstance(elements, list):
        parts = [one for one in elements if isinstance(one, dict)]
        return [("text", "".join(map(_words_of, parts))), *(("url", one.get("url")) for one in parts)]
    return [one for one in holder.items() if one[0] not in _UNSEEN]


def _words_of(element: Mapping[str, Any]) -> str:
    text = element.get("text") or element.get("url")
    return text if isinstance(text, str) else " "  # a mention or an emoji separates words
