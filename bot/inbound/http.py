"""The HTTP side: Slack's requests, and an operator's probes; other routes come from their own modules."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import assert_never

from aiohttp import web

from bot.core.messages.message import as_response
from bot.core.secret import Secret
from bot.inbound.body import read_body, turn_away
from bot.inbound.door import Admitted, Challenge, Letter, Probe, Rejected, Verdict, admit
from bot.inbound.incidents import report
from bot.inbound.rejections import Rejections
from bot.inbound.slack_app import SlackApp
from bot.readiness import Readiness


class Http:
    """The routes; `now` gives Unix seconds.

    Without `secrets` there is no door for Slack, as in Socket Mode. `more` are the routes of others.
    """

    def __init__(
        self,
        slack_app: SlackApp,
        readiness: Readiness,
        *,
        secrets: Sequence[Secret],
        now: Callable[[], float],
        more: Iterable[web.RouteDef] = (),
    ) -> None:
        self._slack_app = slack_app
        self._readiness = readiness
        self._secrets = secrets
        self._now = now
        self._more = list(more)
        self._rejections = Rejections(time.monotonic)

    def application(self) -> web.Application:
        """The aiohttp application."""
        application = web.Application()
        if self._secrets:
            application.router.add_post("/slack/events", self.slack_events)
        application.router.add_get("/healthz", self.healthz)
        application.router.add_get("/readyz", self.readyz)
        application.add_routes(self._more)
        return application

    async def slack_events(self, request: web.Request) -> web.Response:
        """Take a request of Slack's: commands, interactions and events all come here."""
        received_at = time.monotonic()
        try:
            letter = await _read_letter(request)
            verdict = letter if isinstance(letter, Rejected) else admit(letter, secrets=self._secrets, now=self._now())
            return await self._answer(verdict, received_at)
        except Exception as error:  # noqa: BLE001 - whatever it is, Slack gets a 200 and the person an incident id
            return web.json_response(as_response(report(error)))

    async def _answer(self, verdict: Verdict, received_at: float) -> web.Response:
        match verdict:
            case Rejected():
                self._rejections.note(verdict)
                return turn_away(verdict)
            case Probe():
                return web.Response()
            case Challenge(text=text):
                return web.json_response({"challenge": text})
            case Admitted(payload=payload):
                answer = await self._slack_app.dispatch(payload, received_at=received_at)
                return web.Response(status=answer.status, text=answer.body, content_type=_media_type(answer.body))
            case _:
                assert_never(verdict)

    async def healthz(self, _: web.Request) -> web.Response:
        """Liveness: the process answers."""
        return web.json_response({"ok": True})

    async def readyz(self, _: web.Request) -> web.Response:
        """Readiness: 200, or 503 with what stands in the way."""
        reasons = self._readiness.reasons
        return web.json_response({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)


async def _read_letter(request: web.Request) -> Letter | Rejected:
    body = await read_body(request)
    if isinstance(body, Rejected):
        return body
    return Letter(
        body=body,
        content_type=request.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
        timestamps=request.headers.getall("X-Slack-Request-Timestamp", ()),
        signatures=request.headers.getall("X-Slack-Signature", ()),
    )


def _media_type(body: str) -> str:
    return "application/json" if body.startswith("{") else "text/plain"
