"""The routes /healthz, /readyz and /metrics."""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot import __version__
from bot.config.settings import is_loopback
from bot.core.fields import Secret
from bot.metrics import Metrics
from bot.runtime import Readiness

_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""https://prometheus.io/docs/instrumenting/exposition_formats/."""

_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP", "Via")
"""What proxies add, each of which shows one. https://www.rfc-editor.org/rfc/rfc7239."""


@dataclass(frozen=True, slots=True)
class HealthRoutes:
    """The routes of the bot's own port. Reasons are shown to this machine, and with `token`, METRICS_TOKEN."""

    readiness: Readiness
    token: Secret | None
    leads: Callable[[], bool]

    def routes(self) -> Sequence[web.RouteDef]:
        """Return both routes."""
        return (web.get("/healthz", self.healthz), web.get("/readyz", self.readyz))

    async def healthz(self, _: web.Request) -> web.Response:
        """Answer the liveness check."""
        return web.json_response({"ok": True})

    async def readyz(self, request: web.Request) -> web.Response:
        """Answer the readiness check: 200, or 503; with the reasons for operators."""
        reasons = self.readiness.reasons
        body: dict[str, Any] = {"ready": not reasons, "leader": self.leads()}
        if _is_from_here(request) or _has_token(request, self.token):
            body |= {"reasons": reasons, "degraded": self.readiness.degraded}
        return web.json_response(body, status=503 if reasons else 200)


def metrics_application(metrics: Metrics, health: HealthRoutes, database_errors: Callable[[], int]) -> web.Application:
    """Return the application of METRICS_PORT, for those with METRICS_TOKEN if there is one."""
    from bot.inbound.metrics_page import page  # noqa: PLC0415 - it takes time and memory

    async def show(request: web.Request) -> web.Response:
        if health.token is not None and not _has_token(request, health.token):
            return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
        body = page(metrics, health.readiness, __version__, leads=health.leads(), database_errors=database_errors())
        return web.Response(body=body, headers={"Content-Type": _CONTENT_TYPE})

    application = web.Application()
    application.add_routes([web.get("/metrics", show)])
    return application


def _has_token(request: web.Request, token: Secret | None) -> bool:
    given = request.headers.get("Authorization", "").encode(errors="surrogateescape")
    return token is not None and hmac.compare_digest(given, f"Bearer {token.reveal()}".encode())


def _is_from_here(request: web.Request) -> bool:
    if request.transport is None or any(name in request.headers for name in _FORWARDED):
        return False
    peer, own = (request.transport.get_extra_info(name)[0] for name in ("peername", "sockname"))
    return peer == own or is_loopback(peer)
