"""A request as it reached the simulated Anchor, and what a client should not have done in it."""

import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.sim.anchor.listing import PARAMETERS

END_ALL = "would end every session of the key"
_ROUTES: tuple[tuple[re.Pattern[str], str, str | None], ...] = (
    (re.compile(r"/v1/sessions"), "GET", "list"),
    (re.compile(r"/v1/sessions/all/status"), "GET", "statuses"),
    (re.compile(r"/v1/sessions/(?P<id>[^/]+)/agent/(?P<verb>pause|resume)"), "POST", None),
    (re.compile(r"/v1/sessions/all"), "DELETE", "end all"),
    (re.compile(r"/v1/sessions/(?P<id>[^/]+)"), "GET", "get"),
    (re.compile(r"/v1/sessions/(?P<id>[^/]+)"), "DELETE", "end"),
)
_PARAMETERS = {"list": PARAMETERS, "statuses": frozenset({"tags", "created_from"})}


@dataclass(frozen=True, slots=True)
class Target:
    """The meaning of a path; `verb` is pause, resume, list, statuses, get, end or "end all", which needs `method`."""

    verb: str
    method: str
    session_id: str | None


def find_target(method: str, path: str) -> Target | None:
    """Read a path of the API, with the method if it has that; None for one that the API does not have."""
    for pattern, needed, verb in sorted(_ROUTES, key=lambda route: route[1] != method):
        if match := pattern.fullmatch(path):
            groups = match.groupdict()
            return Target(verb or groups["verb"], needed, groups.get("id"))
    return None


@dataclass(slots=True)
class Received:
    """One request; `status` is filled in when it was answered and stays None when it never was."""

    method: str
    path: str
    key: str | None
    headers: Mapping[str, str]
    body: bytes
    target: Target | None
    query: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None
    at: float = field(default_factory=time.monotonic)

    @property
    def session_id(self) -> str | None:
        """The session in the path."""
        return self.target.session_id if self.target else None

    @property
    def verb(self) -> str | None:
        """The verb of its target; None for an unknown path."""
        return self.target.verb if self.target else None

    def mistakes(self) -> list[str]:
        """Say what a careful client would not have sent, for instance a cookie that belongs to another key."""
        wrong = {
            "sent a body, but the API takes none": bool(self.body),
            "sent a content-type without having content": "Content-Type" in self.headers,
            "sent back a cookie: requests of different keys would be tied together": "Cookie" in self.headers,
            "sent no user-agent": not self.headers.get("User-Agent"),
            "asked for a path that the API does not have": self.target is None,
            "used the wrong method": self.target is not None and self.method != self.target.method,
            END_ALL: self.verb == "end all" and self.method == "DELETE",
            "asked with a parameter that the API does not have": bool(self.query.keys() - self._parameters),
            "put something into the path that is no lower-case UUID": not _is_plain_uuid(self.session_id),
        }
        return [f"{self.method} {self.path}: {what}" for what, is_so in wrong.items() if is_so]

    @property
    def _parameters(self) -> frozenset[str]:
        return _PARAMETERS.get(self.verb or "", frozenset())


def _is_plain_uuid(session_id: str | None) -> bool:
    if session_id is None:
        return True
    try:
        return str(uuid.UUID(session_id)) == session_id
    except ValueError:
        return False
