"""The eight steps that the page guides through, each checked off by the bot's own message about it."""

from collections.abc import Iterator
from enum import StrEnum

from bot.core.orders import Verb
from bot.demo.people import Person
from bot.demo.sandbox import Sandbox
from bot.messages.markup import mention
from bot.messages.outcomes import DONE, NOT_DONE
from bot.sim.slack import Message, Source


class Step(StrEnum):
    """Something to try, in the order of the page."""

    PAUSE_BY_BUTTON = "pause_by_button"
    RESUME = "resume"
    PAUSE_BY_COMMAND = "pause_by_command"
    PAUSE_WITHOUT_ID = "pause_without_id"
    PAUSE_FROM_MESSAGE = "pause_from_message"
    ACT_AS_OUTSIDER = "act_as_outsider"
    TAKE_ANCHOR_DOWN = "take_anchor_down"
    RAISE_STORM = "raise_storm"


_SENT_BY_BOT = frozenset({Source.ACK, Source.RESPONSE_URL, Source.POST_MESSAGE})
_NEWEST = 50  # messages, in which the first answer to a command is looked for


class Guide:
    """Reads each message of the bot, that of a pause until it shows a step. A step that is done stays done."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._read: set[tuple[str, int]] = set()
        self._shown_by: dict[Step, Message] = {}

    def steps(self, person: Person) -> dict[str, str | None]:
        """Return for each step in order None if it is not done, else the `ts` of the result.

        It is empty if the person has not acted: the page scrolls only to the result of one's own action.
        """
        return {step.value: self._result(step, person) for step in Step}

    async def follow(self) -> None:
        """Check steps off until cancelled."""
        async for _ in self._sandbox.slack.platform.change_event.watch(self._read_news):
            self._sandbox.anchor.change_event.notify()

    def _result(self, step: Step, person: Person) -> str | None:
        message = self._shown_by.get(step)
        if message is None:
            return None
        is_own = message.ephemeral_to == person.user.id or mention(person.user.id) in message.text
        return message.ts if is_own else ""

    def _read_news(self) -> frozenset[Step]:
        for message in self._messages():
            version = (message.ts, message.revision)
            if version not in self._read:
                steps = list(self._steps_shown_by(message))
                if steps or not message.text.startswith(DONE[Verb.PAUSE]):  # its list can change after it is posted
                    self._read.add(version)
                for step in steps:
                    self._shown_by.setdefault(step, message)
        return frozenset(self._shown_by)

    def _messages(self) -> Iterator[Message]:
        """Yield what everybody sees in any channel, and what only the outsider sees."""
        slack = self._sandbox.slack
        for workspace in slack.platform.workspaces.values():
            for channel in workspace.channels.values():
                yield from slack.seen_by(slack.outsider, channel)

    def _steps_shown_by(self, message: Message) -> Iterator[Step]:
        if message.source not in _SENT_BY_BOT:
            return
        if message.ephemeral_to is not None:
            yield Step.ACT_AS_OUTSIDER
        elif message.text.startswith(DONE[Verb.PAUSE]) and message.revision:
            yield from [Step.PAUSE_BY_BUTTON] if message.trigger_id else []
        elif message.text.startswith(DONE[Verb.PAUSE]):
            yield from self._way_to_pause(message)
        elif message.text.startswith(DONE[Verb.RESUME]) and not message.revision:
            yield Step.RESUME
        elif message.text.startswith(tuple(NOT_DONE.values())) and not self._sandbox.anchor.is_up:
            yield Step.TAKE_ANCHOR_DOWN
        elif sum("accessory" in block for block in message.blocks) > 1:
            yield Step.RAISE_STORM  # one message about several sessions

    def _way_to_pause(self, result: Message) -> Iterator[Step]:
        """Yield the step by the place of its result, and by the messages that belong to the same request."""
        history = self._sandbox.slack.platform.history
        if result.thread_ts is not None:
            first = history.find(result.channel, result.thread_ts)
            yield Step.PAUSE_FROM_MESSAGE if first and first.bot_id is None else Step.PAUSE_BY_BUTTON
            return
        of_request = [one for one in history.newest(_NEWEST) if one.trigger_id == result.trigger_id is not None]
        acks = [one for one in of_request if one.source is Source.ACK]
        if any(not one.revision for one in acks):
            yield Step.PAUSE_BY_COMMAND
        elif acks:  # a click has changed the list that is the ack of a command
            yield Step.PAUSE_WITHOUT_ID
