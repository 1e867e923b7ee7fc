"""Send orders to Anchor's API, with retries."""

import asyncio
import logging
import random
import time
from collections.abc import Callable

import httpx

from bot.concurrency import happens
from bot.core.admin_outcomes import NewKeyRejected, NewKeyUnverified
from bot.core.outcomes import AnchorOutcome
from bot.core.requests import Verb
from bot.core.retry import delay_before_retry
from bot.core.secret import Secret
from bot.core.session_id import SessionId
from bot.metrics import OFF, Metrics
from bot.outbound.anchor.http_request import AnchorHttp
from bot.outbound.anchor.responses import read_failure, read_key_status, read_response
from bot.outbound.http_client import NETWORK_ERRORS, never_sent, read_retry_after

_log = logging.getLogger(__name__)

_MAX_BODY_BYTES = 64 * 1024
_MAY_SAY_WHEN = frozenset({429, 503})  # with Retry-After


class AnchorClient:
    """Client of Anchor's API. `timeout` is for an attempt, `deadline` for an order; in seconds.

    https://docs.anchorbrowser.io/api-reference
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        *,
        base_url: str,
        timeout: float,
        deadline: float,
        metrics: Metrics = OFF,
    ) -> None:
        self._http = AnchorHttp(transport, base_url)
        self._metrics = metrics
        self._timeout = timeout
        self._deadline = deadline

    async def send(
        self,
        verb: Verb,
        key: Secret,
        session_id: SessionId,
        *,
        cancelled: asyncio.Event,
        on_sent: Callable[[], None] | None = None,
    ) -> list[AnchorOutcome]:
        """Pause or resume a session's agent, and return the outcome of each attempt; raises no network errors.

        Retries follow `core.retry`, and end once the order is `cancelled`. `on_sent` is called for each attempt, once
        its request is written to a connection.
        """
        ends, path = time.monotonic() + self._deadline, f"/v1/sessions/{session_id}/agent/{verb.value}"
        outcomes: list[AnchorOutcome] = []
        while True:
            outcome, retry_after = await self._attempt(verb, path, key, ends, on_sent)
            outcomes.append(outcome)
            delay = delay_before_retry(
                verb,
                outcome,
                attempt=len(outcomes),
                time_left=ends - time.monotonic(),
                jitter=random.random(),  # noqa: S311 - no secret
                retry_after=retry_after,
            )
            if delay is None or await happens(cancelled, within=delay):
                return outcomes

    async def try_key(self, key: Secret) -> NewKeyRejected | NewKeyUnverified | None:
        """Send one harmless request with a key. Return None if Anchor accepts it; raises no network errors."""
        try:
            response, body = await self._http.request(
                "GET", "/v1/sessions/all/status", key, within=self._timeout, max_bytes=_MAX_BODY_BYTES
            )
        except NETWORK_ERRORS as error:
            _log.warning("request to Anchor failed", extra={"why": type(error).__name__})
            return NewKeyUnverified(None, was_sent=not never_sent(error))
        return read_key_status(response.status_code, body)

    async def _attempt(
        self, verb: Verb, path: str, key: Secret, ends: float, on_sent: Callable[[], None] | None
    ) -> tuple[AnchorOutcome, float | None]:
        """Return the outcome of an attempt, and Anchor's or a gateway's Retry-After in seconds."""
        began = time.monotonic()
        timeout, retry_after = min(self._timeout, ends - began), None
        try:
            response, body = await self._http.request(
                "POST", path, key, within=timeout, max_bytes=_MAX_BODY_BYTES, on_sent=on_sent
            )
        except NETWORK_ERRORS as error:
            _log.warning("request to Anchor failed", extra={"why": f"{type(error).__name__}: {error}"})
            outcome: AnchorOutcome = read_failure(error)
        else:
            outcome = read_response(verb, response.status_code, response.headers, body)
            if response.status_code in _MAY_SAY_WHEN:
                retry_after = read_retry_after(response.headers)
        self._metrics.attempted(verb.value, type(outcome).__name__, time.monotonic() - began)
        return outcome, retry_after
