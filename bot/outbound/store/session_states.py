"""Read the states of sessions from the journal. Every method can raise StoreUnreachableError."""

from collections.abc import Collection

from sqlalchemy import Row, bindparam, text

from bot.core.outcomes import Paused, Resumed, Unconfirmed
from bot.core.requests import Verb
from bot.core.sessions import PHASES, Phase, SessionState
from bot.outbound.store.database import Database
from bot.outbound.store.parameter_lists import padded

_EFFECTIVE = "', '".join(PHASES)
_LAST = text(
    f"""
    SELECT session_id, id, verb, outcome, user_id, channel_id, reason, given_at, settled_at FROM (
      SELECT orders.*, row_number() OVER (PARTITION BY session_id ORDER BY given_at DESC, id DESC) AS place
      FROM orders
      WHERE team_id = :team_id AND session_id IN :session_ids
        AND (outcome IN ('{_EFFECTIVE}') OR (outcome IS NULL AND verb = 'pause' AND state = 'sent'))
    ) AS effective WHERE place = 1
    """  # noqa: S608 - names of types
).bindparams(bindparam("session_ids", expanding=True))
"""The last order of each session that changed it, or that is a pause without an outcome."""

_SAYING_PAUSED = text(
    f"""
    SELECT DISTINCT pauses.channel_id
    FROM orders AS pauses
    WHERE pauses.team_id = :team_id AND pauses.session_id = :session_id AND pauses.verb = 'pause'
      AND pauses.outcome IN ('{Paused.__name__}', '{Unconfirmed.__name__}')
      AND pauses.delivered_by IN ('ack', 'response_url', 'response_url without thread') AND pauses.id < :order_id
      AND pauses.given_at > coalesce((SELECT max(given_at) FROM orders
        WHERE team_id = :team_id AND session_id = :session_id AND outcome = '{Resumed.__name__}' AND id < :order_id), 0)
    """  # noqa: S608 - names of types
)
"""The channels in which a result that cannot be edited says, since the resume before this one, that it is paused."""


class SessionStates:
    """Repository of the states of sessions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, team_id: str, session_ids: Collection[str]) -> dict[str, SessionState]:
        """Return the states of sessions by their ids, without those that nobody has changed."""
        rows = await self._database.fetch_all(_LAST, team_id=team_id, session_ids=padded(session_ids))
        return {row.session_id: _read(row) for row in rows}

    async def channels_saying_paused(self, team_id: str, session_id: str, order_id: str) -> frozenset[str]:
        """Return the channels with a result that a resume, `order_id`, has made wrong, and that cannot be edited."""
        values = {"team_id": team_id, "session_id": session_id, "order_id": order_id}
        return frozenset(row.channel_id for row in await self._database.fetch_all(_SAYING_PAUSED, **values))


def _read(row: Row[tuple[object, ...]]) -> SessionState:
    return SessionState(
        phase=Phase.PAUSING if row.outcome is None else PHASES[row.outcome],
        verb=Verb(row.verb),
        order_id=row.id,
        user_id=row.user_id,
        channel_id=row.channel_id,
        reason=row.reason,
        at=row.given_at if row.settled_at is None else row.settled_at,
    )
