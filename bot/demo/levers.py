"""The faults that the demo's page can switch on and off; all of them are off at first."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from bot.demo.bot_process import BotState
from bot.demo.stage import Stage
from bot.sim.anchor import Slow

_SLOW = 4.0  # seconds: longer than an ack waits, shorter than the bot's timeout for Anchor


class _Pull(Protocol):
    async def __call__(self, *, on: bool) -> None: ...


class Levers:
    """Pulls levers, one at a time. Where they are is read off what they move."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._one_at_a_time = asyncio.Lock()
        self._pulls: Mapping[str, _Pull] = {
            "anchor_slow": self._slow_anchor,
            "anchor_down": self._stop_anchor,
            "key_revoked": self._revoke_key,
            "bot_stopped": self._stop_bot,
            "bot_frozen": self._freeze_bot,
            "socket_mode": self._use_sockets,
        }

    @property
    def positions(self) -> dict[str, bool]:
        """Whether each lever is on."""
        slack, anchor, bot = self._stage.slack, self._stage.anchor, self._stage.bot
        return {
            "anchor_slow": isinstance(anchor.fault, Slow),
            "anchor_down": not anchor.is_up,
            "key_revoked": not any(anchor.accepts(key) for key in self._stage.keys),
            "bot_stopped": bot.state in {BotState.STOPPED, BotState.STOPPING},
            "bot_frozen": bot.state is BotState.FROZEN,
            "socket_mode": slack.socket_mode,
        }

    async def pull(self, name: str, *, on: bool) -> None:
        """Put a lever on or off. Raises KeyError for one there is not, and BotFailedError."""
        pull = self._pulls[name]
        async with self._one_at_a_time:
            await pull(on=on)

    async def _slow_anchor(self, *, on: bool) -> None:
        self._stage.anchor.fault = Slow(_SLOW) if on else None

    async def _stop_anchor(self, *, on: bool) -> None:
        if on:
            await self._stage.anchor.stop()
        elif not self._stage.anchor.is_up:
            await self._stage.anchor.start()

    async def _revoke_key(self, *, on: bool) -> None:
        anchor = self._stage.anchor
        for key in self._stage.keys:
            (anchor.revoke if on else anchor.add_key)(key)

    async def _stop_bot(self, *, on: bool) -> None:
        await self._stage.bot.stop()
        if not on:
            await self._stage.start_bot()

    async def _freeze_bot(self, *, on: bool) -> None:
        (self._stage.bot.freeze if on else self._stage.bot.thaw)()

    async def _use_sockets(self, *, on: bool) -> None:
        """Change Slack's setting, and restart the bot if it ran."""
        ran = self._stage.bot.state is not BotState.STOPPED
        await self._stage.bot.stop()
        self._stage.slack.socket_mode = on
        if ran:
            await self._stage.start_bot()
