"""`anchor-bot journal` beside a running bot: what was ordered, and what is ordered meanwhile."""

import csv
import io
import json
import signal
from pathlib import Path

import pytest

from bot.sim.anchor import Slow
from harness import SESSION, single_workspace_process
from harness.conversation import until
from harness.process import bot_process

pytestmark = pytest.mark.anyio


async def printed(url: str, *arguments: str) -> list[str]:
    async with bot_process({"DATABASE_URL": url}, arguments=("journal", *arguments)) as process:
        assert await process.exit_code() == 0
    assert process.lines == []
    return process.printed


@pytest.mark.slow
async def test_it_reads_the_database_of_a_bot_that_runs(database_url: str) -> None:
    async with single_workspace_process({"DATABASE_URL": database_url}) as at:
        await at.command(f"{SESSION} =SUM(A1) \x1b[2J it's spending")
        await at.answer("a click", at.slack.guest)
        rows = [json.loads(line) for line in await printed(database_url, "--format", "json")]
        assert [(row["user"], row["source"], row["outcome"]) for row in rows] == [
            (at.person.id, "command", "Paused"),
            (at.slack.guest.id, "button", "NotAMember"),
        ]
        written = await printed(database_url, "--format", "csv")
        cells = list(csv.DictReader(io.StringIO("\n".join(written))))
        assert [row.keys() == cell.keys() for row, cell in zip(rows, cells, strict=True)] == [True, True]
        assert cells[0]["reason"].startswith("'=SUM")
        table = await printed(database_url, "--outcome", "done")
        assert len(table) == 2
        assert "\x1b" not in "".join(table)
        assert await at.bot.stop() == 0


async def test_it_follows_orders_until_ctrl_c(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    async with single_workspace_process({"DATABASE_URL": url}) as at:
        await at.command()
        arguments = ("journal", "--format", "json", "--follow")
        async with bot_process({"DATABASE_URL": url}, arguments=arguments) as process:
            await process.prints("{")
            at.anchor.fault = Slow(3.0)
            await at.click()
            await until(lambda: len(process.printed) == 3)
            assert await process.stop(signal.SIGINT) == 0
        assert process.lines == []
        assert await at.bot.stop() == 0
    rows = [json.loads(line) for line in process.printed]
    assert [(row["source"], row["outcome"]) for row in rows] == [
        ("command", "Paused"),
        ("button", None),
        ("button", "Paused"),
    ]
