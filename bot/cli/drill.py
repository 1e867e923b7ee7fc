"""`anchor-bot drill`: pause and resume a session, to show that the brake works."""

import argparse
import time
from dataclasses import replace

from bot.cli import confirm_id, say, user_id, warn
from bot.cli.context import Context, open_context
from bot.cli.orders import Execution, execute
from bot.cli.parser import NotDoneError
from bot.config.settings import Settings
from bot.core.fields import Secret
from bot.core.outcomes import Broken, Paused, Refusal, Resumed, Unconfirmed
from bot.core.requests import Actor, Order, Source, Verb
from bot.core.sessions import Life, NotRead, Phase
from bot.outbound.store.errors import StoreError
from bot.outbound.store.history import SessionStates
from bot.outbound.store.sqlite import IN_MEMORY
from bot.request_id import new_id

_QUIET = 3_600.0  # seconds without an alert
_MAY_BE_PAUSED = {Phase.PAUSING, Phase.PAUSED, Phase.UNCONFIRMED}
_IN_DOUBT = Unconfirmed | Broken


async def drill(options: argparse.Namespace, settings: Settings) -> int:
    """Pause and resume a session after a question, print each step's time, and return the exit code.

    After NotDoneError nothing was sent.
    """
    async with open_context(options.workspace, settings) as context:
        actor = Actor(context.team_id, options.channel or "", user_id())
        pause = Order(Verb.PAUSE, options.session, actor, "drill", source=Source.DRILL)
        if context.why_not is not None or settings.database_url == IN_MEMORY:
            why = context.why_not or "DATABASE_URL is sqlite://."
            raise NotDoneError(f"Nothing was sent: a drill is recorded first. {why}")
        access = await context.require_access(pause)
        if not options.yes:
            confirm_id(pause.session_id, "To pause this agent and resume it at once", why_not="Nothing was sent")
        known = await _require_quiet(pause, access.key, context)
        paused = await execute(context, pause)
        _say_time("Paused at Anchor", paused)
        if paused.received is not None or not isinstance(paused.outcome, Paused | _IN_DOUBT):
            return _conclude(paused, None)
        resumed = await execute(context, replace(pause, verb=Verb.RESUME, expected_version=known))
        _say_time("Resumed", resumed)
        return _conclude(paused, resumed)


async def _require_quiet(pause: Order, key: Secret, context: Context) -> str:
    """Return the version of the session: the id of its last order that had an effect, or one of now.

    Raises NotDoneError if the session may be paused or does not run, or somebody may be busy with it.
    """
    name, version = (pause.actor.team_id, pause.session_id), new_id()
    states, now = SessionStates(context.store.database), time.time()
    try:
        state = (await states.of(name[0], [name[1]])).get(name[1])
        alerted_at = await states.alerted_at(*name)
    except StoreError as error:
        raise NotDoneError(f"Nothing was sent: a drill is recorded first. {error}") from None
    read = await context.sessions.details(key, pause.session_id, within=context.sessions.timeout)
    why = None
    if state is not None and state.phase in _MAY_BE_PAUSED:
        why = "it is paused, or may be"
    elif isinstance(read, NotRead) or read.life is not Life.RUNNING:
        why = "Anchor does not say that it runs"
    elif alerted_at > now - _QUIET:
        why = f"it had an alert {max(0.0, now - alerted_at) / 60:.0f} min ago"
    if why is not None:
        raise NotDoneError(f"Nothing was sent: this session is not free for a drill, because {why}. Use another one.")
    return version if state is None else state.order_id


def _conclude(paused: Execution, resumed: Execution | None) -> int:
    """Print what the drill has shown, and what is to be done, and return the exit code."""
    last = resumed or paused
    last.is_recorded &= paused.is_recorded
    code, outcome = last.end(), last.outcome
    if isinstance(outcome, Resumed) and isinstance(paused.outcome, Paused):
        say("The brake works.")
        return code
    if isinstance(outcome, Refusal) and outcome.user_id:
        warn("Somebody gave another order meanwhile, so the drill has resumed nothing.")
    elif isinstance(paused.outcome, Paused | _IN_DOUBT) and not isinstance(outcome, Resumed):
        is_sure = isinstance(paused.outcome, Paused) and not isinstance(outcome, _IN_DOUBT)
        how = f"`anchor-bot resume {paused.running[0].order.session_id}`"
        warn(f"The agent {'is still' if is_sure else 'may still be'} paused. To resume it: {how}")
    return code or 1


def _say_time(what: str, execution: Execution) -> None:
    (running,) = execution.running
    if isinstance(running.outcome, Paused | Resumed) and running.settled_at is not None:
        say(f"{what}: {running.settled_at - running.given_at:.2f} s")
