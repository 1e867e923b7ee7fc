"""`anchor-bot drill`: pause and resume a session, to show that the brake works."""

import argparse
import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, replace

from bot.cli import confirm_id, say, user_id, warn
from bot.cli.orders import Place, Wait, open_orders, open_place
from bot.cli.parser import NotDoneError
from bot.config.settings import Settings
from bot.core.fields import Secret
from bot.core.outcomes import Broken, Outcome, Paused, Refusal, Resumed, Unconfirmed
from bot.core.requests import Actor, Order, Source, Verb
from bot.core.sessions import Life, NotRead, Phase
from bot.outbound.store.errors import StoreError
from bot.outbound.store.history import SessionStates
from bot.outbound.store.running_orders import RunningOrder
from bot.outbound.store.sqlite import IN_MEMORY

_QUIET = 3_600.0  # seconds without an alert
_MAY_BE_PAUSED = {Phase.PAUSING, Phase.PAUSED, Phase.UNCONFIRMED}
_IN_DOUBT = Unconfirmed | Broken
_WITH_EFFECT = Paused | _IN_DOUBT


async def drill(options: argparse.Namespace, settings: Settings) -> int:
    """Pause and resume a session after a question, print each step's time, and return the exit code.

    After NotDoneError nothing was sent.
    """
    began = time.monotonic()
    pause = Order(
        Verb.PAUSE, options.session, Actor("", options.channel or "", user_id()), "drill", source=Source.DRILL
    )
    async with open_place(options.workspace, settings, pause) as place:
        if place.why_not is not None or settings.database_url == IN_MEMORY:
            why = place.why_not or "DATABASE_URL is sqlite://."
            raise NotDoneError(f"Nothing was sent: a drill is recorded first. {why}")
        pause = replace(pause, actor=replace(pause.actor, team_id=place.team_id))
        access = await place.require_access(pause)
        found_in = time.monotonic() - began
        if not options.yes:
            confirm_id(pause.session_id, "To pause this agent and resume it at once", why_not="Nothing was sent")
        known = await _require_quiet(pause, access.key, place)
        _say_time("Workspace and key found", found_in)
        return await _Drill(place, pause, known).execute()


async def _require_quiet(pause: Order, key: Secret, place: Place) -> str | None:
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
    read = await place.sessions.details(key, pause.session_id, within=place.sessions.timeout)
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
    """A pause and its resume, if nobody orders after the order `known`."""

    place: Place
    pause: Order
    known: str | None

    async def execute(self) -> int:
        """Execute both orders, print their outcomes and times, and return the exit code."""
        orders, finish = open_orders(self.place)
        paused = last = Wait(self.place, orders, [self.pause])
        recorded, (running,) = list[float](), paused.running
        running.recorded.add_done_callback(lambda _: recorded.append(running.age))
        with suppress(asyncio.CancelledError):  # by Ctrl-C
            await paused.execute()
            if recorded:
                _say_time("Recorded", recorded[0])
            _say_step("Paused at Anchor", running, Paused)
            if isinstance(running.outcome, _WITH_EFFECT) and paused.received is None:
                resume = replace(self.pause, verb=Verb.RESUME, expected_version=self.known)
                last = Wait(self.place, orders, [resume])
                await last.execute()
                last.is_recorded &= paused.is_recorded
                _say_step("Resumed", last.running[0], Resumed)
            await finish()
        return self._conclude(running.outcome, last)

    def _conclude(self, paused: Outcome | None, last: Wait) -> int:
        """Print what the drill has shown, and what is to be done, and return the exit code."""
        code, outcome = last.end(), last.running[0].outcome
        if isinstance(outcome, Resumed) and isinstance(paused, Paused):
            say("The brake works.")
            return code
        if isinstance(outcome, Refusal) and outcome.user_id:
            warn("Somebody gave another order meanwhile, so the drill has resumed nothing.")
        elif isinstance(paused, _WITH_EFFECT) and not isinstance(outcome, Resumed):
            is_sure = isinstance(paused, Paused) and not isinstance(outcome, _IN_DOUBT)
            how = f"`anchor-bot resume {self.pause.session_id}`"
            warn(f"The agent {'is still' if is_sure else 'may still be'} paused. To resume it: {how}")
        return code or 1


def _say_step(what: str, running: RunningOrder, done: type) -> None:
    if isinstance(running.outcome, done) and running.settled_at is not None:
        _say_time(what, running.settled_at - running.given_at)


def _say_time(what: str, seconds: float) -> None:
    say(f"{what}: {seconds:.2f} s")
