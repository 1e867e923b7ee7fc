"""Find the session ids in a message: in everything that people see of it, in its links and in the values of buttons.

A message has UUIDs that nobody sees, such as its `client_msg_id`: those of files and of metadata do not count, either.
https://docs.slack.dev/reference/events/message
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.core.session_id import SessionId, words_with_ids

MOST_IDS = 100
"""The most ids that are found in one message."""

_MOST_CHARACTERS = 100_000  # that are read of one message
_MOST_PARTS = 20_000

_PARTS = ("text", "blocks", "attachments")
_SHOWN = frozenset(
    (
        *("text", "title", "pretext", "fallback", "footer", "author_name", "author_subname", "subtitle", "body"),
        *("description", "label", "hint", "placeholder", "alt_text", "provider_name", "ok_text", "dismiss_text"),
    )
)
_BEHIND = ("url", "title_link", "title_url", "author_link", "value")
"""Links, and what a button sends. The `value` of an attachment's field is shown, but it has no `type`."""
_UNSEEN = frozenset(("metadata", "event_payload", "files", "file", "slack_file"))
_RICH_TEXT = ("rich_text_section", "rich_text_preformatted", "rich_text_quote")

_WORDS_AROUND = 8
_LONGEST_CONTEXT = 150  # characters


@dataclass(frozen=True, slots=True)
class Mention:
    """A session id in a message; `context` is unescaped text beside or above it, "" without one."""

    session_id: SessionId
    context: str


@dataclass(frozen=True, slots=True)
class Mentions:
    """The different session ids of a message, in its order; not complete if the message is too large to be read."""

    found: tuple[Mention, ...]
    is_complete: bool = True


def find_mentions(message: Mapping[str, Any]) -> Mentions:
    """Find the session ids in a message as Slack sends it to apps; anything else than expected in it is ignored."""
    search = _Search()
    for part in _passages([(name, message.get(name)) for name in _PARTS]):
        if not search.read(*part):
            break
    found = tuple(Mention(session_id, context) for session_id, context in search.contexts.items())
    return Mentions(found[:MOST_IDS], search.is_complete)


_Part = tuple[str, Any]


def _passages(parts: list[_Part]) -> Iterator[tuple[str, bool]]:
    """Yield the texts in these parts of a message, and whether each is shown. "" is a part without a text."""
    stack = parts[::-1]
    while stack:
        name, value = stack.pop()
        is_text = isinstance(value, str) and (name in _SHOWN or name in _BEHIND)
        yield (value, name in _SHOWN) if is_text else ("", False)
        if isinstance(value, list):
            stack += [(name, one) for one in value[_MOST_PARTS::-1]]
        elif isinstance(value, dict):
            stack += list(_children(value))[_MOST_PARTS::-1]


def _children(holder: Mapping[str, Any]) -> Iterator[_Part]:
    """Yield what an object consists of: first what is shown."""
    elements = holder.get("elements")
    if holder.get("type") in _RICH_TEXT and isinstance(elements, list):
        parts = [one for one in elements if isinstance(one, dict)]
        yield "text", "".join(map(_words_of, parts))
        yield from (("url", one.get("url")) for one in parts)
        return
    is_field = "type" not in holder
    shown = ((name, value) for name, value in holder.items() if name not in _BEHIND and name not in _UNSEEN)
    yield from ((name, value) for name, value in shown if isinstance(value, str | list | dict))
    yield from (("text" if is_field and name == "value" else name, holder.get(name)) for name in _BEHIND)


def _words_of(element: Mapping[str, Any]) -> str:
    """Return the text of an element of rich text; a mention or an emoji separates words."""
    text = element.get("text") or element.get("url")
    return text if isinstance(text, str) else " "


class _Search:
    """The ids found so far, each with its context, and what is left of the limits."""

    def __init__(self) -> None:
        self.contexts: dict[SessionId, str] = {}
        self.is_complete = True
        self._line = ""
        self._parts = _MOST_PARTS
        self._characters = _MOST_CHARACTERS

    def read(self, text: str, is_shown: bool) -> bool:  # noqa: FBT001 - part of a passage
        """Read a text. Return False, and be incomplete, if a limit is reached."""
        self._parts -= 1
        self._characters -= len(text)
        if self._parts < 0 or self._characters < 0 or len(self.contexts) > MOST_IDS:
            self.is_complete = False
        for line in text[: max(0, self._characters + len(text))].splitlines():
            self._read_line(line, is_shown=is_shown)
        return self.is_complete

    def _read_line(self, line: str, *, is_shown: bool) -> None:
        words = words_with_ids(line)
        for position in [position for position, (_, ids) in enumerate(words) if ids]:
            near = _join(words[max(0, position - _WORDS_AROUND) : position + _WORDS_AROUND + 1]) if is_shown else ""
            for session_id in words[position][1]:
                self.contexts[session_id] = self.contexts.get(session_id) or near or self._line
        if is_shown:
            self._line = _join(words) or self._line


def _join(words: list[tuple[str, tuple[SessionId, ...]]]) -> str:
    """Return the words without ids, and without the marks of formatting."""
    return " ".join(word.strip("*_~`") for word, ids in words if not ids)[:_LONGEST_CONTEXT].strip()
