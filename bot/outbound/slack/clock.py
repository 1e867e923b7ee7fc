"""Slack's clock, read from the `Date` header of its answers."""

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from types import SimpleNamespace

import aiohttp
from yarl import URL

_RESOLUTION = 1.0  # seconds, of the header
_ABSURD = 86_400.0


def read_skew(date: str | None, *, began: float, ended: float) -> float | None:
    """Return by how many seconds a server's clock is ahead, by its `Date` header; None if that is unreadable.

    The clocks differ as far as the date lies outside of the request, which began and ended at these times (Unix
    seconds) of this machine.
    """
    try:
        theirs = parsedate_to_datetime(date or "").timestamp()
    except (ValueError, OverflowError):
        return None
    behind, ahead = began - theirs - _RESOLUTION, theirs - ended
    return ahead if ahead > 0 else -max(0.0, behind)


class SlackClock:
    """Slack's time in Unix seconds; `now` is this machine's. Until Slack has answered, they are the same."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._skew = 0.0

    def __call__(self) -> float:
        """Return Slack's time."""
        return self._now() + self._skew

    def observe(self, date: str | None, *, began: float, ended: float) -> None:
        """Read the header of the answer to a request that began and ended at these times of this machine.

        An unreadable or absurd one changes nothing.
        """
        skew = read_skew(date, began=began, ended=ended)
        if skew is not None and abs(skew) < _ABSURD:
            self._skew = skew

    def trace(self, api_url: str) -> aiohttp.TraceConfig:
        """Return a trace for the client session, which observes the answers of the Web API at `api_url`."""
        origin, config = URL(api_url).origin(), aiohttp.TraceConfig()

        async def start(_: aiohttp.ClientSession, call: SimpleNamespace, __: aiohttp.TraceRequestStartParams) -> None:
            call.began = self._now()

        async def end(_: aiohttp.ClientSession, call: SimpleNamespace, end: aiohttp.TraceRequestEndParams) -> None:
            if end.url.origin() == origin:
                self.observe(end.response.headers.get("Date"), began=call.began, ended=self._now())

        config.on_request_start.append(start)
        config.on_request_end.append(end)
        return config
