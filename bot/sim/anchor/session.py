"""Sessions of the simulated Anchor, and the lists of them."""

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


class SessionState(Enum):
    """The state of the session's agent; ENDED ends both."""

    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "completed"


@dataclass(slots=True)
class Session:
    """One browser session of the team that `key` belongs to.

    An order for it takes `seconds`, and has its effect half-way. `word` is the status in Anchor's own free text, if it
    is not the usual one. The details have each tag with its `tag_value`, or a list if that is "". `max_duration` and
    `idle_timeout` are in minutes; those that are positive end it. One that `survives` is ended by neither, nor by an
    order that is accepted. Reads lack the facts that are None or empty: their fields are optional.
    """

    session_id: str
    key: str
    state: SessionState
    created_at: datetime | None = None
    seconds: float = 0.0
    word: str = ""
    tags: list[str] = field(default_factory=list)
    tag_value: str = "yes"
    domains: list[str] = field(default_factory=list)
    steps: int | None = None
    key_name: str = ""
    is_task: bool | None = None
    credits: float | None = None
    max_duration: int | None = None
    idle_timeout: int | None = None
    survives: bool = False
    paused_at: datetime | None = None
    added_at: datetime = field(default_factory=_now)

    @property
    def status(self) -> str:
        """Return the status; a paused agent leaves its browser session running."""
        ended = self.state is SessionState.ENDED
        return self.word or (SessionState.ENDED if ended else SessionState.RUNNING).value

    @property
    def _settings(self) -> dict[str, object]:
        limits = {"max_duration": self.max_duration, "idle_timeout": self.idle_timeout}
        timeout = {name: minutes for name, minutes in limits.items() if minutes}
        return {"session": {"timeout": timeout} if timeout else {}}

    def order(self, state: SessionState) -> None:
        """Pause or resume the agent, or end the session."""
        if state is SessionState.PAUSED and self.state is not state:
            self.paused_at = _now()
        if state is not SessionState.ENDED or not self.survives:
            self.state = state

    def expire(self, *, pause_keeps_awake: bool) -> None:
        """End it if its time is over. A running agent is never idle."""
        limits = [(self.began_at, self.max_duration)]
        if self.state is SessionState.PAUSED and self.paused_at and not pause_keeps_awake:
            limits.append((self.paused_at, self.idle_timeout))
        for since, minutes in limits:
            if minutes and not self.survives and 0 < minutes * 60 <= (_now() - since).total_seconds():
                self.state = SessionState.ENDED

    @property
    def began_at(self) -> datetime:
        """Return when it was created, also if the reads do not say so."""
        return self.created_at or self.added_at

    def summary(self) -> dict[str, object]:
        """Return what `GET /v1/sessions/all/status` says, whose time is required."""
        return {
            "session_id": self.session_id,
            "status": self.status,
            "created_at": self.began_at.isoformat(),
            "tags": self.tags,
        }

    def listed(self) -> dict[str, object]:
        """Return what `GET /v1/sessions` says."""
        return _stated(
            {
                "id": self.session_id,
                "status": self.status,
                "created_at": self.created_at and self.created_at.isoformat(),
                "tags": self.tags,
                "domains": self.domains,
                "steps": self.steps,
                "duration": self._duration,
                "api_key_name": self.key_name,
                "task_initiated": self.is_task,
                "used_credits": self.credits if self.state is SessionState.ENDED else "N/A",
                "user_configuration": self._settings,
            }
        )

    def details(self) -> dict[str, object]:
        """Return what `GET /v1/sessions/{id}` says: less, and in other forms."""
        return _stated(
            {
                "session_id": self.session_id,
                "team_id": "team",
                "duration": self._duration,
                "status": self.status,
                "credits_used": self.credits,
                "tags": dict.fromkeys(self.tags, self.tag_value) if self.tag_value else self.tags,
                "created_at": self.created_at and self.created_at.isoformat(),
                "steps": None if self.steps is None else [{} for _ in range(self.steps)],
                "configuration": self._settings,
            }
        )

    @property
    def _duration(self) -> float:
        return (_now() - self.began_at).total_seconds()


def _stated(fields: dict[str, object]) -> dict[str, object]:
    """Return the fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}


# The list of sessions, newest first: the filters, pages and limits that the product uses.

_LIMITS = (10, 20, 50)
FILTERS: Mapping[str, Callable[[Session, str], bool]] = {
    "status": lambda session, wanted: session.status == wanted,
    "created_from": lambda session, wanted: session.began_at >= datetime.fromisoformat(wanted),
}
_ORDER = {"sort_by": "created_at", "sort_order": "desc"}
PARAMETERS = frozenset({"page", "limit", *_ORDER, *FILTERS})


class QueryError(Exception):
    """A query that the API does not understand."""


def page_of(sessions: Iterable[Session], query: Mapping[str, str]) -> dict[str, object]:
    """Return a page of the sessions that the query chooses, in Anchor's shape. Raises QueryError."""
    try:
        page, limit = int(query.get("page", "1")), int(query.get("limit", "10"))
        chosen = [one for one in sessions if all(FILTERS[name](one, query[name]) for name in FILTERS if name in query)]
    except ValueError as error:
        raise QueryError(f"not understood: {error}") from None
    if page < 1 or limit not in _LIMITS or any(query.get(name, value) != value for name, value in _ORDER.items()):
        raise QueryError(f"not understood: {dict(query)}")
    chosen.sort(key=lambda session: session.began_at, reverse=True)
    shown = [session.listed() for session in chosen[(page - 1) * limit : page * limit]]
    pages = -(-len(chosen) // limit)
    return {"total": len(chosen), "page": page, "total_pages": pages, "sessions": shown}


# The keys and browser sessions that the simulated Anchor knows, and what an order does to them.

DEFAULT_KEY = "sk-sim-home-9d41c7e20b58"


@dataclass(frozen=True, slots=True)
class Reply:
    """Status and JSON body of a documented answer."""

    status: int
    body: dict[str, object]


def error(status: int, message: str) -> Reply:
    """Return an error in Anchor's shape."""
    return Reply(status, {"error": {"code": status, "message": message}})


_MESSAGES = {
    400: "Session is not running",
    401: "Invalid API Key or browser session ID",
    403: "Forbidden",
    404: "Session not found",
}
_STATE_AFTER = {"pause": SessionState.PAUSED, "resume": SessionState.RUNNING, "end": SessionState.ENDED}
_OK = 200


@dataclass(slots=True)
class Unknowns:
    """Choices that Anchor's documents leave open. A status of 200 stands for the usual answer to a session of the key.

    `others_ordered` is the status of an order for a session of another key of the team. `agent_words` are the words of
    `agent/status`, which are documented nowhere.
    """

    pause_keeps_awake: bool = True
    others_ordered: int = 200
    agent_words: Mapping[SessionState, str] = field(
        default_factory=lambda: {SessionState.RUNNING: "running", SessionState.PAUSED: "paused"}
    )


class Sessions:
    """Everything behind the API, reachable with a key only. `teams` has the team of each key: its own by default."""

    def __init__(self, keys: Iterable[str], unknowns: Unknowns) -> None:
        self.keys = set(keys)
        self._unknowns = unknowns
        self.teams: dict[str, str] = {}
        self._sessions: dict[str, Session] = {}

    def __getitem__(self, session_id: str) -> Session:
        session = self._sessions[session_id]
        session.expire(pause_keeps_awake=self._unknowns.pause_keeps_awake)
        return session

    def get(self, session_id: str | None) -> Session | None:
        """Return a session, if there is one."""
        return self[session_id] if session_id in self._sessions else None

    def add(self, key: str, session_id: str | None, state: SessionState, details: Mapping[str, Any]) -> Session:
        """Add a session; ValueError if the key is unknown, or the id no UUID or taken."""
        if key not in self.keys:
            raise ValueError("a session needs a key that Anchor knows")
        wanted = str(uuid.uuid4() if session_id is None else uuid.UUID(session_id))
        if wanted in self._sessions:
            raise ValueError(f"there is a session {wanted} already")
        session = Session(wanted, key, state, **details)
        self._sessions[wanted] = session
        return session

    def remove(self, session_id: str) -> Session:
        """Remove a session."""
        return self._sessions.pop(session_id)

    def order(self, key: str, session_id: str, verb: str) -> Reply:
        """Pause, resume or end; a paused agent may be paused again, and a running one resumed."""
        session, is_end = self._of_its_team(key, session_id), verb == "end"
        if session is None:
            return _reply(401 if is_end else 404)
        status = _OK if session.key == key else self._unknowns.others_ordered
        if session.state is SessionState.ENDED and status == _OK:
            return _reply(_OK if is_end else 400)
        if status == _OK:
            session.order(_STATE_AFTER[verb])
        return _reply(status)

    def statuses(self, key: str) -> Reply:
        """List the sessions of the key."""
        items = [session.summary() for session in self._all() if session.key == key]
        return Reply(200, {"data": {"count": len(items), "items": items}})

    def listing(self, key: str, query: Mapping[str, str]) -> Reply:
        """List sessions of the key's team."""
        try:
            return Reply(200, {"data": page_of(self._of_team(key), query)})
        except QueryError as why:
            return error(400, str(why))

    def details(self, key: str, session_id: str) -> Reply:
        """Show one session."""
        session = self._of_its_team(key, session_id)
        return Reply(_OK, {"data": session.details()}) if session else _reply(404)

    def agent_status(self, key: str, session_id: str) -> Reply:
        """Tell about the agent of a session that runs; of any other one only a 500 is documented."""
        session = self._of_its_team(key, session_id)
        if session is None or session.state is SessionState.ENDED:
            return _reply(500)
        word = self._unknowns.agent_words[session.state]
        return Reply(_OK, {"data": {"status": word, "message": f"The agent is {word}"}})

    def _all(self) -> Iterator[Session]:
        return map(self.__getitem__, self._sessions)

    def _of_team(self, key: str) -> Iterator[Session]:
        return (session for session in self._all() if self._team(session.key) == self._team(key))

    def _team(self, key: str) -> str:
        return self.teams.get(key, key)

    def _of_its_team(self, key: str, session_id: str) -> Session | None:
        session = self.get(session_id)
        return session if session is not None and self._team(session.key) == self._team(key) else None


def _reply(status: int) -> Reply:
    """Answer an order, in the words of Anchor's examples."""
    done: dict[str, object] = {"data": {"status": "success"}}
    return Reply(_OK, done) if status == _OK else error(status, _MESSAGES.get(status, "Failed"))
