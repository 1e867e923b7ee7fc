"""A real Alertmanager with deploy/alertmanager.yml, which posts to an incoming webhook of simulated Slack."""

import asyncio
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

    async def fire(self, *alerts: Mapping[str, str]) -> None:
        firing = [{"labels": dict(labels), "annotations": {"summary": "$40 of $5"}} for labels in alerts]
        status, _, _ = await post_json(f"{self.url}/api/v2/alerts", firing)
        assert status == 200


async def _answers(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


@asynccontextmanager
async def alertmanager(webhook: str, directory: Path) -> AsyncIterator[Alertmanager]:
    (directory / "anchor-slack-webhook").write_text(webhook)
    address = f"127.0.0.1:{free_port()}"
    process = await asyncio.create_subprocess_exec(
        program("alertmanager"),
        f"--config.file={CONFIG}",
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
