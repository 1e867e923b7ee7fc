"""The real bot in a process of its own, which can be started, frozen and stopped."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import bot

_READY_WITHIN = 60.0
_GONE_WITHIN = 30.0
_LOOK_EVERY = 0.02
_BASE_ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(Path(bot.__file__).parents[1])}
"""All that the bot gets of our own environment: where programs and this package are."""


class BotFailedError(Exception):
    """The bot's process did not come up; the text has what it wrote."""


class BotState(StrEnum):
    """The state of the bot's process, as seen from outside."""

    STARTING = "starting"
    READY = "ready"
    FROZEN = "frozen"  # it is there, and does not move
    STOPPING = "stopping"
    STOPPED = "stopped"
    KILLED = "killed"  # in the middle of whatever it did


class BotProcess:
    """One bot at a time; its log, JSON a line, goes to the file `log`."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.url = ""
        self._process: asyncio.subprocess.Process | None = None
        self._phase = BotState.STOPPED

    @property
    def state(self) -> BotState:
        """Return the state; a bot that ended by itself is stopped."""
        if self._running is None:
            return BotState.KILLED if self._phase is BotState.KILLED else BotState.STOPPED
        return self._phase

    @property
    def is_gone(self) -> bool:
        """Return whether there is no process."""
        return self._running is None

    async def start(self, variables: Mapping[str, str]) -> None:
        """Start it with these variables and no others, and wait until it is ready. Raises BotFailedError."""
        begin = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as stderr:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot", "run"),
                env={**_BASE_ENVIRONMENT, "LOG_FORMAT": "json", **variables},
                cwd=self.log.parent,  # no .env is there
                stdin=asyncio.subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,  # Ctrl-C in the terminal ends the demo, which then ends it
            )
        self._phase = BotState.STARTING
        ready = "connected to Slack" if "SLACK_APP_TOKEN" in variables else "ready"
        try:
            self.url = await self._url(begin, ready)
        except BaseException:
            await self.stop()
            raise
        self._phase = BotState.READY

    def freeze(self) -> None:
        """Let it not move any more, as a machine that hangs does; what reaches it meanwhile waits."""
        self._signal(signal.SIGSTOP, BotState.FROZEN)

    def thaw(self) -> None:
        """Let it go on where it was."""
        self._signal(signal.SIGCONT, BotState.READY)

    async def stop(self) -> None:
        """Ask it to go, as Ctrl-C does, and wait until it has. Nothing happens where there is none."""
        self.thaw()  # a frozen one would not hear it
        self._signal(signal.SIGINT, BotState.STOPPING)
        if (process := self._running) is None:
            return
        try:
            async with asyncio.timeout(_GONE_WITHIN):
                await process.wait()
        except TimeoutError:  # pragma: no cover - only for a bot that does not end, which other tests hold it to
            process.kill()
            await process.wait()

    async def kill(self) -> None:
        """End it at once, in the middle of its work, as a crash does. Nothing happens where there is none."""
        if (process := self._running) is not None:
            self._signal(signal.SIGKILL, BotState.KILLED)
            await process.wait()

    @property
    def _running(self) -> asyncio.subprocess.Process | None:
        return self._process if self._process is not None and self._process.returncode is None else None

    def _signal(self, number: signal.Signals, phase: BotState) -> None:
        if (process := self._running) is not None:
            process.send_signal(number)
            self._phase = phase

    async def _url(self, begin: int, ready: str) -> str:
        """Wait until the log, from the byte `begin` on, says `ready`, and return where the bot listens."""
        ends = time.monotonic() + _READY_WITHIN
        while self._running and time.monotonic() < ends:
            entries = [json.loads(line) for line in self._lines(begin) if line.startswith("{")]
            if any(entry["message"] == ready for entry in entries):
                return next(str(entry["url"]) for entry in entries if "url" in entry)
            await asyncio.sleep(_LOOK_EVERY)
        raise BotFailedError("\n".join(["The bot did not become ready. It wrote:", *self._lines(begin)]))

    def _lines(self, begin: int) -> list[str]:
        """Return the whole lines from the byte `begin` on."""
        return self.log.read_bytes()[begin:].decode(errors="replace").split("\n")[:-1]
