"""A real Prometheus and a real Alertmanager with the files of deploy/, which post to the bot, or to simulated Slack."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bot.sim.local_server import free_port
from harness.conversation import post_json, until
from harness.programs import program

DEPLOY = Path(__file__).parents[2] / "deploy"
CONFIG, RULES = DEPLOY / "alertmanager.yml", DEPLOY / "agent-rules.yml"


@dataclass(slots=True)
class Program:
    """A program with an HTTP server, whose working directory has its files."""

    url: str
    directory: Path
    command: Sequence[str]
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, and wait until it answers."""
        nowhere = asyncio.subprocess.DEVNULL
        self.process = await asyncio.create_subprocess_exec(
            *self.command, cwd=self.directory, stdout=nowhere, stderr=nowhere
        )
        await until(lambda: _answers(f"{self.url}/-/ready"))

    async def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            await self.process.wait()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        try:
            await self.start()
            yield
        finally:
            await self.kill()


class Alertmanager(Program):
    async def fire(self, *alerts: Mapping[str, str], ends: str | None = None) -> None:
        """Send alerts as Prometheus does, which fire or are resolved since a time."""
        end = {} if ends is None else {"endsAt": ends}
        firing = [{"labels": dict(labels), "annotations": {"summary": "$40 of $5"}} | end for labels in alerts]
        status, _, _ = await post_json(f"{self.url}/api/v2/alerts", firing)
        assert status == 200


async def _answers(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


@asynccontextmanager
async def alertmanager(
    directory: Path, *, slack: str | None = None, bot: str = "http://127.0.0.1:9", token: str = "", **route: str
) -> AsyncIterator[Alertmanager]:
    """Run it with the configuration, for the webhook URL of `slack` or for a bot; `route` has other values of that."""
    text = CONFIG.read_text().replace("https://bot.example.com", bot)
    if slack is not None:
        text = text.replace("receiver: anchor ", "receiver: anchor-slack ", 1)
    for name, value in route.items():
        text = re.sub(rf"^  {name}: .*", f"  {name}: {value}", text, count=1, flags=re.MULTILINE)
    (directory / "alertmanager.yml").write_text(text)
    (directory / "anchor-slack-webhook").write_text(slack or "")
    (directory / "anchor-alert-token").write_text(token)
    address = f"127.0.0.1:{free_port()}"
    own = ("--config.file=alertmanager.yml", "--storage.path=data", "--cluster.listen-address=")
    command = (program("alertmanager"), *own, f"--web.listen-address={address}")
    manager = Alertmanager(f"http://{address}", directory, command)
    async with manager.running():
        yield manager
