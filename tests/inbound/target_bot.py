"""The bot that bad requests are sent to, and what must hold after each one."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from bot.demo.sandbox import environment
from bot.logs import JsonFormatter, TextFormatter, configure
from bot.sim.anchor import DEFAULT_KEY, SimAnchor
from bot.sim.slack import ChannelKind, Message, SimSlack
from harness.bots import forget_key_check
from harness.product import Limits, Settings, running
from harness.texts import SESSION
from inbound.slack_requests import MARK, NOW, OLDER_SECRET, SECRET


class DebugLog(logging.Handler):
    """Keeps what is logged since it was last read, in every format and with all it carries."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += [TextFormatter().format(record), JsonFormatter().format(record), f"{record.msg} {record.args!r}"]

    def read(self) -> str:
        lines, self.lines = self.lines, []
        return "\n".join(lines)


@contextmanager
def logging_at_debug() -> Iterator[DebugLog]:
    """Configure logging as LOG_LEVEL=DEBUG does, with a handler of its own."""
    root, log = logging.getLogger(), DebugLog()
    handlers, level = root.handlers, root.level
    root.handlers = []  # configure() would close pytest's
    configure("DEBUG", "text")
    root.handlers = [log]
    yield log
    root.handlers = handlers
    root.setLevel(level)


@dataclass(slots=True)
class TargetBot:
    """A running bot; `trapped` has the connections to an address that nobody should ever call."""

    url: str
    slack: SimSlack
    anchor: SimAnchor
    log: DebugLog
    trap: str
    trapped: list[str]
    response_urls: list[str] = field(default_factory=list)
    posted: list[Message] = field(default_factory=list)

    async def response_url(self) -> str:
        """Return a new response_url of Alice's."""
        typed = await self.slack.command(self.slack.alice, self.slack.alerts, "help")
        self.response_urls.append(typed.response_url)
        return typed.response_url

    def told(self) -> list[str]:
        """Return the texts that Alice alone got after an ack."""
        dm = self.slack.home.dm_with_bot(self.slack.alice)
        messages = [*self.slack.seen_by(self.slack.alice, self.slack.alerts), *self.slack.channel_messages(dm)]
        return [message.text for message in messages if message.source in {"response_url", "chat.postMessage"}]

    def assert_no_effect(self, body: bytes = b"") -> None:
        """Only reads reached Anchor since the last check; nothing the trap, a channel, nor, of `body`, the log."""
        channels = [one for one in self.slack.home.channels.values() if one.kind is not ChannelKind.DM]
        posted = [message for channel in channels for message in self.slack.channel_messages(channel)]
        effects = [f"{one.method} {one.path}" for one in self.anchor.requests if one.method != "GET"]
        effects += [*self.trapped, *(message.text for message in posted if message not in self.posted)]
        self.posted = posted
        self.anchor.requests.clear()
        self.trapped.clear()
        assert effects == []
        log = self.log.read()
        urls = (url.rpartition("/")[2] for url in self.response_urls)
        secrets = (MARK, SECRET, OLDER_SECRET, self.slack.bot_token, DEFAULT_KEY, *urls)
        for secret in (*secrets, *_pieces(body), "Traceback"):
            assert secret not in log, f"{secret!r} is in the log:\n{log}"


def _pieces(body: bytes) -> Iterator[str]:
    """Parts of a body that would show that it was logged, and can't stand in a log by chance."""
    for piece in (body[:24], body[-24:]):
        text = piece.decode("latin-1")
        if len(text) >= 16 and len(set(text)) > 5 and re.fullmatch(r"[ -~]+", text):
            yield text


@asynccontextmanager
async def target_bot() -> AsyncIterator[TargetBot]:
    """Run a bot whose clock stands at NOW, and that logs at DEBUG."""
    trapped: list[str] = []

    async def catch(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        trapped.append(f"a call to the trap from {writer.get_extra_info('peername')}")
        writer.close()

    trap = await asyncio.start_server(catch, "127.0.0.1", 0)
    address = "{}:{}".format(*trap.sockets[0].getsockname())
    async with trap, SimSlack(now=lambda: NOW) as slack, SimAnchor() as anchor:
        anchor.add_session(session_id=SESSION)
        settings = environment(slack, anchor, SLACK_SIGNING_SECRET=f"{SECRET},{OLDER_SECRET}", LOG_LEVEL="DEBUG")
        with logging_at_debug() as log:
            async with running(Settings.from_env(settings), Limits(now=lambda: NOW)) as bot:
                slack.request_url = f"{bot.url}/slack/events"
                await bot.startup
                await forget_key_check(anchor)
                target = TargetBot(bot.url, slack, anchor, log, address, trapped)
                yield target
            target.assert_no_effect()
