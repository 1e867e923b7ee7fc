"""Read the states of sessions by their orders, such as what is paused now. Can raise StoreUnreachableError."""

from collections.abc import Collection
from dataclasses import dataclass

from bot.core import outcomes
from bot.core.cards import SessionName
from bot.core.journal import BatchedOrder
from bot.core.orders import Source, State, Verb
from bot.core.session_ids import SessionId
from bot.core.sessions import PHASES, Phase, SessionState
from bot.outbound.store.connections import Connection, Row, listed
from bot.outbound.store.database import Database
from bot.outbound.store.errors import or_default
from bot.outbound.store.running_orders import read_outcome

MOST_OTHERS = 200  # sessions whose pauses are read beside those of a list
PAUSED_WITHIN = 86_400.0  # seconds since the pauses of those; few sessions live longer

_EFFECTIVE = "', '".join(PHASES)
_IN_WORK = f"OR (verb = '{Verb.PAUSE}' AND state = '{State.SENT}')"
_OF_NO_EFFECT = [name for name, phase in PHASES.items() if phase not in {Phase.PAUSED, Phase.RESUMED, Phase.ENDED}]
_LAST = f"""
    SELECT team_id, session_id, id, verb, outcome, user_id, channel_id, reason, given_at, settled_at, newest_id FROM (
      SELECT placed.*, max(id) OVER (PARTITION BY team_id, session_id) AS newest_id, row_number() OVER (
        PARTITION BY team_id, session_id ORDER BY outcome IS NULL DESC, place DESC, seq DESC) AS number
      FROM (
        SELECT orders.*, coalesce(effect, max(effect) OVER (PARTITION BY team_id, session_id ORDER BY seq), 0) AS place
        FROM orders
        WHERE (team_id, session_id) IN (
            SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:sessions))
          AND (outcome IN ('{_EFFECTIVE}') {_IN_WORK})
          AND NOT (verb = '{Verb.END}' AND outcome IN ('{outcomes.Unconfirmed.__name__}', '{outcomes.Broken.__name__}'))
          AND NOT (outcome IN ('{"', '".join(_OF_NO_EFFECT)}') AND EXISTS (
            SELECT 1 FROM orders AS ends WHERE ends.team_id = orders.team_id AND ends.session_id = orders.session_id
              AND ends.outcome = '{outcomes.Ended.__name__}'
            UNION ALL SELECT 1 FROM parts AS ends WHERE ends.team_id = orders.team_id
              AND ends.session_id = orders.session_id AND ends.ended_at IS NOT NULL))
      ) AS placed
    ) AS numbered WHERE number = 1
"""
"""The order of each session that took effect last, or that is a pause at Anchor.

One that found no such session, or none that runs, has no `effect`: it comes after those that were recorded before it.
An end in doubt leaves a session as it was, and so does what Anchor did not confirm if somebody has ended it.
"""
_LAST_ENDED = _LAST.replace(_IN_WORK, "")  # of the orders with an outcome
_PAUSED_SINCE = f"""
    SELECT session_id FROM orders
    WHERE team_id = :team_id AND given_at >= :since AND outcome = '{outcomes.Paused.__name__}'
    GROUP BY session_id ORDER BY max(given_at) DESC LIMIT {MOST_OTHERS}
"""
_REFUSALS_OF_ALERTS = f"""
    SELECT session_id, id, outcome, outcome_fields FROM (
      SELECT orders.*, row_number() OVER (PARTITION BY session_id ORDER BY given_at DESC, id DESC) AS place FROM orders
      WHERE team_id = :team_id AND session_id IN (SELECT value FROM json_each(:sessions)) AND source = '{Source.ALERT}'
    ) AS last WHERE place = 1 AND outcome IS NOT NULL
"""
_OF_BATCH = """
    SELECT id, session_id, outcome, outcome_fields FROM orders
    WHERE batch_id = :batch_id AND team_id = :team_id ORDER BY id
"""


@dataclass(eq=False, repr=False)
class SessionStates:
    """Repository of the states of sessions."""

    database: Database
    timeout: float = 0.3  # seconds for which a list waits to know what is paused

    async def of(self, team_id: str, session_ids: Collection[str]) -> dict[str, SessionState]:
        """Return the states of sessions by their ids, without those that nobody has changed."""
        rows = await self.database.fetch_all(_LAST, sessions=listed((team_id, one) for one in session_ids))
        return {row.session_id: _read(row) for row in rows}

    async def paused(
        self, team_id: str, session_ids: Collection[str], *, since: float | None = None
    ) -> dict[str, SessionState] | None:
        """Return the states of those sessions whose last order that has ended is a confirmed pause, however old, by id.

        The newest is first. `since` a time (Unix seconds) also others that were paused. Return None if the database
        gives no answer within `timeout`.
        """
        return await or_default(self._paused(team_id, session_ids, since), None, within=self.timeout)

    async def _paused(self, team_id: str, session_ids: Collection[str], since: float | None) -> dict[str, SessionState]:
        others = [] if since is None else await self.database.fetch_all(_PAUSED_SINCE, team_id=team_id, since=since)
        ids = dict.fromkeys([*session_ids, *(row.session_id for row in others)])
        rows = await self.database.fetch_all(_LAST_ENDED, sessions=listed((team_id, one) for one in ids))
        states = sorted(((_read(row), row.session_id) for row in rows), key=lambda one: -one[0].at)
        return {session_id: state for state, session_id in states if state.phase is Phase.PAUSED}

    async def of_batch(self, team_id: str, batch_id: str) -> list[BatchedOrder]:
        """Return the orders of a workspace's batch; an outcome of another version of the bot counts as Broken."""
        rows = await self.database.fetch_all(_OF_BATCH, team_id=team_id, batch_id=batch_id)
        known = [row.outcome and read_outcome(row.outcome, row.outcome_fields) for row in rows]
        return [BatchedOrder(row.id, SessionId(row.session_id), one) for row, one in zip(rows, known, strict=True)]

    async def refusals_of_alerts(
        self, team_id: str, session_ids: Collection[str]
    ) -> dict[str, tuple[str, outcomes.Outcome]]:
        """Return the order and the outcome of the last pause by an alert of each session, if it is known."""
        rows = await self.database.fetch_all(_REFUSALS_OF_ALERTS, team_id=team_id, sessions=listed(session_ids))
        return {row.session_id: (row.id, read_outcome(row.outcome, row.outcome_fields)) for row in rows}


def states_now(connection: Connection, sessions: Collection[SessionName]) -> dict[SessionName, SessionState]:
    """Return the states of sessions as a part of a transaction, without those that nobody has changed."""
    rows = connection.fetch_all(_LAST, sessions=listed(sessions)) if sessions else []
    return {(row.team_id, row.session_id): _read(row) for row in rows}


def _read(row: Row) -> SessionState:
    return SessionState(
        phase=Phase.PAUSING if row.outcome is None else PHASES[row.outcome],
        verb=Verb(row.verb),
        order_id=row.id,
        user_id=row.user_id,
        channel_id=row.channel_id,
        reason=row.reason,
        at=row.given_at if row.settled_at is None else row.settled_at,
        newest_id=row.newest_id,
    )
