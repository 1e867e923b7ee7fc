"""`anchor-bot sessions`, `pause`, `resume` and `end`: the brake without Slack."""

import argparse
import asyncio
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from bot.cli.terminal import UNUSABLE_SETTINGS, NotDoneError, Run, confirm, environ, say, user_id, warn
from bot.cli.workspace import Context, open_context
from bot.config.environment import OF_ORDERS, Settings
from bot.core.cards import BatchContent
from bot.core.commands import MOST_TOGETHER, Choice
from bot.core.journal import BatchedOrder
from bot.core.orders import Actor, Order, ReplyAddress, Source, Verb
from bot.core.outcomes import Done, Doubt, Outcome, Paused, Refusal, Unconfirmed, Why
from bot.core.sessions import NotRead, SessionList
from bot.messages.batches import WHOLE_ID, batch_text, still_running
from bot.messages.markup import code, counted
from bot.messages.outcomes import DOING
from bot.messages.results import facts_message, outcome_message
from bot.messages.sessions import session_line, spoken_name
from bot.outbound.store.errors import or_default
from bot.outbound.store.leases import Lease
from bot.outbound.store.orders import OrderRows
from bot.outbound.store.outbox import MessageRows
from bot.outbound.store.running_orders import RunningOrder, Settled
from bot.outbound.store.session_states import SessionStates
from bot.outbound.store.writer import MOST_WAITING, Writer
from bot.runtime import Readiness, Tasks, new_id
from bot.usecases.control import READ_AFTER_END, SessionControl
from bot.usecases.orders import begin, result_message
from bot.usecases.outbox import Outbox
from bot.usecases.permissions import Access, OperatorAccess
from bot.usecases.queue import FairQueue
from bot.usecases.session_cards import SessionCards

WRITE_TIMEOUT = 5.0  # seconds for the outcome to be recorded
_UNSENT = Refusal(Why.STOPPING)
_READ_TIMEOUT = 2.0  # seconds for a session that was paused to be read
_OWN_KEY = ("sessions", "pause")  # of a bot of many; what a resume undoes is known of the workspace alone
_NOT_BY_KEY = "Nothing was sent: for a bot of many workspaces, ANCHOR_API_KEY is for `sessions` and `pause` only."


def execute(options: argparse.Namespace, run: Run) -> int:
    """Give an order, and return the exit code. After NotDoneError or KeyboardInterrupt nothing was sent."""
    settings = Settings.from_env(environ(), OF_ORDERS)
    if settings.workspace and settings.slack_client_id.reveal() and options.command not in _OWN_KEY:
        raise NotDoneError(_NOT_BY_KEY, code=UNUSABLE_SETTINGS)
    return run(give_order(options, settings))


async def give_order(options: argparse.Namespace, settings: Settings) -> int:
    """Execute an order, print its outcome, and return the exit code. Raises as `execute`."""
    is_list = options.command == "sessions"
    verb = Verb.PAUSE if is_list else Verb(options.command)
    if verb is Verb.PAUSE and options.all is (options.session is not None):
        raise NotDoneError("Nothing was paused: give either a session or --all.", code=UNUSABLE_SETTINGS)
    async with open_context(options.workspace, settings) as context:
        actor = Actor(context.team_id, "", user_id())
        order = Order(verb, options.session, actor, options.reason, source=Source.COMMAND_LINE)
        if context.why_not is not None and verb is not Verb.PAUSE:
            raise NotDoneError(f"Not {verb.past}: the {verb} must be recorded before it is sent. {context.why_not}")
        if context.why_not is not None:
            lacking = "It is not known what is paused" if is_list else "The pause will not be recorded"
            warn(f"{lacking}. {context.why_not}")
        if verb is not Verb.PAUSE or not options.all:
            return await _give_one(options, order, context)
        found = await _show_running(options.match, order, context)
        return int(not found.is_complete) if is_list else await _pause_all(options, order, context, found)


async def _give_one(options: argparse.Namespace, order: Order, context: Context) -> int:
    if order.verb is Verb.END and not options.yes:
        await context.require_access(order)
        lost = "This session's browser, its pages and the agent's run are lost."
        question = f"{lost} To end it, type the first 8 digits of its id: "
        confirm(question, order.session_id[:8], why_not="Not ended")
    seconds = context.settings.anchor_deadline + (READ_AFTER_END if order.verb is Verb.END else 0.0)
    print(f"{DOING[order.verb]}… (up to {seconds:g} s)", file=sys.stderr, flush=True)  # noqa: T201 - output of a command
    async with _open_orders(context) as execution:
        await execution.execute([order])
    if isinstance(execution.outcome, Paused) and execution.received is None:
        await _tell_facts(order, context)
    return execution.end()


async def _tell_facts(order: Order, context: Context) -> None:
    """Read a session that was paused, and print what people have to know of it."""
    access = await OperatorAccess(context.find).check(order)
    if not isinstance(access, Access):
        return
    read = await context.sessions.about(access.key, order.session_id, within=_READ_TIMEOUT)
    for known in () if isinstance(read, NotRead) else read:
        if known.id == order.session_id and (message := facts_message(known.id, None, known, now=time.time())):
            say(message.text)


async def _show_running(words: str, order: Order, context: Context) -> SessionList:
    """Print the sessions that run, or those that words choose, and who paused which. Return them."""
    found = (await context.read_running(order)).chosen(Choice(words))
    least = "Running:" if found.is_complete else "Running: at least"
    which = f" with {code(words)}" if words else ""
    states = SessionStates(context.store.database)
    paused = await states.paused(context.team_id, [one.id for one in found.sessions]) or {}
    shown = partial(session_line, now=time.time(), digits=WHOLE_ID)
    lines = (shown(one, paused=paused.get(one.id)) for one in found.sessions)
    say(f"{least} {counted(len(found.sessions), 'agent')}{which}.", *lines)
    return found


async def _pause_all(options: argparse.Namespace, order: Order, context: Context, found: SessionList) -> int:
    """Pause the sessions that were found, each by an order like this one, after a question."""
    chosen = found.sessions
    if not found.is_complete:
        warn("Others may run, which this does not pause: Anchor did not list all sessions.")
    if not chosen:
        return int(not found.is_complete)
    if not options.yes:
        question = f"To pause {counted(len(chosen), 'agent')}, type this number: "
        confirm(question, str(len(chosen)), why_not="Nothing was paused")
    batch_id = new_id()
    async with _open_orders(context) as execution:
        await execution.execute([replace(order, session_id=one.id, batch_id=batch_id) for one in chosen])
    results = [BatchedOrder("", one.order.session_id, one.outcome) for one in execution.running]
    outside = sum(one.is_task is False for one in chosen)
    names = {one.id: spoken_name(one) for one in chosen}
    content = BatchContent(order.actor.user_id, reason=order.reason, outside=outside, names=names)
    running = still_running(content, results, digits=WHOLE_ID)
    say(batch_text(content, results), *running)
    return max(execution.end(), int(bool(running) or not found.is_complete))


@dataclass(eq=False, repr=False)
class _Execution:
    """The orders of a command, which are executed as those of the bot. A running bot updates their cards."""

    context: Context
    rows: OrderRows
    control: SessionControl
    cards: SessionCards
    running: list[RunningOrder] = field(default_factory=list)
    received: int | None = None  # the signal that has ended the wait for Anchor
    is_recorded: bool = False  # whether the journal has the outcomes

    @property
    def outcome(self) -> Outcome | None:
        """Return the outcome of the first order."""
        return self.running[0].outcome

    async def execute(self, orders: Sequence[Order]) -> None:
        """Execute orders, print the outcome of a single one, and record them. Ctrl-C ends the wait for Anchor."""
        for order in orders:
            running = begin(self.rows, order, ReplyAddress(order.actor))
            running.result = asyncio.create_task(self.control.execute(running))
            self.running.append(running)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._interrupt, number)
        self.is_recorded = all(await asyncio.gather(*map(self._tell, self.running)))

    def _interrupt(self, number: int) -> None:
        for one in self.running if self.received is None else ():  # what is sent is told once
            one.result.cancel()
        self.received = number

    async def _tell(self, running: RunningOrder) -> bool:
        """Tell the outcome of an order. Return whether the journal has it in time."""
        settled = await running.result or Settled(Unconfirmed(Doubt.NO_ANSWER))
        running.know(settled.outcome)
        if len(self.running) == 1 and settled.outcome != _UNSENT:
            say(outcome_message(running.order, settled.outcome, now=time.time()).text)
        if await or_default(self.rows.told(running, "terminal", within=0.0), None, within=WRITE_TIMEOUT) is None:
            return False
        if running.order.batch_id:
            keeping = self.cards.keep_batch(running, BatchContent(running.order.actor.user_id))
            await or_default(keeping, None, within=WRITE_TIMEOUT)
        else:
            await self.cards.post(running, result_message(running, settled))
        return True

    def end(self) -> int:
        """Return the exit code, and warn if this is not recorded. After Ctrl-C, print what was sent."""
        if self.received is None:
            if not (self.is_recorded or self.context.why_not):
                warn("The database did not record this in time: `anchor-bot journal` may lack it.")
            return int(not all(isinstance(one.outcome, Done) for one in self.running))
        sent = "Nothing was sent. " if all(one.outcome == _UNSENT for one in self.running) else ""
        has = "has" if self.is_recorded else "may lack"
        print(f"anchor-bot: Interrupted. {sent}The journal {has} the outcome.", file=sys.stderr)  # noqa: T201 - output of a command
        return 128 + self.received


@asynccontextmanager
async def _open_orders(context: Context) -> AsyncIterator[_Execution]:
    """Yield what executes orders. At the end they are written down, if the database can be used."""
    tasks, database, settings = Tasks(), context.store.database, context.settings
    lease, is_off = Lease(f"{settings.mark}{secrets.token_hex(8)}", can_lead=False), context.why_not is not None
    most = 0 if is_off else MOST_WAITING
    writers = [Writer(database, one, Readiness(), most_waiting=most) for one in (lease, None)]
    rows = OrderRows(database, context.store.cipher, writers[0])
    outbox = Outbox(MessageRows(database, writers[1]), lease)
    cards = SessionCards(rows, outbox, SessionStates(database), find=context.find)
    queue, access = FairQueue(most=MOST_TOGETHER, most_each=MOST_TOGETHER), OperatorAccess(context.find)
    control = SessionControl(context.anchor, access, None, rows, sessions=context.sessions, queue=queue)
    writing = [] if is_off else [tasks.start(one.run()) for one in writers]
    yield _Execution(context, rows, control, cards)
    for one in reversed(writers):
        one.stop()
    if writing:
        await asyncio.wait(writing, timeout=WRITE_TIMEOUT)
