"""The statements of the journal's rows."""

from collections.abc import Sequence
from typing import Any, get_args

from sqlalchemy import Select, bindparam, case, exists, or_, select, text, update

from bot.core.outcomes import Refusal, Superseded
from bot.core.recovery import State
from bot.core.requests import Verb
from bot.outbound.store.schema import orders

_c = orders.c
NOT_SENT = [refusal.__name__ for refusal in (*get_args(Refusal), Superseded)]
_NAMES = orders.c.keys()
INSERT_ORDERS = text(  # SQLAlchemy would compile ON CONFLICT each time
    f"INSERT INTO orders ({', '.join(_NAMES)}) VALUES (:{', :'.join(_NAMES)}) ON CONFLICT DO NOTHING"  # noqa: S608 - names of columns
)
UPDATE_ORDERS = (
    update(orders)
    .where(_c.id == bindparam("of_id"), _c.owner == bindparam("of_owner"))
    .values(
        {
            name: bindparam(name)
            for name in ("state", "outcome", "outcome_fields", "delivered_by", "settled_at", "told_at", "leased_until")
        }
        | {"reply": case((bindparam("state") == State.TOLD.value, None), else_=_c.reply)}
    )
)


def unfinished_orders(ids: Sequence[str]) -> Select[Any]:
    """Return the query of rows with these ids, and of what else was ordered for their sessions."""
    other = orders.alias()
    same = (other.c.team_id == _c.team_id, other.c.session_id == _c.session_id, other.c.id != _c.id)
    is_sent = (other.c.state != State.WAITING, or_(other.c.outcome.is_(None), other.c.outcome.not_in(NOT_SENT)))
    is_opposed = exists().where(*same, *is_sent, other.c.verb != _c.verb, other.c.given_at > _c.given_at)
    still_sent = or_(other.c.settled_at.is_(None), other.c.settled_at >= _c.given_at)
    has_company = exists().where(*same, *is_sent, other.c.verb == Verb.RESUME, still_sent)
    facts = (is_opposed.label("is_opposed"), has_company.label("has_company"))
    return select(orders, *facts).where(_c.id.in_(ids)).order_by(_c.given_at, _c.id)
