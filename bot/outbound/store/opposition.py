"""Find the other orders for the sessions of rows, and lock these sessions, so that no process misses another's."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import get_args

from bot.core.outcomes import Broken, Doubt, Ended, Paused, Refusal, Resumed, Superseded, Unconfirmed
from bot.core.requests import (
    NO_OPPOSITION,
    REPEATED,
    UNCONFIRMED_TTL,
    EarlierPause,
    Ending,
    Opposition,
    Order,
    Verb,
)
from bot.outbound.store.connections import Row, Statement, listed
from bot.outbound.store.database import DatabaseClock, locks_of

NOT_SENT = [refusal.__name__ for refusal in (*get_args(Refusal), Superseded)]
_RECENT = 900.0  # seconds; an older order has no effect any more, and a session can have thousands of them
CLOCK_ERROR = 0.5
"""Seconds by which two processes can disagree about the database's time."""

OTHER_ORDERS = f"""
    SELECT own.id, own.state, own.given_at,
      max(CASE WHEN other.verb <> own.verb AND other.state = 'sent'
        AND (other.owner <> :owner OR other.given_at > own.given_at) THEN 1 ELSE 0 END) AS running,
      max(CASE WHEN other.verb <> own.verb AND other.settled_at IS NOT NULL AND other.given_at <= :latest
        THEN other.given_at END) AS last_given_at,
      max(CASE WHEN other.verb <> own.verb AND other.owner <> :owner THEN other.settled_at END) AS last_settled_at,
      max(CASE WHEN other.verb <> own.verb AND other.outcome IN ('{Unconfirmed.__name__}', '{Broken.__name__}')
        AND other.outcome_fields NOT LIKE '{{"why": "{Doubt.RACED}"%' THEN other.settled_at END) AS in_doubt_at,
      max(CASE WHEN other.verb = own.verb THEN CAST(other.given_at AS TEXT) || ' ' || other.user_id END) AS paused
    FROM orders AS own JOIN orders AS other
      ON other.team_id = own.team_id AND other.session_id = own.session_id
      AND other.given_at > :since + 0 * own.given_at -- so that no plan reads all recent orders
    WHERE own.id IN (SELECT value FROM json_each(:ids)) AND NOT (own.verb = 'resume' AND own.state = 'sent')
      AND other.verb <> 'end' AND (other.verb <> own.verb
        OR own.verb = 'pause' AND other.outcome = '{Paused.__name__}' AND other.given_at < own.given_at
          AND (other.user_id <> own.user_id OR other.given_at < own.given_at - {REPEATED}))
      AND other.state <> 'waiting' AND (other.outcome IS NULL OR other.outcome NOT IN ('{"', '".join(NOT_SENT)}'))
    GROUP BY own.id, own.state, own.given_at
"""
"""The opposite orders that can have been sent, and for a pause the last one before it, as "time person".

Those of the same owner are in sequence by its own `SessionSequencer`, unless they were given later. A resume that is
recorded as sent has no opposition: the pauses wait for it. An order later than `latest` was given before a step of the
clock, so before all others.
"""

ENDINGS = f"""
    SELECT own.id, other.user_id, other.given_at, other.outcome FROM orders AS own JOIN orders AS other
      ON other.team_id = own.team_id AND other.session_id = own.session_id AND other.verb = 'end'
    WHERE own.id IN (SELECT value FROM json_each(:ids))
      AND (other.outcome = '{Ended.__name__}' OR (other.outcome IS NULL AND other.state = 'sent'))
    ORDER BY other.outcome IS NULL DESC, other.given_at
"""
"""The ends of sessions that speak against a resume, the last one counts: a confirmed one, or one that is at Anchor."""

LATER_RESUME = f"""
    SELECT other.user_id FROM orders AS own JOIN orders AS other
      ON other.team_id = own.team_id AND other.session_id = own.session_id
      AND (other.given_at <= :latest, other.given_at) > (own.given_at <= :latest, own.given_at)
    WHERE own.id = :id AND other.verb = 'resume'
      AND (other.state = 'sent' OR other.outcome IN ('{Resumed.__name__}', '{Unconfirmed.__name__}'))
    ORDER BY other.given_at <= :latest DESC, other.given_at DESC LIMIT 1
"""
"""The person of the last resume that had or can have an effect after a pause was given."""

_VERSION_AT = """CASE WHEN own.id IS NULL THEN :made_at
        WHEN :is_drill = 1 THEN own.given_at - 5
        WHEN own.verb = 'pause' AND other.verb = 'pause' AND own.user_id = other.user_id
          AND own.batch_id IS NULL THEN coalesce(own.settled_at, own.given_at)
        ELSE own.given_at END"""
CHANGE_SINCE = f"""
    SELECT other.id, other.verb, other.user_id, other.channel_id, other.reason, other.given_at, other.outcome
    FROM orders AS other LEFT JOIN orders AS own ON own.id = :version
    WHERE other.team_id = :team_id AND other.session_id = :session_id AND other.id <> :version
      AND (other.outcome = '{Resumed.__name__}' OR (other.verb = 'pause' AND (other.outcome IS NULL
        OR other.outcome IN ('{Paused.__name__}', '{Unconfirmed.__name__}', '{Broken.__name__}')))
        OR (:is_drill = 1 AND other.source <> 'drill' AND other.outcome IS NULL))
      AND (other.given_at <= :latest, other.given_at) > ({_VERSION_AT} <= :latest, {_VERSION_AT})
    ORDER BY other.given_at <= :latest DESC, other.given_at DESC LIMIT 1
"""
"""The last order after another one that paused or resumed the session, or can pause it. The same person's pauses count
from the end of the first one: a double click is one pause. That is not so for one of a batch, which waits for its turn.
For a drill all orders count, also those that are not sent yet, of one user, since several people can be that, and of
the last moment before it, which its look at the session can have missed. `made_at` is for an order that is not stored
any more.
"""


def opposition_values(owner: str, given_at: Mapping[str, float], clock: DatabaseClock) -> dict[str, object]:
    """Return the parameters of OTHER_ORDERS; `given_at` has the monotonic times of the orders by their ids."""
    since, latest = clock.earliest(time.monotonic() - _RECENT), clock.latest(min(given_at.values()))
    return {"owner": owner, "ids": listed(given_at), "since": since, "latest": latest}


def read_opposition(
    rows: Iterable[Row], given_at: Mapping[str, float], clock: DatabaseClock
) -> Mapping[str, Opposition]:
    """Return the result of OTHER_ORDERS by id, without the rows whose sessions have no other orders."""
    doubted_since = clock.earliest(time.monotonic() - UNCONFIRMED_TTL)
    opposition = {}
    for row in rows:
        began = min(row.given_at, clock.earliest(given_at[row.id]))
        opposition[row.id] = Opposition(
            is_running=bool(row.running),
            is_later=(row.last_given_at or 0.0) > began,
            has_crossed=(row.last_settled_at or 0.0) > began - CLOCK_ERROR,
            is_in_doubt=(row.in_doubt_at or 0.0) > doubted_since,
            earlier_pause=_earlier_pause(row),
        )
    return opposition


def with_endings(opposition: Mapping[str, Opposition], rows: Iterable[Row]) -> dict[str, Opposition]:
    """Return the opposition by id with the result of ENDINGS."""
    endings = {row.id: Ending(row.user_id, row.given_at, row.outcome is not None) for row in rows}
    found = {name: replace(opposition.get(name, NO_OPPOSITION), ending=ending) for name, ending in endings.items()}
    return {**opposition, **found}


def with_changes(opposition: Mapping[str, Opposition], changes: Mapping[str, Statement]) -> dict[str, Opposition]:
    """Return the opposition by id with the results of CHANGE_SINCE: a pause that has ended."""
    last = [(name, row) for name, asked in changes.items() for row in asked.fetch_all()]
    unknown = [name for name, row in last if row.verb == Verb.PAUSE and row.outcome is not None]
    found = {name: replace(opposition.get(name, NO_OPPOSITION), is_unknown=True) for name in unknown}
    return {**opposition, **found}


def _earlier_pause(row: Row) -> EarlierPause | None:
    """Return the last pause before a pause, unless a resume followed it or is running."""
    if not row.paused or row.running:
        return None
    given_at, user_id = row.paused.split(" ", 1)
    pause = EarlierPause(user_id, float(given_at))
    return pause if pause.given_at > (row.last_given_at or 0.0) else None


def session_locks(orders: Iterable[Order]) -> list[int]:
    """Return the numbers of the sessions of these orders, sorted."""
    return locks_of(f"{order.actor.team_id} {order.session_id}" for order in orders)
