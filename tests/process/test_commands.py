"""`anchor-bot pause`, `resume` and `journal` beside a running bot, and after an end in between."""

import asyncio
import json
import os
import pwd
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bot.demo.sandbox import environment
from bot.sim.anchor import Hang, Slow
from harness import SESSION, single_workspace_process
from harness.process import bot_process
from harness.product import outcomes, requests

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def printed(environ: dict[str, str], *arguments: str) -> list[str]:
    """Run a command to its end, which must be a good one, and return what it prints."""
    async with bot_process(environ, arguments=arguments) as process:
        assert await process.exit_code() == 0
    assert len(process.lines) == (arguments[0] in {"pause", "resume"})  # that it begins
    return process.printed


async def journal(url: str, *arguments: str) -> list[dict[str, Any]]:
    lines = await printed({"DATABASE_URL": url}, "journal", "--format", "json", *arguments)
    return [json.loads(line) for line in lines]


async def test_an_operator_orders_and_reads_the_journal_beside_a_running_bot(postgresql_urls: Iterator[str]) -> None:
    database_url = next(postgresql_urls)
    async with single_workspace_process({"DATABASE_URL": database_url}) as at:
        environ = environment(at.slack, at.anchor, DATABASE_URL=database_url)
        await at.command(f"{SESSION} =SUM(A1) \x1b[2J it's spending")
        await at.answer("a click", at.slack.guest)
        for verb in ("pause", "resume"):
            assert (await printed(environ, verb, SESSION))[-1].endswith(SESSION)
        await asyncio.sleep(1.0)  # else it can have crossed the resume of the other process
        await at.command()
        assert [order.verb for order in at.orders] == ["pause", "pause", "resume", "pause"]
        rows = await journal(database_url)
        assert [(row["source"], row["outcome"]) for row in rows] == [
            ("command", "Paused"),
            ("button", "NotAMember"),
            ("command line", "Paused"),
            ("command line", "Resumed"),
            ("command", "Paused"),
        ]
        assert [row["user"] for row in rows[:2]] == [at.person.id, at.slack.guest.id]
        assert {row["workspace"] for row in rows} == {at.workspace.team_id}
        table = await printed(environ, "journal", "--outcome", "done")
        assert len(table) == 5
        assert "\x1b" not in "".join(table)
        assert await at.bot.stop() == 0


async def test_a_database_that_is_down_is_one_line() -> None:
    environ = {"DATABASE_URL": "postgresql://x@127.0.0.1:1/none"}
    async with bot_process(environ, arguments=("journal",)) as process:
        assert await process.exit_code() == 1
    assert len(process.lines) == 1


async def test_an_order_in_flight_is_not_taken_over_by_a_bot_that_starts(sqlite_url: str) -> None:
    async with single_workspace_process({"DATABASE_URL": sqlite_url}) as at:
        environ = environment(at.slack, at.anchor, DATABASE_URL=sqlite_url)
        assert await at.bot.stop() == 0
        at.anchor.fault = Slow(4.0)
        async with bot_process(environ, arguments=("pause", SESSION)) as command:
            await at.anchor.until(lambda: at.orders)
            async with bot_process(environ) as bot:
                await bot.says("ready")
                assert await command.exit_code() == 0
                assert await bot.stop() == 0
        assert [order.verb for order in at.orders] == ["pause"]


async def test_ctrl_c_leaves_a_pause_unconfirmed(sqlite_url: str, wording: Callable[[str, str], None]) -> None:
    async with single_workspace_process({"DATABASE_URL": sqlite_url}) as at:
        at.anchor.fault = Hang()
        environ = environment(at.slack, at.anchor, DATABASE_URL=sqlite_url)
        async with bot_process(environ, arguments=("pause", SESSION)) as command:
            await at.anchor.until(lambda: at.orders)
            assert await command.stop(signal.SIGINT) == 130
        operator, stopped = requests.operator_id(pwd.getpwuid(os.getuid()).pw_name), outcomes.Doubt.STOPPED
        assert command.printed == []
        _, line = command.lines
        wording("a pause that was interrupted", line)
        (row,) = await journal(sqlite_url)
        assert (row["source"], row["user"], row["session"]) == ("command line", operator, SESSION)
        assert (row["outcome"], row["details"]["why"]) == ("Unconfirmed", stopped)
        assert (row["state"], row["delivered_by"]) == ("told", "terminal")
        assert await at.bot.stop() == 0
