"""`anchor-bot pause`, `resume` and `end`: the brake without Slack."""

import argparse
import asyncio
import contextlib
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import InitVar, dataclass, replace
from functools import partial

import aiohttp

from bot import request_id
from bot.cli import INTERRUPTED, confirm, confirm_id, say, terminal_text, user_id, warn
from bot.cli.operators import check_file
from bot.cli.parser import UNUSABLE_SETTINGS, NotDoneError
from bot.config.settings import Settings
from bot.core import outcomes
from bot.core.cards import BatchContent
from bot.core.fields import Proxy
from bot.core.history import BatchedOrder
from bot.core.outcomes import Done, Doubt, Outcome, Paused, Refusal, Unconfirmed, Why
from bot.core.requests import Actor, Order, Source, Verb
from bot.core.retries import combine
from bot.core.session_ids import SessionId
from bot.core.sessions import ALL_WORD, EIGHT_DIGITS, Choice, NotRead, SessionList
from bot.core.workspace import Workspace
from bot.health import Readiness
from bot.messages.batches import WHOLE_ID, agents, batch_text, still_running
from bot.messages.buttons import session_line, spoken_name
from bot.messages.markup import code, printable
from bot.messages.outcomes import DOING
from bot.messages.results import explain_refusal, facts_message, outcome_message
from bot.messages.sessions import not_read_text, of_them_paused
from bot.outbound.anchor.orders import AnchorClient, AnchorHttp
from bot.outbound.anchor.sessions import AnchorSessions
from bot.outbound.http import Transport, open_session
from bot.outbound.slack.client import SlackClient, TokenRefusedError
from bot.outbound.slack.errors import SlackUnreachableError, open_web
from bot.outbound.store.errors import StoreError, StoreNotUsableError, or_default
from bot.outbound.store.history import SessionStates
from bot.outbound.store.leases import Lease
from bot.outbound.store.messages import MessageRows
from bot.outbound.store.orders import OrderRows
from bot.outbound.store.running_orders import RunningOrder
from bot.outbound.store.sqlite import IN_MEMORY
from bot.outbound.store.store import Store, open_store
from bot.outbound.store.writer import Writer
from bot.runtime import Tasks
from bot.usecases.access import Access, OperatorAccess
from bot.usecases.control import LONGEST_READS, SessionControl
from bot.usecases.orders import OperatorOrders
from bot.usecases.outbox import Outbox
from bot.usecases.queue import MOST_OF_BATCH, FairQueue
from bot.usecases.session_cards import SessionCards

NOT_MANY = "--workspace is for a bot of many workspaces. This one has one, in its settings."

_OPEN_TIMEOUT = 2.0  # seconds for which a pause waits for the database
_IDENTIFY_TIMEOUT = 1.0  # seconds for which it waits for Slack
WRITE_TIMEOUT = 5.0  # seconds for the outcome to be recorded
_LAST_WRITE_TIMEOUT = 1.0  # the same after Ctrl-C
_READ_TIMEOUT = 2.0  # seconds for a session that was paused to be read


@dataclass(frozen=True, slots=True)
class Place:
    """The workspace of an order, its store, and why that cannot be used, if so. The keys are sent by `session`."""

    settings: Settings
    session: aiohttp.ClientSession
    team_id: str
    find: Callable[[str], Awaitable[Workspace | None]]
    store: Store
    why_not: str | None = None

    @property
    def anchor(self) -> AnchorClient:
        """Return the client of Anchor's API."""
        return open_anchor(self.session, self.settings)

    @property
    def sessions(self) -> AnchorSessions:
        """Return the reads of sessions."""
        return AnchorSessions(self.anchor.http, self.settings.anchor_timeout)

    async def require_access(self, order: Order) -> Access:
        """Return the access to the workspace of an order. Raises NotDoneError."""
        access = await OperatorAccess(self.find).check(order)
        if not isinstance(access, Access):
            why = explain_refusal(order.verb, access, dashboard_url=self.settings.anchor_dashboard_url)
            raise NotDoneError(terminal_text(" ".join(why)))
        return access

    async def read_running(self, order: Order) -> SessionList:
        """Return the sessions that run. Raises NotDoneError."""
        found = await self.sessions.running((await self.require_access(order)).key)
        if isinstance(found, NotRead):
            ordered = (order.session_id or ALL_WORD) if order.verb is Verb.PAUSE else ""
            url = self.settings.anchor_dashboard_url
            raise NotDoneError(terminal_text(not_read_text(found, dashboard_url=url, ordered=ordered)))
        return found


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
    order = Order(verb, options.session, Actor("", "", user_id()), options.reason, source=Source.COMMAND_LINE)
    async with open_place(options.workspace, settings, order) as place:
        order = replace(order, actor=replace(order.actor, team_id=place.team_id))
        if place.why_not is not None and verb is not Verb.PAUSE:
            raise NotDoneError(f"Not {verb.past}: this is recorded first. {place.why_not}")
        if place.why_not is not None:
            lacking = "It is not known what is paused" if is_list else "The pause will not be recorded"
            warn(f"{lacking}. {place.why_not}")
        if verb is Verb.PAUSE and options.all:
            found = await _show_running(options.match, order, place)
            return int(not found.is_complete) if is_list else await _pause_all(options, order, place, found)
        return await _execute(options, order, place)


async def _execute(options: argparse.Namespace, order: Order, place: Place) -> int:
    if order.verb is Verb.END and not options.yes and isinstance(await OperatorAccess(place.find).check(order), Access):
        lost = "This session's browser, its pages and the agent's run are lost. To end it"
        confirm_id(order.session_id, lost, why_not="Not ended")
    seconds = place.settings.anchor_deadline + LONGEST_READS.get(order.verb, 0.0)
    print(f"{DOING[order.verb]}… (up to {seconds:g} s)", file=sys.stderr, flush=True)  # noqa: T201 - output of a command
    if EIGHT_DIGITS.fullmatch(order.session_id):
        order = replace(order, session_id=await _find_session(order, place))
    orders, finish = open_orders(place)
    wait = Wait(place, orders, [order])
    with contextlib.suppress(asyncio.CancelledError):  # by Ctrl-C
        await wait.execute()
        await finish()
        if isinstance(wait.running[0].outcome, Paused):
            await _tell_facts(order, place)
    return wait.end()


async def _find_session(order: Order, place: Place) -> SessionId:
    """Return the only session that runs and whose id begins with the 8 digits of the order. Raises NotDoneError."""
    running = await place.read_running(order)
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
    """The wait for the outcomes of orders, which Ctrl-C ends. After the outcomes it ends the command.

    The outcome of one order is printed as soon as it is known.
    """

    place: Place
    orders: OperatorOrders
    given: InitVar[Sequence[Order]]
    received: signal.Signals | None = None
    is_recorded: bool = False
    """Whether the journal has the outcomes."""

    def __post_init__(self, given: Sequence[Order]) -> None:
        self.running = [self.orders.begin(one) for one in given]
        self._task = asyncio.current_task()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._interrupt, number)

    async def execute(self) -> None:
        """Execute the orders."""
        within = 0.0 if self.place.why_not else WRITE_TIMEOUT
        each = (self.orders.execute(one, partial(self._tell, one), within=within) for one in self.running)
        self.is_recorded = all(await asyncio.gather(*each))

    def end(self) -> int:
        """Return the exit code, and warn if this is not recorded. After Ctrl-C, print what was sent."""
        outcomes = [one.outcome for one in self.running]
        if self.received is None:
            if not (self.is_recorded or self.place.why_not):
                warn("The database did not record this in time: `anchor-bot journal` may lack it.")
            return int(not all(isinstance(one, Done) for one in outcomes))
        was_sent = "."
        if len(outcomes) == 1 and self._is_cut_short(outcomes[0]):
            is_unsent = outcomes[0] == Refusal(Why.STOPPING)
            how = "was not sent" if is_unsent else "may have reached Anchor, and is unconfirmed"
            was_sent = f": the {self.running[0].order.verb} {how}."
        journal = "The journal has it." if self.is_recorded else "The journal may lack it."
        print(f"anchor-bot: Interrupted{was_sent} {journal}", file=sys.stderr)  # noqa: T201 - output of a command
        return 128 + self.received

    def _tell(self, running: RunningOrder, outcome: Outcome) -> None:
        if len(self.running) == 1 and not self._is_cut_short(outcome):
            url = self.place.settings.anchor_dashboard_url
            say(outcome_message(running.order, outcome, now=time.time(), dashboard_url=url).text)
        if self.received is not None and self._all_ended():
            asyncio.get_running_loop().call_later(_LAST_WRITE_TIMEOUT, self._cancel)

    def _all_ended(self) -> bool:
        return all(one.outcome is not None for one in self.running)

    def _is_cut_short(self, outcome: Outcome | None) -> bool:
        return self.received is not None and outcome in {Refusal(Why.STOPPING), Unconfirmed(Doubt.NO_ANSWER)}

    def _interrupt(self, number: signal.Signals) -> None:
        self.received = number
        if self._all_ended():
            self._cancel()
        else:
            self.orders.control.interrupt()

    def _cancel(self) -> None:
        assert self._task is not None  # noqa: S101 - this begins in a coroutine
        self._task.cancel()


def open_orders(place: Place) -> tuple[OperatorOrders, Callable[[], Awaitable[None]]]:
    """Return what executes orders, and what writes them down at the end, if the database can be used."""
    tasks, database, settings = Tasks(), place.store.database, place.settings
    owner = f"{settings.mark}{secrets.token_hex(8)}"
    lease, is_off = Lease(owner, can_lead=False), place.why_not is not None
    writer = Writer(database, lease, Readiness(), is_off=is_off)
    messages = Writer(database, None, Readiness(), is_off=is_off)
    rows = OrderRows(database, place.store.cipher, writer, is_pinned=settings.workspace is not None)
    outbox, dashboard_url = Outbox(MessageRows(database, messages), lease), settings.anchor_dashboard_url
    cards = SessionCards(rows, outbox, SessionStates(database), dashboard_url=dashboard_url, find=place.find)
    queue, access = FairQueue(most=MOST_OF_BATCH, most_each=MOST_OF_BATCH), OperatorAccess(place.find)
    control = SessionControl(place.anchor, access, None, rows, sessions=place.sessions, queue=queue)
    writing = set() if place.why_not else {tasks.start(writer.run()), tasks.start(messages.run())}

    async def finish() -> None:
        messages.stop()
        writer.stop()
        if writing:
            await asyncio.wait(writing, timeout=WRITE_TIMEOUT)

    return OperatorOrders(control, rows, cards), finish


async def _pause_all(options: argparse.Namespace, order: Order, place: Place, found: SessionList) -> int:
    """Pause the sessions that were found, each by an order like this one, after a question."""
    chosen = found.sessions
    if not found.is_complete:
        warn("Others may run, which this does not pause: Anchor did not list all sessions.")
    if not chosen:
        return int(not found.is_complete)
    if not options.yes:
        question, wrong = f"To pause {agents(len(chosen))}, type this number: ", "this is not the number"
        confirm(question, str(len(chosen)), why_not="Nothing was paused", wrong=wrong)
    batch_id = request_id.new_id()
    orders, finish = open_orders(place)
    wait = Wait(place, orders, [replace(order, session_id=one.id, batch_id=batch_id) for one in chosen])
    with contextlib.suppress(asyncio.CancelledError):  # by Ctrl-C
        await wait.execute()
        await finish()
    results = [BatchedOrder("", one.order.session_id, one.outcome) for one in wait.running]
    outside = sum(one.is_task is False for one in chosen)
    names = {one.id: spoken_name(one) for one in chosen}
    content = BatchContent(order.actor.user_id, reason=order.reason, outside=outside, names=names)
    running = still_running(content, results, digits=WHOLE_ID)
    say(batch_text(content, results), *running)
    return max(wait.end(), int(bool(running) or not found.is_complete))


async def _show_running(words: str, order: Order, place: Place) -> SessionList:
    """Print the sessions that run, or those that words choose, and who paused which. Return them."""
    found = (await place.read_running(order)).chosen(Choice(words))
    least = "Running:" if found.is_complete else "Running: at least"
    which = f" with {code(words)}" if words else ""
    paused = await SessionStates(place.store.database).paused(place.team_id, [one.id for one in found.sessions]) or {}
    lines = (session_line(one, now=time.time(), paused=paused.get(one.id)) for one in found.sessions)
    say(f"{least} {agents(len(found.sessions))}{which}{of_them_paused(found.sessions, paused)}.", *lines)
    return found


async def _tell_facts(order: Order, place: Place) -> None:
    """Read a session that was paused, and print what people have to know of it."""
    access = await OperatorAccess(place.find).check(order)
    if not isinstance(access, Access):
        return
    read = await place.sessions.about(access.key, order.session_id, within=_READ_TIMEOUT)
    for known in () if isinstance(read, NotRead) else read:
        if known.id == order.session_id and (message := facts_message(known.id, None, known, now=time.time())):
            say(message.text)


@contextlib.asynccontextmanager
async def open_place(team_id: str | None, settings: Settings, order: Order) -> AsyncIterator[Place]:
    """Open the workspace with an id, the only one by default, or that of a session to pause. Raises NotDoneError."""
    async with open_client_session(settings.proxy) as session, AsyncExitStack() as stack:
        request_id.begin()
        try:
            if settings.workspace is None:
                place = await _one_of_many(team_id, settings, session, stack)
            elif team_id is not None:
                raise NotDoneError(NOT_MANY, code=UNUSABLE_SETTINGS)
            else:
                place = await _the_only_one(settings, settings.workspace, session, stack)
        except SeveralError as several:
            is_one = bool(order.session_id) and not EIGHT_DIGITS.fullmatch(order.session_id)
            if not is_one or order.verb is not Verb.PAUSE or order.source is Source.DRILL:
                raise
            place = await _find_by_pause(order, several)
        yield place


async def _one_of_many(
    team_id: str | None, settings: Settings, session: aiohttp.ClientSession, stack: AsyncExitStack
) -> Place:
    check_file(settings.database_url)
    try:
        store = await stack.enter_async_context(open_store(settings.database_url, settings.store_keys))
        found = await store.rows.summaries()
    except (StoreNotUsableError, StoreError) as error:
        raise NotDoneError(f"Nothing was sent: the workspace's key is in the database. {error}") from None
    installed = {one.team_id: f"{printable(one.team_name, limit=100)} ({one.team_id})" for one in found}
    if team_id is None and len(installed) > 1:
        raise SeveralError(Place(settings, session, "", store.rows.find, store), installed)
    chosen = team_id or next(iter(installed), None)
    if chosen not in installed:
        why = f"No workspace {chosen} is installed." if chosen else "No workspace is installed."
        raise NotDoneError(why, code=UNUSABLE_SETTINGS)
    return Place(settings, session, chosen, store.rows.find, store)


async def _the_only_one(
    settings: Settings, workspace: Workspace, session: aiohttp.ClientSession, stack: AsyncExitStack
) -> Place:
    url, keys = settings.database_url, settings.store_keys

    async def find(_: str) -> Workspace:
        return workspace

    try:
        check_file(url)
        store = await stack.enter_async_context(open_store(url, keys, keys_must_fit=False, is_prepared=False))
    except (NotDoneError, StoreNotUsableError) as error:
        store = await stack.enter_async_context(open_store(IN_MEMORY, keys, is_prepared=False))
        return Place(settings, session, "", find, store, str(error))
    preparing = asyncio.ensure_future(_prepare(store))
    await asyncio.wait({preparing}, timeout=_OPEN_TIMEOUT)
    why_not = preparing.result() if preparing.done() else "The database does not answer."
    team_id = "" if why_not is not None else await _find_team(settings, workspace, session, store)
    return Place(settings, session, team_id, find, store, why_not)


async def _prepare(store: Store) -> str | None:
    try:
        await store.prepare()
    except StoreNotUsableError as error:
        return str(error)
    return None


async def _find_team(settings: Settings, one: Workspace, session: aiohttp.ClientSession, store: Store) -> str:
    """Return the team of the bot token: as the bot has stored it, or else Slack's answer; "" without both."""
    if ids := await or_default(store.rows.find_ids(one.bot_token), None, within=_IDENTIFY_TIMEOUT):
        return ids[0]
    slack = SlackClient(open_web(session, settings.slack_api_url))
    with contextlib.suppress(SlackUnreachableError, TokenRefusedError, TimeoutError):
        async with asyncio.timeout(_IDENTIFY_TIMEOUT):
            return (await slack.inspect(one.bot_token)).team_id
    return ""


async def _find_by_pause(order: Order, several: SeveralError) -> Place:
    """Send a pause with the key of each workspace at once. Return the one whose Anchor account has the session.

    The order is still to be given there, where it is recorded and sent in sequence: no other workspace hears of it.
    After NotDoneError no account has confirmed anything.
    """

    async def send(team_id: str) -> tuple[str, Outcome]:
        given, never = replace(order, actor=replace(order.actor, team_id=team_id)), asyncio.Event()
        access = await OperatorAccess(several.place.find).check(given)
        if not isinstance(access, Access):
            return team_id, access
        sent = several.place.anchor.send(order.verb, access.key, order.session_id, cancelled=never)
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
    url = several.place.settings.anchor_dashboard_url
    about = partial(outcome_message, order, now=time.time(), dashboard_url=url)
    no_key = outcomes.Refusal(outcomes.Why.NO_KEY)
    unclear = [
        one for one in several.installed if not isinstance(ended[one], outcomes.NotFound) and ended[one] != no_key
    ]
    lines = [f"{several.installed[one]}:\n{about(ended[one]).text}" for one in unclear]
    unknown = next((one for one in ended.values() if isinstance(one, outcomes.NotFound)), no_key)
    raise NotDoneError(terminal_text("\n".join(lines) or f"{len(ended)} workspaces:\n{about(unknown).text}"))
