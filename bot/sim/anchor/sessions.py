"""The keys and browser sessions that the simulated Anchor knows, and what an order does to them."""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.sim.anchor.listing import QueryError, page_of
from bot.sim.anchor.session import Session, SessionState

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

    `end_of_unknown` is the status of DELETE for a session that the key's team does not have. "Others" are sessions of
    another key of the team: whether `all/status` lists them, and what reads and orders of one answer.
    """

    pause_keeps_awake: bool = True
    end_of_ended: int = 200
    end_of_unknown: int = 401
    others_listed: bool = False
    others_read: int = 200
    others_ordered: int = 200


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
            return _reply(self._unknowns.end_of_unknown if is_end else 404, "completed")
        status = _OK if session.key == key else self._unknowns.others_ordered
        if session.state is SessionState.ENDED and status == _OK:
            status = self._unknowns.end_of_ended if is_end else 400
        elif status == _OK:
            session.order(_STATE_AFTER[verb])
        return _reply(status, _STATE_AFTER[verb].value)

    def end_all(self, key: str) -> Reply:
        """End the sessions of the key."""
        for session in self._all():
            if session.key == key:
                session.order(SessionState.ENDED)
        return _reply(_OK, SessionState.ENDED.value)

    def statuses(self, key: str) -> Reply:
        """List the sessions of the key."""
        of_key = (session for session in self._all() if session.key == key)
        items = [session.summary() for session in (self._of_team(key) if self._unknowns.others_listed else of_key)]
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
        status = 404 if session is None else _OK if session.key == key else self._unknowns.others_read
        return Reply(_OK, {"data": session.details()}) if session and status == _OK else _reply(status)

    def _all(self) -> Iterator[Session]:
        return map(self.__getitem__, self._sessions)

    def _of_team(self, key: str) -> Iterator[Session]:
        return (session for session in self._all() if self._team(session.key) == self._team(key))

    def _team(self, key: str) -> str:
        return self.teams.get(key, key)

    def _of_its_team(self, key: str, session_id: str) -> Session | None:
        session = self.get(session_id)
        return session if session is not None and self._team(session.key) == self._team(key) else None


def _reply(status: int, word: str = "") -> Reply:
    return Reply(_OK, {"data": {"status": word}}) if status == _OK else error(status, _MESSAGES.get(status, "Failed"))
