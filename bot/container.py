"""The composition root: build the objects between Slack, Anchor and the store."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from bot.config.settings import Settings
from bot.health import Metrics, Readiness
from bot.inbound.alerts.endpoint import MOST_AT_ONCE
from bot.inbound.install import INSTALL_PATH
from bot.inbound.slack.app import MOST_TASKS, SlackApp
from bot.inbound.slack.orders import OrderListeners
from bot.inbound.slack.router import ACK_WAIT, Router
from bot.inbound.slack.socket_connection import HEARTBEAT
from bot.inbound.slack.socket_mode import REDELIVERY_WINDOW
from bot.inbound.slack.views import ViewListeners
from bot.outbound.anchor.orders import AnchorClient
from bot.outbound.anchor.sessions import AnchorSessions
from bot.outbound.slack.client import SlackClient
from bot.outbound.slack.clock import SlackClock
from bot.outbound.slack.response_url import ResponseUrls
from bot.outbound.slack.roles import RoleCache
from bot.outbound.store.auto_pauses import AutoPauseRows
from bot.outbound.store.card_sessions import CardSessions
from bot.outbound.store.history import OrderHistory, SessionStates
from bot.outbound.store.leases import LEASE, Lease
from bot.outbound.store.marks import SenderUse
from bot.outbound.store.messages import MessageRows
from bot.outbound.store.orders import OrderRows
from bot.outbound.store.reminders import ReminderRows
from bot.outbound.store.store import LOCK_WAIT, Store
from bot.outbound.store.writer import Writer
from bot.outbound.workspaces import Workspaces
from bot.runtime import Tasks
from bot.usecases.access import AccessCheck
from bot.usecases.alert_cards import AlertCards
from bot.usecases.auto_pause import AutoPauses
from bot.usecases.batches import Batches
from bot.usecases.cards import CardSender
from bot.usecases.checks import CachedChecks, Services
from bot.usecases.control import SessionControl
from bot.usecases.delivery import MessageDelivery
from bot.usecases.home import HomeView
from bot.usecases.modals import Modals
from bot.usecases.notices import WorkspaceMonitor
from bot.usecases.orders import ALONE_INTERVAL, RECOVERY_INTERVAL, Orders, Recovery
from bot.usecases.outbox import Outbox
from bot.usecases.queue import CAPACITY, MOST_AT_ANCHOR, MOST_AT_ANCHOR_EACH, FairQueue
from bot.usecases.reminders import Reminders
from bot.usecases.session_cards import CardUpdates, SessionCards
from bot.usecases.session_checks import SessionChecks
from bot.usecases.session_lists import SessionLists
from bot.usecases.sessions import FactReads, ReadBudget, SessionReads
from bot.usecases.settings import Forms
from bot.usecases.several import PauseWindow


@dataclass(frozen=True, slots=True)
class Clients:
    """HTTP clients, and Slack's clock: `transport` for response URLs, `slack` for Slack's Web API."""

    transport: httpx.AsyncBaseTransport
    anchor: AnchorClient
    slack: SlackClient
    slack_clock: SlackClock


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The clock (Unix seconds), the most of each thing, and times in seconds.

    `capacity` limits unfinished orders, `alerts_at_once` requests with settings, `at_anchor` orders that are being
    sent, `at_anchor_each` those of a person, `tasks` all work under way, and `messages` those that wait until others
    are sent.
    `ack_wait` limits the wait of an ack for an outcome. `heartbeat` and `redelivery_window` are those of Socket Mode.
    `lock_wait` limits the wait for another bot on the same SQLite file. Another process takes unfinished orders over
    after `lease`, and looks for them every `recovery_interval`.
    """

    now: Callable[[], float] = time.time
    capacity: int = CAPACITY
    alerts_at_once: int = MOST_AT_ONCE
    at_anchor: int = MOST_AT_ANCHOR
    at_anchor_each: int = MOST_AT_ANCHOR_EACH
    tasks: int = MOST_TASKS
    messages: int = CAPACITY
    ack_wait: float = ACK_WAIT
    heartbeat: float = HEARTBEAT
    redelivery_window: float = REDELIVERY_WINDOW
    lock_wait: float = LOCK_WAIT
    lease: float = LEASE
    recovery_interval: float = RECOVERY_INTERVAL


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Container:
    """The objects that `bot.app` starts and stops."""

    workspaces: Workspaces
    clients: Clients
    monitor: WorkspaceMonitor
    session_control: SessionControl
    session_lists: SessionLists
    fact_reads: FactReads
    delivery: MessageDelivery
    slack_app: SlackApp
    roles: RoleCache
    writer: Writer
    orders: Orders
    batches: Batches
    recovery: Recovery
    outbox: Outbox
    lease: Lease
    auto_pauses: AutoPauses
    reminders: Reminders
    session_checks: SessionChecks
    forms: Forms

    def stop(self) -> None:
        """Accept no new orders, let no delivery wait for long, and read no more facts."""
        self.session_control.stop()
        self.fact_reads.stop()
        self.delivery.stop()

    def stop_writing(self) -> None:
        """Take over nothing more, send no more messages, and then write what is left."""
        self.outbox.stop()

    def interrupt(self) -> None:
        """Stop waiting for running work, and report it as unconfirmed."""
        self.session_control.interrupt()
        self.session_lists.interrupt()
        self.forms.interrupt()


def build(  # noqa: PLR0913, PLR0917 - collaborators
    store: Store,
    workspaces: Workspaces,
    settings: Settings,
    clients: Clients,
    readiness: Readiness,
    tasks: Tasks,
    limits: Limits,
    metrics: Metrics,
) -> Container:
    """Build everything that serves the workspaces."""
    slack, anchor = clients.slack, clients.anchor
    roles = RoleCache(slack.web, store.people)
    response_urls = ResponseUrls(clients.transport, api_url=settings.slack_api_url)
    delivery = MessageDelivery(response_urls, slack, workspaces, capacity=limits.messages)
    base_url = "" if settings.workspace else settings.base_url or ""
    install_url = base_url and f"{base_url}{INSTALL_PATH}"
    monitor = WorkspaceMonitor(workspaces, roles, delivery, tasks, readiness, install_url=install_url)
    history = OrderHistory(store.database)
    checks, sender_use = CachedChecks(Services(slack, anchor), tasks), SenderUse(store.database, tasks)
    access_check = AccessCheck(workspaces, roles, monitor)
    anchor_sessions = AnchorSessions(anchor.http, settings.anchor_timeout)
    reads = SessionReads(anchor_sessions, tasks, monitor)
    owner, dashboard_url = f"{settings.mark}{secrets.token_hex(8)}", settings.anchor_dashboard_url
    card_sessions, budget = CardSessions(store.database), ReadBudget()
    fact_reads = FactReads(anchor_sessions, reads, card_sessions, budget, tasks)
    states = SessionStates(store.database)
    updates = CardUpdates(delivery, tasks)
    lists = SessionLists(access_check, reads, states, updates, tasks, dashboard_url)
    modals = Modals(workspaces, slack, delivery, tasks)
    home_view = HomeView(
        workspaces,
        roles,
        slack,
        monitor,
        history,
        lists,
        checks,
        sender_use,
        dashboard_url=dashboard_url,
        install_url=install_url,
    )
    lease = Lease(owner, limits.lease, is_alone=store.database.is_exclusive, wake=store.database.news.leader)
    writer = Writer(store.database, lease, readiness)
    rows = OrderRows(store.database, store.cipher, writer, is_pinned=workspaces.pinned is not None)
    queue = FairQueue(most=limits.at_anchor, most_each=limits.at_anchor_each, longest_wait=settings.anchor_deadline)
    pause_rows = AutoPauseRows(store.database, settings.auto_pause_limit)
    session_control = SessionControl(
        anchor,
        access_check,
        monitor,
        rows,
        sessions=anchor_sessions,
        queue=queue,
        capacity=limits.capacity,
        facts=fact_reads,
        auto_pauses=pause_rows,
    )
    sender = CardSender(slack, workspaces, states, pause_rows, response_urls, store.cipher)
    outbox = Outbox(MessageRows(store.database, Writer(store.database, None, readiness)), lease, sender, metrics)
    reminder_rows, before = ReminderRows(store.database), settings.remind_before
    reminders = Reminders(reminder_rows, anchor_sessions, workspaces, reads, budget, before)
    session_checks = SessionChecks(anchor, anchor_sessions, workspaces, card_sessions, reads, fact_reads, reminders)
    session_cards = SessionCards(
        rows,
        outbox,
        states,
        sender=sender,
        auto_pauses=pause_rows,
        dashboard_url=dashboard_url,
        find=workspaces.find,
    )
    orders = Orders(
        session_control,
        rows,
        delivery,
        session_cards,
        tasks,
        dashboard_url=dashboard_url,
        facts=fact_reads,
        has_paused=reminders.wake,
        metrics=metrics,
    )
    alert_cards = AlertCards(slack, outbox, reads, sender_use)
    auto_pauses = AutoPauses(orders, alert_cards, workspaces, pause_rows, tasks)
    recovery = Recovery(orders, tasks, ALONE_INTERVAL if lease.is_alone else limits.recovery_interval)
    router = Router()
    batches = Batches(orders, delivery, store.cipher, tasks)
    window = PauseWindow(lists, pause_rows, modals, batches, store.cipher, dashboard_url)
    OrderListeners(orders, window, home_view).add_to(router)
    forms = Forms(
        anchor, workspaces, workspaces.rows, roles, monitor, lists, modals, history, sender_use, tasks, base_url
    )
    views = ViewListeners(home_view, workspaces, lists, window, forms)
    views.add_to(router, has_settings=settings.workspace is None)
    slack_app = SlackApp(
        router,
        orders,
        delivery,
        modals,
        tasks,
        clients.slack_clock,
        metrics,
        ack_wait=limits.ack_wait,
        most_tasks=limits.tasks,
    )
    return Container(
        workspaces,
        clients,
        monitor,
        session_control,
        lists,
        fact_reads,
        delivery,
        slack_app,
        roles,
        writer,
        orders,
        batches,
        recovery,
        outbox,
        lease,
        auto_pauses,
        reminders,
        session_checks,
        forms,
    )
