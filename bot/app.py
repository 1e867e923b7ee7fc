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

from bot.control import CAPACITY, Control
from bot.core.secret import Secret
from bot.core.workspace import Workspace
from bot.inbound.alerts import Alerts
from bot.inbound.clicks import Clicks
from bot.inbound.http import Http
from bot.inbound.listeners import PATIENCE, Listeners
from bot.inbound.slack_app import SlackApp
from bot.inbound.socket_link import HEARTBEAT, Dialer
from bot.inbound.socket_mode import SocketMode
from bot.once import Once
from bot.outbound.alert_poster import AlertPoster
from bot.outbound.anchor import AnchorClient
from bot.outbound.http_client import open_client, open_session
from bot.outbound.response_url import ResponseUrls
from bot.outbound.slack import SlackClient, SlackUnreachableError
from bot.outbound.teller import Teller
from bot.outbound.workspaces import SingleWorkspace
from bot.readiness import Readiness
from bot.settings import Settings
from bot.tasks import Tasks

_log = logging.getLogger(__name__)

_REMEMBER_TRIGGERS = 600.0  # seconds; a signature is good for 300 before its timestamp and 300 after
_FINISH_WORK = 4.0  # at the end: seconds for work to end by itself,
_TELL_REST = 3.5  # for telling the rest that it was cut short,
_CLOSE_CONNECTIONS = 1.0  # and for connections to close; under 10 together
_FIRST_RETRY, _LONGEST_RETRY = 1.0, 30.0


class NotListeningError(Exception):
    """The address and port can't be had; the text says why."""


@dataclass(frozen=True, slots=True)
class Running:
    """A bot that is up: where it listens, and the task that ends when Slack has accepted its tokens, or raises.

    In Socket Mode it ends when the first connection is open.
    """

    url: str
    identification: asyncio.Task[None]


async def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT. Raises TokenRefusedError, AppTokenRefusedError or NotListeningError."""
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
    ack waits for the outcome; `heartbeat` is that of Socket Mode. Raises NotListeningError.
    """
    readiness = Readiness(slack="Slack has not accepted the bot token yet.")
    tasks = Tasks()
    workspaces = SingleWorkspace(Workspace(None, settings.slack_bot_token, settings.anchor_api_key))
    async with open_session() as session, open_client(session) as http:
        slack = SlackClient(session, api_url=settings.slack_api_url)
        teller = Teller(ResponseUrls(http, api_url=settings.slack_api_url), slack, workspaces)
        anchor = AnchorClient(
            http,
            base_url=settings.anchor_api_url,
            timeout=settings.anchor_timeout,
            deadline=settings.anchor_deadline,
        )
        once = Once(period=_REMEMBER_TRIGGERS, clock=time.monotonic)
        control = Control(anchor, workspaces, once=once, tasks=tasks, capacity=capacity)
        clicks = Clicks(control, teller, slack, workspaces, now)
        slack_app = SlackApp(Listeners(control, clicks, teller, tasks, patience=patience), teller, tasks)
        acks = Tasks()
        socket_mode = None
        if settings.slack_app_token is not None:
            dialer = Dialer(session, slack, settings.slack_app_token, heartbeat=heartbeat)
            socket_mode = SocketMode(dialer.dial, slack_app, readiness, acks)
        secrets = () if socket_mode else settings.slack_signing_secrets
        alerts = _alerts(settings, slack, tasks, readiness)
        door = Http(slack_app, readiness, secrets=secrets, now=now, alerts=alerts)
        async with _listening(door.application(), settings) as url:
            identify = _identify(slack, settings.slack_bot_token, workspaces, readiness)
            identification = asyncio.create_task(_come_up(identify, socket_mode))
            try:
                yield Running(url, identification)
            finally:
                readiness.block("stopping", "The bot is being stopped.")
                identification.cancel()
                await _drain(control, tasks, acks)
                if socket_mode:
                    await socket_mode.close()
                await tasks.cancel()


def _alerts(settings: Settings, slack: SlackClient, tasks: Tasks, readiness: Readiness) -> Alerts | None:
    """The alerts' side, where a token lets somebody in."""
    if settings.alerts_token is None:
        return None
    poster = AlertPoster(slack, settings.slack_bot_token)
    return Alerts(poster, tasks, readiness, token=settings.alerts_token, channel=settings.alerts_channel)


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


async def _come_up(identify: Coroutine[Any, Any, None], socket_mode: SocketMode | None) -> None:
    """Learn whose the bot token is, then let requests in. Raises TokenRefusedError or AppTokenRefusedError."""
    await identify
    if socket_mode:
        await socket_mode.start()


async def _identify(slack: SlackClient, token: Secret, workspaces: SingleWorkspace, readiness: Readiness) -> None:
    """Ask Slack whose the token is until it answers. Raises TokenRefusedError."""
    wait = _FIRST_RETRY
    while True:
        try:
            team_id = await slack.identify(token)
        except SlackUnreachableError as error:
            readiness.block("slack", f"Slack can't be reached ({error}); trying again.")
            _log.warning("Slack can't be reached", extra={"why": str(error), "next_attempt_in": wait})
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_RETRY)
        else:
            workspaces.identify(team_id)
            readiness.clear("slack")
            _log.info("ready", extra={"team": team_id})
            return


async def _drain(control: Control, tasks: Tasks, acks: Tasks) -> None:
    """Take no new work; let what is in hand end, acks over sockets included, and tell those for whom it does not."""
    control.stop()
    began = time.monotonic()
    await acks.settle(within=_FINISH_WORK)
    if not await tasks.settle(within=began + _FINISH_WORK - time.monotonic()):
        control.interrupt()
        await tasks.settle(within=_TELL_REST)
    await acks.cancel()
