"""The real bot, in a process of its own, between a simulated Slack and a simulated Anchor."""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import bot
from bot.sim.anchor import DEFAULT_KEY, SimAnchor
from bot.sim.slack import SimSlack

_READY_WITHIN = 15.0
_GONE_WITHIN = 12.0
_LOOK_EVERY = 0.02
ALERTS_TOKEN = "of-the-demo-only"  # noqa: S105 - of the simulation only
_SURROUNDINGS = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(Path(bot.__file__).parents[1])}
"""All that the bot gets of our own environment: where programs and this package are."""


class BotFailedError(Exception):
    """The bot's process did not come up; the text has what it wrote."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that takes part. Commands typed in `slack` reach the bot, whose pauses reach `anchor`."""

    slack: SimSlack
    anchor: SimAnchor
    bot_url: str
    bot_log: Path


@asynccontextmanager
async def stage(changes: Mapping[str, str], *, socket_mode: bool = False) -> AsyncIterator[Stage]:
    """Set everything up on free local ports, and take it down at the end. Raises BotFailedError.

    `changes` are variables of the bot's that are to be other than what suits the simulators.
    """
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory, "bot.log")
        async with (
            SimSlack(socket_mode=socket_mode) as slack,
            SimAnchor() as anchor,
            _bot_process(environment(slack, anchor, **_alerts_to(slack), **changes), log) as process,
        ):
            url = await _url_of(process, log)
            slack.request_url = f"{url}/slack/events"
            yield Stage(slack, anchor, url, log)


@asynccontextmanager
async def _bot_process(variables: Mapping[str, str], log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "run"),
            env={**_SURROUNDINGS, "LOG_FORMAT": "json", **variables},
            cwd=log.parent,  # no .env is there
            stdin=asyncio.subprocess.DEVNULL,
            stderr=stderr,
        )
    try:
        yield process
    finally:
        await _stop(process)


def environment(slack: SimSlack, anchor: SimAnchor, **changes: str) -> dict[str, str]:
    """The variables of a bot between these two, on any free port; `changes` are to be other than that."""
    way_in = (
        ("SLACK_APP_TOKEN", slack.app_token) if slack.socket_mode else ("SLACK_SIGNING_SECRET", slack.signing_secret)
    )
    return {
        "SLACK_BOT_TOKEN": slack.bot_token,
        way_in[0]: way_in[1],
        "SLACK_API_URL": slack.url,
        "ANCHOR_API_KEY": DEFAULT_KEY,
        "ANCHOR_API_URL": anchor.url,
        "PORT": "0",
    } | changes


def _alerts_to(slack: SimSlack) -> dict[str, str]:
    return {"ALERTS_TOKEN": ALERTS_TOKEN, "ALERTS_CHANNEL": slack.alerts.id}


async def _url_of(process: asyncio.subprocess.Process, log: Path) -> str:
    """Wait until the log says that the bot is ready, and return where it listens."""
    ends = time.monotonic() + _READY_WITHIN
    while process.returncode is None and time.monotonic() < ends:
        entries = [json.loads(line) for line in _whole_lines(log) if line.startswith("{")]
        if any(entry["message"] == "ready" for entry in entries):
            return next(str(entry["url"]) for entry in entries if "url" in entry)
        await asyncio.sleep(_LOOK_EVERY)
    raise BotFailedError("\n".join(["The bot did not become ready. It wrote:", *_whole_lines(log)]))


def _whole_lines(log: Path) -> list[str]:
    return log.read_text().split("\n")[:-1]


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(_GONE_WITHIN):
            await process.wait()
    except TimeoutError:  # pragma: no cover - only for a bot that does not end, which other tests hold it to
        process.kill()
        await process.wait()
