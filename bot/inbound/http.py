"""The HTTP side: Slack's requests and an operator's probes."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import assert_never

from aiohttp import web

from bot.core.secret import Secret
from bot.inbound.door import Admitted, Challenge, Letter, Probe, Rejected, Verdict, admit
from bot.inbound.incidents import report
from bot.inbound.listeners import as_ack
from bot.inbound.rejections import Rejections
from bot.inbound.slack_app import SlackApp
from bot.readiness import Readiness

_LARGEST_BODY = 1024 * 1024
_SLOWEST_BODY = 5.0  # seconds; Slack itself waits 3 for the whole answer


class Http:
    """The routes; without `secrets` there is no door for Slack, as in Socket Mode. `now` gives Unix seconds."""

    def __init__(
        self, slack_app: SlackApp, readiness: Readiness, *, secrets: Sequence[Secret], now: Callable[[], float]
    ) -> None:
        self._slack_app = slack_app
        self._readiness = readiness
        self._secrets = secrets
        self._now = now
        self._rejections = Rejections(time.monotonic)

    def application(self) -> web.Application:
        """The aiohttp application."""
        application = web.Application()
        if self._secrets:
            application.router.add_post("/slack/events", self.slack_events)
        application.router.add_get("/healthz", self.healthz)
        application.router.add_get("/readyz", self.readyz)
        return application

    async def slack_events(self, request: web.Request) -> web.Response:
        """Take a request of Slack's: commands, interactions and events all come here."""
        received_at = time.monotonic()
        try:
            letter = await _read_letter(request)
            verdict = letter if isinstance(letter, Rejected) else admit(letter, secrets=self._secrets, now=self._now())
            return await self._answer(verdict, received_at)
        except Exception as error:  # noqa: BLE001 - whatever it is, Slack gets a 200 and the person an incident id
            return web.json_response(as_ack(report(error)))

    async def _answer(self, verdict: Verdict, received_at: float) -> web.Response:
        match verdict:
            case Rejected():
                self._rejections.note(verdict)
                return _reject(verdict)
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
    if "Content-Encoding" in request.headers:
        return Rejected(415, "Send the body without Content-Encoding.")
    try:
        async with asyncio.timeout(_SLOWEST_BODY):
            body = await _read_body(request)
    except (ConnectionError, web.RequestPayloadError):
        return Rejected(400, "The body broke off, or its framing is wrong.")
    except TimeoutError:
        return Rejected(408, f"The body did not arrive within {_SLOWEST_BODY:g} s.")
    if body is None:
        return Rejected(413, f"The body is larger than {_LARGEST_BODY} bytes.")
    return Letter(
        body=body,
        content_type=request.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
        timestamps=request.headers.getall("X-Slack-Request-Timestamp", ()),
        signatures=request.headers.getall("X-Slack-Signature", ()),
    )


async def _read_body(request: web.Request) -> bytes | None:
    """The body, or None as soon as it is known to be too large."""
    if (request.content_length or 0) > _LARGEST_BODY:
        return None
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > _LARGEST_BODY:
            return None
    return bytes(body)


def _reject(rejected: Rejected) -> web.Response:
    response = web.json_response({"error": rejected.why}, status=rejected.status)
    response.force_close()  # the rest of the body is not wanted
    return response


def _media_type(body: str) -> str:
    return "application/json" if body.startswith("{") else "text/plain"
