"""The statements of the rows of cards. A frequent query is a constant: building it costs more than executing it."""

from sqlalchemy import Double, bindparam, case, func, or_, select, tuple_, update

from bot.core.retries import UNTRUE
from bot.outbound.store.card_codec import ALERT
from bot.outbound.store.schema import cards

_URGENCY = 60.0  # seconds by which a clicked message goes before others
_MOST_LOOKED_AT = 500  # rows; those that have to wait are not looked at again before

_c = cards.c
IS_OPEN = _c.closed_at.is_(None)
"""The bot keeps the message up to date."""
IS_LIVE = (IS_OPEN, _c.ended_at.is_(None))
"""Its session has not ended, either, as far as the bot knows."""
_IS_OF_SESSIONS = tuple_(_c.team_id, _c.session_id).in_(bindparam("sessions", expanding=True))

OPEN_ALERTS = select(cards).where(_IS_OF_SESSIONS, IS_OPEN, _c.kind == ALERT).order_by(_c.id)
_UNTRUE_FROM = bindparam("now", type_=Double) + UNTRUE
NEXT = select(func.min(case((_c.not_before > _UNTRUE_FROM, 0.0), else_=_c.not_before))).where(_c.due.is_not(None))
LOOK = select(
    select(_c.id).where(_IS_OF_SESSIONS, IS_OPEN).exists().label("is_affected"),
    NEXT.scalar_subquery().label("next_at"),
)
"""One read for both: each order asks this."""
DUE = (
    select(cards)
    .where(_c.due.is_not(None), or_(_c.not_before <= bindparam("now"), _c.not_before > _UNTRUE_FROM))
    .order_by(_c.due, _c.id)
    .limit(_MOST_LOOKED_AT)
)
LATE = (
    select(cards)
    .where(
        _c.team_id == bindparam("team_id"),
        _c.channel_id == bindparam("channel_id"),
        _c.ts.is_(None),
        _c.due.is_not(None),
        _c.created_at <= bindparam("until"),
    )
    .order_by(_c.due, _c.id)
    .limit(_MOST_LOOKED_AT)
)
OF_MESSAGES = (
    select(cards)
    .where(tuple_(_c.team_id, _c.channel_id, _c.ts).in_(bindparam("names", expanding=True)), IS_OPEN)
    .order_by(_c.id)
)
RECENT_ALERTS = select(_c.id, _c.ts).where(
    _c.team_id == bindparam("team_id"),
    _c.channel_id == bindparam("channel_id"),
    _c.kind == ALERT,
    _c.created_at > bindparam("since"),
    IS_OPEN,
)

_NEWER = {"version": _c.version + 1, "changed_at": bindparam("now")}
MARK = (
    update(cards)
    .where(_IS_OF_SESSIONS, IS_OPEN)
    .values(
        _NEWER
        | {
            "due": case(
                (_c.ts.in_(bindparam("clicked", expanding=True)), bindparam("now") - _URGENCY),
                else_=func.coalesce(_c.due, bindparam("now")),
            )
        }
    )
    .returning(_c.team_id, _c.session_id, _c.channel_id, _c.ts)
)
FOLD = (
    update(cards)
    .where(_c.id == bindparam("of_id"))
    .values(_NEWER | {"content": bindparam("of_content"), "due": func.coalesce(_c.due, bindparam("now"))})
)
JOIN = update(cards).where(_c.id.in_(bindparam("ids", expanding=True))).values(ts=bindparam("of_ts"))
POSTPONE = update(cards).where(_c.id == bindparam("of_id")).values(not_before=bindparam("until"))
