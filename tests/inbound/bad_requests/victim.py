"""The bot that the requests are sent to, and what must be true of it after every one."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bot.app import running
from bot.demo.stage import environment
from bot.settings import Settings
from bot.sim.anchor import DEFAULT_KEY, SimAnchor
from bot.sim.slack import ChannelKind, Message, SimSlack
from inbound.bad_requests.ingredients import MARK, NOW, OLDER_SECRET, RESPONSE_URL, SECRET, SESSION, TRAP
from inbound.bad_requests.log import Log, logging_at_debug
from inbound.bad_requests.lures import LURED

_SHORTEST_TELLING = 16  # characters of a body that can't stand in a log by chance


@dataclass(slots=True)
class Victim:
    """A running bot; `caught` has the connections to an address that nobody should ever call."""

    url: str
    slack: SimSlack
    anchor: SimAnchor
    log: Log
    trap: str
    caught: list[str] = field(default_factory=list)
    response_urls: list[str] = field(default_factory=list)
    said: list[Message] = field(default_factory=list)

    async def addresses(self) -> dict[bytes, str]:
        """A new response_url and the trap, by their stand-ins."""
        typed = await self.slack.command(self.slack.alice, self.slack.alerts, "help")
        self.response_urls.append(typed.response_url)
        return {RESPONSE_URL.encode(): typed.response_url, TRAP.encode(): self.trap}

    def told(self, user: str) -> list[str]:
        """What this person alone was told after the ack."""
        dm = self.slack.home.dm_with_bot(user)
        messages = [*self.slack.seen_by(user, self.slack.alerts), *self.slack.channel_messages(dm)]
        return [message.text for message in messages if message.source in {"response_url", "chat.postMessage"}]

    def assert_no_effect(self) -> None:
        """Since this was last asked, nothing reached Anchor, called the trap or was said in a channel."""
        effects = [f"{one.method} {one.path}" for one in self.anchor.requests]
        effects += [f"a call to the trap from {who}" for who in self.caught]
        effects += [message.text for message in self._said_in_channels() if message not in self.said]
        self.said = self._said_in_channels()
        self.anchor.requests.clear()
        self.caught.clear()
        assert effects == []

    def _said_in_channels(self) -> list[Message]:
        channels = (channel for channel in self.slack.home.channels.values() if channel.kind is not ChannelKind.DM)
        return [message for channel in channels for message in self.slack.channel_messages(channel)]

    def assert_log_is_clean(self, body: bytes = b"") -> None:
        """No log has a body, token, key or response_url, and there is no traceback."""
        text = self.log.read()
        for secret in (*self._secrets(), *_pieces(body)):
            assert secret not in text, f"{secret!r} is in the log:\n{text}"
        assert "Traceback" not in text, text

    def _secrets(self) -> Iterator[str]:
        yield from (MARK, SECRET, OLDER_SECRET, self.slack.bot_token, DEFAULT_KEY)
        yield from (url.rpartition("/")[2] for url in self.response_urls)


def _pieces(body: bytes) -> Iterator[str]:
    """Parts of a body that would tell that it was logged."""
    for piece in (body[:24], body[-24:]):
        text = piece.decode("latin-1")
        if len(text) >= _SHORTEST_TELLING and len(set(text)) > 5 and re.fullmatch(r"[ -~]+", text):
            yield text


@asynccontextmanager
async def victim() -> AsyncIterator[Victim]:
    """A bot whose clock stands at NOW, logging at DEBUG."""
    caught: list[str] = []

    async def catch(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        caught.append(str(writer.get_extra_info("peername")))
        writer.close()

    trap = await asyncio.start_server(catch, "127.0.0.1", 0)
    address = "{}:{}".format(*trap.sockets[0].getsockname())
    with logging_at_debug() as log:
        async with trap, SimSlack(now=lambda: NOW) as slack, SimAnchor() as anchor:
            anchor.add_session(session_id=SESSION)
            for user in LURED:
                slack.home.add_user(user, user.lower())
            settings = environment(slack, anchor, SLACK_SIGNING_SECRET=f"{SECRET},{OLDER_SECRET}", LOG_LEVEL="DEBUG")
            async with running(Settings.from_env(settings), now=lambda: NOW) as bot:
                slack.request_url = f"{bot.url}/slack/events"
                await bot.identification
                it = Victim(bot.url, slack, anchor, log, address, caught)
                yield it
            it.assert_no_effect()
            it.assert_log_is_clean()
