"""Ask Anchor: one request out, one outcome back."""

import asyncio
import contextlib
import json
import logging
import random
import time
from collections.abc import Sequence

import httpx

from bot.core.administration import KeyNotTaken, KeyNotTried
from bot.core.outcomes import AnchorOutcome
from bot.core.requests import Verb
from bot.core.retry import delay_before_retry
from bot.core.secret import Secret
from bot.core.session_id import SessionId
from bot.outbound.anchor_answers import read_failure, read_key_status, read_response
from bot.outbound.http_client import CONNECT_TIMEOUT, NETWORK_ERRORS

_log = logging.getLogger(__name__)

_CLEAR_BY_STATUS = frozenset({401, 403, 429, 502, 503, 504})
_LONGEST_BODY = 64 * 1024
_PATIENCE_FOR_DETAILS = 1.0  # seconds for a body that can only add words to what the status says
_SHARE_FOR_CONNECTING = 0.9  # of an attempt's time, so that a connection that never comes is told from lost answers


class AnchorClient:
    """Orders by Anchor's HTTP API. `timeout` bounds an attempt, `deadline` all attempts of an order; in seconds.

    https://docs.anchorbrowser.io/api-reference
    """

    def __init__(self, http: httpx.AsyncClient, *, base_url: str, timeout: float, deadline: float) -> None:
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._deadline = deadline

    async def order(
        self, verb: Verb, key: Secret, session_id: SessionId, *, withdrawn: asyncio.Event
    ) -> list[AnchorOutcome]:
        """Order a session's agent to pause or resume, and return what came of each attempt, in order.

        Attempts follow `core.retry`; once the order is `withdrawn`, no further one is made. Never raises for what the
        network or Anchor does.
        """
        ends = time.monotonic() + self._deadline
        outcomes = [await self._attempt(verb, key, session_id, ends)]
        while (delay := self._delay(verb, outcomes, ends)) is not None:
            if await _happens(withdrawn, within=delay):
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

    async def try_key(self, key: Secret) -> KeyNotTaken | KeyNotTried | None:
        """Ask something harmless with a key, once, and say what is wrong with it: None where Anchor takes it.

        Never raises for what the network or Anchor does.
        """
        try:
            answer, body = await self._send("GET", "/v1/sessions/all/status", key, within=self._timeout)
        except NETWORK_ERRORS as error:
            _log.warning("Anchor gave no answer", extra={"why": type(error).__name__})
            return KeyNotTried(None)
        return read_key_status(answer.status_code, body)

    async def _attempt(self, verb: Verb, key: Secret, session_id: SessionId, ends: float) -> AnchorOutcome:
        path = f"/v1/sessions/{session_id}/agent/{verb.value}"
        within = min(self._timeout, ends - time.monotonic())
        try:
            answer, body = await self._send("POST", path, key, within=within)
        except NETWORK_ERRORS as error:
            _log.warning("Anchor gave no answer", extra={"why": f"{type(error).__name__}: {error}"})
            return read_failure(error)
        return read_response(verb, answer.status_code, answer.headers, body)

    async def _send(self, method: str, path: str, key: Secret, *, within: float) -> tuple[httpx.Response, bytes]:
        """One request, and the body as far as it matters. Raises NETWORK_ERRORS."""
        connect = min(CONNECT_TIMEOUT, within * _SHARE_FOR_CONNECTING)
        request = self._http.build_request(
            method,
            self._base_url + path,
            headers={"anchor-api-key": key.reveal()},
            timeout=httpx.Timeout(None, connect=connect, pool=connect),
        )
        async with asyncio.timeout(within):
            answer = await self._http.send(request, stream=True)
            async with contextlib.aclosing(answer):
                return answer, _without(key, await _read_body(answer))


def _without(key: Secret, body: bytes) -> bytes:
    """The body without the key, should Anchor or a gateway repeat it: what they say is told in the channel."""
    plain = key.reveal()
    for written in {plain, json.dumps(plain)[1:-1], plain.replace("/", "\\/")}:
        body = body.replace(written.encode(), b"(key)")
    return body


async def _happens(event: asyncio.Event, *, within: float) -> bool:
    """Wait for `event`, and say whether it came in time."""
    coming = asyncio.ensure_future(event.wait())
    await asyncio.wait({coming}, timeout=within)
    coming.cancel()
    return event.is_set()


async def _read_body(answer: httpx.Response) -> bytes:
    """The body, as far as it matters: where the status says all, a slow or broken one is left."""
    if answer.status_code not in _CLEAR_BY_STATUS:
        return await _read_capped(answer)
    try:
        async with asyncio.timeout(_PATIENCE_FOR_DETAILS):
            return await _read_capped(answer)
    except NETWORK_ERRORS:
        return b""


async def _read_capped(answer: httpx.Response) -> bytes:
    """The body, or b"" where it is larger than Anchor's ever is."""
    body = b""
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > _LONGEST_BODY:
            return b""
    return body
