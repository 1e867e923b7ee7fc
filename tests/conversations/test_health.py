"""/readyz of a bot with a problem that does not keep it from pausing: it stays ready, and says what is degraded."""

import asyncio
import logging
import shutil
from collections.abc import Callable
from types import SimpleNamespace

import aiohttp
import pytest

from bot.sim.anchor import DEFAULT_KEY, html
from bot.sim.local_server import free_port
from harness import ManyHarness, SingleHarness, single_workspace
from harness.conversation import until

pytestmark = pytest.mark.anyio


async def degraded(at: SingleHarness | ManyHarness) -> dict[str, str]:
    """Ask the bot, which is ready."""
    async with aiohttp.ClientSession() as session, session.get(f"{at.bot.url}/readyz") as response:
        body = await response.json()
    assert (response.status, body["ready"], body["reasons"]) == (200, True, {})
    return dict(body["degraded"])


async def becomes(at: SingleHarness | ManyHarness, names: set[str]) -> dict[str, str]:
    """Wait until exactly these are degraded."""

    async def is_so() -> bool:
        return set(await degraded(at)) == names

    await until(is_so)
    return await degraded(at)


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, vars(record)["about"]) for record in caplog.records if record.name == "bot.health"]


async def test_a_key_that_anchor_refuses(caplog: pytest.LogCaptureFixture, wording: Callable[[str, str], None]) -> None:
    """It is checked every five minutes; no answer is no news."""
    caplog.set_level(logging.INFO)
    async with single_workspace() as at:
        at.anchor.revoke(DEFAULT_KEY)
        await asyncio.sleep(305.0)
        wording("anchor_key", (await becomes(at, {"anchor_key"}))["anchor_key"])
        at.anchor.fault = html(503)
        await asyncio.sleep(305.0)
        assert len(at.anchor.requests) >= 2
        await becomes(at, {"anchor_key"})
        at.anchor.fault = None
        at.anchor.add_key(DEFAULT_KEY)
        await asyncio.sleep(305.0)
        await becomes(at, set())
    assert logged(caplog) == [("ERROR", "anchor_key"), ("INFO", "anchor_key")]


async def test_a_disk_that_is_full(at: ManyHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=49_000_000))
    await becomes(at, {"disk"})


async def test_why_a_bot_is_degraded_is_for_operators() -> None:
    """They ask from this machine, or with METRICS_TOKEN; all others see whether the bot is ready."""
    port, token = free_port(), "s3cret-of-the-metrics"
    own, wrong = {"Authorization": f"Bearer {token}"}, {"Authorization": "Bearer s3cret"}
    async with single_workspace(METRICS_PORT=str(port), METRICS_TOKEN=token) as at, aiohttp.ClientSession() as session:
        at.anchor.revoke(DEFAULT_KEY)
        await asyncio.sleep(305.0)
        await becomes(at, {"anchor_key"})

        async def ask(url: str, headers: dict[str, str]) -> tuple[int, bool]:
            async with session.get(url, headers=headers) as response:
                return response.status, "anchor_key" in await response.text()

        public, metrics = f"{at.bot.url}/readyz", f"http://127.0.0.1:{port}/"
        assert await ask(public, {}) == (200, True)
        for header in ("X-Forwarded-For", "Forwarded", "X-Forwarded-Proto", "X-Real-IP", "Via"):
            assert await ask(public, {header: "for=203.0.113.1"}) == (200, False)
            assert await ask(public, {header: "", **wrong}) == (200, False)
            assert await ask(public, {header: "for=203.0.113.1", **own}) == (200, True)
        for path in ("metrics", "readyz"):
            assert await ask(metrics + path, {}) == await ask(metrics + path, wrong) == (401, False)
            assert await ask(metrics + path, own) == (200, True)
