"""The five steps that the page guides through, each checked off by the bot's own message about it."""

from collections.abc import Iterator
from enum import StrEnum

from bot.core.requests import Verb
from bot.demo.sandbox import Sandbox
from bot.messages.markup import DONE, NOT_DONE
from bot.sim.slack import Message, Source


class Step(StrEnum):
    """Something to try, in the order of the page."""

    PAUSE_BY_BUTTON = "pause_by_button"
    RESUME = "resume"
    PAUSE_BY_COMMAND = "pause_by_command"
    ACT_AS_OUTSIDER = "act_as_outsider"
    TAKE_ANCHOR_DOWN = "take_anchor_down"


_SENT_BY_BOT = frozenset({Source.ACK, Source.RESPONSE_URL, Source.POST_MESSAGE})


class Guide:
    """Reads every message of the bot once. A step that is done stays done."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._read: set[tuple[str, int]] = set()
        self._done: set[Step] = set()

    @property
    def steps(self) -> dict[str, bool]:
        """Whether each step is done, in order."""
        return {step.value: step in self._done for step in Step}

    async def follow(self) -> None:
        """Check steps off until cancelled."""
        async for _ in self._sandbox.slack.platform.change_event.watch(self._read_news):
            self._sandbox.anchor.change_event.notify()

    def _read_news(self) -> frozenset[Step]:
        for message in self._messages():
            version = (message.ts, message.revision)
            if version not in self._read:
                self._read.add(version)
                self._done.update(self._steps_shown_by(message))
        return frozenset(self._done)

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
        elif message.text.startswith(DONE[Verb.PAUSE]) and not message.revision:
            # a click is answered in the thread of its message, which also changes
            yield Step.PAUSE_BY_COMMAND if message.thread_ts is None else Step.PAUSE_BY_BUTTON
        elif message.text.startswith(DONE[Verb.RESUME]) and not message.revision:
            yield Step.RESUME
        elif message.text.startswith(tuple(NOT_DONE.values())) and not self._sandbox.anchor.is_up:
            yield Step.TAKE_ANCHOR_DOWN
