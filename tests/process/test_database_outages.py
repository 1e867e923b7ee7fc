"""A bot as a process whose database fails: a full disk, and a stop meanwhile."""

import asyncio
import resource
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from bot.core.outcomes import Doubt, StoreUnavailable, Unconfirmed
from bot.sim.anchor import Hang, SessionState
from harness import outcome_text, paused
from harness.databases import KEY
from harness.outages import locked, network
from harness.process import ProcessHarness, single_workspace_process

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

GONE_WITHIN = 20.0  # seconds; see test_stopping.py


@asynccontextmanager
async def bot_with(url: str) -> AsyncIterator[ProcessHarness]:
    """Run a bot that has used its database."""
    async with single_workspace_process({"DATABASE_URL": url, "ENCRYPTION_KEYS": KEY.reveal()}) as at:
        await at.command()
        yield at


@asynccontextmanager
async def full_disk(at: ProcessHarness, file: Path) -> AsyncIterator[None]:
    """Let the process write no file that is larger than this one is."""
    size = max(path.stat().st_size for path in file.parent.iterdir())
    pid, unlimited = at.bot.process.pid, resource.RLIM_INFINITY
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, unlimited))
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))


async def until_journal(at: ProcessHarness, *, fails: bool) -> None:
    """Wait until the bot says that it cannot record orders, or no longer does."""
    async with asyncio.timeout(30):
        while ("journal" in (await at.bot.get("/readyz"))[1]["degraded"]) != fails:  # noqa: ASYNC110 - only the probe tells
            await asyncio.sleep(0.05)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits another process")
async def test_pauses_go_on_while_the_disk_is_full_and_are_written_later(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    refused = outcome_text(StoreUnavailable(), verb="resume")
    async with bot_with(url) as at:
        async with full_disk(at, tmp_path / "bot.db"):
            delivery = await at.command()
            assert delivery.ack is not None
            assert delivery.ack.text == paused()
            await until_journal(at, fails=True)
            await at.command(verb="resume")
            await at.slack.until(lambda: refused in [message.text for message in at.seen()])
        await until_journal(at, fails=False)
        await at.command(verb="resume")
        assert at.anchor.session(at.session).state is SessionState.RUNNING
        assert await at.bot.stop() == 0
    rows = await asyncio.to_thread(stored, tmp_path / "bot.db")
    assert rows == [("pause", "Paused"), ("pause", "Paused"), ("resume", "StoreUnavailable"), ("resume", "Resumed")]


def stored(file: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT verb, outcome FROM orders ORDER BY given_at").fetchall()


async def stop_with_orders(at: ProcessHarness) -> None:
    """Stop it while two people wait, and see them told."""
    at.anchor.fault = Hang()
    sessions = [at.anchor.add_session() for _ in range(2)]
    typing = [asyncio.create_task(at.command(session)) for session in sessions]
    await at.anchor.until(lambda: all(at.anchor.posts(session) for session in sessions))
    await asyncio.sleep(0.5)  # until the journal waits for the database
    began = time.monotonic()
    assert await at.bot.stop() == 0
    assert time.monotonic() - began < GONE_WITHIN
    await asyncio.gather(*typing)
    in_doubt = {outcome_text(Unconfirmed(Doubt.STOPPED), session=session) for session in sessions}
    assert in_doubt <= {message.text for message in at.messages()}


async def test_a_bot_stops_in_time_although_its_file_is_locked(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    async with bot_with(url) as at, locked(url):
        await stop_with_orders(at)


async def test_a_bot_stops_in_time_although_its_server_does_not_answer(postgresql_urls: Iterator[str]) -> None:
    async with network(next(postgresql_urls)) as way, bot_with(way.url) as at, way.cut():
        await stop_with_orders(at)
