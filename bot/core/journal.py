"""Past orders as the journal has them."""

from dataclasses import dataclass

from bot.core.outcomes import Outcome
from bot.core.session_ids import SessionId

CHANGE = "set"  # the verb of a change of settings, beside those of orders


@dataclass(frozen=True, slots=True, kw_only=True)
class PastOrder:
    """An order in the journal. Times are Unix seconds; texts are as they are stored: people and Anchor wrote some.

    `outcome` is the name of a type in `core.outcomes`, perhaps of another version of the bot; `outcome_fields` is JSON.
    """

    id: str
    team_id: str
    session_id: str
    verb: str
    reason: str
    source: str
    user_id: str
    home_team_id: str
    channel_id: str
    thread_ts: str | None
    state: str
    outcome: str | None
    outcome_fields: str | None
    delivered_by: str | None
    given_at: float
    settled_at: float | None
    told_at: float | None
    batch_id: str | None = None


@dataclass(frozen=True, slots=True)
class BatchedOrder:
    """An order of a batch, and its outcome, if it has one."""

    id: str
    session_id: SessionId
    outcome: Outcome | None
