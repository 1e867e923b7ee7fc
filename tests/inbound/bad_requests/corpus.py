"""All bad requests."""

from inbound.bad_requests import bodies, commands, events, interactions, lures, signatures, slow, strangers, wire

CASES = (
    *signatures.CASES,
    *bodies.CASES,
    *commands.CASES,
    *interactions.CASES,
    *events.CASES,
    *strangers.CASES,
    *lures.CASES,
)
NOISES = wire.CASES
SLOW = slow.CASES
