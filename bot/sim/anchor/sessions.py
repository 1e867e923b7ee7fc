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


_NOT_FOUND = error(404, "Session not found")
_STATE_AFTER = {"pause": SessionState.PAUSED, "resume": SessionState.RUNNING}


class Sessions:
    """Everything behind the API, reachable with a key only. `teams` has the team of each key: its own by default."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.keys = set(keys)
        self.teams: dict[str, str] = {}
        self._sessions: dict[str, Session] = {}

    def __getitem__(self, session_id: str) -> Session:
        return self._sessions[session_id]

    def get(self, session_id: str | None) -> Session | None:
        """Return a session, if there is one."""
        return None if session_id is None else self._sessions.get(session_id)

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
        """Pause or resume; a paused agent may be paused again, and a running one resumed."""
        session = self._owned(key, session_id)
        if session is None:
            return _NOT_FOUND
        if session.state is SessionState.ENDED:
            return error(400, "Session is not running")
        session.state = _STATE_AFTER[verb]
        return Reply(200, {"data": {"status": session.state.value}})

    def statuses(self, key: str) -> Reply:
        """List the sessions of the key."""
        items = [session.summary() for session in self._sessions.values() if session.key == key]
        return Reply(200, {"data": {"count": len(items), "items": items}})

    def listing(self, key: str, query: Mapping[str, str]) -> Reply:
        """List sessions of the key's team."""
        try:
            return Reply(200, {"data": page_of(self._of_team(key), query)})
        except QueryError as why:
            return error(400, str(why))

    def details(self, key: str, session_id: str) -> Reply:
        """Show one session."""
        session = self._owned(key, session_id)
        return _NOT_FOUND if session is None else Reply(200, {"data": session.details()})

    def _of_team(self, key: str) -> Iterator[Session]:
        return (session for session in self._sessions.values() if self._team(session.key) == self._team(key))

    def _team(self, key: str) -> str:
        return self.teams.get(key, key)

    def _owned(self, key: str, session_id: str) -> Session | None:
        session = self._sessions.get(session_id)
        return session if session is not None and self._team(session.key) == self._team(key) else None
