"""/readyz of a bot with a problem that does not keep it from pausing: it stays ready, and says what is degraded."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from bot import tenancy
from bot.app import Running
from bot.health import repeat
from bot.outbound.store import availability, store
from bot.sim.anchor import DEFAULT_KEY, html
from harness import single_workspace
from harness.many_workspaces import many_workspaces

pytestmark = pytest.mark.anyio

Check = Callable[[str, str], None]


async def degraded(bot: Running) -> dict[str, str]:
    """Ask the bot, which is ready."""
    async with aiohttp.ClientSession() as session, session.get(f"{bot.url}/readyz") as response:
        body = await response.json()
    assert (response.status, body["ready"], body["reasons"]) == (200, True, {})
    return dict(body["degraded"])


async def becomes(bot: Running, names: set[str]) -> dict[str, str]:
    """Wait until exactly these are degraded."""
    async with asyncio.timeout(20):
        while set(found := await degraded(bot)) != names:  # noqa: ASYNC110 - nothing but the probe tells
            await asyncio.sleep(0.02)
    return found


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, vars(record)["about"]) for record in caplog.records if record.name == "bot.health"]


async def test_a_key_that_anchor_refuses(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, wording: Check
) -> None:
    monkeypatch.setattr(tenancy, "_KEY_CHECK_INTERVAL", 0.05)
    async with single_workspace() as at:
        at.anchor.revoke(DEFAULT_KEY)
        wording("anchor_key", (await becomes(at.bot, {"anchor_key"}))["anchor_key"])
        checks = len(at.anchor.requests)
        await at.anchor.until(lambda: len(at.anchor.requests) > checks + 2)
        assert logged(caplog) == [("ERROR", "anchor_key")]
        at.anchor.fault = html(503)
        checks = len(at.anchor.requests)
        await at.anchor.until(lambda: len(at.anchor.requests) > checks + 2)
        assert set(await degraded(at.bot)) == {"anchor_key"}, "no answer is no news"
        at.anchor.fault = None
        at.anchor.add_key(DEFAULT_KEY)
        await becomes(at.bot, set())
    assert logged(caplog) == [("ERROR", "anchor_key"), ("INFO", "anchor_key")]


async def test_a_database_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(availability, "CHECK_INTERVAL", 0.05)
    async with many_workspaces(f"sqlite:///{tmp_path / 'bot.db'}") as at:
        await at.rename_table("key_checks", "elsewhere")
        assert "SQLITE_ERROR" in (await becomes(at.bot, {"database"}))["database"]
        await at.rename_table("elsewhere", "key_checks")
        await becomes(at.bot, set())
    assert logged(caplog) == [("ERROR", "database"), ("INFO", "database")]


async def test_a_disk_that_is_full(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a SQLite file is on a disk of ours."""
    monkeypatch.setattr(availability, "CHECK_INTERVAL", 0.05)
    async with many_workspaces(database_url) as at:
        assert await degraded(at.bot) == {}
        monkeypatch.setattr(store, "_LEAST_FREE", 1 << 62)
        if database_url.startswith("sqlite"):
            await becomes(at.bot, {"disk"})
        else:
            await asyncio.sleep(0.2)
            assert await degraded(at.bot) == {}


async def test_a_check_that_breaks_is_run_again(caplog: pytest.LogCaptureFixture) -> None:
    runs: list[None] = []

    async def check() -> None:
        runs.append(None)
        raise ValueError("on purpose")

    task = asyncio.create_task(repeat(check, every=0.01))
    async with asyncio.timeout(20):
        while len(runs) < 3:  # noqa: ASYNC110 - nothing signals it
            await asyncio.sleep(0.01)
    task.cancel()
    assert {record.levelname for record in caplog.records} == {"ERROR"}
