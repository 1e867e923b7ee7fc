"""Ask Anchor: one request out, one outcome back."""

import asyncio
import contextlib
import json
import logging
import random
import time
from collections.abc import Mapping, Sequence

import aiohttp
import httpx

from bot.core.outcomes import (
    AnchorOutcome,
    Doubt,
    Failed,
    KeyRejected,
    NotFound,
    NotRunning,
    Paused,
    RateLimited,
    Resumed,
    Unavailable,
    Unconfirmed,
    Unreachable,
)
from bot.core.requests import Verb
from bot.core.retry import delay_before_retry
from bot.core.secret import Secret
from bot.core.session_id import SessionId
from bot.outbound.http_client import CONNECT_TIMEOUT, NETWORK_ERRORS, never_sent
from bot.outbound.retry_after import read_retry_after

_log = logging.getLogger(__name__)

_Answer = dict[str, object] | None
_CLEAR_BY_STATUS = frozenset({401, 403, 429, 502, 503, 504})
_LONGEST_BODY = 64 * 1024
_PATIENCE_FOR_DETAILS = 1.0  # seconds for a body that can only add words to what the status says
_SHARE_FOR_CONNECTING = 0.9  # of an attempt's time, so that a connection that never comes is told from lost answers
_OK = 200
_REFUSALS = frozenset({*range(400, 500), 500})


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

    async def _attempt(self, verb: Verb, key: Secret, session_id: SessionId, ends: float) -> AnchorOutcome:
        within = min(self._timeout, ends - time.monotonic())
        connect = min(CONNECT_TIMEOUT, within * _SHARE_FOR_CONNECTING)
        request = self._http.build_request(
            "POST",
            f"{self._base_url}/v1/sessions/{session_id}/agent/{verb.value}",
            headers={"anchor-api-key": key.reveal()},
            timeout=httpx.Timeout(None, connect=connect, pool=connect),
        )
        try:
            async with asyncio.timeout(within):
                answer = await self._http.send(request, stream=True)
                async with contextlib.aclosing(answer):
                    body = await _read_body(answer)
        except NETWORK_ERRORS as error:
            _log.warning("Anchor gave no answer", extra={"why": f"{type(error).__name__}: {error}"})
            return read_failure(error)
        return read_response(verb, answer.status_code, answer.headers, body)


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


def read_failure(error: Exception) -> Unavailable | Unconfirmed:
    """What an exception of the HTTP stack says about the request. What is no HTTP is a `ClientResponseError`."""
    if never_sent(error):
        return Unavailable(Unreachable.NO_CONNECTION)
    if isinstance(error, TimeoutError):
        return Unconfirmed(Doubt.TIMED_OUT)
    if isinstance(error, httpx.DecodingError | aiohttp.ClientResponseError):
        return Unconfirmed(Doubt.UNREADABLE)
    return Unconfirmed(Doubt.CONNECTION_LOST)


def read_response(verb: Verb, status_code: int, headers: Mapping[str, str], body: bytes) -> AnchorOutcome:
    """What Anchor's answer means.

    Some statuses count alone, since a gateway may send them in Anchor's place. Any other counts only with a body
    that is Anchor's JSON object, so that a proxy's 404 page is not taken for "no such session".
    """
    answer = _read_anchors_object(body, succeeded=status_code == _OK)
    return _read_status(status_code, headers, answer) or _read_answer(verb, status_code, answer)


def _read_status(status_code: int, headers: Mapping[str, str], answer: _Answer) -> AnchorOutcome | None:
    match status_code:
        case 401 | 403:
            return KeyRejected(status_code, _message_of(answer))
        case 429:
            return RateLimited(read_retry_after(headers), _message_of(answer))
        case 503:
            return Unavailable(Unreachable.OUT_OF_SERVICE, read_retry_after(headers))
        case 502 | 504:
            return Unconfirmed(Doubt.GATEWAY, status_code)
    return None


def _read_answer(verb: Verb, status_code: int, answer: _Answer) -> AnchorOutcome:
    if answer is not None:
        match status_code:
            case 200:
                done = Paused if verb is Verb.PAUSE else Resumed
                return done(_text_in(answer.get("data"), "status"))
            case 400:
                return NotRunning(_message_of(answer))
            case 404:
                return NotFound(_message_of(answer))
            case _ if status_code in _REFUSALS:
                return Failed(status_code, _message_of(answer))
    return Unconfirmed(Doubt.UNREADABLE, status_code)


def _read_anchors_object(body: bytes, *, succeeded: bool) -> _Answer:
    """The body as Anchor's JSON object, or None where it is something else.

    Every field of Anchor's is optional. What an answer cannot be is a success with an `error`, or a failure with
    only other fields than `error`: that is some gateway's own JSON.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict):
        return None
    anchors = "error" not in answer if succeeded else (not answer or "error" in answer)
    return answer if anchors else None


def _message_of(answer: _Answer) -> str | None:
    return _text_in(answer.get("error"), "message") if answer else None


def _text_in(holder: object, field: str) -> str | None:
    text = holder.get(field) if isinstance(holder, dict) else None
    return text if isinstance(text, str) and text.strip() else None
