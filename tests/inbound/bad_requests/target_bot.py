"""The bot that the requests are sent to, and what must hold after each one."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from bot.app import running
from bot.config.settings import Settings
from bot.container import Limits
from bot.demo.sandbox import environment
from bot.logs import JsonFormatter, TextFormatter, configure
from bot.sim.anchor import DEFAULT_KEY, SimAnchor
from bot.sim.slack import ChannelKind, Message, SimSlack
from harness.single_workspace import forget_key_check
from harness.texts import SESSION
from inbound.bad_requests.ssrf import RECIPIENTS
from inbound.bad_requests.valid_requests import MARK, NOW, OLDER_SECRET, RESPONSE_URL, SECRET, TRAP

_SHORTEST_PIECE = 16  # characters of a body that can't stand in a log by chance


class CapturedLog(logging.Handler):
    """Keeps what is logged since it was last read, in every format and with all it carries."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += [TextFormatter().format(record), JsonFormatter().format(record), f"{record.msg} {record.args!r}"]

    def read(self) -> str:
        lines, self.lines = self.lines, []
        return "\n".join(lines)


@dataclass(slots=True)
class TargetBot:
    """A running bot; `trapped` has the connections to an address that nobody should ever call."""

    url: str
    slack: SimSlack
    anchor: SimAnchor
    log: CapturedLog
    trap: str
    trapped: list[str]
    response_urls: list[str] = field(default_factory=list)
    posted: list[Message] = field(default_factory=list)

    async def addresses(self) -> dict[str, str]:
        """A new response_url and the trap, by their stand-ins."""
        typed = await self.slack.command(self.slack.alice, self.slack.alerts, "help")
        self.response_urls.append(typed.response_url)
        return {RESPONSE_URL: typed.response_url, TRAP: self.trap}

    def direct_messages(self, user: str) -> list[str]:
        """Texts that this person alone got after an ack."""
        dm = self.slack.home.dm_with_bot(user)
        messages = [*self.slack.seen_by(user, self.slack.alerts), *self.slack.channel_messages(dm)]
        return [message.text for message in messages if message.source in {"response_url", "chat.postMessage"}]

    def assert_no_effect(self, body: bytes = b"") -> None:
        """Only reads reached Anchor since the last check; nothing the trap, a channel, nor, of `body`, the log."""
        posted = self._posted_in_channels()
        effects = [f"{one.method} {one.path}" for one in self.anchor.requests if one.method != "GET"]
        effects += [*self.trapped, *(message.text for message in posted if message not in self.posted)]
        self.posted = posted
        self.anchor.requests.clear()
        self.trapped.clear()
        assert effects == []
        log = self.log.read()
        for secret in (*self._secrets(), *_pieces(body), "Traceback"):
            assert secret not in log, f"{secret!r} is in the log:\n{log}"

    def _posted_in_channels(self) -> list[Message]:
        channels = (channel for channel in self.slack.home.channels.values() if channel.kind is not ChannelKind.DM)
        return [message for channel in channels for message in self.slack.channel_messages(channel)]

    def _secrets(self) -> Iterator[str]:
        yield from (MARK, SECRET, OLDER_SECRET, self.slack.bot_token, DEFAULT_KEY)
        yield from (url.rpartition("/")[2] for url in self.response_urls)


def _pieces(body: bytes) -> Iterator[str]:
    """Parts of a body that would show that it was logged."""
    for piece in (body[:24], body[-24:]):
        text = piece.decode("latin-1")
        if len(text) >= _SHORTEST_PIECE and len(set(text)) > 5 and re.fullmatch(r"[ -~]+", text):
            yield text


@contextmanager
def _logging_at_debug() -> Iterator[CapturedLog]:
    """Configure logging as LOG_LEVEL=DEBUG does, and restore it at the end."""
    root, log = logging.getLogger(), CapturedLog()
    handlers, levels = root.handlers, {logger: logger.level for logger in _loggers()}
    root.handlers = []  # configure() would close pytest's
    configure("DEBUG", "text")
    root.handlers = [log]
    yield log
    root.handlers = handlers
    for logger in _loggers():
        logger.setLevel(levels.get(logger, logging.NOTSET))


def _loggers() -> list[logging.Logger]:
    root = logging.getLogger()
    return [root, *(one for one in root.manager.loggerDict.values() if isinstance(one, logging.Logger))]


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
        for user in RECIPIENTS:
            slack.home.add_user(user, user.lower())
        settings = environment(slack, anchor, SLACK_SIGNING_SECRET=f"{SECRET},{OLDER_SECRET}", LOG_LEVEL="DEBUG")
        with _logging_at_debug() as log:
            async with running(Settings.from_env(settings), Limits(now=lambda: NOW)) as bot:
                slack.request_url = f"{bot.url}/slack/events"
                await bot.startup
                await forget_key_check(anchor)
                target = TargetBot(bot.url, slack, anchor, log, address, trapped)
                yield target
            target.assert_no_effect()
