"""`anchor-bot pause`, `resume` and `journal` beside a running bot."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from bot.demo.sandbox import environment
from harness import SESSION, single_workspace_process
from harness.process import bot_process

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def printed(environ: dict[str, str], *arguments: str) -> list[str]:
    """Run a command to its end, which must be a good one, and return what it prints."""
    async with bot_process(environ, arguments=arguments) as process:
        assert await process.exit_code() == 0
    assert len(process.lines) == (arguments[0] in {"pause", "resume"})  # that it begins
    return process.printed


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
        lines = await printed({"DATABASE_URL": database_url}, "journal", "--format", "json")
        rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
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
