"""Start and stop the bot: build the objects, serve, drain, close."""

import asyncio
import logging
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial

import aiohttp
from aiohttp import web

from bot import __version__
from bot.config.settings import Settings, transport_and_tenancy
from bot.container import DEFAULT_LIMITS, Clients, Container, Limits, build
from bot.core.cards import ALERTS_PATH
from bot.core.fields import Secret
from bot.core.retries import backoff
from bot.core.workspace import SCOPES
from bot.health import Metrics, Readiness, State
from bot.inbound.alerts.endpoint import Alerts
from bot.inbound.health import HealthRoutes, metrics_application
from bot.inbound.http import HttpServer, listening
from bot.inbound.install import Install, open_oauth
from bot.inbound.slack.socket_connection import connect
from bot.inbound.slack.socket_mode import SocketMode
from bot.logs import dropped_lines
from bot.outbound.anchor.orders import AnchorClient, AnchorHttp
from bot.outbound.http import Transport, open_session
from bot.outbound.slack.client import SlackClient, call_trace
from bot.outbound.slack.clock import SlackClock
from bot.outbound.slack.errors import SlackUnreachableError, open_web
from bot.outbound.store.errors import StoreError, or_default
from bot.outbound.store.history import FIRST_DELAY, INTERVAL, prune
from bot.outbound.store.messages import MARK_INTERVAL
from bot.outbound.store.store import Store, WatchedStore, open_watched
from bot.outbound.workspaces import Workspaces
from bot.runtime import Tasks, collect_when_quiet, force_exit_after, happens, return_large_blocks, run_periodically
from bot.usecases.install import Installer

_log = logging.getLogger(__name__)

_DRAIN_TIMEOUT = 4.0  # seconds at shutdown for serving (DRAIN_SECONDS) and then for running work to end,
LAST_ACKS = 2.5  # of which Socket Mode serves until every envelope is answered,
_INTERRUPT_TIMEOUT = 3.5  # then for reporting the rest as interrupted,
_CLOSE_TIMEOUT = 1.0  # then for closing connections,
LONGEST_STOP = 9.5  # and for all of this together, if many things hang; orchestrators wait 10
_LOOK_TIMEOUT = 1.0  # seconds for which the start, and Socket Mode, wait for the database
KEY_INTERVAL = 300.0  # seconds between two checks of the key of the settings
_MIN_RETRY_DELAY, _MAX_RETRY_DELAY = 1.0, 30.0  # seconds until Slack is asked again for the team of the bot token


@dataclass(frozen=True, slots=True)
class Running:
    """A started bot: its URL, the startup task, which raises if Slack refuses a token, and the tasks of its work.

    In Socket Mode startup ends when the first connection is open.
    """

    url: str
    startup: asyncio.Task[None]
    tasks: Tasks


async def serve(settings: Settings) -> None:
    """Run until SIGTERM, SIGINT or SIGHUP. Raises what `running` raises, TokenRefusedError or AppTokenRefusedError."""
    return_large_blocks()
    started, stopped, hurry = asyncio.Event(), asyncio.Event(), asyncio.Event()
    loop, serving = asyncio.get_running_loop(), asyncio.current_task()
    assert serving is not None  # noqa: S101 - this is a coroutine

    def stop(*also: asyncio.Event) -> None:
        for event in (stopped, *also):
            event.set()
        if not started.is_set():  # it may be waiting for another bot, or for the database
            serving.cancel()

    loop.add_signal_handler(signal.SIGTERM, stop)
    loop.add_signal_handler(signal.SIGINT, stop, hurry)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup makes it
        loop.add_signal_handler(signal.SIGHUP, stop)
    with suppress(asyncio.CancelledError):
        async with running(settings, hurry=hurry) as bot:
            started.set()
            collecting = asyncio.create_task(collect_when_quiet(bot.tasks))
            stopping = asyncio.ensure_future(stopped.wait())
            await asyncio.wait({stopping, bot.startup}, return_when=asyncio.FIRST_COMPLETED)
            if bot.startup.done():
                bot.startup.result()
            await stopping
            collecting.cancel()
            _log.info("stopping")
            force_exit_after(0, within=LONGEST_STOP)  # what was not recorded is taken over, as after a kill


@asynccontextmanager
async def running(
    settings: Settings, limits: Limits = DEFAULT_LIMITS, *, hurry: asyncio.Event | None = None
) -> AsyncIterator[Running]:
    """Run a bot inside the `async with`, and drain or interrupt its work at the end.

    After a normal end, requests are served for DRAIN_SECONDS more, or until `hurry`: load balancers need time to see
    that `/readyz` is 503. Socket Mode has no load balancer. Raises NotListeningError or StoreNotUsableError.
    """
    readiness, tasks, acks, checks, journaling = _open_readiness(settings), Tasks(), Tasks(), Tasks(), Tasks()
    one = settings.workspace
    slack_clock, metrics = SlackClock(limits.now), Metrics(token.name for token in (one.alert_tokens if one else ()))
    trace = call_trace(settings.slack_api_url, slack_clock)
    async with open_session(proxy=settings.proxy) as http, open_session(trace, proxy=settings.proxy) as session:
        transport = Transport(http, settings.proxy)  # no request to Anchor is traced
        slack = SlackClient(open_web(session, settings.slack_api_url))
        anchor = AnchorClient(
            AnchorHttp(transport, settings.anchor_api_url),
            timeout=settings.anchor_timeout,
            deadline=settings.anchor_deadline,
            metrics=metrics,
        )
        async with _open_store(settings, readiness, limits.lock_wait) as watched:
            store, clients = watched.store, Clients(transport, anchor, slack, slack_clock)
            workspaces = Workspaces(store, one)
            await or_default(workspaces.keep_row(), None, within=_LOOK_TIMEOUT)
            container = build(store, workspaces, settings, clients, readiness, tasks, limits, metrics)
            socket_mode = None
            if settings.slack_app_token is not None:
                opening = partial(connect, session, slack, settings.slack_app_token, limits.heartbeat)
                follows_crash, window = container.recovery.follows_crash, limits.redelivery_window
                socket_mode = SocketMode(opening, container.slack_app, readiness, acks, follows_crash, window)
            secrets = () if socket_mode else settings.slack_signing_secrets
            monitor, most = container.monitor, limits.alerts_at_once
            alerts = Alerts(container.auto_pauses, workspaces, tasks, readiness, metrics, monitor, most)
            routes = _routes(settings, alerts, workspaces, session)
            health = HealthRoutes(readiness, settings.metrics_token, leads=lambda: container.lease.term is not None)
            server = HttpServer(container.slack_app, health, secrets=secrets, now=limits.now)
            async with (
                listening(server.application(routes), settings.host, settings.port) as url,
                _serving_metrics(settings, metrics, container, health),
            ):
                journaling.start(_write(store, container))
                checks.start(_run_jobs(store, container, settings.journal_days))
                startup = asyncio.create_task(_start(watched, container, checks, socket_mode))
                serve_seconds = 0.0
                try:
                    yield Running(url, startup, tasks)
                    serve_seconds = settings.drain_seconds
                finally:
                    readiness.block("stopping", "The bot is being stopped.")
                    startup.cancel()
                    await checks.cancel()
                    ends = time.monotonic() + _DRAIN_TIMEOUT
                    await _end_serving(socket_mode, acks, hurry or asyncio.Event(), serve_seconds)
                    await _drain(container, tasks, acks, within=ends - time.monotonic())
                    await tasks.cancel()
                    container.stop_writing()
                    await journaling.settle(within=_CLOSE_TIMEOUT)
                    await journaling.cancel()
                    await container.roles.close()
                    await workspaces.close()


def _open_readiness(settings: Settings) -> Readiness:
    readiness = Readiness()
    if settings.workspace:
        readiness.block("slack", "Slack has not accepted the bot token yet.")
    if short := [why for level, why in settings.token_warnings if level == logging.ERROR]:
        readiness.degrade("alerts", " ".join(short))
    return readiness


def _open_store(
    settings: Settings, readiness: Readiness, lock_wait: float
) -> AbstractAsyncContextManager[WatchedStore]:
    """Open the store. A bot of one workspace has its workspace and its key without it."""
    is_required = settings.workspace is None
    url, keys = settings.database_url, settings.store_keys
    return open_watched(url, keys, readiness, is_required=is_required, lock_wait=lock_wait)


def _routes(
    settings: Settings,
    alerts: Alerts,
    workspaces: Workspaces,
    session: aiohttp.ClientSession,
) -> list[web.RouteDef]:
    if (one := settings.workspace) is not None:
        return alerts.routes(ALERTS_PATH) if one.alert_tokens else []
    states, allowed = workspaces.store.install_states, settings.allowed_workspaces
    installer = Installer(open_oauth(settings, session), states, workspaces.rows, allowed)
    install = Install(installer, base_url=settings.base_url or "")
    return [*install.routes(), *alerts.routes(f"{ALERTS_PATH}/{{ref}}")]


def _serving_metrics(
    settings: Settings, metrics: Metrics, container: Container, health: HealthRoutes
) -> AbstractAsyncContextManager[object]:
    if settings.metrics_port is None:
        return nullcontext()
    state = State(
        facts={"version": __version__} | transport_and_tenancy(settings),
        readiness=health.readiness,
        has_socket=settings.slack_app_token is not None,
        has_key=settings.workspace is not None,
        leads=health.leads,
        backlog=container.orders.backlog,
        database_errors=lambda: container.workspaces.store.database.errors,
        dropped_lines=dropped_lines,
    )
    application = metrics_application(metrics, state, health)
    host, port = settings.metrics_host, settings.metrics_port
    return listening(application, host, port, setting="METRICS_PORT", message="serving metrics")


async def _write(store: Store, container: Container) -> None:
    await store.database.prepared.wait()
    writers = container.writer, container.outbox.rows.writer

    async def send() -> None:
        await container.outbox.run()
        for writer in writers:  # what was sent is recorded before another process can lead
            writer.stop()

    await asyncio.gather(*(writer.run() for writer in writers), send())


async def _run_jobs(store: Store, container: Container, days: int) -> None:
    """Run what nobody waits for, most of it in the process that leads."""

    async def delete_old() -> float:
        await prune(store.database, days)
        await store.audit.prune(days)
        await store.people.prune(time.time())
        return INTERVAL

    await store.database.prepared.wait()
    checks, reminders = container.session_checks, container.reminders
    run = partial(run_periodically, leads=lambda: container.lease.term is not None, passing=StoreError)
    await asyncio.gather(
        run_periodically(container.recovery.take_over, passing=StoreError),
        run(partial(store.audit.chain, container.lease)),
        run_periodically(store.audit.report, passing=StoreError),
        run(checks.look, after=FIRST_DELAY),
        run(checks.look_at_keys, after=FIRST_DELAY),
        run(container.auto_pauses.look, after=FIRST_DELAY),
        run(container.outbox.rows.mark_missed, after=MARK_INTERVAL),
        run(reminders.look, wake=reminders.wake, after=FIRST_DELAY),
        run(delete_old, after=FIRST_DELAY),
    )


async def _start(watched: WatchedStore, container: Container, checks: Tasks, socket_mode: SocketMode | None) -> None:
    """Connect to Slack, once the database can be used if the workspaces are in it. Raises what `serve` raises."""
    if watched.is_required:
        await watched.preparing
        _log.info("ready")
    checks.start(watched.store.database.news.run())
    starting = [_introduce(container, checks, watched.readiness)]
    if socket_mode:
        starting.append(_open_socket(container, socket_mode))
    await asyncio.gather(*map(checks.start, starting))


async def _open_socket(container: Container, socket_mode: SocketMode) -> None:
    await container.recovery.look(within=_LOOK_TIMEOUT)
    await socket_mode.start()


async def _introduce(container: Container, checks: Tasks, readiness: Readiness) -> None:
    """Learn the team of a pinned workspace, and then begin what needs Slack. Raises TokenRefusedError."""
    workspaces, slack = container.workspaces, container.clients.slack
    if workspaces.pinned is not None:
        checks.start(_ready_once_known(workspaces, readiness))
        checks.start(run_periodically(workspaces.keep_row, wake=workspaces.row_is_due, passing=StoreError))
        await _identify(slack, workspaces, workspaces.pinned.bot_token, readiness)
        checks.start(run_periodically(partial(_try_key, container), passing=StoreError))


async def _try_key(container: Container) -> float:
    await container.session_checks.try_key(container.workspaces.pinned)
    return KEY_INTERVAL


async def _ready_once_known(workspaces: Workspaces, readiness: Readiness) -> None:
    await workspaces.known.wait()
    readiness.clear("slack")


async def _identify(slack: SlackClient, workspaces: Workspaces, token: Secret, readiness: Readiness) -> None:
    attempt = 0
    while True:
        try:
            found = await slack.inspect(token)
        except SlackUnreachableError as error:
            attempt += 1
            delay = backoff(attempt, first=_MIN_RETRY_DELAY, longest=_MAX_RETRY_DELAY)
            report = readiness.degrade if workspaces.known.is_set() else readiness.block
            report("slack", f"Slack can't be reached ({error}); trying again.")
            _log.warning("Slack can't be reached", extra={"why": str(error), "next_attempt_in": delay})
            await asyncio.sleep(delay)
        else:
            workspaces.identify(found.team_id, found.enterprise_id)
            readiness.recover("slack")
            if found.scopes is not None and (missing := set(SCOPES) - found.scopes):
                _log.warning(
                    "the app lacks scopes; `anchor-bot doctor` says what that means", extra={"scopes": sorted(missing)}
                )
            _log.info("ready", extra={"team": found.team_id})
            return


async def _end_serving(socket_mode: SocketMode | None, acks: Tasks, hurry: asyncio.Event, seconds: float) -> None:
    """Serve so many seconds more, or in Socket Mode until all is answered: Slack then turns to another process."""
    if socket_mode is None:
        await happens(hurry, within=seconds)
    else:
        await acks.settle(within=LAST_ACKS)
        await socket_mode.close()


async def _drain(container: Container, tasks: Tasks, acks: Tasks, *, within: float) -> None:
    container.stop()
    if not await _settle(acks, tasks, within=within):
        container.interrupt()
        await _settle(acks, tasks, within=_INTERRUPT_TIMEOUT)
    await acks.cancel()


async def _settle(acks: Tasks, tasks: Tasks, *, within: float) -> bool:
    """Wait for acks, and then for work: an ack that is lost is delivered. Return whether all work ended."""
    ends = time.monotonic() + within
    await acks.settle(within=within)
    return await tasks.settle(within=ends - time.monotonic())
