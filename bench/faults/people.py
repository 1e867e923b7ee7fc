"""People who pause sessions, and when each pause reached Anchor and its person had the word."""

import asyncio
import itertools
import re
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from bot.sim.anchor import SessionState, SimAnchor
from bot.sim.slack import Message, SimSlack, Source, User
from harness.blocks import actions, button, section
from harness.conversation import ACTIONS, BY_BOT, until
from harness.texts import ALICE, waiting_text

_ID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LOOK = 0.02  # seconds between two looks at what people see


@dataclass(slots=True)
class Pause:
    """A pause of a session; times are monotonic. `error` is what Slack showed instead of an answer."""

    session: str
    given_at: float
    error: str | None = None
    told_at: float | None = None
    trigger_id: str = ""


class End(StrEnum):
    """Ends of a pause, with the word that its person had. Slack shows an error of its own if it gets no answer."""

    DONE = "done and told"
    DONE_ERROR = "done, with Slack's error alone"
    DONE_UNTOLD = "done, and nothing was told"
    LEFT = "not done, and told so"
    LEFT_ERROR = "not done, with Slack's error alone"
    LEFT_UNTOLD = "not done, and nothing was told"


@dataclass(frozen=True, slots=True)
class Measured:
    """The waits of the pauses under a fault, in seconds, and how they ended."""

    to_anchor: list[float]
    to_word: list[float]
    ends: Counter[End]


class People:
    """The people of a workspace, who pause a session each time, by a command and by a click in turn."""

    def __init__(self, slack: SimSlack, anchor: SimAnchor) -> None:
        self._slack, self._anchor = slack, anchor
        self._people = itertools.cycle([slack.alice, slack.bob, slack.carol])
        self._seen: set[tuple[str, str, int]] = set()
        self._by_session: dict[str, Pause] = {}
        self._by_trigger: dict[str, Pause] = {}
        self.pauses: list[Pause] = []

    async def pause_often(self, *, per_second: float, seconds: float) -> None:
        """Pause so often, whatever becomes of the pauses."""
        began, running = time.monotonic(), list[asyncio.Task[None]]()
        for number in range(round(per_second * seconds)):
            await asyncio.sleep(began + number / per_second - time.monotonic())
            running.append(asyncio.create_task(self.pause(is_click=bool(number % 2))))
        await asyncio.wait(running)

    async def pause(self, *, is_click: bool = False) -> None:
        """Pause a new session, and return when Slack has an answer or an error."""
        session, person = self._anchor.add_session(), next(self._people)
        one = self._by_session[session] = Pause(session, time.monotonic())
        self.pauses.append(one)
        if is_click:
            blocks = (section("High spend"), actions(button(ACTIONS["pause"], session)))
            message = self._slack.post(self._slack.alerts, "High spend", blocks=blocks)
            one.given_at = time.monotonic()
            delivery = await self._slack.click(person, message, ACTIONS["pause"])
        else:
            delivery = await self._slack.command(person, self._slack.alerts, session, command="/anchor-pause")
        one.error = delivery.error
        self._by_trigger[delivery.trigger_id] = one

    async def look(self) -> None:
        """Note what people see until cancelled."""
        while True:
            self._look()
            await asyncio.sleep(_LOOK)

    async def until_told(self, *, within: float) -> None:
        """Wait until all have the word, but no longer than so many seconds; half of that for those who saw an error."""
        for is_enough in (lambda one: one.told_at is not None, lambda one: one.told_at is not None or one.error):
            with suppress(TimeoutError):
                await until(lambda: all(map(is_enough, self.pauses)), within=within / 2)  # noqa: B023 - at once

    def measured(self) -> Measured:
        """Return what became of the pauses."""
        arrived: dict[str | None, float] = {}
        for received in self._anchor.orders:
            arrived.setdefault(received.session_id, received.at)
        return Measured(
            [arrived[one.session] - one.given_at for one in self.pauses if one.session in arrived],
            [one.told_at - one.given_at for one in self.pauses if one.told_at is not None],
            Counter(map(self._end_of, self.pauses)),
        )

    def _end_of(self, one: Pause) -> End:
        is_done = self._anchor.session(one.session).state is SessionState.PAUSED
        if one.told_at is not None:
            return End.DONE if is_done else End.LEFT
        if one.error is not None:
            return End.DONE_ERROR if is_done else End.LEFT_ERROR
        return End.DONE_UNTOLD if is_done else End.LEFT_UNTOLD

    def _look(self) -> None:
        slack, now = self._slack, time.monotonic()
        for person in (slack.alice, slack.bob, slack.carol):
            for place in (slack.alerts, slack.home.dm_with_bot(person)):
                self._note(person, slack.seen_by(person, place), now)

    def _note(self, person: User, messages: Sequence[Message], now: float) -> None:
        for message in messages:
            name = (message.channel, message.ts, message.revision)
            if name in self._seen:
                continue
            about = self._about(message)
            if about is None and message.source is Source.ACK:
                continue  # the ack of a request whose end is not noted yet
            self._seen.add(name)
            text = message.text.replace(person.id, ALICE)
            if about is not None and about.told_at is None and not self._is_announcement(text, about.session):
                about.told_at = now

    def _about(self, message: Message) -> Pause | None:
        if message.source not in BY_BOT:
            return None
        found = _ID.search(message.text)
        about = self._by_session.get(found.group()) if found else None
        return about or self._by_trigger.get(message.trigger_id or "")

    @staticmethod
    def _is_announcement(text: str, session: str) -> bool:
        return text in {waiting_text(session=session, is_recorded=is_recorded) for is_recorded in (True, False)}
