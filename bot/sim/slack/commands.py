"""Takes what people type: delivers a command to the app and displays what comes back, or posts a message."""

from collections.abc import Mapping

from bot.sim.slack.ack import Ack, read_ack
from bot.sim.slack.content import Content
from bot.sim.slack.delivery import Delivery
from bot.sim.slack.dispatch import Dispatch
from bot.sim.slack.history import Author, Place, Source
from bot.sim.slack.markup import escaped
from bot.sim.slack.message_response import MessageResponse, respond
from bot.sim.slack.platform import SLACKBOT, Platform
from bot.sim.slack.possible import NotPossibleError, check_presence
from bot.sim.slack.posts import put
from bot.sim.slack.response_urls import ResponseUrls
from bot.sim.slack.slash_command import Typed, fields

_ADVICE = "To send it as a message, put a space before the slash."


class Commands:
    """Sends commands on behalf of people."""

    def __init__(self, platform: Platform, response_urls: ResponseUrls, dispatch: Dispatch) -> None:
        self._platform = platform
        self._response_urls = response_urls
        self._dispatch = dispatch

    def typed(self, user_id: str, channel_id: str, command: str, text: str) -> Typed:
        """Look up who types where; KeyError if there is no such person or channel."""
        workspace = self._platform.workspace_of_channel(channel_id)
        return Typed(workspace, workspace.users[user_id], workspace.channels[channel_id], command, text)

    async def send(self, typed: Typed, overrides: Mapping[str, str | None]) -> Delivery:
        """Deliver a command and show its ack; NotPossibleError if this person can't send it here."""
        typed.check()
        invocation = self._response_urls.issue(typed)
        request = self._dispatch.pack("slash_commands", fields(typed, invocation, overrides))
        delivery = Delivery(invocation, request, await self._dispatch.send(request), read_ack)
        self._platform.record(delivery.mistakes)
        if delivery.ack is None:
            failure = f'{typed.command} failed with the error "{delivery.error}"'
            self._tell(typed, failure, trigger_id=delivery.trigger_id)
        else:
            self._show(typed, delivery.trigger_id, delivery.ack)
        return delivery

    async def enter(self, user_id: str, channel_id: str, line: str, thread_ts: str | None) -> None:
        """Escape a line of the composer and send it; NotPossibleError for somebody who can't write here."""
        workspace = self._platform.workspace_of_channel(channel_id)
        channel = workspace.channels[channel_id]
        check_presence(workspace.users[user_id], channel)
        if not workspace.has_composer(channel):
            raise NotPossibleError("the app takes no messages")
        text = escaped(line)
        if text.startswith("/"):
            command, _, rest = text.partition(" ")
            await self._run(self.typed(user_id, channel_id, command, rest), thread_ts)
        elif said := text.strip():
            put(self._platform, {"text": said}, Place(channel_id, thread_ts=thread_ts), user_id)

    async def _run(self, typed: Typed, thread_ts: str | None) -> None:
        """Send a command, or tell the person why it can't be sent."""
        if thread_ts is not None:
            self._tell(typed, f"{typed.command} is not supported in threads. Sorry!", thread_ts=thread_ts)
        elif typed.is_offered:
            await self.send(typed, {})
        else:
            self._tell(typed, f"{typed.command} is not a valid command. {_ADVICE}")

    def _show(self, typed: Typed, trigger_id: str, ack: Ack) -> None:
        history, channel = self._platform.history, typed.channel.id
        if ack.response_type == "in_channel":
            echo = Place(channel, trigger_id=trigger_id)
            history.post(Content(typed.line), Author(typed.user.id), echo, Source.TYPED)
        place = ack.place(channel, typed.user.id, trigger_id)
        respond(history, typed.workspace.installation, MessageResponse(ack.content, place, Source.ACK))

    def _tell(self, typed: Typed, text: str, *, thread_ts: str | None = None, trigger_id: str | None = None) -> None:
        place = Place(typed.channel.id, typed.user.id, thread_ts, trigger_id)
        self._platform.history.post(Content(text), Author(SLACKBOT), place, Source.CLIENT)
