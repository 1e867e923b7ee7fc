"""Sends Slack's requests to the app over HTTP, with Slack's timeout."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import aiohttp

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
    """Posts over pooled connections, as many as it takes; every answer must be complete within `deadline` seconds."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the pool."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            skip_auto_headers=_OWN_HEADERS,
        )

    async def stop(self) -> None:
        """Close the pool."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def post(self, url: str | None, body: bytes, headers: Mapping[str, str]) -> Answered:
        """Post these very bytes."""
        if self._session is None or url is None:
            return Answered(None, "dispatch_failed", 0.0)
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._deadline):
                status, received, their_headers = await _exchange(self._session, url, body, headers)
        except TimeoutError:
            return Answered(None, "operation_timeout", time.monotonic() - began)
        except (aiohttp.ClientError, OSError):
            return Answered(None, "dispatch_failed", time.monotonic() - began)
        return Answered(status, _client_error(status), time.monotonic() - began, received, their_headers)


async def _exchange(
    session: aiohttp.ClientSession, url: str, body: bytes, headers: Mapping[str, str]
) -> tuple[int, bytes, Mapping[str, str]]:
    async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
        return response.status, await response.read(), response.headers


def _client_error(status: int) -> str | None:
    if status == HTTPStatus.OK:
        return None
    return "http_service_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "http_client_error"
