"""The HTTP server: Slack's requests and health checks; other modules add their own routes."""

import time
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import assert_never

from aiohttp import web

from bot.core.fields import Secret
from bot.health import Readiness
from bot.inbound.bodies import CAPACITY, Bodies
from bot.inbound.http_connection import prepare_response, track_request
from bot.inbound.rejections import Rejected, RejectionLog, error_response
from bot.inbound.slack import request as slack_request
from bot.inbound.slack.app import SlackApp
from bot.messages.blocks import as_response
from bot.usecases.incidents import report

LARGEST_UNSIGNED = 1024
"""The most bytes that are read of a request that cannot be Slack's, but for a check of the certificate."""

UNSIGNED_CAPACITY = 1024 * 1024
"""The part of the memory for bodies that such requests have."""


class HttpServer:
    """The HTTP routes; without `secrets`, as in Socket Mode, there is none for Slack. `now` gives Unix seconds."""

    def __init__(
        self,
        slack_app: SlackApp,
        readiness: Readiness,
        *,
        secrets: Sequence[Secret],
        now: Callable[[], float],
    ) -> None:
        self._slack_app = slack_app
        self._readiness = readiness
        self._secrets = secrets
        self._now = now
        self._rejections = RejectionLog(time.monotonic)
        self._bodies = Bodies(capacity=CAPACITY - UNSIGNED_CAPACITY)
        self._unsigned = Bodies(largest=LARGEST_UNSIGNED, capacity=UNSIGNED_CAPACITY)

    def application(self, routes: Iterable[web.RouteDef]) -> web.Application:
        """Return the aiohttp application, also with the `routes` of other modules."""
        application = web.Application(middlewares=[track_request])
        application.on_response_prepare.append(prepare_response)
        if self._secrets:
            application.router.add_post("/slack/events", self.slack_events)
        application.router.add_get("/healthz", self.healthz)
        application.router.add_get("/readyz", self.readyz)
        application.add_routes(routes)
        return application

    async def slack_events(self, request: web.Request) -> web.Response:
        """Answer a command, interaction or event of Slack."""
        received_at = time.monotonic()
        try:
            return await self._answer(request, await self._parse(request), received_at)
        except Exception as error:  # noqa: BLE001 - Slack needs a 200, and the person an incident id
            return web.json_response(as_response(report(error)))

    async def _parse(self, request: web.Request) -> slack_request.ParsedRequest:
        timestamps = request.headers.getall("X-Slack-Request-Timestamp", ())
        signatures = request.headers.getall("X-Slack-Signature", ())
        problem = slack_request.find_header_problem(timestamps, signatures, now=self._now())
        body = await (self._unsigned if problem else self._bodies).read(request)
        if isinstance(body, Rejected):
            return Rejected(401, problem) if problem and body.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else body
        content_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        raw = slack_request.RawRequest(body, content_type, timestamps, signatures)
        return slack_request.verify_and_parse(raw, secrets=self._secrets, now=self._now())

    async def _answer(
        self, request: web.Request, parsed: slack_request.ParsedRequest, received_at: float
    ) -> web.Response:
        match parsed:
            case Rejected():
                self._rejections.record(parsed)
                return error_response(parsed)
            case slack_request.SslCheck():
                return web.Response()
            case slack_request.UrlVerification(challenge=challenge):
                return web.json_response({"challenge": challenge})
            case dict():
                timestamp = float(request.headers["X-Slack-Request-Timestamp"])
                ack = await self._slack_app.dispatch(parsed, received_at=received_at, timestamp=timestamp)
                if request.transport is None:  # Slack waits no longer
                    self._slack_app.deliver_lost_ack(parsed, ack)
                else:
                    self._slack_app.ack_sent(ack)
                body = ack.json()
                return web.Response(status=ack.status) if body is None else web.json_response(body)
            case _:
                assert_never(parsed)

    async def healthz(self, _: web.Request) -> web.Response:
        """Answer the liveness check."""
        return web.json_response({"ok": True})

    async def readyz(self, _: web.Request) -> web.Response:
        """Answer the readiness check: 200, or 503 with the reasons."""
        reasons, degraded = self._readiness.reasons, self._readiness.degraded
        body = {"ready": not reasons, "reasons": reasons, "degraded": degraded}
        return web.json_response(body, status=503 if reasons else 200)
