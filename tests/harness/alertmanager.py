"""A real Alertmanager with deploy/alertmanager.yml, which posts to the bot, or to simulated Slack."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bot.sim.local_server import free_port
from harness.conversation import post_json, until
from harness.programs import program

CONFIG = Path(__file__).parents[2] / "deploy" / "alertmanager.yml"


@dataclass(frozen=True, slots=True)
class Alertmanager:
    url: str

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
    process = await asyncio.create_subprocess_exec(
        program("alertmanager"),
        f"--config.file={directory / 'alertmanager.yml'}",
        f"--storage.path={directory / 'data'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
        cwd=directory,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await until(lambda: _answers(f"http://{address}/-/ready"))
        yield Alertmanager(f"http://{address}")
    finally:
        process.kill()
        await process.wait()
