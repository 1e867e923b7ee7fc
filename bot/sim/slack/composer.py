"""Read a line of the composer: a command or a message."""

from bot.sim.slack.commands import Commands
from bot.sim.slack.history import Place
from bot.sim.slack.markup import escaped
from bot.sim.slack.platform import Platform
from bot.sim.slack.possible import NotPossibleError, check_presence
from bot.sim.slack.posts import put
from bot.sim.slack.slash_command import Typed


class Composer:
    """Takes lines from people."""

    def __init__(self, platform: Platform, commands: Commands) -> None:
        self._platform = platform
        self._commands = commands

    async def enter(self, user_id: str, channel_id: str, line: str, thread_ts: str | None) -> None:
        """Escape a line and send it; NotPossibleError for somebody who can't write here."""
        workspace = self._platform.workspace_of_channel(channel_id)
        channel = workspace.channels[channel_id]
        check_presence(workspace.users[user_id], channel)
        if not workspace.has_composer(channel):
            raise NotPossibleError("the app takes no messages")
        text = escaped(line)
        if text.startswith("/"):
            command, _, rest = text.partition(" ")
            await self._run(self._commands.typed(user_id, channel_id, command, rest), thread_ts)
        elif said := text.strip():
            put(self._platform, {"text": said}, Place(channel_id, thread_ts=thread_ts), user_id)

    async def _run(self, typed: Typed, thread_ts: str | None) -> None:
        if thread_ts is not None:
            self._commands.refuse_in_thread(typed, thread_ts)
        elif typed.is_offered:
            await self._commands.send(typed, {})
        else:
            self._commands.refuse_unknown(typed)
