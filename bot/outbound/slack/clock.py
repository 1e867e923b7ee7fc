"""Slack's clock, read from the `Date` header of its answers."""

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from types import SimpleNamespace

import aiohttp
from yarl import URL

_NEGLIGIBLE = 1.0  # seconds: Date has whole seconds, and the answer was under way


class SlackClock:
    """Slack's time in Unix seconds; `now` is this machine's. Until Slack has answered, they are the same."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._skew = 0.0

    def __call__(self) -> float:
        """Return Slack's time."""
        return self._now() + self._skew

    def observe(self, date: str | None) -> None:
        """Read the header of an answer that has just arrived; an unreadable one changes nothing."""
        try:
            skew = parsedate_to_datetime(date or "").timestamp() + 0.5 - self._now()
        except (ValueError, OverflowError):
            return
        self._skew = skew if abs(skew) > _NEGLIGIBLE else 0.0

    def trace(self, api_url: str) -> aiohttp.TraceConfig:
        """Return a trace for the client session, which observes the answers of the Web API at `api_url`."""
        origin, config = URL(api_url).origin(), aiohttp.TraceConfig()

        async def ended(_: aiohttp.ClientSession, __: SimpleNamespace, end: aiohttp.TraceRequestEndParams) -> None:
            if end.url.origin() == origin:
                self.observe(end.response.headers.get("Date"))

        config.on_request_end.append(ended)
        return config
