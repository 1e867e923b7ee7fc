"""`anchor-bot drill`: pause and resume a session, to show that the brake works."""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace

from bot import request_id
from bot.cli import as_called, confirm_id, say, user_id, warn
from bot.cli.orders import (
    NOT_RECORDED,
    WRITE_TIMEOUT,
    Place,
    Wait,
    find_place,
    open_anchor,
    open_client_session,
    open_orders,
    require_access,
)
from bot.cli.parser import NotDoneError
from bot.config.settings import Settings
from bot.core.fields import Secret
from bot.core.outcomes import Broken, NotSent, Paused, Resumed, Unconfirmed
from bot.core.requests import Actor, Order, Source, Verb
from bot.core.sessions import Life, NotRead, Phase
from bot.outbound.anchor.sessions import AnchorSessions
from bot.outbound.store.errors import StoreError
from bot.outbound.store.history import SessionStates
from bot.outbound.store.sqlite import IN_MEMORY
from bot.usecases.orders import OperatorOrders

_QUIET = 3_600.0  # seconds without an alert
_MAY_BE_PAUSED = {Phase.PAUSING, Phase.PAUSED, Phase.UNCONFIRMED}
_IN_DOUBT = Unconfirmed | Broken
_WITH_EFFECT = Paused | _IN_DOUBT


async def drill(options: argparse.Namespace, settings: Settings) -> int:
    """Pause and resume a session after a question, print each step's time, and return the exit code.

    After NotDoneError nothing was sent.
    """
    began = time.monotonic()
    async with open_client_session(settings.proxy) as session, AsyncExitStack() as stack:
        place = await find_place(options.workspace, settings, session, stack)
        request_id.begin()
        if place.why_not is not None or settings.workspaces.store.database_url == IN_MEMORY:
            why = place.why_not or "DATABASE_URL is sqlite://."
            raise NotDoneError(f"Nothing was sent: a drill is recorded first. {why}")
        actor = Actor(place.team_id, options.channel or "", user_id())
        pause = Order(Verb.PAUSE, options.session, actor, "drill", source=Source.DRILL)
        access = await require_access(pause, settings, place)
        found_in = time.monotonic() - began
        if not options.yes:
            confirm_id(pause.session_id, "To pause this agent and resume it at once", why_not="Nothing was sent")
        sessions = AnchorSessions(open_anchor(session, settings).http, settings.anchor_timeout)
        known = await _require_quiet(pause, access.key, sessions, place)
        _say_time("Workspace and key found", found_in)
        orders, finish = open_orders(settings, session, place)
        return await _Drill(pause, known, orders, finish, settings.anchor_dashboard_url).execute()


async def _require_quiet(pause: Order, key: Secret, sessions: AnchorSessions, place: Place) -> str | None:
    """Return the last order of the session that had an effect, if there is one.

    Raises NotDoneError if the session may be paused or does not run, or somebody may be busy with it.
    """
    name = (pause.actor.team_id, pause.session_id)
    states, now = SessionStates(place.store.database), time.time()
    try:
        state = (await states.of(name[0], [name[1]])).get(name[1])
        alerted_at = await states.alerted_at(*name)
    except StoreError as error:
        raise NotDoneError(f"Nothing was sent: a drill is recorded first. {error}") from None
    read = await sessions.details(key, pause.session_id, within=sessions.timeout)
    why = None
    if state is not None and state.phase in _MAY_BE_PAUSED:
        why = "it is paused, or may be"
    elif isinstance(read, NotRead) or read.life is not Life.RUNNING:
        why = "Anchor does not say that it runs"
    elif alerted_at > now - _QUIET:
        why = f"it had an alert {max(0.0, now - alerted_at) / 60:.0f} min ago"
    if why is not None:
        raise NotDoneError(f"Nothing was sent: this session is not free for a drill, because {why}. Use another one.")
    return None if state is None else state.order_id


@dataclass(eq=False)
class _Drill:
    """A pause and its resume, if nobody orders after the order `known`. `finish` waits until both are written down."""

    pause: Order
    known: str | None
    orders: OperatorOrders
    finish: Callable[[], Awaitable[None]]
    dashboard_url: str

    async def execute(self) -> int:
        """Execute both orders, print their outcomes and times, and return the exit code."""
        paused = last = self._begin(self.pause)
        recorded = list[float]()
        paused.running.recorded.add_done_callback(lambda _: recorded.append(paused.running.age))
        with suppress(asyncio.CancelledError):  # by Ctrl-C
            paused.is_recorded = await self.orders.execute(paused.running, paused.tell, within=WRITE_TIMEOUT)
            if recorded:
                _say_time("Recorded", recorded[0])
            _say_step("Paused at Anchor", paused, Paused)
            if isinstance(paused.running.outcome, _WITH_EFFECT) and paused.received is None:
                last = self._begin(replace(self.pause, verb=Verb.RESUME, expected_version=self.known))
                last.is_recorded = await self.orders.execute(last.running, last.tell, within=WRITE_TIMEOUT)
                _say_step("Resumed", last, Resumed)
            await self.finish()
            if last.received is None and not (paused.is_recorded and last.is_recorded):
                warn(NOT_RECORDED)
        return self._conclude(paused, last)

    def _begin(self, order: Order) -> Wait:
        return Wait(self.orders.begin(order), self.orders.control, self.dashboard_url)

    def _conclude(self, paused: Wait, last: Wait) -> int:
        """Print what the drill has shown, and what is to be done, and return the exit code."""
        code, outcome = last.end(), last.running.outcome
        if isinstance(outcome, Resumed) and isinstance(paused.running.outcome, Paused):
            say("The brake works.")
            return code
        if isinstance(outcome, NotSent) and outcome.user_id:
            warn("Somebody gave another order meanwhile, so the drill has resumed nothing.")
        elif isinstance(paused.running.outcome, _WITH_EFFECT) and not isinstance(outcome, Resumed):
            how = as_called(f"`anchor-bot resume {self.pause.session_id}`")
            is_sure = isinstance(paused.running.outcome, Paused) and not isinstance(outcome, _IN_DOUBT)
            warn(f"The agent {'is still' if is_sure else 'may still be'} paused. To resume it: {how}")
        return code or 1


def _say_step(what: str, wait: Wait, done: type) -> None:
    running = wait.running
    if isinstance(running.outcome, done) and running.settled_at is not None:
        _say_time(what, running.settled_at - running.given_at)


def _say_time(what: str, seconds: float) -> None:
    say(f"{what}: {seconds:.2f} s")
