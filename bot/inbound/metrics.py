"""GET /metrics, on a port of its own: for Prometheus, not for the public."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from bot.inbound.http_connection import prepare_response, track_request
from bot.inbound.listening import listening
from bot.metrics import Metrics, State

_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""https://prometheus.io/docs/instrumenting/exposition_formats/."""


@asynccontextmanager
async def serving_metrics(metrics: Metrics, state: State, host: str, port: int | None) -> AsyncIterator[None]:
    """Serve the metrics inside the block, unless they are off. Raises NotListeningError."""
    if port is None:
        yield
        return
    metrics.read_at_scrape(state)

    async def show(_: web.Request) -> web.Response:
        return web.Response(body=metrics.page(), headers={"Content-Type": _CONTENT_TYPE})

    application = web.Application(middlewares=[track_request])
    application.on_response_prepare.append(prepare_response)
    application.router.add_get("/metrics", show)
    async with listening(application, host, port, setting="METRICS_PORT", message="serving metrics"):
        yield
