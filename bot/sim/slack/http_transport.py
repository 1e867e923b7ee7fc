"""Slack's requests to the app over HTTP, with Slack's timeout."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus

import aiohttp

from bot.sim.slack.platform import Timing

_OWN_HEADERS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


@dataclass(frozen=True, slots=True)
class Answered:
    """The app's answer: no `status` without a complete answer in time; `error` is what the Slack client shows."""

    status: int | None
    error: str | None
    elapsed: float  # seconds
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content_type(self) -> str:
        """The Content-Type header, or an empty string."""
        return self.headers.get("Content-Type", "")


class HttpTransport:
    """Posts over pooled connections, as many as it takes; every answer must be complete at the ack deadline."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._session: aiohttp.ClientSession | None = None
        self._exchanges: set[asyncio.Task[Answered]] = set()

    async def start(self) -> None:
        """Open the pool."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            skip_auto_headers=_OWN_HEADERS,
        )

    async def stop(self) -> None:
        """Close every connection."""
        session, self._session = self._session, None
        for exchange in self._exchanges:
            exchange.cancel()
        await asyncio.gather(*self._exchanges, return_exceptions=True)
        if session is not None:
            await session.close()

    async def post(self, url: str | None, body: bytes, headers: Mapping[str, str]) -> Answered:
        """Post these very bytes. The app sees its connection closed if its answer is not complete in time."""
        if self._session is None or url is None:
            return Answered(None, "dispatch_failed", 0.0)
        began = time.monotonic()
        exchange = asyncio.create_task(self._exchange(self._session, url, body, headers))
        self._exchanges.add(exchange)
        exchange.add_done_callback(self._exchanges.discard)
        try:
            await asyncio.wait({exchange}, timeout=self._timing.ack_deadline)
        finally:
            asyncio.get_running_loop().call_later(self._timing.delay_to_app, exchange.cancel)
        return replace(_answered(exchange), elapsed=time.monotonic() - began)

    async def _exchange(
        self, session: aiohttp.ClientSession, url: str, body: bytes, headers: Mapping[str, str]
    ) -> Answered:
        await self._timing.travel_to_app()
        try:
            async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                received = await response.read()
        except (aiohttp.ClientError, OSError):
            return Answered(None, "dispatch_failed", 0.0)
        await self._timing.travel_from_app()
        return Answered(response.status, _client_error(response.status), 0.0, received, response.headers)


def _answered(exchange: asyncio.Task[Answered]) -> Answered:
    if not exchange.done():
        return Answered(None, "operation_timeout", 0.0)
    return Answered(None, "dispatch_failed", 0.0) if exchange.cancelled() else exchange.result()


def _client_error(status: int) -> str | None:
    if status == HTTPStatus.OK:
        return None
    return "http_service_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "http_client_error"
