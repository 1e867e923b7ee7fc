"""The five steps that the page guides through, each checked off by the bot's own message about it."""

from collections.abc import Iterator
from enum import StrEnum

from bot.core.requests import Verb
from bot.demo.sandbox import Sandbox
from bot.messages.phrases import NOT_DONE
from bot.messages.session_buttons import VERBS
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
        is_about_button = message.thread_ts is not None or message.revision > 0
        offer = _offer(message)
        if message.ephemeral_to is not None:
            yield Step.ACT_AS_OUTSIDER
        elif offer is Verb.RESUME:
            yield Step.PAUSE_BY_BUTTON if is_about_button else Step.PAUSE_BY_COMMAND
        elif offer is Verb.PAUSE and (is_about_button or message.trigger_id is not None):  # not an alert
            yield Step.RESUME
        elif message.text.startswith(tuple(NOT_DONE.values())) and not self._sandbox.anchor.is_up:
            yield Step.TAKE_ANCHOR_DOWN


def _offer(message: Message) -> Verb | None:
    """Return what the button of a message does next. One that says to try again has another label than its verb."""
    for block in message.blocks:
        elements = block.get("elements")
        for element in elements if isinstance(elements, list) and block["type"] == "actions" else []:
            verb = VERBS.get(element["action_id"])
            if verb is not None and element["text"]["text"] == verb.value.capitalize():
                return verb
    return None
