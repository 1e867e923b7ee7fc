"""Switches of the demo's page: faults, and a fleet that goes wrong. All are off at first."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from bot.demo.agents import Agents
from bot.demo.bot_process import BotState
from bot.demo.jobs import fleet_jobs
from bot.demo.sandbox import Sandbox
from bot.sim.anchor import Slow

_SLOW = 4.0  # seconds: longer than an ack waits, shorter than the bot's timeout for Anchor


class _Setter(Protocol):
    async def __call__(self, *, on: bool) -> None: ...


class Switches:
    """Sets switches, one at a time. Their positions are read from what they control."""

    def __init__(self, sandbox: Sandbox, fleet: Agents) -> None:
        self._sandbox = sandbox
        self._fleet = fleet
        self._one_at_a_time = asyncio.Lock()
        self._setters: Mapping[str, _Setter] = {
            "anchor_slow": self._slow_anchor,
            "anchor_down": self._stop_anchor,
            "key_revoked": self._revoke_key,
            "fleet": self._start_fleet,
            "bot_stopped": self._stop_bot,
            "bot_killed": self._kill_bot,
            "bot_frozen": self._freeze_bot,
            "socket_mode": self._use_sockets,
        }

    @property
    def positions(self) -> dict[str, bool]:
        """Whether each switch is on."""
        slack, anchor, bot = self._sandbox.slack, self._sandbox.anchor, self._sandbox.bot
        return {
            "anchor_slow": isinstance(anchor.fault, Slow),
            "anchor_down": not anchor.is_up,
            "key_revoked": not any(anchor.accepts(key) for key in self._sandbox.keys),
            "fleet": any(self._fleet),
            "bot_stopped": bot.state in {BotState.STOPPED, BotState.STOPPING},
            "bot_killed": bot.state is BotState.KILLED,
            "bot_frozen": bot.state is BotState.FROZEN,
            "socket_mode": slack.socket_mode,
        }

    async def set(self, name: str, *, on: bool) -> None:
        """Turn a switch on or off. Raises KeyError for an unknown one, and BotFailedError."""
        set_one = self._setters[name]
        async with self._one_at_a_time:
            await set_one(on=on)

    async def _slow_anchor(self, *, on: bool) -> None:
        self._sandbox.anchor.fault = Slow(_SLOW) if on else None

    async def _stop_anchor(self, *, on: bool) -> None:
        if on:
            await self._sandbox.anchor.stop()
        elif not self._sandbox.anchor.is_up:
            await self._sandbox.anchor.start()

    async def _revoke_key(self, *, on: bool) -> None:
        anchor = self._sandbox.anchor
        for key in self._sandbox.keys:
            (anchor.revoke if on else anchor.add_key)(key)

    async def _start_fleet(self, *, on: bool) -> None:
        self._fleet.end_all()
        if on:
            self._fleet.begin(fleet_jobs())

    async def _stop_bot(self, *, on: bool) -> None:
        await self._sandbox.bot.stop()
        if not on:
            await self._sandbox.start_bot()

    async def _kill_bot(self, *, on: bool) -> None:
        if on:
            await self._sandbox.bot.kill()
        elif self._sandbox.bot.is_gone:
            await self._sandbox.start_bot()

    async def _freeze_bot(self, *, on: bool) -> None:
        (self._sandbox.bot.freeze if on else self._sandbox.bot.thaw)()

    async def _use_sockets(self, *, on: bool) -> None:
        """Change Slack's setting, and restart the bot if it ran."""
        ran = not self._sandbox.bot.is_gone
        await self._sandbox.bot.stop()
        self._sandbox.slack.socket_mode = on
        if ran:
            await self._sandbox.start_bot()
