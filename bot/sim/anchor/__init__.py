"""A simulated Anchor: `async with SimAnchor() as anchor` serves its API at `anchor.url`."""

from bot.sim.anchor.session import DEFAULT_KEY, SessionState
from bot.sim.anchor.simulator import (
    Received,
    SimAnchor,
    forbidden,
    html,
    rate_limited,
    server_error,
    unauthorized,
)
from bot.sim.faults import Answer, Drip, Fault, Hang, HugeBody, ResetAfterReading, ResetBeforeReading, Slow

__all__ = [
    "DEFAULT_KEY",
    "Answer",
    "Drip",
    "Fault",
    "Hang",
    "HugeBody",
    "Received",
    "ResetAfterReading",
    "ResetBeforeReading",
    "SessionState",
    "SimAnchor",
    "Slow",
    "forbidden",
    "html",
    "rate_limited",
    "server_error",
    "unauthorized",
]
