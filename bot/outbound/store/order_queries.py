"""The query of unfinished orders, and of what else was ordered for their sessions."""

from collections.abc import Sequence
from typing import Any, get_args

from sqlalchemy import Select, exists, or_, select

from bot.core.outcomes import Refusal, Superseded
from bot.core.recovery import State
from bot.core.requests import Verb
from bot.outbound.store.schema import orders

_c = orders.c
_NOT_SENT = [refusal.__name__ for refusal in (*get_args(Refusal), Superseded)]


def unfinished_orders(ids: Sequence[str]) -> Select[Any]:
    """Return the query of rows with these ids, and of what else was ordered for their sessions."""
    other = orders.alias()
    same = (other.c.team_id == _c.team_id, other.c.session_id == _c.session_id, other.c.id != _c.id)
    is_sent = (other.c.state != State.WAITING, or_(other.c.outcome.is_(None), other.c.outcome.not_in(_NOT_SENT)))
    is_opposed = exists().where(*same, *is_sent, other.c.verb != _c.verb, other.c.given_at > _c.given_at)
    still_sent = or_(other.c.settled_at.is_(None), other.c.settled_at >= _c.given_at)
    has_company = exists().where(*same, *is_sent, other.c.verb == Verb.RESUME, still_sent)
    facts = (is_opposed.label("is_opposed"), has_company.label("has_company"))
    return select(orders, *facts).where(_c.id.in_(ids)).order_by(_c.given_at, _c.id)
