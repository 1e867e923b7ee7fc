"""Delivers a click to the app, and shows what a person sees if it is not acknowledged."""

from collections.abc import Mapping

from bot.sim.slack.ack import Ack
from bot.sim.slack.block_actions import Click, payload
from bot.sim.slack.buttons import find_button
from bot.sim.slack.content import Content
from bot.sim.slack.courier import Answered
from bot.sim.slack.delivery import Delivery, mistakes_of_answer
from bot.sim.slack.dispatch import Dispatch
from bot.sim.slack.history import Author, Message, Place, Source
from bot.sim.slack.hooks import Hooks
from bot.sim.slack.message_json import message_json
from bot.sim.slack.platform import SLACKBOT, Platform
from bot.sim.slack.possible import NotPossibleError
from bot.sim.slack.rules import Rule, Violation

NOT_CONFIGURED = "This app is not configured to handle interactive responses"
TIMED_OUT = "Operation timed out. Apps need to respond within three seconds"


class Clicks:
    """Clicks buttons on behalf of people."""

    def __init__(self, platform: Platform, hooks: Hooks, dispatch: Dispatch) -> None:
        self._platform = platform
        self._hooks = hooks
        self._dispatch = dispatch

    def aim(self, user_id: str, message: Message, action_id: str, value: str | None, block_id: str | None) -> Click:
        """Find the button in the message as it is now; NotPossibleError if this person can't click it."""
        platform, history = self._platform, self._platform.history
        present = history.find(message.channel, message.ts)
        if present is None:
            raise NotPossibleError("the message is gone")
        workspace = platform.workspace_of_channel(message.channel)
        click = Click(
            workspace=workspace,
            user=workspace.users[user_id],
            channel=workspace.channels[message.channel],
            message=present,
            button=find_button(present, action_id, value, block_id),
            message_json=message_json(present, workspace, history),
        )
        click.check()
        return click

    async def send(self, click: Click, overrides: Mapping[str, object]) -> Delivery:
        """Deliver a click; only a failure shows."""
        occasion = self._hooks.issue(click)
        action_ts = f"{self._platform.clock.now():.6f}"
        request = self._dispatch.pack("interactive", payload(click, occasion, action_ts, overrides))
        answer = await self._dispatch.send(request)
        if answer.error:
            self._platform.record(mistakes_of_answer(answer))
            self._warn(click, occasion.trigger_id, self._tooltip(answer))
        elif answer.body.strip():
            self._platform.record([Violation(Rule.ACK_BODY_IGNORED, f"{answer.body[:80]!r}")])
        return Delivery(occasion, request, answer, None if answer.error else Ack())

    def _tooltip(self, answer: Answered) -> str:
        if not self._dispatch.has_road:
            return NOT_CONFIGURED
        return TIMED_OUT if answer.status is None else f"This app responded with Status Code {answer.status}."

    def _warn(self, click: Click, trigger_id: str, tooltip: str) -> None:
        """Show the warning triangle by the button; its tooltip is the text."""
        message = click.message
        place = Place(message.channel, click.user.id, message.thread_ts, trigger_id)
        self._platform.history.post(Content(tooltip), Author(SLACKBOT), place, Source.CLIENT)
