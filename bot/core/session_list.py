"""The sessions that run now, as far as Anchor could be read, and the ones that a person means."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.core.session import Life, Session
from bot.core.session_id import Ambiguous, Broken, Missing, SessionId

RECENT = 86_400.0
"""The age in seconds up to which a session is listed whose status is not known."""


class Unread(StrEnum):
    """The reasons why Anchor's list could not be read."""

    KEY_REJECTED = "key rejected"
    RATE_LIMITED = "rate limited"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed out"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class NotRead:
    """Anchor was not read; `status_code` is that of its answer, if any."""

    why: Unread
    status_code: int | None = None


@dataclass(frozen=True, slots=True)
class SessionPage:
    """Sessions in Anchor's sequence; `unreadable` counts others on the page, whose ids cannot be read."""

    sessions: tuple[Session, ...]
    is_last: bool
    unreadable: int = 0

    @property
    def is_complete(self) -> bool:
        """Return whether no session is missing after the first one."""
        return self.is_last and not self.unreadable


@dataclass(frozen=True, slots=True)
class SessionList:
    """The sessions that run or may run, the newest first. `read_at` is in Unix seconds, `ended` has recent others.

    If it is not complete, there can be more than these: Anchor has too many to read, or only those of one API key
    could be read.
    """

    sessions: tuple[Session, ...]
    is_complete: bool
    read_at: float
    ended: frozenset[SessionId] = frozenset()

    def matching(self, words: str) -> "SessionList":
        """Return those that have each word in a tag, a domain or the name of the key, or that an id begins with."""
        wanted = words.casefold().split()
        found = (one for one in self.sessions if _matches(one, wanted))
        return replace(self, sessions=tuple(found))

    def only_match(self, words: str) -> Session | None:
        """Return the session that `words` can mean alone: by the first 8 digits of its id. Otherwise people choose."""
        matches = self.matching(words).sessions
        if not (self.is_complete and _EIGHT_DIGITS.fullmatch(words.strip()) and len(matches) == 1):
            return None
        (session,) = matches
        is_certain = session.life is Life.RUNNING and not _has_word(session, words.strip().casefold())
        return session if is_certain else None


_EIGHT_DIGITS = re.compile("[0-9a-fA-F]{8}", re.ASCII)
_BEGINNING = re.compile("[0-9a-f]{8}[0-9a-f-]*", re.ASCII)
_QUOTES = "`'\"\u2018\u2019\u201c\u201d\u00ab\u00bb"
NEAR_MISS = 16  # digits from which a word is an id that was copied in part


def words_of(search: Missing | Broken | Ambiguous) -> str | None:
    """Return the words by which a person looks for a session, "" for all; None if they meant to write a whole id.

    A word can be quoted, or copied as code from a list.
    """
    if isinstance(search, Missing):
        return ""
    if not isinstance(search, Broken) or search.digits >= NEAR_MISS:
        return None
    words = (word.strip(_QUOTES) for word in search.written.split())
    return " ".join(word for word in words if word)


def running_sessions(pages: Sequence[SessionPage], *, now: float, is_complete: bool = True) -> SessionList:
    """Return the sessions of these pages that run, and the recent ones that may run; `now` is in Unix seconds.

    A session on two pages counts once, as the first page has it: pages change while they are read. The list is
    complete if each page is, unless `is_complete` is false.
    """
    found = {session.id: session for page in reversed(pages) for session in reversed(page.sessions)}
    shown = (session for session in found.values() if _may_run(session, now))
    newest_first = sorted(shown, key=lambda session: (-(session.created_at or now), session.id))
    ended = frozenset(session.id for session in found.values() if session.life is Life.ENDED)
    return SessionList(tuple(newest_first), is_complete and all(page.is_complete for page in pages), now, ended)


def _may_run(session: Session, now: float) -> bool:
    is_recent = session.created_at is None or session.created_at > now - RECENT
    return session.life is Life.RUNNING or (session.life is Life.UNKNOWN and is_recent)


def _matches(session: Session, wanted: list[str]) -> bool:
    return all(_has_word(session, word) or _begins_with(session, word) for word in wanted)


def _has_word(session: Session, word: str) -> bool:
    return any(word in name.casefold() for name in (*session.tags, *session.domains, session.key_name))


def _begins_with(session: Session, word: str) -> bool:
    return _BEGINNING.fullmatch(word) is not None and session.id.replace("-", "").startswith(word.replace("-", ""))
