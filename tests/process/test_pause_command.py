"""`anchor-bot pause` and `resume` beside a running bot, on each kind of database, and after an end in between."""

import asyncio
import json
import os
import pwd
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli.terminal_text import terminal_text
from bot.core.outcomes import Doubt, Unconfirmed
from bot.core.requests import operator_id
from bot.demo.sandbox import environment
from bot.sim.anchor import Hang, Slow
from harness import SESSION, ProcessHarness, single_workspace_process
from harness.process import BotProcess, bot_process
from harness.texts import outcome_text

pytestmark = pytest.mark.anyio


async def run(at: ProcessHarness, *arguments: str, url: str) -> tuple[int, BotProcess]:
    """Run a command with the settings of the bot, and return its exit code, and what it wrote."""
    environ = environment(at.slack, at.anchor, DATABASE_URL=url)
    async with bot_process(environ, arguments=arguments) as process:
        code = await process.exit_code()
    return code, process


@pytest.mark.slow
async def test_an_operator_pauses_and_resumes_beside_a_running_bot(database_url: str) -> None:
    async with single_workspace_process({"DATABASE_URL": database_url}) as at:
        await at.command()
        for verb in ("pause", "resume"):
            code, process = await run(at, verb, SESSION, url=database_url)
            assert (code, process.lines) == (0, [])
            assert process.printed[-1].endswith(SESSION)
        await at.command()
        # the last one is sent again if it can have crossed the resume of the other process
        assert [order.verb for order in at.orders][:4] == ["pause", "pause", "resume", "pause"]
        code, process = await run(at, "journal", "--format", "json", url=database_url)
        rows = [json.loads(line) for line in process.printed]
        assert [(row["source"], row["outcome"]) for row in rows] == [
            ("command", "Paused"),
            ("command line", "Paused"),
            ("command line", "Resumed"),
            ("command", "Paused"),
        ]
        assert {row["workspace"] for row in rows} == {at.workspace.team_id}
        assert await at.bot.stop() == 0


@pytest.mark.slow
async def test_an_order_in_flight_is_not_taken_over_by_a_bot_that_starts(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    async with single_workspace_process({"DATABASE_URL": url}) as at:
        environ = environment(at.slack, at.anchor, DATABASE_URL=url)
        assert await at.bot.stop() == 0
        at.anchor.fault = Slow(4.0)
        async with bot_process(environ, arguments=("pause", SESSION)) as command:
            await at.anchor.until(lambda: at.orders)
            async with bot_process(environ) as bot:
                await bot.says("ready")
                assert await command.exit_code() == 0
                assert await bot.stop() == 0
        assert [order.verb for order in at.orders] == ["pause"]


async def test_ctrl_c_leaves_a_pause_unconfirmed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    async with single_workspace_process({"DATABASE_URL": url}) as at:
        at.anchor.fault = Hang()
        environ = environment(at.slack, at.anchor, DATABASE_URL=url)
        async with bot_process(environ, arguments=("pause", SESSION)) as command:
            await at.anchor.until(lambda: at.orders)
            assert await command.stop(signal.SIGINT) == 1
        operator = operator_id(pwd.getpwuid(os.getuid()).pw_name)
        told = terminal_text(outcome_text(Unconfirmed(Doubt.STOPPED), user=operator))
        assert (command.printed, command.lines) == (told.splitlines(), [])
        _, journal = await run(at, "journal", "--format", "json", url=url)
        (row,) = map(json.loads, journal.printed)
        assert (row["source"], row["user"], row["session"]) == ("command line", operator, SESSION)
        assert (row["outcome"], row["details"]["why"]) == ("Unconfirmed", Doubt.STOPPED)
        assert (row["state"], row["delivered_by"]) == ("told", "terminal")
        assert await at.bot.stop() == 0


@pytest.mark.long
async def test_what_a_killed_command_left_is_finished_by_the_bot(postgresql_urls: Iterator[str]) -> None:
    url = next(postgresql_urls)
    async with single_workspace_process({"DATABASE_URL": url}) as at:
        at.anchor.fault = Hang()
        environ = environment(at.slack, at.anchor, DATABASE_URL=url)
        async with bot_process(environ, arguments=("pause", SESSION)) as command:
            await at.anchor.until(lambda: at.orders)
            await asyncio.sleep(1)  # until it is recorded
            assert await command.stop(signal.SIGKILL) == -signal.SIGKILL
        at.anchor.fault = None
        await at.bot.logs(message="pause", outcome="Paused")
        assert await at.bot.stop() == 0
        assert at.calls("chat.postMessage") == 0
        assert [entry for entry in at.bot.log if entry["level"] == "ERROR"] == []
        _, process = await run(at, "journal", "--format", "json", url=url)
    (row,) = map(json.loads, process.printed)
    assert (row["outcome"], row["delivered_by"], row["state"]) == ("Paused", "nobody", "told")
