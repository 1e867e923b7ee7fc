"""The URLs that apps.connections.open hands out: each is good for one connection, and not for long."""

import secrets
from collections.abc import Callable
from urllib.parse import urlencode

LIFETIME = 30.0  # seconds; Slack only says that it is short


class Links:
    """All that can still be used; `now` is Slack's time (Unix seconds)."""

    def __init__(self, origin: Callable[[], str], now: Callable[[], float]) -> None:
        self._origin = origin
        self._now = now
        self._expiry: dict[str, float] = {}

    def new_url(self, app_id: str) -> str:
        """Make a URL with a new ticket."""
        ticket = secrets.token_urlsafe(18)
        self._expiry[ticket] = self._now() + LIFETIME
        origin = self._origin().replace("http", "ws", 1)
        return f"{origin}/link/?{urlencode({'ticket': ticket, 'app_id': app_id})}"

    def redeem(self, ticket: str) -> bool:
        """Use a ticket up; False if it is unknown, used or too old."""
        return self._expiry.pop(ticket, 0.0) > self._now()
