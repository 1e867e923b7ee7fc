"""The bot: all its objects, built in one place, and how it starts, serves, drains and ends."""

import asyncio
import logging
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial

import aiohttp
from aiohttp import web

from bot.config.environment import Settings
from bot.core.alerts import ALERTS_PATH
from bot.core.retries import backoff
from bot.core.workspace import SCOPES, Workspace
from bot.inbound.alert_endpoint import MOST_AT_ONCE, Alerts
from bot.inbound.health import HealthRoutes, metrics_application
from bot.inbound.http import listening
from bot.inbound.install import Install, open_oauth
from bot.inbound.slack.app import ACK_WAIT, MOST_TASKS, Router, SlackApp, SlackRoute
from bot.inbound.slack.listeners import OrderListeners, ViewListeners
from bot.inbound.slack.socket_mode import HEARTBEAT, REDELIVERY_WINDOW, TICK, SocketMode, connect
from bot.metrics import Metrics
from bot.outbound.anchor_orders import AnchorClient, AnchorHttp
from bot.outbound.anchor_sessions import AnchorSessions
from bot.outbound.http import Transport, open_session
from bot.outbound.slack.client import SlackClient
from bot.outbound.slack.response_url import ResponseUrls
from bot.outbound.slack.roles import RoleCache
from bot.outbound.slack.web_api import SlackClock, SlackUnreachableError, open_web
from bot.outbound.store.auto_pause_rules import AutoPauseRows
from bot.outbound.store.card_sessions import CardSessions
from bot.outbound.store.errors import StoreError, or_default
from bot.outbound.store.journal import OrderHistory
from bot.outbound.store.leases import Lease
from bot.outbound.store.orders import OrderRows
from bot.outbound.store.outbox import MessageRows
from bot.outbound.store.reminders import ReminderRows
from bot.outbound.store.retention import INTERVAL, prune
from bot.outbound.store.session_states import SessionStates
from bot.outbound.store.store import Store, open_watched
from bot.outbound.store.workspaces import saving_ids
from bot.outbound.store.writer import Writer
from bot.outbound.workspaces import READ_TIMEOUT, Workspaces
from bot.runtime import Readiness, Tasks, collect_when_quiet, force_exit_after, happens, run_periodically, save_memory
from bot.usecases.alert_cards import AlertCards
from bot.usecases.anchor_reads import FactReads, SessionLists, SessionReads
from bot.usecases.auto_pauses import AutoPauses
from bot.usecases.batches import Batches, PauseWindow
from bot.usecases.card_sender import CardSender
from bot.usecases.control import SessionControl
from bot.usecases.notices import WorkspaceMonitor
from bot.usecases.orders import Orders
from bot.usecases.outbox import Outbox
from bot.usecases.permissions import AccessCheck
from bot.usecases.queue import MOST_AT_ANCHOR, MOST_AT_ANCHOR_EACH, FairQueue
from bot.usecases.reminders import Reminders
from bot.usecases.results import MessageDelivery
from bot.usecases.session_cards import SessionCards
from bot.usecases.session_checks import SessionChecks
from bot.usecases.settings import Forms
from bot.usecases.views import HomeView, Modals

_log = logging.getLogger(__name__)

_DRAIN_TIMEOUT = 4.0  # seconds at shutdown for serving and then for running work to end,
SERVE_SECONDS = 3.0  # of which requests are served over HTTP while /readyz is 503,
LAST_ACKS = 2.5  # of which Socket Mode serves until every envelope is answered,
_INTERRUPT_TIMEOUT = 3.5  # then for reporting the rest as interrupted,
_CLOSE_TIMEOUT = 1.0  # then for closing connections,
LONGEST_STOP = 9.5  # and for all of this together, if many things hang; orchestrators wait 10
_FIRST_DELAY = 10.0  # seconds after the start, when unfinished orders come first
_LOOK_TIMEOUT = 1.0  # seconds for which the start waits for the database
KEY_INTERVAL = 300.0  # seconds between two checks of the key of the settings
_MIN_RETRY_DELAY, _MAX_RETRY_DELAY = 1.0, 30.0  # seconds until Slack is asked again for the team of the bot token


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The clock (Unix seconds), the most of each thing, and times in seconds."""

    now: Callable[[], float] = time.time
    alerts_at_once: int = MOST_AT_ONCE
    at_anchor: int = MOST_AT_ANCHOR
    at_anchor_each: int = MOST_AT_ANCHOR_EACH  # of a person
    tasks: int = MOST_TASKS  # all work under way
    ack_wait: float = ACK_WAIT  # of an ack for an outcome
    heartbeat: float = HEARTBEAT  # of Socket Mode, as the next one
    redelivery_window: float = REDELIVERY_WINDOW
    tick: float = TICK  # by which Socket Mode notices standstills
    read_timeout: float = READ_TIMEOUT  # of a workspace that is read


DEFAULT_LIMITS = Limits()


class Bot:
    """All objects of a bot, and its jobs.

    `startup` raises if Slack refuses a token. In Socket Mode it ends when the first connection is open.
    """

    url: str
    startup: asyncio.Task[None]

    def __init__(self, settings: Settings, limits: Limits) -> None:
        self.settings, self.limits, self.readiness = settings, limits, Readiness()
        self.tasks, self.acks, self._jobs, self._writing = Tasks(), Tasks(), Tasks(), Tasks()
        one = settings.workspace
        self._clock = SlackClock(limits.now)
        self._metrics = Metrics()
        if one is not None:
            self.readiness.block("slack", "Slack has not accepted the bot token yet.")

    def open_store(self) -> AbstractAsyncContextManager[tuple[Store, asyncio.Task[None]]]:
        """Open the store. A bot of one workspace has its workspace and its key without it."""
        settings, is_required = self.settings, self.settings.workspace is None
        return open_watched(settings.database_url, settings.store_keys, self.readiness, is_required=is_required)

    def build(  # noqa: PLR0915 - the composition root
        self, store: Store, session: aiohttp.ClientSession
    ) -> None:
        """Build everything between Slack, Anchor and the store."""
        settings, limits, one, tasks = self.settings, self.limits, self.settings.workspace, self.tasks
        database = store.database
        readiness, metrics = self.readiness, self._metrics
        base_url = "" if one else settings.base_url or ""

        # clients and repositories
        transport = Transport(session, settings.proxy)
        slack = self.slack = SlackClient(open_web(session, settings.slack_api_url, self._clock))
        anchor_http = AnchorHttp(transport, settings.anchor_api_url)
        timeout, deadline = settings.anchor_timeout, settings.anchor_deadline
        anchor = AnchorClient(anchor_http, timeout=timeout, deadline=deadline, metrics=metrics)
        anchor_sessions = AnchorSessions(anchor_http, timeout)
        self.store = store
        workspaces = self.workspaces = Workspaces(store, one, readiness, limits.read_timeout)
        owner = f"{settings.mark}{secrets.token_hex(8)}"
        lease = self.lease = Lease(owner, is_alone=not database.driver.is_shared)
        writer = self.writer = Writer(database, lease, readiness)
        rows = OrderRows(database, store.cipher, writer)
        messages = MessageRows(database, Writer(database, None, readiness))
        history, states = OrderHistory(database), SessionStates(database)
        pause_rows, card_sessions = (
            AutoPauseRows(database, settings.auto_pause_limit, settings.anchor_deadline),
            CardSessions(database, settings.remind_before),
        )

        # who can do what, what is known of sessions, and what people see
        roles = self.roles = RoleCache(slack.web, store.people)
        response_urls = ResponseUrls(transport, api_url=settings.slack_api_url)
        delivery = self.delivery = MessageDelivery(response_urls, slack, workspaces)
        monitor = WorkspaceMonitor(workspaces, roles, delivery, tasks)
        access_check = AccessCheck(workspaces, roles, monitor)
        reads = SessionReads(anchor_sessions, tasks, monitor)
        facts = self.facts = FactReads(anchor_sessions, reads, card_sessions, tasks)
        lists = SessionLists(access_check, reads, states, delivery, tasks)
        modals = Modals(workspaces, slack, delivery, tasks)
        home = HomeView(workspaces, roles, slack, monitor, lists)

        # orders and messages
        queue = FairQueue(most=limits.at_anchor, most_each=limits.at_anchor_each, longest_wait=deadline)
        control = SessionControl(
            anchor,
            access_check,
            monitor,
            rows,
            sessions=anchor_sessions,
            queue=queue,
            facts=facts,
            auto_pauses=pause_rows,
        )
        card_sender = CardSender(slack, workspaces, states, response_urls, monitor)
        outbox = self.outbox = Outbox(messages, lease, card_sender, metrics)
        before, wake = settings.remind_before, facts.learned
        reminders = self.reminders = Reminders(ReminderRows(database), workspaces, reads, before, wake)
        self.session_checks = SessionChecks(
            anchor, anchor_sessions, workspaces, card_sessions, reads, facts, reminders, self._jobs
        )
        find = workspaces.find
        cards = SessionCards(rows, outbox, states, sender=card_sender, auto_pauses=pause_rows, find=find)
        orders = self.orders = Orders(control, rows, delivery, cards, tasks, facts=facts, metrics=metrics)
        auto_pauses = self.auto_pauses = AutoPauses(
            orders, AlertCards(slack, outbox, reads), workspaces, pause_rows, tasks
        )
        self.batches = Batches(orders, delivery, tasks)

        # what comes in
        router = Router()
        window = PauseWindow(lists, pause_rows, modals, self.batches, store.cipher)
        OrderListeners(orders, window, home).add_to(router)
        forms = Forms(anchor, workspaces, workspaces.rows, roles, monitor, modals, history, base_url)
        views = ViewListeners(home, workspaces, lists, window, forms)
        views.add_to(router, has_settings=one is None)
        slack_app = SlackApp(
            router, orders, delivery, modals, tasks, self._clock, metrics, limits.ack_wait, limits.tasks
        )
        self.socket_mode = None
        if settings.slack_app_token is not None:
            opening = partial(connect, session, slack, settings.slack_app_token, limits.heartbeat)
            patience = limits.redelivery_window, limits.tick
            self.socket_mode = SocketMode(opening, slack_app, readiness, self.acks, *patience)
        self.health = HealthRoutes(readiness, settings.metrics_token, leads=self.leads)
        alerts = Alerts(auto_pauses, workspaces, tasks, readiness, metrics, monitor, limits.alerts_at_once)
        slack_route = SlackRoute(slack_app, settings.slack_signing_secrets, limits.now)
        self.application = web.Application()
        self.application.add_routes([*self.health.routes(), *self._routes(slack_route, alerts, session)])

    def _routes(self, slack: SlackRoute, alerts: Alerts, session: aiohttp.ClientSession) -> list[web.RouteDef]:
        settings, of_slack = self.settings, [] if self.socket_mode else slack.routes()
        if (one := settings.workspace) is not None:
            return [*of_slack, *(alerts.routes(ALERTS_PATH) if one.alert_tokens else [])]
        oauth, states, rows = open_oauth(settings, session), self.store.install_states, self.workspaces.rows
        install = Install(oauth, states, rows, settings.allowed_workspaces, base_url=settings.base_url or "")
        return [*of_slack, *install.routes(), *alerts.routes(f"{ALERTS_PATH}/{{ref}}")]

    def leads(self) -> bool:
        """Return whether this process leads."""
        return self.lease.term is not None and self.store.database.prepared.is_set()

    def serving_metrics(self) -> AbstractAsyncContextManager[object]:
        """Serve METRICS_PORT in the block, if it is set. Raises NotListeningError."""
        settings = self.settings
        if settings.metrics_port is None:
            return nullcontext()
        application = metrics_application(self._metrics, self.health, lambda: self.store.database.errors)
        host, port = settings.host, settings.metrics_port
        return listening(application, host, port, setting="METRICS_PORT", message="serving metrics")

    def start(self, preparing: asyncio.Task[None]) -> None:
        """Start everything. The store is being prepared."""
        self._writing.start(self._write())
        self._jobs.start(self._run_jobs())
        self.startup = asyncio.create_task(self._connect(preparing))

    async def _write(self) -> None:
        await self.store.database.prepared.wait()
        writers = self.writer, self.outbox.rows.writer

        async def send() -> None:
            await self.outbox.run()
            for writer in writers:  # what was sent is recorded before another process can lead
                writer.stop()

        await asyncio.gather(*(writer.run() for writer in writers), send())

    async def _run_jobs(self) -> None:
        """Run what nobody waits for, most of it in the process that leads."""
        store, checks, reminders = self.store, self.session_checks, self.reminders

        async def delete_old() -> float:
            await prune(store.database, self.settings.journal_days)
            await store.audit.prune(self.settings.journal_days)
            await store.people.prune(time.time(), self.settings.journal_days)
            return INTERVAL

        await store.database.prepared.wait()
        run = partial(run_periodically, leads=self.leads, passing=StoreError)
        await asyncio.gather(
            run_periodically(self.orders.take_over, passing=StoreError),
            run(partial(store.audit.chain, self.lease)),
            run_periodically(store.audit.report, passing=StoreError),
            run(checks.look, after=_FIRST_DELAY),
            run(self.auto_pauses.look, after=_FIRST_DELAY),
            run(reminders.look, wake=reminders.wake, after=_FIRST_DELAY),
            run(delete_old, after=_FIRST_DELAY),
        )

    async def _connect(self, preparing: asyncio.Task[None]) -> None:
        """Connect to Slack, once the database can be used if the workspaces are in it. Raises what `serve` raises."""
        if self.settings.workspace is None:
            await preparing
            _log.info("ready")
        self._jobs.start(self.store.database.listen(self.outbox.hear))
        starting = [self.socket_mode.start()] if self.socket_mode else []
        if (one := self.settings.workspace) is not None:
            starting.append(self._serve_one(one))
        await asyncio.gather(*map(self._jobs.start, starting))

    async def _serve_one(self, one: Workspace) -> None:
        """Learn the team of the workspace of the settings, and check its key from then on. Raises TokenRefusedError."""

        async def try_key() -> float:
            await self.session_checks.try_key(self.workspaces.pinned)
            return KEY_INTERVAL

        await self._identify(one)
        self._jobs.start(run_periodically(try_key, passing=StoreError))

    async def _identify(self, one: Workspace) -> None:
        attempt, found = 0, None
        while found is None:
            try:
                found = await self.slack.inspect(one.bot_token)
            except SlackUnreachableError as error:
                attempt += 1
                delay = backoff(attempt, first=_MIN_RETRY_DELAY, longest=_MAX_RETRY_DELAY)
                is_known = self.workspaces.pinned is not None and self.workspaces.pinned.team_id
                report = self.readiness.degrade if is_known else self.readiness.block
                report("slack", f"Slack can't be reached ({error}); trying again.")
                _log.warning("Slack can't be reached", extra={"why": str(error), "next_attempt_in": delay})
                await asyncio.sleep(delay)
        self.workspaces.identify(found.team_id, found.enterprise_id)
        # before the orders that are given from now on: none is recorded without it
        row = partial(saving_ids, replace(one, team_id=found.team_id, enterprise_id=found.enterprise_id))
        self.writer.do(row, person=(found.team_id, ""), locks=())
        self.readiness.recover("slack")
        if found.scopes is not None and (missing := set(SCOPES) - found.scopes):
            why = "the app lacks scopes; `anchor-bot doctor` says what that means"
            _log.warning(why, extra={"scopes": sorted(missing)})
        _log.info("ready", extra={"team": found.team_id})

    async def stop(self, hurry: asyncio.Event | None) -> None:
        """Serve SERVE_SECONDS more, but until `hurry` at most, drain or interrupt the work, and write what is left.

        In Socket Mode all that came is answered: Slack then turns to another process.
        """
        self.readiness.block("stopping", "The bot is being stopped.")
        self.startup.cancel()
        await self._jobs.cancel()
        ends = time.monotonic() + _DRAIN_TIMEOUT
        if self.socket_mode is not None:
            await self.acks.settle(within=LAST_ACKS)
            await self.socket_mode.close()
        elif hurry is not None:
            await happens(hurry, within=SERVE_SECONDS)
        for accepting in (self.facts, self.delivery):
            accepting.stop()
        if not await self._settle(within=ends - time.monotonic()):
            self.orders.interrupt()
            await self._settle(within=_INTERRUPT_TIMEOUT)
        await self.acks.cancel()
        await self.tasks.cancel()
        self.outbox.stop()
        await self._writing.settle(within=_CLOSE_TIMEOUT)
        await self._writing.cancel()
        await self.roles.close()
        await self.workspaces.close()

    async def _settle(self, *, within: float) -> bool:
        """Wait for acks, and then for work: an ack that is lost is delivered. Return whether all work ended."""
        ends = time.monotonic() + within
        await self.acks.settle(within=within)
        return await self.tasks.settle(within=ends - time.monotonic())


@asynccontextmanager
async def running(
    settings: Settings, limits: Limits = DEFAULT_LIMITS, *, hurry: asyncio.Event | None = None
) -> AsyncIterator[Bot]:
    """Run a bot inside the `async with`, and drain or interrupt its work at the end.

    After a normal end, requests are served for SERVE_SECONDS more, or until `hurry` (None: not at all): load balancers
    need time to see that `/readyz` is 503. Socket Mode has none. Raises NotListeningError or StoreNotUsableError.
    """
    bot, hurry_at_end = Bot(settings, limits), None
    async with open_session(settings.proxy) as session, bot.open_store() as (store, preparing):
        bot.build(store, session)
        await or_default(bot.workspaces.read_row(), None, within=_LOOK_TIMEOUT)
        serving = listening(bot.application, settings.host, settings.port)
        async with serving as bot.url, bot.serving_metrics():
            bot.start(preparing)
            try:
                yield bot
                hurry_at_end = hurry
            finally:
                await bot.stop(hurry_at_end)


async def serve(settings: Settings) -> None:
    """Run until SIGTERM, SIGINT or SIGHUP. Raises what `running` raises, TokenRefusedError or AppTokenRefusedError."""
    save_memory()
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
