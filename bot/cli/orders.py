"""`anchor-bot pause`, `resume` and `end`: the brake without Slack."""

import argparse
import asyncio
import contextlib
import secrets
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial

import aiohttp

from bot import request_id
from bot.cli import INTERRUPTED, confirm, confirm_end, say, terminal_text, user_id, warn
from bot.cli.operators import check_file
from bot.cli.parser import UNUSABLE_SETTINGS, NotDoneError
from bot.config.settings import ManyWorkspaces, OneWorkspace, Settings
from bot.core import outcomes
from bot.core.cards import BatchContent
from bot.core.fields import Proxy
from bot.core.history import BatchedOrder
from bot.core.outcomes import Done, Doubt, Outcome, Paused, Stopping, Unconfirmed
from bot.core.requests import Actor, Order, Source, Verb
from bot.core.retries import combine
from bot.core.session_ids import SessionId
from bot.core.sessions import ALL_WORD, EIGHT_DIGITS, Choice, NotRead, SessionList
from bot.core.workspace import Workspace
from bot.health import Readiness
from bot.messages.batches import agents, batch_text, still_running
from bot.messages.buttons import session_line, spoken_name
from bot.messages.markup import DOING, code, printable
from bot.messages.results import explain_refusal, facts_message, outcome_message
from bot.messages.sessions import not_read_text, of_them_paused
from bot.outbound.anchor.orders import AnchorClient, AnchorHttp
from bot.outbound.anchor.sessions import AnchorSessions
from bot.outbound.http import Transport, open_session
from bot.outbound.slack.client import SlackClient, TokenRefusedError
from bot.outbound.slack.errors import SlackUnreachableError, open_web
from bot.outbound.store.cards import CardRows
from bot.outbound.store.errors import StoreError, StoreNotUsableError, or_default
from bot.outbound.store.history import SessionStates
from bot.outbound.store.leases import Lease
from bot.outbound.store.orders import OrderRows
from bot.outbound.store.running_orders import RunningOrder
from bot.outbound.store.secrets import keys_of_one
from bot.outbound.store.sqlite import IN_MEMORY
from bot.outbound.store.store import Store, open_store
from bot.outbound.store.writer import Writer
from bot.runtime import Tasks
from bot.usecases.access import Access, OperatorAccess
from bot.usecases.cards import CardOutbox
from bot.usecases.control import LONGEST_READS, SessionControl
from bot.usecases.orders import OperatorOrders
from bot.usecases.queue import MOST_OF_BATCH, FairQueue
from bot.usecases.session_cards import SessionCards

NOT_MANY = "--workspace is for a bot of many workspaces. This one has one, in its settings."

_OPEN_TIMEOUT = 2.0  # seconds for which a pause waits for the database
_IDENTIFY_TIMEOUT = 1.0  # seconds for which it waits for Slack
NOT_RECORDED = "The database did not record this in time: `anchor-bot journal` may lack it."
WRITE_TIMEOUT = 5.0  # seconds for the outcome to be recorded
_LAST_WRITE_TIMEOUT = 1.0  # the same after Ctrl-C
_READ_TIMEOUT = 2.0  # seconds for a session that was paused to be read


@dataclass(frozen=True, slots=True)
class Place:
    """The workspace of an order, its store, and why that cannot be used, if so."""

    team_id: str
    find: Callable[[str], Awaitable[Workspace | None]]
    store: Store
    why_not: str | None = None


class SeveralError(NotDoneError):
    """Nobody has said which of several workspaces is meant. They are given by id, with their names."""

    def __init__(self, place: Place, installed: Mapping[str, str]) -> None:
        which = f"Say in which workspace, with --workspace: {', '.join(installed.values())}."
        super().__init__(which, code=UNUSABLE_SETTINGS)
        self.place, self.installed = place, installed


async def give_order(options: argparse.Namespace, settings: Settings) -> int:
    """Execute an order, print its outcome, and return the exit code.

    After NotDoneError nothing was sent, unless it says so, nor after KeyboardInterrupt, unless the outcome was printed.
    """
    is_list = options.command == "sessions"
    verb = Verb.PAUSE if is_list else Verb(options.command)
    if verb is Verb.PAUSE and options.all is (options.session is not None):
        raise NotDoneError("Nothing was paused: give either a session or --all.", code=UNUSABLE_SETTINGS)
    async with open_client_session(settings.proxy) as session, AsyncExitStack() as stack:
        request_id.begin()
        order = Order(verb, options.session, Actor("", "", user_id()), options.reason, source=Source.COMMAND_LINE)
        try:
            place = await find_place(options.workspace, settings, session, stack)
        except SeveralError as several:
            if verb is not Verb.PAUSE or options.all or EIGHT_DIGITS.fullmatch(options.session):
                raise
            place = await _find_by_pause(order, settings, open_anchor(session, settings), several)
        order = replace(order, actor=replace(order.actor, team_id=place.team_id))
        if place.why_not is not None and verb is not Verb.PAUSE:
            raise NotDoneError(f"Not {verb.past}: this is recorded first. {place.why_not}")
        if place.why_not is not None:
            lacking = "It is not known what is paused" if is_list else "The pause will not be recorded"
            warn(f"{lacking}. {place.why_not}")
        if is_list:
            return int(not (await _show_running(options, order, settings, session, place)).is_complete)
        if verb is Verb.PAUSE and options.all:
            return await _pause_all(options, order, settings, session, place)
        if verb is Verb.END and not options.yes and isinstance(await OperatorAccess(place.find).check(order), Access):
            confirm_end(options.session)
        doing = f"{DOING[verb]}… (up to {settings.anchor_deadline + LONGEST_READS.get(verb, 0.0):g} s)"
        print(doing, file=sys.stderr, flush=True)  # noqa: T201 - output of a command
        if EIGHT_DIGITS.fullmatch(order.session_id):
            order = replace(order, session_id=await _find_session(order, settings, session, place))
        return await _execute(order, settings, session, place)


async def _find_session(order: Order, settings: Settings, session: aiohttp.ClientSession, place: Place) -> SessionId:
    """Return the only session that runs and whose id begins with the 8 digits of the order. Raises NotDoneError."""
    running = await _read_running(order, settings, session, place)
    if meant := running.meant_by(order.session_id):
        return meant.session_id
    others = running.offered(order.session_id).sessions
    why = f"No session that runs has an id that begins with {order.session_id}."
    if others:
        why = "Another session can be meant."
    if not running.is_complete:
        why = "Anchor did not list all sessions that run, so another one can be meant."
    raise NotDoneError(" ".join(["Nothing was sent.", why, "Give the whole id.", *(one.id for one in others)]))


def open_client_session(proxy: Proxy | None) -> aiohttp.ClientSession:
    """Open the connection pool. Raises NotDoneError if the certificates cannot be read."""
    try:
        return open_session(proxy=proxy)
    except OSError as error:
        raise NotDoneError(f"The certificates of SSL_CERT_FILE or SSL_CERT_DIR can't be read: {error}.") from None


def open_anchor(session: aiohttp.ClientSession, settings: Settings) -> AnchorClient:
    """Return the client of Anchor's API."""
    http = AnchorHttp(Transport(session, settings.proxy), settings.anchor_api_url)
    return AnchorClient(http, timeout=settings.anchor_timeout, deadline=settings.anchor_deadline)


@dataclass(eq=False)
class Wait:
    """The wait for an outcome, which Ctrl-C ends. After the outcome it ends the command."""

    running: RunningOrder
    control: SessionControl
    dashboard_url: str
    received: signal.Signals | None = None
    is_recorded: bool = False
    """Whether the journal has the outcome."""
    _outcome: Outcome | None = None

    def __post_init__(self) -> None:
        self._task = asyncio.current_task()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._interrupt, number)

    def tell(self, outcome: Outcome) -> None:
        """Print the outcome, unless Ctrl-C has ended the wait."""
        self._outcome = outcome
        if not self._is_cut_short():
            say(outcome_message(self.running.order, outcome, now=time.time(), dashboard_url=self.dashboard_url).text)
        if self.received is not None:
            asyncio.get_running_loop().call_later(_LAST_WRITE_TIMEOUT, self._cancel)

    def end(self) -> int:
        """Return the exit code. After Ctrl-C, print what was sent and whether it is recorded."""
        if self.received is None:
            return 0 if isinstance(self._outcome, Done) else 1
        was_sent = "."
        if self._is_cut_short():
            is_unsent = isinstance(self._outcome, Stopping)
            how = "was not sent" if is_unsent else "may have reached Anchor, and is unconfirmed"
            was_sent = f": the {self.running.order.verb} {how}."
        journal = "The journal has it." if self.is_recorded else "The journal may lack it."
        print(f"anchor-bot: Interrupted{was_sent} {journal}", file=sys.stderr)  # noqa: T201 - output of a command
        return 128 + self.received

    def _is_cut_short(self) -> bool:
        return self.received is not None and self._outcome in {Stopping(), Unconfirmed(Doubt.STOPPED)}

    def _interrupt(self, number: signal.Signals) -> None:
        self.received = number
        if self._outcome is None:
            self.control.interrupt()
        else:
            self._cancel()

    def _cancel(self) -> None:
        assert self._task is not None  # noqa: S101 - this begins in a coroutine
        self._task.cancel()


def open_orders(
    settings: Settings, session: aiohttp.ClientSession, place: Place
) -> tuple[OperatorOrders, Callable[[], Awaitable[None]]]:
    """Return what executes orders, and what writes them down at the end, if the database can be used."""
    tasks, owner, database = Tasks(), secrets.token_hex(8), place.store.database
    writer = Writer(database, Lease(owner, can_lead=False), Readiness(), is_off=place.why_not is not None)
    rows = OrderRows(database, place.store.cipher, writer, is_pinned=isinstance(settings.workspaces, OneWorkspace))
    outbox, dashboard_url = CardOutbox(CardRows(database, owner)), settings.anchor_dashboard_url
    cards = SessionCards(rows, outbox, SessionStates(database), dashboard_url=dashboard_url, find=place.find)
    queue, anchor = FairQueue(most=MOST_OF_BATCH, most_each=MOST_OF_BATCH), open_anchor(session, settings)
    sessions, access = AnchorSessions(anchor.http, settings.anchor_timeout), OperatorAccess(place.find)
    control = SessionControl(anchor, access, None, rows, sessions=sessions, queue=queue)
    writing = set() if place.why_not else {tasks.start(writer.run()), tasks.start(outbox.run())}

    async def finish() -> None:
        writer.stop()
        outbox.stop()
        if writing:
            await asyncio.wait(writing, timeout=WRITE_TIMEOUT)

    return OperatorOrders(control, rows, cards), finish


async def _execute(order: Order, settings: Settings, session: aiohttp.ClientSession, place: Place) -> int:
    orders, finish = open_orders(settings, session, place)
    wait = Wait(orders.begin(order), orders.control, settings.anchor_dashboard_url)
    within = 0.0 if place.why_not else WRITE_TIMEOUT
    with contextlib.suppress(asyncio.CancelledError):  # by Ctrl-C
        wait.is_recorded = await orders.execute(wait.running, wait.tell, within=within)
        if within and not wait.is_recorded and wait.received is None:
            warn(NOT_RECORDED)
        await finish()
        if isinstance(wait.running.outcome, Paused):
            await _tell_facts(order, settings, session, place)
    return wait.end()


async def _pause_all(
    options: argparse.Namespace, order: Order, settings: Settings, session: aiohttp.ClientSession, place: Place
) -> int:
    """Pause all sessions, or those that words choose, each by an order like this one, after a question."""
    found = await _show_running(options, order, settings, session, place)
    chosen = found.sessions
    if not found.is_complete:
        warn("Others may run, which this does not pause: Anchor did not list all sessions.")
    if not chosen:
        return int(not found.is_complete)
    if not options.yes:
        question, wrong = f"To pause {agents(len(chosen))}, type this number: ", "this is not the number"
        confirm(question, str(len(chosen)), why_not="Nothing was paused", wrong=wrong)
    ended, batch_id = dict[SessionId, Outcome](), request_id.new_id()
    given = [replace(order, session_id=one.id, batch_id=batch_id) for one in chosen]
    orders, finish = open_orders(settings, session, place)
    received = list[signal.Signals]()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, _interrupt, orders.control, received, number)
    within = 0.0 if place.why_not else WRITE_TIMEOUT
    begun = [orders.begin(one) for one in given]
    tell = {one.id: partial(ended.__setitem__, one.order.session_id) for one in begun}
    recorded = await asyncio.gather(*(orders.execute(one, tell[one.id], within=within) for one in begun))
    if within and not all(recorded):
        warn(NOT_RECORDED)
    await finish()
    results = [BatchedOrder("", session_id, outcome) for session_id, outcome in ended.items()]
    running = still_running(results)
    outside = sum(one.is_task is False for one in chosen)
    names = {one.id: spoken_name(one) for one in chosen}
    content = BatchContent(order.actor.user_id, reason=order.reason, outside=outside, names=names)
    say(batch_text(content, results), *running)
    return 128 + received[0] if received else int(bool(running) or not found.is_complete)


async def _show_running(
    options: argparse.Namespace, order: Order, settings: Settings, session: aiohttp.ClientSession, place: Place
) -> SessionList:
    """Print the sessions that run, or those that words choose, and who paused which. Return them."""
    found = (await _read_running(order, settings, session, place)).chosen(Choice(options.match))
    least = "Running:" if found.is_complete else "Running: at least"
    which = f" with {code(options.match)}" if options.match else ""
    paused = await SessionStates(place.store.database).paused(place.team_id, [one.id for one in found.sessions]) or {}
    lines = (session_line(one, now=time.time(), paused=paused.get(one.id)) for one in found.sessions)
    say(f"{least} {agents(len(found.sessions))}{which}{of_them_paused(found.sessions, paused)}.", *lines)
    return found


def _interrupt(control: SessionControl, received: list[signal.Signals], number: signal.Signals) -> None:
    received.append(number)
    control.interrupt()


async def _read_running(order: Order, settings: Settings, session: aiohttp.ClientSession, place: Place) -> SessionList:
    """Return the sessions that run. Raises NotDoneError."""
    access = await require_access(order, settings, place)
    found = await AnchorSessions(open_anchor(session, settings).http, settings.anchor_timeout).running(access.key)
    if isinstance(found, NotRead):
        ordered = (order.session_id or ALL_WORD) if order.verb is Verb.PAUSE else ""
        url = settings.anchor_dashboard_url
        raise NotDoneError(terminal_text(not_read_text(found, dashboard_url=url, ordered=ordered)))
    return found


async def require_access(order: Order, settings: Settings, place: Place) -> Access:
    """Return the access to the workspace of an order. Raises NotDoneError."""
    access = await OperatorAccess(place.find).check(order)
    if not isinstance(access, Access):
        why = explain_refusal(order.verb, access, dashboard_url=settings.anchor_dashboard_url)
        raise NotDoneError(terminal_text(" ".join(why)))
    return access


async def _tell_facts(order: Order, settings: Settings, session: aiohttp.ClientSession, place: Place) -> None:
    """Read a session that was paused, and print what people have to know of it."""
    access = await OperatorAccess(place.find).check(order)
    if not isinstance(access, Access):
        return
    sessions = AnchorSessions(open_anchor(session, settings).http, settings.anchor_timeout)
    read = await sessions.about(access.key, order.session_id, within=_READ_TIMEOUT)
    for known in () if isinstance(read, NotRead) else read:
        if known.id == order.session_id and (message := facts_message(known.id, None, known, now=time.time())):
            say(message.text)


async def find_place(
    team_id: str | None, settings: Settings, session: aiohttp.ClientSession, stack: AsyncExitStack
) -> Place:
    """Return the workspace with an id, the only one by default. Raises NotDoneError."""
    if isinstance(settings.workspaces, ManyWorkspaces):
        return await one_of_many(team_id, settings.workspaces, stack)
    if team_id is not None:
        raise NotDoneError(NOT_MANY, code=UNUSABLE_SETTINGS)
    return await _the_only_one(settings, settings.workspaces, session, stack)


async def one_of_many(team_id: str | None, many: ManyWorkspaces, stack: AsyncExitStack) -> Place:
    """Return a workspace of many, the only one by default. Raises NotDoneError."""
    url, keys = many.store.database_url, many.store.encryption_keys
    check_file(url)
    try:
        store = await stack.enter_async_context(open_store(url, keys))
        found = await store.rows.summaries()
    except (StoreNotUsableError, StoreError) as error:
        raise NotDoneError(f"Nothing was sent: the workspace's key is in the database. {error}") from None
    installed = {one.team_id: f"{printable(one.team_name, limit=100)} ({one.team_id})" for one in found}
    if team_id is None and len(installed) > 1:
        raise SeveralError(Place("", store.rows.find, store), installed)
    chosen = team_id or next(iter(installed), None)
    if chosen not in installed:
        why = f"No workspace {chosen} is installed." if chosen else "No workspace is installed."
        raise NotDoneError(why, code=UNUSABLE_SETTINGS)
    return Place(chosen, store.rows.find, store)


async def _the_only_one(
    settings: Settings, one: OneWorkspace, session: aiohttp.ClientSession, stack: AsyncExitStack
) -> Place:
    url, keys = one.store.database_url, keys_of_one(one.store.encryption_keys, one.bot_token)

    async def find(_: str) -> Workspace:
        return one.workspace

    try:
        check_file(url)
        store = await stack.enter_async_context(open_store(url, keys, keys_must_fit=False, is_prepared=False))
    except (NotDoneError, StoreNotUsableError) as error:
        store = await stack.enter_async_context(open_store(IN_MEMORY, keys, is_prepared=False))
        return Place("", find, store, str(error))
    preparing = asyncio.ensure_future(_prepare(store))
    await asyncio.wait({preparing}, timeout=_OPEN_TIMEOUT)
    why_not = preparing.result() if preparing.done() else "The database does not answer."
    team_id = "" if why_not is not None else await _find_team(settings, one, session, store)
    return Place(team_id, find, store, why_not)


async def _prepare(store: Store) -> str | None:
    try:
        await store.prepare()
    except StoreNotUsableError as error:
        return str(error)
    return None


async def _find_team(settings: Settings, one: OneWorkspace, session: aiohttp.ClientSession, store: Store) -> str:
    """Return the team of the bot token: as the bot has stored it, or else Slack's answer; "" without both."""
    if ids := await or_default(store.rows.find_ids(one.bot_token), None, within=_IDENTIFY_TIMEOUT):
        return ids[0]
    slack = SlackClient(open_web(session, settings.slack_api_url))
    with contextlib.suppress(SlackUnreachableError, TokenRefusedError, TimeoutError):
        async with asyncio.timeout(_IDENTIFY_TIMEOUT):
            return (await slack.inspect(one.bot_token)).team_id
    return ""


async def _find_by_pause(order: Order, settings: Settings, anchor: AnchorClient, several: SeveralError) -> Place:
    """Send a pause with the key of each workspace at once. Return the one whose Anchor account has the session.

    The order is still to be given there, where it is recorded and sent in sequence: no other workspace hears of it.
    After NotDoneError no account has confirmed anything.
    """

    async def send(team_id: str) -> tuple[str, Outcome]:
        given, never = replace(order, actor=replace(order.actor, team_id=team_id)), asyncio.Event()
        access = await OperatorAccess(several.place.find).check(given)
        if not isinstance(access, Access):
            return team_id, access
        sent = anchor.send(order.verb, access.key, order.session_id, cancelled=never)
        outcome = combine(await sent)
        return team_id, replace(outcome, by_admins=True) if isinstance(outcome, outcomes.KeyRejected) else outcome

    print(f"Pausing with the keys of {len(several.installed)} workspaces…", file=sys.stderr, flush=True)  # noqa: T201 - output of a command
    sending, ended = [asyncio.ensure_future(send(one)) for one in several.installed], dict[str, Outcome]()
    try:
        for each in asyncio.as_completed(sending):
            team_id, outcome = await each
            if isinstance(outcome, Paused):
                say(f"Paused with the key of {several.installed[team_id]}.")
            if isinstance(outcome, Paused | outcomes.NotRunning):
                return replace(several.place, team_id=team_id)
            ended[team_id] = outcome
    except asyncio.CancelledError:
        why = "Interrupted: the pause may have reached Anchor, and is unconfirmed. The journal may lack it."
        raise NotDoneError(why, code=INTERRUPTED) from None
    finally:
        for task in sending:
            task.cancel()
    about = partial(outcome_message, order, now=time.time(), dashboard_url=settings.anchor_dashboard_url)
    clear = outcomes.NotFound | outcomes.NoKey
    unclear = [one for one in several.installed if not isinstance(ended[one], clear)]
    lines = [f"{several.installed[one]}:\n{about(ended[one]).text}" for one in unclear]
    unknown = next((one for one in ended.values() if isinstance(one, outcomes.NotFound)), outcomes.NoKey())
    raise NotDoneError(terminal_text("\n".join(lines) or f"{len(ended)} workspaces:\n{about(unknown).text}"))
