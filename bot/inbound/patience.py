"""How long an ack waits for what it could carry."""

import asyncio
import time
from typing import Any

PATIENCE = 2.0
"""Seconds since receipt that an ack waits for the outcome. Slack waits 3 for it, and the network wants its share."""

_TOO_LATE_TO_CARRY_IT = 2.5  # an ack this late may go unheard, and the outcome with it


async def ends_in_time(work: asyncio.Task[Any], received_at: float, patience: float) -> bool:
    """Wait for `work`, and say whether the ack of what was received at that moment (monotonic) may carry its result."""
    await asyncio.wait({work}, timeout=max(0.0, received_at + patience - time.monotonic()))
    return work.done() and time.monotonic() < received_at + _TOO_LATE_TO_CARRY_IT
