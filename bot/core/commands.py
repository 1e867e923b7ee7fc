"""The words that people type after a slash command, and the sessions that they choose with them."""

from dataclasses import dataclass

from bot.core.session_ids import QUOTES, Ambiguous, NoId, Search, SessionId, find_session_id, words_with_ids

_HELP_WORDS = {"help", "?", "-h", "--help"}

MOST_TOGETHER = 250  # the most sessions that are paused at once
MOST_NAMED = 50  # that people name by their ids: there is no room for more in a button
LONGEST_WORDS = 500  # that choose them; a button has room for 2,000 characters, a window for less
ALL_WORD = "all"  # the word with which people pause several sessions at once; the words that choose them follow it

_IDS, _WORDS, _HELD = "ids", "words", "held"


def read_command(text: str) -> Search | None:
    """Read the text after a slash command: a search for a session id; None asks for help."""
    return None if text.strip().casefold() in _HELP_WORDS else find_session_id(text)


@dataclass(frozen=True, slots=True)
class Choice:
    """The sessions that people pause at once: those of `ids`, or else those that `words` choose, "" for all.

    Those that the message `held_id` counts as not paused by alerts have their ids only while a window shows them.
    """

    words: str = ""
    ids: tuple[SessionId, ...] = ()
    held_id: str = ""

    @property
    def is_named(self) -> bool:
        """Return whether these are chosen one by one."""
        return bool(self.ids or self.held_id)

    def as_text(self) -> str:
        """Return a text for buttons and windows, which `read_choice` reads."""
        if self.held_id:
            return f"{_HELD} {self.held_id}"
        return f"{_IDS} {' '.join(self.ids)}" if self.ids else f"{_WORDS} {self.words[:LONGEST_WORDS]}"


def read_choice(text: str) -> Choice:
    """Read a choice. Ids that are none choose nothing."""
    kind, _, rest = text.partition(" ")
    if kind == _HELD:
        return Choice(held_id=rest[:LONGEST_WORDS])
    ids = tuple(found for _, some in words_with_ids(rest) for found in some) if kind == _IDS else ()
    return Choice(ids=ids[:MOST_TOGETHER]) if ids else Choice(rest[:LONGEST_WORDS])


def words_of(search: NoId | Ambiguous) -> str:
    """Return the words by which a person looks for sessions, "" for all. A word can be quoted, or copied as code."""
    if isinstance(search, Ambiguous):
        return " ".join(search.session_ids)[:LONGEST_WORDS]
    words = (word.strip(QUOTES) for word in search.written[:LONGEST_WORDS].split())
    return " ".join(word for word in words if word)


def several_of(search: NoId | Ambiguous) -> Choice | None:
    """Return the sessions that a person wants to pause at once: those of several ids, or of the words after *all*."""
    if isinstance(search, Ambiguous):
        return Choice(ids=search.session_ids) if len(search.session_ids) <= MOST_NAMED else None
    first, _, rest = words_of(search).partition(" ")
    return Choice(rest) if first.casefold() == ALL_WORD else None
