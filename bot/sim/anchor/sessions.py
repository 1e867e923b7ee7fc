"""The keys and browser sessions that the simulated Anchor knows, and what an order does to them."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

DEFAULT_KEY = "sk-sim-home-9d41c7e20b58"


class SessionState(Enum):
    """The state of the session's agent; ENDED ends both."""

    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "completed"


@dataclass(slots=True)
class Session:
    """One browser session of the project that `key` belongs to.

    An order for it takes `seconds`, and has its effect half-way.
    """

    session_id: str
    key: str
    state: SessionState
    created_at: datetime
    seconds: float = 0.0

    def summary(self) -> dict[str, object]:
        """Return what Anchor's reading calls say; a paused agent leaves its browser session running."""
        ended = self.state is SessionState.ENDED
        status = SessionState.ENDED if ended else SessionState.RUNNING
        return {"session_id": self.session_id, "status": status.value, "created_at": self.created_at.isoformat()}


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
    """Everything behind the API, reachable with a key only."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.keys = set(keys)
        self._sessions: dict[str, Session] = {}

    def __getitem__(self, session_id: str) -> Session:
        return self._sessions[session_id]

    def get(self, session_id: str | None) -> Session | None:
        """Return a session, if there is one."""
        return None if session_id is None else self._sessions.get(session_id)

    def add(self, key: str, session_id: str | None, state: SessionState) -> Session:
        """Add a session; ValueError if the key is unknown, or the id no UUID or taken."""
        if key not in self.keys:
            raise ValueError("a session needs a key that Anchor knows")
        wanted = str(uuid.uuid4() if session_id is None else uuid.UUID(session_id))
        if wanted in self._sessions:
            raise ValueError(f"there is a session {wanted} already")
        session = Session(wanted, key, state, datetime.now(UTC))
        self._sessions[wanted] = session
        return session

    def order(self, key: str, session_id: str, verb: str) -> Reply:
        """Pause or resume; a paused agent may be paused again, and a running one resumed."""
        session = self._owned(key, session_id)
        if session is None:
            return _NOT_FOUND
        if session.state is SessionState.ENDED:
            return error(400, "Session is not running")
        session.state = _STATE_AFTER[verb]
        return Reply(200, {"data": {"status": session.state.value}})

    def listing(self, key: str) -> Reply:
        """List the sessions of the key's project."""
        items = [session.summary() for session in self._sessions.values() if session.key == key]
        return Reply(200, {"data": {"count": len(items), "items": items}})

    def details(self, key: str, session_id: str) -> Reply:
        """Show one session."""
        session = self._owned(key, session_id)
        return _NOT_FOUND if session is None else Reply(200, {"data": session.summary()})

    def _owned(self, key: str, session_id: str) -> Session | None:
        session = self._sessions.get(session_id)
        return session if session is not None and session.key == key else None
