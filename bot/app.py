"""The composition root: build the objects, start, wait, drain, stop."""

import asyncio
import logging
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.assembly import Assembly, Conditions, Connections
from bot.control import CAPACITY
from bot.inbound.alerts import Alerts
from bot.inbound.http import Http
from bot.inbound.patience import PATIENCE
from bot.inbound.socket_link import HEARTBEAT, Dialer
from bot.inbound.socket_mode import SocketMode
from bot.outbound.http_client import open_client, open_session
from bot.outbound.slack import SlackClient
from bot.outbound.slack_web import open_web
from bot.readiness import Readiness
from bot.serving import Serving, serving
from bot.settings import Settings
from bot.tasks import Tasks

_log = logging.getLogger(__name__)

_FINISH_WORK = 4.0  # at the end: seconds for work to end by itself,
_TELL_REST = 3.5  # for telling the rest that it was cut short,
_CLOSE_CONNECTIONS = 1.0  # and for connections to close; under 10 together


class NotListeningError(Exception):
    """The address and port can't be had; the text says why."""


@dataclass(frozen=True, slots=True)
class Running:
    """A bot that is up: where it listens, and the task that ends when it serves, or raises where a token is refused.

    In Socket Mode it ends when the first connection is open.
    """

    url: str
    identification: asyncio.Task[None]


async def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT. Raises what `running` does, TokenRefusedError or AppTokenRefusedError."""
    stopped = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stopped.set)
    async with running(settings) as bot:
        stopping = asyncio.ensure_future(stopped.wait())
        await asyncio.wait({stopping, bot.identification}, return_when=asyncio.FIRST_COMPLETED)
        if bot.identification.done():
            bot.identification.result()
        await stopping
        _log.info("stopping")


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    now: Callable[[], float] = time.time,
    capacity: int = CAPACITY,
    patience: float = PATIENCE,
    heartbeat: float = HEARTBEAT,
) -> AsyncIterator[Running]:
    """A bot from these settings, up inside the `async with`. On leaving, work in hand is finished or cut short.

    `now` gives Unix seconds, `capacity` bounds the tasks under way, and `patience` is how many seconds an
    ack waits for the outcome; `heartbeat` is that of Socket Mode. Raises NotListeningError or
    StoreNotUsableError.
    """
    readiness = Readiness()
    tasks = Tasks()
    async with open_session() as session, open_client(session) as http:
        web_api = open_web(session, settings.slack_api_url)
        slack = SlackClient(web_api)
        async with serving(settings, session, slack, readiness, now) as served:
            made = Assembly(served, settings, Connections(http, web_api), tasks, Conditions(now, capacity, patience))
            acks = Tasks()
            socket_mode = None
            if settings.slack_app_token is not None:
                dialer = Dialer(session, slack, settings.slack_app_token, heartbeat=heartbeat)
                socket_mode = SocketMode(dialer.dial, made.slack_app, readiness, acks)
            secrets = () if socket_mode else settings.slack_signing_secrets
            alerts = Alerts(made.poster, served.workspaces, tasks, readiness)
            door = Http(made.slack_app, readiness, secrets=secrets, now=now, more=_routes(served, alerts))
            async with _listening(door.application(), settings) as url:
                identification = asyncio.create_task(_come_up(served.come_up, socket_mode))
                try:
                    yield Running(url, identification)
                finally:
                    readiness.block("stopping", "The bot is being stopped.")
                    identification.cancel()
                    await _drain(made, tasks, acks)
                    if socket_mode:
                        await socket_mode.close()
                    await tasks.cancel()
                    await made.close()


def _routes(served: Serving, alerts: Alerts) -> list[web.RouteDef]:
    """Those beside Slack's own."""
    taken = [] if served.alerts_path is None else [alerts.route(served.alerts_path)]
    return [*served.routes, *taken]


@asynccontextmanager
async def _listening(application: web.Application, settings: Settings) -> AsyncIterator[str]:
    runner = web.AppRunner(
        application,
        access_log=None,
        auto_decompress=False,  # compressed bodies are refused, not unpacked
        keepalive_timeout=75.0,
        lingering_time=1.0,  # for the rest of a body that was refused
        shutdown_timeout=_CLOSE_CONNECTIONS,
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, settings.host, settings.port, backlog=4096).start()
        except (OSError, UnicodeError) as error:
            raise NotListeningError(getattr(error, "strerror", None) or error) from None
        host, port = runner.addresses[0][:2]
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        _log.info("listening", extra={"url": url})
        yield url
    finally:
        await runner.cleanup()


async def _come_up(serve: Callable[[], Coroutine[Any, Any, None]], socket_mode: SocketMode | None) -> None:
    """Let requests in as soon as it is known whose they are. Raises TokenRefusedError or AppTokenRefusedError."""
    await serve()
    if socket_mode:
        await socket_mode.start()


async def _drain(made: Assembly, tasks: Tasks, acks: Tasks) -> None:
    """Take no new work; let what is in hand end, acks over sockets included, and tell those for whom it does not."""
    made.stop()
    began = time.monotonic()
    await acks.settle(within=_FINISH_WORK)
    if not await tasks.settle(within=began + _FINISH_WORK - time.monotonic()):
        made.interrupt()
        await tasks.settle(within=_TELL_REST)
    await acks.cancel()
