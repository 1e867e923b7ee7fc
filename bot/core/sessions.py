"""A browser session as Anchor describes it, its state by the journal, its end, and lists of sessions."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from bot.core import outcomes
from bot.core.commands import Choice
from bot.core.fields import MOST_SKEW
from bot.core.orders import Verb, time_id
from bot.core.outcomes import AnchorOutcome, Doubt, NotFound, NotRunning, Paused, Resumed, Unconfirmed
from bot.core.session_ids import Found, SessionId, eight_digits

KEY_REFUSED = frozenset({401, 403})  # the statuses with which Anchor refuses a key
RUNNING = "running"  # the status that Anchor's documentation gives to a session that runs. All others are free text.

_ENDED = frozenset(
    {
        *("cancelled", "canceled", "closed", "complete", "completed", "deleted", "done", "ended", "expired", "failed"),
        *("finished", "killed", "stopped", "succeeded", "success", "terminated", "timed out", "timedout", "timeout"),
    }
)
_SECONDS_PER_MINUTE = 60.0
LATEST = 253_402_300_799  # the end of the year 9999 in Unix seconds: calendars have no later time
_MOST_TAGS, _LONGEST_TAG = 20, 100  # that are stored with a card
_ABSENT: tuple[object, ...] = (None, "", ())

MOST_PAGES = 5  # the most pages of a list of sessions that are read
RECENT = 86_400.0  # the age in seconds up to which a session is listed whose status is not known

DEFAULT_MINUTES = 20.0
"""Anchor's own limit of a session's duration. https://docs.anchorbrowser.io/advanced/session-timeout"""

MOST_MINUTES = 43_200.0  # a longer limit is none

_BEGINNING = re.compile("[0-9a-f]{8}[0-9a-f-]*", re.ASCII)


class Life(StrEnum):
    """Meaning of a status of a session. Anchor documents no statuses, so some have none."""

    RUNNING = "running"
    ENDED = "ended"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session; a field that Anchor does not send is empty or None.

    `created_at` is in Unix seconds. `domains` are host names. `key_name` is the name of the API key that made it.
    `is_task` says whether a task of Anchor's made it, and not a program. `max_minutes` is its own limit of its
    duration, 0 if it has none.
    """

    id: SessionId
    status: str = ""
    created_at: float | None = None
    tags: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    key_name: str = ""
    is_task: bool | None = None
    max_minutes: float | None = None

    def lasting(self) -> "Session":
        """Return what does not change soon."""
        return replace(self, status="")

    def for_card(self) -> "Session":
        """Return what a card shows: what stays true for long, and is for everybody in a channel."""
        tags = tuple(tag[:_LONGEST_TAG] for tag in self.tags[:_MOST_TAGS])
        return replace(self.lasting(), key_name="", domains=self.domains[:1], tags=tags)

    def with_newer(self, newer: "Session") -> "Session":
        """Return `newer`, with the fields that it lacks from this one: each of Anchor's answers lacks some."""
        return replace(self, **newer.stated())

    def stated(self) -> dict[str, Any]:
        """Return the fields that Anchor has stated, by name, without the id."""
        values = {name: getattr(self, name) for name in self.__slots__ if name != "id"}
        return {name: value for name, value in values.items() if value not in _ABSENT}

    @property
    def life(self) -> Life:
        """Return what its status says. Only a status that is known as an end is one: an agent could still run."""
        words = " ".join(re.findall("[a-z]+", self.status.casefold()))
        if words == RUNNING:
            return Life.RUNNING
        return Life.ENDED if words in _ENDED else Life.UNKNOWN

    @property
    def ends_at(self) -> float | None:
        """Return when it ends at the latest (Unix seconds), if Anchor states that."""
        if self.created_at is None or not self.max_minutes:
            return None
        ends_at = self.created_at + self.max_minutes * _SECONDS_PER_MINUTE
        return ends_at if ends_at <= LATEST else None


class Phase(StrEnum):
    """The phases of a session after an order."""

    PAUSING = "pausing"
    """A pause is being sent; its outcome is not known yet."""
    PAUSED = "paused"
    RESUMED = "resumed"
    UNCONFIRMED = "unconfirmed"
    """The last order may have been done or not."""
    ENDED = "ended"
    """Anchor lists the session as ended, or somebody has ended it."""
    NOT_RUNNING = "not running"
    NOT_FOUND = "not found"
    """Anchor knows no such session under this key: it has ended, or belongs to another account."""


PHASES = {
    Paused.__name__: Phase.PAUSED,
    Resumed.__name__: Phase.RESUMED,
    outcomes.Ended.__name__: Phase.ENDED,
    Unconfirmed.__name__: Phase.UNCONFIRMED,
    outcomes.Broken.__name__: Phase.UNCONFIRMED,
    NotRunning.__name__: Phase.NOT_RUNNING,
    NotFound.__name__: Phase.NOT_FOUND,
}
"""The phase that an outcome leaves. All others leave the session as it was, and so does an end in doubt. It is no part
of the table in `messages.outcomes`, because SQL reads it, and the store imports no words."""


@dataclass(frozen=True, slots=True)
class SessionState:
    """The state that the last effective order left: who gave it, where, and when (Unix seconds).

    One that Anchor's answer left has no user, but the state `before`, if there was one. `newest_id` is the last id of
    all orders that had an effect: that of an earlier one can have come later.
    """

    phase: Phase
    verb: Verb
    order_id: str
    user_id: str
    channel_id: str
    reason: str
    at: float
    before: "SessionState | None" = None
    newest_id: str = ""

    def follows(self, order_id: str) -> bool:
        """Return whether the result of an order is not what is true now."""
        return order_id != self.order_id and order_id <= max(self.order_id, self.newest_id)

    def in_channel(self, channel_id: str) -> "SessionState":
        """Return what people in a channel can see ("": in none). A person's reason is shown only where it was given."""
        state = self if self.before is None else replace(self, before=self.before.in_channel(channel_id))
        is_anchors = self.phase is Phase.ENDED and not self.user_id
        is_shown = is_anchors or (self.channel_id == channel_id and channel_id != "")
        return state if is_shown else replace(state, reason="")


def state_at_anchor(phase: Phase, at: float, before: SessionState | None = None, *, status: str = "") -> SessionState:
    """Return what Anchor said at a time (Unix seconds): NOT_FOUND, or ENDED with a `status` that means that."""
    return SessionState(phase, Verb.PAUSE, time_id(at), "", "", status, at, before)


@dataclass(frozen=True, slots=True)
class NotRead:
    """Anchor was not read; `status_code` is that of its answer, if any. If it `is_missing`, Anchor does not know it."""

    status_code: int | None = None
    is_missing: bool = False

    @property
    def is_key_refused(self) -> bool:
        """Return whether Anchor refused the key."""
        return self.status_code in KEY_REFUSED


def end_of(told: AnchorOutcome, after: Session | NotRead) -> AnchorOutcome:
    """Return the outcome of an end, by Anchor's answer and the read `after` it, which counts more.

    A session that Anchor no longer knows has ended only if Anchor accepted the end: else it may have known none.
    """
    if isinstance(after, Session) and after.life is Life.ENDED:
        return outcomes.Ended(after.status)
    if isinstance(told, outcomes.Ended):
        if isinstance(after, NotRead) and after.is_missing:
            return outcomes.Ended()
        return Unconfirmed(Doubt.NOT_UNDERSTOOD)
    if isinstance(told, NotRunning | NotFound) and isinstance(after, Session):
        return outcomes.Failed(told.status_code, told.anchor_message)  # it was read
    return told


@dataclass(frozen=True, slots=True)
class SessionPage:
    """Sessions in Anchor's sequence, and the number of `unreadable` others."""

    sessions: tuple[Session, ...]
    is_last: bool
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class SessionList:
    """The sessions that run or may run, the newest first. `read_at` is in Unix seconds, `ended` has recent others.

    If it is not complete, there can be more than these: Anchor has too many to read, or not all could be read.
    """

    sessions: tuple[Session, ...]
    is_complete: bool
    read_at: float
    ended: frozenset[SessionId] = frozenset()

    def matching(self, words: str) -> "SessionList":
        """Return those with each word in a tag, domain or key, or as an id's beginning."""
        wanted = words.casefold().split()
        return replace(self, sessions=tuple(one for one in self.sessions if _matches(one, wanted)))

    def chosen(self, choice: Choice) -> "SessionList":
        """Return those that people choose to pause at once."""
        if choice.is_named:
            return replace(self, sessions=tuple(one for one in self.sessions if one.id in choice.ids))
        return self.matching(choice.words) if choice.words else self

    def meant_by(self, words: str) -> Found | None:
        """Return the session that `words` can mean alone, by 8 digits that its id begins with, and the reason after."""
        if not (digits := eight_digits(words)) or not self.is_complete:
            return None
        match self.matching(digits).sessions:
            case [session] if session.life is Life.RUNNING and not _has_word(session, digits.casefold()):
                return Found(session.id, words.strip().partition(" ")[2])
        return None

    def offered(self, words: str) -> "SessionList":
        """Return those among which people choose; a reason can follow the first 8 digits of an id."""
        return self.matching(eight_digits(words) or words)


def running_sessions(pages: Sequence[SessionPage], *, now: float, is_complete: bool = True) -> SessionList:
    """Return the sessions of these pages that run, and the recent ones that may run; `now` is in Unix seconds.

    A session on two pages counts once, as the first page has it: pages change while they are read. The list is
    complete if each page is, unless `is_complete` is false.
    """
    found = {session.id: session for page in reversed(pages) for session in reversed(page.sessions)}
    shown = (session for session in found.values() if _may_run(session, now))
    newest_first = sorted(shown, key=lambda session: (-(session.created_at or now), session.id))
    ended = frozenset(session.id for session in found.values() if session.life is Life.ENDED)
    are_whole = all(page.is_last and not page.unreadable for page in pages)
    return SessionList(tuple(newest_first), is_complete and are_whole, now, ended)


def _may_run(session: Session, now: float) -> bool:
    is_recent = session.created_at is None or session.created_at > now - RECENT
    return session.life is Life.RUNNING or (session.life is Life.UNKNOWN and is_recent)


def _matches(session: Session, wanted: list[str]) -> bool:
    digits = session.id.replace("-", "")
    starts = [bool(_BEGINNING.fullmatch(word)) and digits.startswith(word.replace("-", "")) for word in wanted]
    return all(is_start or _has_word(session, word) for is_start, word in zip(starts, wanted, strict=True))


def _has_word(session: Session, word: str) -> bool:
    return any(word in name.casefold() for name in (*session.tags, *session.domains, session.key_name))


@dataclass(frozen=True, slots=True)
class Overview:
    """The sessions for one person, and what they are `allowed` to do where they are.

    `paused` has the pauses of those that this app paused, by id, None if the journal cannot be read: somebody can have
    resumed them elsewhere since. Reasons are shown in `channel_id`, where they were given. `words` choose the sessions.
    `read_at` is in Unix seconds.
    """

    running: SessionList | NotRead
    paused: Mapping[str, SessionState] | None
    allowed: frozenset[Verb]
    channel_id: str
    read_at: float
    words: str = ""

    @property
    def listed(self) -> tuple[Session, ...]:
        """Return those that Anchor lists."""
        return self.running.sessions if isinstance(self.running, SessionList) else ()

    @property
    def chosen(self) -> tuple[list[Session], list[Session]]:
        """Return those that run and those that are paused, of which Anchor lists not all; the words choose both."""
        paused, listed = [SessionId(one) for one in self.paused or ()], {one.id for one in self.listed}
        others = (Session(id=one) for one in paused if one not in listed)
        of_all = SessionList((*self.listed, *others), is_complete=False, read_at=0.0).offered(self.words)
        chosen = {one.id: one for one in of_all.sessions}
        last = [chosen.pop(one) for one in paused if one in chosen]
        return [*chosen.values()], last


@dataclass(frozen=True, slots=True)
class Deadline:
    """The time at which a session ends at the latest (Unix seconds), by its own limit or by Anchor's default."""

    at: float
    is_default: bool = False


def deadline_of(session: Session, now: float) -> Deadline | None:
    """Return when a session ends, if Anchor states a start that is not in the future, and unless it has no limit."""
    is_default = session.max_minutes is None
    whole = replace(session, max_minutes=DEFAULT_MINUTES) if is_default else session
    is_odd = (whole.max_minutes or 0.0) > MOST_MINUTES or (session.created_at or 0.0) > now + MOST_SKEW
    return None if whole.ends_at is None or is_odd else Deadline(whole.ends_at, is_default)
