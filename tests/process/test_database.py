"""The database of a bot as a process: one that others use, and one that fails meanwhile."""

import asyncio
import resource
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.demo.sandbox import environment
from bot.sim.anchor import SessionState
from harness import outcome_text, paused
from harness.conversation import until
from harness.databases import KEY
from harness.outages import locked
from harness.process import GONE_WITHIN, ProcessHarness, bot_process, hanging, seconds_to_stop, single_workspace_process
from harness.product import outcomes
from harness.texts import is_about


async def test_a_second_bot_waits_until_the_first_one_is_gone(sqlite_url: str) -> None:
    file = {"DATABASE_URL": sqlite_url}
    async with single_workspace_process(file) as at:
        environ = environment(at.slack, at.anchor, **file)
        async with bot_process(environ) as second, bot_process(environ) as third:
            for waiting in (second, third):
                await waiting.says("ready")
                body = (await waiting.get("/readyz"))[1]
                assert (set(body["degraded"]), body["leader"]) == ({"database"}, False)
            assert await third.stop() == 0, "it can be stopped while it waits"
            assert await at.bot.stop() == 0
            await second.says("recovered")
            assert await second.stop() == 0


async def test_a_server_that_is_down_does_not_keep_it_from_pausing(
    postgresql_urls: Iterator[str], tmp_path: Path
) -> None:
    own = next(postgresql_urls)
    directory = Path(parse_qs(urlsplit(own).query)["host"][0])
    (socket,) = directory.glob(".s.PGSQL.*[0-9]")  # noqa: ASYNC240 - once
    url, link = own.replace(str(directory), str(tmp_path)), tmp_path / socket.name
    async with single_workspace_process({"DATABASE_URL": url}) as at:
        status, body = await at.bot.get("/readyz")
        assert (status, set(body["degraded"])) == (200, {"database"})
        await at.command()
        await at.wait_for_messages(1)  # its ack can have come before
        link.symlink_to(socket)
        await at.bot.says("recovered")
        status, body = await at.bot.get("/readyz")
        assert (status, body["reasons"], body["degraded"]) == (200, {}, {})
        await at.command()
        assert await at.bot.stop() == 0
    first, second = (message.text for message in at.messages())
    assert (is_about(first, paused()), first == paused(), second) == (True, False, paused())  # it was not recorded


# --- a database that fails meanwhile ---


@asynccontextmanager
async def bot_with(url: str) -> AsyncIterator[ProcessHarness]:
    """Run a bot that has used its database."""
    async with single_workspace_process({"DATABASE_URL": url, "ENCRYPTION_KEYS": KEY.reveal()}) as at:
        await at.command()
        yield at


@asynccontextmanager
async def full_disk(at: ProcessHarness) -> AsyncIterator[None]:
    """Let the process write no file beyond its first page: also if the log of the database begins from there again."""
    pid, unlimited = at.bot.process.pid, resource.RLIM_INFINITY
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4_096, unlimited))
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))


async def until_journal(at: ProcessHarness, *, fails: bool) -> None:
    """Wait until the bot says that it cannot record orders, or no longer does."""

    async def is_so() -> bool:
        return ("journal" in (await at.bot.get("/readyz"))[1]["degraded"]) is fails

    await until(is_so, within=30)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits another process")
async def test_pauses_go_on_while_the_disk_is_full_and_are_written_later(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    refused = outcome_text(outcomes.Refusal(outcomes.Why.STORE_UNAVAILABLE), verb="resume")
    async with bot_with(url) as at:
        async with full_disk(at):
            await at.command()
            await at.slack.until(lambda: [is_about(one.text, paused()) for one in at.messages()] == [True] * 2)
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
        return connection.execute("SELECT verb, outcome FROM orders ORDER BY seq").fetchall()


async def stop_with_orders(at: ProcessHarness) -> None:
    """Stop it while two people wait, and see them told."""
    sessions, typing = await hanging(at, 2)
    await asyncio.sleep(0.5)  # until the journal waits for the database
    assert await seconds_to_stop(at.bot) < GONE_WITHIN
    await asyncio.gather(*typing)
    in_doubt = {outcome_text(outcomes.Unconfirmed(outcomes.Doubt.NO_ANSWER), session=session) for session in sessions}
    assert in_doubt <= {message.text for message in at.messages()}


async def test_a_bot_stops_in_time_although_its_file_is_locked(sqlite_url: str) -> None:
    async with bot_with(sqlite_url) as at, locked(sqlite_url):
        await stop_with_orders(at)
