"""Rows of the journal of orders."""

import secrets
import time

from bot.core.outcomes import Outcome
from bot.core.recovery import State
from bot.core.requests import Actor, Order, ReplyAddress, Verb
from bot.core.secret import Secret
from bot.core.session_id import SessionId
from bot.outbound.store.order_row import OrderRow
from harness.texts import SESSION

RESPONSE_URL = "https://hooks.slack.com/commands/T0HOME00001/1/secret"


def order_row(
    verb: Verb = Verb.PAUSE,
    state: State = State.SENT,
    outcome: Outcome | None = None,
    *,
    team: str = "T0HOME00001",
    session: str = SESSION,
    trigger: str | None = None,
    user: str = "U0ALICE0001",
    age: float = 0.0,
) -> OrderRow:
    """Return the row of a command, Alice's by default, given `age` seconds ago."""
    actor = Actor(team, "C0ALERTS001", user, team)
    given_at = time.monotonic() - age
    return OrderRow(
        id=secrets.token_hex(10),
        order=Order(verb, SessionId(session), actor, "it loops", trigger),
        address=ReplyAddress(actor, Secret(RESPONSE_URL)),
        state=state,
        outcome=outcome,
        delivered_by=None,
        given_at=given_at,
        settled_at=given_at if outcome else None,
        told_at=None,
    )
