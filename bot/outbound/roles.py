"""What people are in a workspace, with what Slack said of late in memory: a brake must not wait for Slack each time."""

import asyncio
import itertools
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from bot.core.policy import Profile, Role, is_surely_outsider, role_of
from bot.core.requests import Asker
from bot.core.secret import Secret
from bot.outbound.slack_people import ScopeMissingError, SlackPeople
from bot.outbound.slack_web import SlackUnreachableError
from bot.tasks import Tasks

_log = logging.getLogger(__name__)

FRESH = 300.0
"""Seconds for which Slack is not asked again."""

PATIENCE = 1.0
"""Seconds that somebody who is known waits for Slack to say whether that still holds."""

_ASK_AGAIN = 5.0  # seconds after Slack gave no answer
_UNREADABLE_FOR = 30.0  # seconds after Slack let the app not ask: who installs it again then sees that it helped
_MOST = 10_000

_Name = tuple[str, str]
_Said = Profile | None  # None: the app may not ask


@dataclass(slots=True)
class _Known:
    said: _Said
    fresh_until: float
    asked: int  # the how-manieth question that was the answer to


class Roles:
    """Asks Slack. `clock` is monotonic, in seconds."""

    def __init__(
        self, people: SlackPeople, clock: Callable[[], float], *, patience: float = PATIENCE, most: int = _MOST
    ) -> None:
        self._people = people
        self._clock = clock
        self._patience = patience
        self._most = most
        self._known: OrderedDict[_Name, _Known] = OrderedDict()
        self._asking: dict[_Name, asyncio.Task[_Said]] = {}
        self._questions = itertools.count()
        self._tasks = Tasks()

    async def of(self, token: Secret, asker: Asker) -> Role:
        """What somebody is, by what Slack said within 5 minutes; where it gives no answer, by what it said last.

        `token` is that of the workspace's bot.
        """
        if is_surely_outsider(asker):
            return Role.OUTSIDER
        name = (asker.team_id, asker.user_id)
        known = self._known.get(name)
        if known is not None and self._clock() < known.fresh_until:
            return _role(known.said, asker)
        asking = self._asking.get(name) or self._ask(token, name)
        await asyncio.wait({asking}, timeout=None if known is None else self._patience)
        try:
            return _role(_said_in(asking), asker)
        except SlackUnreachableError as error:
            return self._fall_back(asker, str(error))

    async def now(self, token: Secret, asker: Asker) -> Role:
        """What somebody is at this moment: Slack is asked anew, and where it gives no answer, nobody knows."""
        if is_surely_outsider(asker):
            return Role.OUTSIDER
        asking = self._ask(token, (asker.team_id, asker.user_id))
        await asyncio.wait({asking})
        try:
            return _role(_said_in(asking), asker)
        except SlackUnreachableError:
            return Role.UNKNOWN

    def remembered(self, asker: Asker) -> Role:
        """The same without asking: UNKNOWN where Slack did not say within 5 minutes."""
        if is_surely_outsider(asker):
            return Role.OUTSIDER
        known = self._known.get((asker.team_id, asker.user_id))
        if known is None or self._clock() >= known.fresh_until:
            return Role.UNKNOWN
        return _role(known.said, asker)

    async def close(self) -> None:
        """Ask nothing any more."""
        await self._tasks.cancel()

    def _ask(self, token: Secret, name: _Name) -> asyncio.Task[_Said]:
        asking = self._asking[name] = self._tasks.start(self._say(token, name))
        number = next(self._questions)
        asking.add_done_callback(lambda done: self._keep(name, done, number))
        return asking

    async def _say(self, token: Secret, name: _Name) -> _Said:
        team_id, user_id = name
        try:
            return await self._people.profile(token, user_id)
        except ScopeMissingError:
            _log.warning(
                "the app lacks the scope users:read: it can't tell guests from members; install it again",
                extra={"team": team_id},
            )
            return None

    def _keep(self, name: _Name, asking: asyncio.Task[_Said], asked: int) -> None:
        """Keep what was said, unless a later question has been answered already."""
        has_failed = asking.cancelled() or asking.exception() is not None
        if self._asking.get(name) is asking:
            del self._asking[name]
        known = self._known.get(name)
        if has_failed or (known is not None and known.asked > asked):
            return
        said = asking.result()
        self._known[name] = _Known(said, self._clock() + (_UNREADABLE_FOR if said is None else FRESH), asked)
        self._known.move_to_end(name)
        while len(self._known) > self._most:
            self._known.popitem(last=False)

    def _fall_back(self, asker: Asker, why: str) -> Role:
        """What was said last; it is not asked for again at once."""
        _log.warning(
            "Slack does not say who somebody is", extra={"user": asker.user_id, "team": asker.team_id, "why": why}
        )
        known = self._known.get((asker.team_id, asker.user_id))
        if known is None:
            return Role.UNKNOWN
        known.fresh_until = max(known.fresh_until, self._clock() + _ASK_AGAIN)
        return _role(known.said, asker)


def _said_in(asking: asyncio.Task[_Said]) -> _Said:
    """What was said; SlackUnreachableError also where that is not known yet, or never will be."""
    if not asking.done() or asking.cancelled():
        raise SlackUnreachableError("no answer yet")
    return asking.result()


def _role(said: _Said, asker: Asker) -> Role:
    return Role.UNREADABLE if said is None else role_of(said, asker)
