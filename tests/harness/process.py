"""The bot as a process of its own: what it is given, what it writes, how it ends; and the metrics of a bot."""

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.demo.sandbox import environment
from bot.sim.anchor import Hang, SimAnchor
from bot.sim.change_event import ChangeEvent
from bot.sim.slack import Delivery, SimSlack
from harness.bots import PATIENT, forget_key_check
from harness.conversation import Conversation
from harness.secret_scan import leaks
from harness.texts import SESSION

MODULE = ("env", f"PYTHONPATH={Path(__file__).parents[2]}", sys.executable, "-m", "bot")
GONE_WITHIN = 20.0
"""Seconds: less than anything would hold the end up for, more than the bot's own time limits on a slow machine."""
_UP_WITHIN = 60.0
_ENDED_WITHIN = 60.0
_LONGEST_LINE = 1 << 20


@dataclass(slots=True)
class BotProcess:
    """A process that was started, and the lines that it has written to stderr, and `printed` to stdout, so far."""

    process: asyncio.subprocess.Process
    lines: list[str] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    _change_event: ChangeEvent = field(default_factory=ChangeEvent)

    @property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines if line.startswith("{")]

    @property
    def sentences(self) -> list[str]:
        """The other lines: what the command line prints for the person who started it."""
        return [line for line in self.lines if not line.startswith("{")]

    @property
    def url(self) -> str:
        return str(next(entry for entry in self.log if entry["message"] == "listening")["url"])

    async def says(self, message: str, *, within: float = _UP_WITHIN) -> dict[str, Any]:
        return await self.logs(within=within, message=message)

    async def logs(self, *, within: float = _UP_WITHIN, **fields: str) -> dict[str, Any]:
        await self._change_event.wait_for(lambda: self._found(fields) or self.process.returncode is not None, within)
        assert self._found(fields), f"no {fields} in:\n" + "\n".join(self.lines)
        return self._found(fields)[0]

    def times(self, message: str) -> list[float]:
        return [datetime.fromisoformat(entry["time"]).timestamp() for entry in self.log if entry["message"] == message]

    async def get(self, path: str) -> tuple[int, dict[str, Any]]:
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as answer:
            return answer.status, await answer.json()

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return await self.exit_code()

    async def exit_code(self) -> int:
        async with asyncio.timeout(_ENDED_WITHIN):
            return await self.process.wait()

    async def read(self, stdin: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.stdin.write(stdin.encode())
        self.process.stdin.close()
        await asyncio.gather(
            self._collect(self.process.stderr, self.lines), self._collect(self.process.stdout, self.printed)
        )
        await self.process.wait()
        self._change_event.notify()

    async def _collect(self, stream: asyncio.StreamReader, lines: list[str]) -> None:
        async for line in stream:
            lines.append(line.decode().rstrip("\n"))
            self._change_event.notify()

    def _found(self, fields: Mapping[str, str]) -> list[dict[str, Any]]:
        return [entry for entry in self.log if fields.items() <= entry.items()]


@asynccontextmanager
async def bot_process(
    environ: Mapping[str, str],
    *,
    command: Sequence[str] = MODULE,
    arguments: Sequence[str] = ("run",),
    directory: Path | None = None,
    covered: bool = True,
    stdin: str = "",
) -> AsyncIterator[BotProcess]:
    """Start the bot with nothing but these variables, in an empty directory unless one is given. It is gone at the end.

    `covered` lets coverage count what runs in it, where the tests themselves are counted.
    """
    coverage = {name: value for name, value in os.environ.items() if covered and name.startswith("COVERAGE_")}
    with tempfile.TemporaryDirectory() as empty:
        process = await asyncio.create_subprocess_exec(
            *command,
            *arguments,
            env={"PATH": os.environ["PATH"], "LOG_FORMAT": "json", **coverage, **environ},
            cwd=directory or empty,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LONGEST_LINE,
            start_new_session=True,  # so that its process group is its own, and tells what it leaves behind
        )
        bot = BotProcess(process)
        reading = asyncio.create_task(bot.read(stdin))
        try:
            yield bot
        except BaseException:  # a demo ends its bot, which otherwise would hold the output open
            with suppress(ProcessLookupError, TimeoutError):
                await bot.stop()
            raise
        finally:
            if process.returncode is None:
                process.kill()
            await reading
            assert leaks("\n".join(bot.lines)) == []


async def seconds_to_stop(bot: BotProcess, number: signal.Signals = signal.SIGTERM) -> float:
    """Send a signal; the exit code must be 0, and nothing of it must still run."""
    stopped_at = time.monotonic()
    assert await bot.stop(number) == 0
    with pytest.raises(ProcessLookupError):
        os.killpg(bot.process.pid, 0)
    assert bot.sentences == []
    return time.monotonic() - stopped_at


@dataclass(frozen=True, slots=True)
class ProcessHarness(Conversation):
    bot: BotProcess


async def hanging(at: ProcessHarness, count: int) -> tuple[list[str], list[asyncio.Task[Delivery]]]:
    at.anchor.fault = Hang()
    sessions = [at.anchor.add_session() for _ in range(count)]
    typing = [asyncio.create_task(at.command(session)) for session in sessions]
    await at.anchor.until(lambda: len(at.anchor.orders) >= count and all(map(at.anchor.posts, sessions)))
    return sessions, typing


@asynccontextmanager
async def single_workspace_process(
    settings: Mapping[str, str] | None = None,
    *,
    command: Sequence[str] = MODULE,
    directory: Path | None = None,
    covered: bool = True,
    socket_mode: bool = False,
) -> AsyncIterator[ProcessHarness]:
    """Run a bot for one workspace in its own process until it is ready; `settings` add to those it needs."""
    async with SimSlack(socket_mode=socket_mode, ack_deadline=PATIENT) as slack, SimAnchor() as anchor:
        anchor.add_session(session_id=SESSION)
        environ = environment(slack, anchor, **(settings or {}))
        async with bot_process(environ, command=command, directory=directory, covered=covered) as bot:
            await bot.says("ready")
            if socket_mode:
                await bot.says("connected to Slack")
            await forget_key_check(anchor)
            slack.request_url = None if socket_mode else f"{bot.url}/slack/events"
            yield ProcessHarness(slack, anchor, slack.home, slack.alice, slack.alerts, SESSION, bot)


async def fetch(url: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200
        return await answer.text()


async def run_command(
    *command: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None, code: int = 0
) -> str:
    """Run a program until it ends, which must be with this code, and return what it writes."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    written = (await process.communicate())[0].decode()
    assert process.returncode == code, written
    return written


class Metrics:
    """The samples of a page of metrics."""

    def __init__(self, page: str) -> None:
        families = text_string_to_metric_families(page)
        self.samples = [(one.name, one.labels, one.value) for family in families for one in family.samples]

    def __call__(self, name: str, **labels: str) -> float:
        """The sum of the samples with these labels; there must be some."""
        found = [value for own, its, value in self.samples if own == name and labels.items() <= its.items()]
        assert found, f"no {name} {labels}"
        return sum(found)

    @property
    def names(self) -> set[str]:
        return {name for name, *_ in self.samples}


async def scrape(port: int) -> Metrics:
    return Metrics(await fetch(f"http://127.0.0.1:{port}/metrics"))
