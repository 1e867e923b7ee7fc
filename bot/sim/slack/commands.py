"""Delivers a typed command to the app, and displays what comes back."""

from collections.abc import Mapping

from bot.sim.slack.ack import Ack, read_ack
from bot.sim.slack.content import Content
from bot.sim.slack.courier import Answered
from bot.sim.slack.delivery import Delivery, mistakes_of_answer
from bot.sim.slack.dispatch import Dispatch
from bot.sim.slack.history import Author, Place, Source
from bot.sim.slack.hooks import Hooks
from bot.sim.slack.platform import SLACKBOT, Platform
from bot.sim.slack.slash_command import Typed, fields

_ADVICE = "To send it as a message, put a space before the slash."


class Commands:
    """Sends commands on behalf of people."""

    def __init__(self, platform: Platform, hooks: Hooks, dispatch: Dispatch) -> None:
        self._platform = platform
        self._hooks = hooks
        self._dispatch = dispatch

    def typed(self, user_id: str, channel_id: str, command: str, text: str) -> Typed:
        """Look up who types where; KeyError if there is no such person or channel."""
        workspace = self._platform.workspace_of_channel(channel_id)
        return Typed(workspace, workspace.users[user_id], workspace.channels[channel_id], command, text)

    async def send(self, typed: Typed, overrides: Mapping[str, str | None]) -> Delivery:
        """Deliver a command and show its ack; NotPossibleError if this person can't send it here."""
        typed.check()
        occasion = self._hooks.issue(typed)
        request = self._dispatch.pack("slash_commands", fields(typed, occasion, overrides))
        answer = await self._dispatch.send(request)
        return Delivery(occasion, request, answer, self._accept(typed, occasion.trigger_id, answer))

    def refuse_in_thread(self, typed: Typed, thread_ts: str | None = None) -> None:
        """Tell the person, in the thread if it is known, that there are no commands in threads; nothing is sent."""
        self._tell(typed, f"{typed.command} is not supported in threads. Sorry!", thread_ts=thread_ts)

    def refuse_unknown(self, typed: Typed) -> None:
        """Tell the person that there is no such command; nothing is sent."""
        self._tell(typed, f"{typed.command} is not a valid command. {_ADVICE}")

    def _accept(self, typed: Typed, trigger_id: str, answer: Answered) -> Ack | None:
        if answer.error:
            self._platform.record(mistakes_of_answer(answer))
            self._tell(typed, f'{typed.command} failed with the error "{answer.error}"', trigger_id=trigger_id)
            return None
        ack, wrong = read_ack(answer.content_type, answer.body)
        self._platform.record(wrong)
        self._show(typed, trigger_id, ack)
        return ack

    def _show(self, typed: Typed, trigger_id: str, ack: Ack) -> None:
        history, channel = self._platform.history, typed.channel.id
        in_channel = ack.response_type == "in_channel"
        if in_channel:
            echo = Place(channel, trigger_id=trigger_id)
            history.post(Content(typed.line), Author(typed.user.id), echo, Source.TYPED)
        if not ack.content.is_empty:
            app = typed.workspace.installation
            place = Place(channel, ephemeral_to=None if in_channel else typed.user.id, trigger_id=trigger_id)
            history.post(ack.content, Author(app.bot_user_id, app.bot_id), place, Source.ACK)

    def _tell(self, typed: Typed, text: str, *, thread_ts: str | None = None, trigger_id: str | None = None) -> None:
        place = Place(typed.channel.id, typed.user.id, thread_ts, trigger_id)
        self._platform.history.post(Content(text), Author(SLACKBOT), place, Source.CLIENT)
