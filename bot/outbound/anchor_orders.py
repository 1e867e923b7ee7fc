"""Pause, resume and end at Anchor's API."""

import asyncio
import json
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import KW_ONLY, dataclass

import httpx
from aiohttp.http_exceptions import ContentEncodingError

from bot.core import outcomes
from bot.core.fields import Secret, parse_object, text_field
from bot.core.orders import Verb
from bot.core.outcomes import AnchorOutcome, contradiction
from bot.core.retries import delay_before_retry
from bot.core.session_ids import SessionId
from bot.core.sessions import NotRead
from bot.metrics import OFF, Metrics
from bot.outbound.http import CONNECT_TIMEOUT, NETWORK_ERRORS, NotHttpError, content_of, never_sent, read_retry_after
from bot.runtime import new_id, request_id

_log = logging.getLogger(__name__)

_CONNECT_SHARE = 0.9  # of an attempt's time, so that a failed connection is told apart from a lost response

_OK = 200
_REJECTED = frozenset({*range(400, 500), 500})
_BY_STATUS: Mapping[int, type[outcomes.NotRunning | outcomes.NotFound]] = {
    400: outcomes.NotRunning,
    404: outcomes.NotFound,
}
_DONE: Mapping[Verb, Callable[[str | None], outcomes.Done]] = {
    Verb.PAUSE: outcomes.Paused,
    Verb.RESUME: outcomes.Resumed,
    Verb.END: outcomes.Ended,
}

_MAX_BODY_BYTES = 64 * 1024
_NO_BODY = httpx.ByteStream(b"")
_MAY_SAY_WHEN = frozenset({429, 503})  # with Retry-After


@dataclass(eq=False, repr=False)
class AnchorHttp:
    """Anchor's API at `base_url`. https://docs.anchorbrowser.io/api-reference."""

    transport: httpx.AsyncBaseTransport
    base_url: str

    def __post_init__(self) -> None:
        url = httpx.URL(self.base_url.rstrip("/"))
        self._prefix = url.raw_path.decode().rstrip("/")
        self._origin = url.copy_with(raw_path=b"")

    async def request(
        self, method: str, path: str, key: Secret, *, within: float, max_bytes: int
    ) -> tuple[httpx.Response, bytes]:
        """Return the response within time, and its body without the key. Raises NETWORK_ERRORS."""
        about = (request_id() or new_id()).encode()
        headers = [(b"anchor-api-key", key.reveal().encode()), (b"x-request-id", about)]
        extensions = {
            "target": f"{self._prefix}{path}".encode(),
            "connect_timeout": min(CONNECT_TIMEOUT, within * _CONNECT_SHARE),
            "max_bytes": max_bytes,
        }
        request = httpx.Request(method, self._origin, headers=headers, stream=_NO_BODY, extensions=extensions)
        began, status = time.monotonic(), 0
        try:
            async with asyncio.timeout(within):
                response = await self.transport.handle_async_request(request)
            status = response.status_code
            return response, _without(key, content_of(response))
        finally:
            fields = {"call": f"{method} {path.partition('?')[0]}", "status": status or "none"}
            _log.debug("attempt at Anchor", extra=fields | {"ms": round((time.monotonic() - began) * 1000)})


def _without(key: Secret, body: bytes) -> bytes:
    """Redact the key in a body, because Anchor's messages are posted to the channel."""
    plain = key.reveal()
    for encoded in {plain, json.dumps(plain)[1:-1], plain.replace("/", "\\/")}:
        body = body.replace(encoded.encode(), b"(key)")
    return body


_Body = dict[str, object] | None


def read_failure(error: Exception) -> outcomes.Unavailable | outcomes.Unconfirmed:
    """Translate an exception of the HTTP stack."""
    if never_sent(error):
        return outcomes.Unavailable()
    if isinstance(error, NotHttpError) or isinstance(error.__cause__, ContentEncodingError):
        return outcomes.Unconfirmed(outcomes.Doubt.NOT_UNDERSTOOD)
    return outcomes.Unconfirmed(outcomes.Doubt.NO_ANSWER)


def read_response(verb: Verb, response: httpx.Response, body: bytes) -> outcomes.AnchorOutcome:
    """Translate Anchor's response to an order.

    A gateway may send some statuses in Anchor's place, so those count alone. Any other counts only with Anchor's JSON
    object: a proxy's 404 page does not mean "no such session", and its 503 can follow a backend that had the request.
    """
    status, parsed = response.status_code, parse_object(body)
    return _read_status(verb, status, response.headers, parsed) or _read_object(verb, status, parsed)


def read_key_status(status_code: int, body: bytes) -> NotRead | None:
    """Translate Anchor's response to a harmless request; None if it accepts the key."""
    parsed = parse_object(body)
    is_read = status_code == _OK and parsed is not None and "error" not in parsed
    return None if is_read else NotRead(status_code)


def _read_status(
    verb: Verb, status_code: int, headers: Mapping[str, str], parsed: _Body
) -> outcomes.AnchorOutcome | None:
    match status_code:
        case 401 if verb is Verb.END:  # "Invalid API Key or browser session ID":
            # https://docs.anchorbrowser.io/api-reference/browser-sessions/end-browser-session
            return outcomes.Failed(status_code, _message_of(parsed))
        case 401 | 403:
            return outcomes.KeyRejected(status_code, _message_of(parsed))
        case 429:
            return outcomes.RateLimited(status_code, _message_of(parsed), read_retry_after(headers))
        case 503 if parsed and isinstance(parsed.get("error"), dict):
            return outcomes.Unavailable(status_code, retry_after=read_retry_after(headers))
        case 502 | 503 | 504:
            return outcomes.Unconfirmed(outcomes.Doubt.NO_ANSWER, status_code)
    return None


def _read_object(verb: Verb, status_code: int, parsed: _Body) -> outcomes.AnchorOutcome:
    if parsed is not None and status_code == _OK:
        return _read_confirmation(verb, parsed)
    if is_anchors_error(parsed) and status_code in _REJECTED:
        return _BY_STATUS.get(status_code, outcomes.Failed)(status_code, _message_of(parsed))
    return outcomes.Unconfirmed(outcomes.Doubt.NOT_UNDERSTOOD, status_code)


def is_anchors_error(parsed: _Body) -> bool:
    """Return whether a parsed body is an error of Anchor's: every field is optional, and other JSON is a gateway's."""
    return parsed == {} or bool(parsed and "error" in parsed)


def _read_confirmation(verb: Verb, parsed: dict[str, object]) -> outcomes.Done | outcomes.Unconfirmed:
    if words := contradiction(verb, parsed):
        return outcomes.Unconfirmed(outcomes.Doubt.NOT_UNDERSTOOD, anchor_message=words)
    return _DONE[verb](_text_in(parsed.get("data"), "status"))


def _message_of(parsed: _Body) -> str | None:
    return _text_in(parsed.get("error"), "message") if parsed else None


def _text_in(holder: object, field: str) -> str | None:
    text = text_field(holder, field)
    return text if text.strip() else None


@dataclass(eq=False, repr=False)
class AnchorClient:
    """Client of Anchor's API. `timeout` is for an attempt, `deadline` for an order; in seconds."""

    http: AnchorHttp
    _: KW_ONLY
    timeout: float
    deadline: float
    metrics: Metrics = OFF

    async def send(
        self, verb: Verb, key: Secret, session_id: SessionId, may_repeat: Callable[[], Awaitable[bool]] | None = None
    ) -> list[AnchorOutcome]:
        """Pause or resume a session's agent, or end the session; raises no network errors.

        Return the outcome of each attempt; `Ended` is one that Anchor accepted. Retries follow `core.retries`, and end
        once the order may not be repeated.
        """
        ends, path = time.monotonic() + self.deadline, f"/v1/sessions/{session_id}"
        path += "" if verb is Verb.END else f"/agent/{verb.value}"
        outcomes: list[AnchorOutcome] = []
        while True:
            outcome, retry_after = await self._attempt(verb, path, key, ends)
            outcomes.append(outcome)
            delay = delay_before_retry(
                verb,
                outcome,
                attempt=len(outcomes),
                time_left=ends - time.monotonic(),
                jitter=random.random(),  # noqa: S311 - no secret
                retry_after=retry_after,
            )
            if delay is None:
                return outcomes
            await asyncio.sleep(delay)
            is_forbidden = may_repeat is not None and not await may_repeat()
            if is_forbidden or time.monotonic() >= ends:  # an attempt without time would count as one without an answer
                return outcomes

    async def try_key(self, key: Secret) -> NotRead | None:
        """Send one harmless request with a key. Return None if Anchor accepts it; raises no network errors."""
        try:
            response, body = await self.http.request(
                "GET", "/v1/sessions/all/status", key, within=self.timeout, max_bytes=_MAX_BODY_BYTES
            )
        except NETWORK_ERRORS as error:
            _log.warning("request to Anchor failed", extra={"why": type(error).__name__})
            return NotRead()
        return read_key_status(response.status_code, body)

    async def _attempt(self, verb: Verb, path: str, key: Secret, ends: float) -> tuple[AnchorOutcome, float | None]:
        """Return the outcome of an attempt, and Anchor's or a gateway's Retry-After in seconds."""
        began, method = time.monotonic(), "DELETE" if verb is Verb.END else "POST"
        timeout, retry_after = min(self.timeout, ends - began), None
        try:
            response, body = await self.http.request(method, path, key, within=timeout, max_bytes=_MAX_BODY_BYTES)
        except NETWORK_ERRORS as error:
            _log.warning("request to Anchor failed", extra={"why": f"{type(error).__name__}: {error}"})
            outcome: AnchorOutcome = read_failure(error)
        else:
            outcome = read_response(verb, response, body)
            if response.status_code in _MAY_SAY_WHEN:
                retry_after = read_retry_after(response.headers)
        self.metrics.took(time.monotonic() - began, "anchor_attempt", verb.value, type(outcome).__name__)
        return outcome, retry_after
