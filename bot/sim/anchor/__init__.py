"""A simulated Anchor: `async with SimAnchor() as anchor` serves its API at `anchor.url`."""

from bot.sim.anchor.fault_presets import (
    forbidden,
    html,
    rate_limited,
    server_error,
    unauthorized,
)
from bot.sim.anchor.received import Received
from bot.sim.anchor.session import Session, SessionState
from bot.sim.anchor.sessions import DEFAULT_KEY, Unknowns
from bot.sim.anchor.simulator import SimAnchor
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
    "Session",
    "SessionState",
    "SimAnchor",
    "Slow",
    "Unknowns",
    "forbidden",
    "html",
    "rate_limited",
    "server_error",
    "unauthorized",
]
