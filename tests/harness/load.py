"""A bot process between the cheap servers, and people who order a lot."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from bot.sim.slack.platform import signed_headers
from harness import cheap_servers
from harness.cheap_servers import COUNTS, TEAM, HttpConnection
from harness.process import BotProcess, bot_process

_SECRET = "s" * 32


class _ClientConnection(HttpConnection):
    def __init__(self) -> None:
        super().__init__()
        self.answer: asyncio.Future[tuple[str, bytes]] = asyncio.get_running_loop().create_future()

    def message_received(self, second_word: str, body: bytes) -> None:
        self.answer.set_result((second_word, body))

    async def exchange(self, first_line: str, body: bytes = b"", **headers: str) -> bytes:
        self.answer = asyncio.get_running_loop().create_future()
        self.send(first_line, body, **headers)
        status, answer = await self.answer
        assert status == "200", answer
        return answer


@dataclass(frozen=True, slots=True)
class LoadHarness:
    """A bot whose Anchor takes its time, and whose Slack accepts everything."""

    bot: BotProcess
    slack_port: int
    _idle: list[_ClientConnection] = field(default_factory=list)

    async def command(self, user: str, session: str, verb: str = "pause") -> float:
        number = time.perf_counter_ns()
        fields = {
            "command": f"/anchor-{verb}",
            "text": session,
            "team_id": TEAM,
            "channel_id": "C0ALERTS001",
            "user_id": user,
            "trigger_id": str(number),
            "response_url": f"http://127.0.0.1:{self.slack_port}/{user}/{number}",
        }
        return await self._send(urlencode(fields).encode())

    async def click(self, user: str, session: str) -> float:
        number = time.perf_counter_ns()
        section = {"type": "section", "block_id": "s", "text": {"type": "mrkdwn", "text": f"High spend in {session}"}}
        button = {"type": "button", "action_id": "anchor_pause", "block_id": "b", "value": session}
        ts = f"{number // 1_000_000_000}.{number % 1_000_000:06}"
        payload = {
            "type": "block_actions",
            "user": {"id": user, "team_id": TEAM},
            "team": {"id": TEAM},
            "channel": {"id": "C0ALERTS001"},
            "container": {"type": "message", "message_ts": ts, "is_ephemeral": False},
            "message": {"ts": ts, "text": "High spend", "blocks": [section, {"type": "actions", "elements": [button]}]},
            "actions": [{**button, "action_ts": f"{time.time():.6f}"}],
            "trigger_id": str(number),
            "response_url": f"http://127.0.0.1:{self.slack_port}/{user}/{number}",
        }
        return await self._send(urlencode({"payload": json.dumps(payload)}).encode())

    async def counts(self) -> dict[str, int]:
        """How many requests came to Slack, by the first part of the path (a person, for a result), and to Anchor."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_ClientConnection, "127.0.0.1", self.slack_port)
        counts: dict[str, int] = json.loads(await connection.exchange(f"GET {COUNTS} HTTP/1.1"))
        return counts

    async def wait_for_results(self, user: str, count: int, *, within: float = 60.0) -> dict[str, int]:
        async with asyncio.timeout(within):
            while (counts := await self.counts()).get(user, 0) < count:  # noqa: ASYNC110 - another process counts
                await asyncio.sleep(0.5)
        return counts

    async def _send(self, body: bytes) -> float:
        began = time.perf_counter()
        connection = self._idle.pop() if self._idle else await self._connect()
        await connection.exchange(
            "POST /slack/events HTTP/1.1", body, **signed_headers(_SECRET, int(time.time()), body)
        )
        self._idle.append(connection)
        return time.perf_counter() - began

    async def _connect(self) -> _ClientConnection:
        loop, port = asyncio.get_running_loop(), int(self.bot.url.rpartition(":")[2])
        _, connection = await loop.create_connection(_ClientConnection, "127.0.0.1", port)
        return connection


@asynccontextmanager
async def under_load(*, anchor_takes: float) -> AsyncIterator[LoadHarness]:
    servers = await asyncio.create_subprocess_exec(
        sys.executable, str(Path(cheap_servers.__file__)), str(anchor_takes), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert servers.stdout is not None
        slack, anchor = [int(await servers.stdout.readline()) for _ in range(2)]
        environ = {
            "SLACK_BOT_TOKEN": "xoxb-1-load",
            "SLACK_SIGNING_SECRET": _SECRET,
            "SLACK_API_URL": f"http://127.0.0.1:{slack}/api/",
            "ANCHOR_API_KEY": "sk-load",
            "ANCHOR_API_URL": f"http://127.0.0.1:{anchor}",
            "PORT": "0",
            "DRAIN_SECONDS": "0",
        }
        async with bot_process(environ, covered=False) as bot:
            await bot.says("ready")
            yield LoadHarness(bot, slack)
    finally:
        servers.kill()
        await servers.wait()
