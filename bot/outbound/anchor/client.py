"""Send orders to Anchor's API, with retries."""

import asyncio
import contextlib
import json
import logging
import random
import time
from collections.abc import Sequence

import httpx

from bot.concurrency import happens
from bot.core.admin_outcomes import NewKeyRejected, NewKeyUnverified
from bot.core.outcomes import AnchorOutcome
from bot.core.requests import Verb
from bot.core.retry import delay_before_retry
from bot.core.secret import Secret
from bot.core.session_id import SessionId
from bot.outbound.anchor.responses import read_failure, read_key_status, read_response
from bot.outbound.http_client import CONNECT_TIMEOUT, NETWORK_ERRORS, timeouts

_log = logging.getLogger(__name__)

_CLEAR_BY_STATUS = frozenset({401, 403, 429, 502, 503, 504})
_MAX_BODY_BYTES = 64 * 1024
_DETAILS_TIMEOUT = 1.0  # seconds for the body of a status that is clear by itself
_CONNECT_SHARE = 0.9  # of an attempt's time, so that a failed connection is told apart from a lost response


class AnchorClient:
    """Client of Anchor's API. `timeout` is for an attempt, `deadline` for an order; in seconds.

    https://docs.anchorbrowser.io/api-reference
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, *, base_url: str, timeout: float, deadline: float) -> None:
        self._transport = transport
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._deadline = deadline

    async def send(
        self, verb: Verb, key: Secret, session_id: SessionId, *, cancelled: asyncio.Event
    ) -> list[AnchorOutcome]:
        """Pause or resume a session's agent, and return the outcome of each attempt; raises no network errors.

        Retries follow `core.retry`, and end once the order is `cancelled`.
        """
        ends = time.monotonic() + self._deadline
        outcomes = [await self._attempt(verb, key, session_id, ends)]
        while (delay := self._delay(verb, outcomes, ends)) is not None:
            if await happens(cancelled, within=delay):
                return outcomes
            outcomes.append(await self._attempt(verb, key, session_id, ends))
        return outcomes

    def _delay(self, verb: Verb, outcomes: Sequence[AnchorOutcome], ends: float) -> float | None:
        return delay_before_retry(
            verb,
            outcomes[-1],
            attempt=len(outcomes),
            time_left=ends - time.monotonic(),
            jitter=random.random(),  # noqa: S311 - no secret
        )

    async def try_key(self, key: Secret) -> NewKeyRejected | NewKeyUnverified | None:
        """Send one harmless request with a key. Return None if Anchor accepts it; raises no network errors."""
        try:
            response, body = await self._request("GET", "/v1/sessions/all/status", key, within=self._timeout)
        except NETWORK_ERRORS as error:
            _log.warning("request to Anchor failed", extra={"why": type(error).__name__})
            return NewKeyUnverified(None)
        return read_key_status(response.status_code, body)

    async def _attempt(self, verb: Verb, key: Secret, session_id: SessionId, ends: float) -> AnchorOutcome:
        path = f"/v1/sessions/{session_id}/agent/{verb.value}"
        timeout = min(self._timeout, ends - time.monotonic())
        try:
            response, body = await self._request("POST", path, key, within=timeout)
        except NETWORK_ERRORS as error:
            _log.warning("request to Anchor failed", extra={"why": f"{type(error).__name__}: {error}"})
            return read_failure(error)
        return read_response(verb, response.status_code, response.headers, body)

    async def _request(self, method: str, path: str, key: Secret, *, within: float) -> tuple[httpx.Response, bytes]:
        """Return the response and its body, without the key. Raises NETWORK_ERRORS."""
        connect = min(CONNECT_TIMEOUT, within * _CONNECT_SHARE)
        headers = {"anchor-api-key": key.reveal()}
        request = httpx.Request(method, self._base_url + path, headers=headers, extensions=timeouts(connect))
        async with asyncio.timeout(within):
            response = await self._transport.handle_async_request(request)
            async with contextlib.aclosing(response):
                return response, _without(key, await _read_body(response))


def _without(key: Secret, body: bytes) -> bytes:
    """Redact the key in a body, because Anchor's messages are posted to the channel."""
    plain = key.reveal()
    for encoded in {plain, json.dumps(plain)[1:-1], plain.replace("/", "\\/")}:
        body = body.replace(encoded.encode(), b"(key)")
    return body


async def _read_body(response: httpx.Response) -> bytes:
    """Return the body, or b"" if it is too large, or if it fails and the status is clear without it."""
    is_clear, body = response.status_code in _CLEAR_BY_STATUS, b""
    try:
        async with asyncio.timeout(_DETAILS_TIMEOUT if is_clear else None):
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _MAX_BODY_BYTES:
                    return b""
    except NETWORK_ERRORS:
        if not is_clear:
            raise
        return b""
    return body
