"""The list of sessions: filters, pages and limits, as the simulated Anchor understands them."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from bot.sim.anchor.session import Session

_LIMITS = (10, 20, 50)
FILTERS: Mapping[str, Callable[[Session, str], bool]] = {
    "status": lambda session, wanted: session.status == wanted,
    "search": lambda session, wanted: _has_all(wanted, lambda word: any(word in tag.lower() for tag in session.tags)),
    "tags": lambda session, wanted: _has_all(wanted, lambda tag: tag in map(str.lower, session.tags)),
    "domains": lambda session, wanted: _has_all(wanted, lambda host: host in session.domains),
    "created_from": lambda session, wanted: session.began_at >= _time(wanted),
    "created_to": lambda session, wanted: session.began_at <= _time(wanted),
    "batch_id": lambda session, wanted: session.batch_id == wanted,
    "profile_name": lambda session, wanted: session.profile_name == wanted,
    "task_initiated": lambda session, wanted: session.is_task is {"true": True, "false": False}[wanted],
}
_SORTED_BY: Mapping[str, Callable[[Session], object]] = {
    "created_at": lambda session: session.began_at,
    "steps": lambda session: session.steps or 0,
}
_ORDERS = {"asc": False, "desc": True}
PARAMETERS = frozenset({"page", "limit", "sort_by", "sort_order", *FILTERS})


class QueryError(Exception):
    """A query that the API does not understand."""


def page_of(sessions: Iterable[Session], query: Mapping[str, str]) -> dict[str, object]:
    """Return a page of the sessions that the query chooses, in Anchor's shape. Raises QueryError."""
    try:
        page, limit = int(query.get("page", "1")), int(query.get("limit", "10"))
        sort_key, is_falling = _SORTED_BY[query.get("sort_by", "created_at")], _ORDERS[query.get("sort_order", "desc")]
        chosen = [one for one in sessions if all(FILTERS[name](one, query[name]) for name in FILTERS if name in query)]
    except (ValueError, KeyError) as error:
        raise QueryError(f"not understood: {error}") from None
    if page < 1 or limit not in _LIMITS:
        raise QueryError(f"page {page}, limit {limit}")
    chosen.sort(key=sort_key, reverse=is_falling)  # type: ignore[arg-type]
    shown = [session.listed() for session in chosen[(page - 1) * limit : page * limit]]
    pages = -(-len(chosen) // limit)
    return {"total": len(chosen), "page": page, "total_pages": pages, "sessions": shown}


def _has_all(wanted: str, has: Callable[[str], bool]) -> bool:
    return all(has(word.strip().lower()) for word in wanted.split(","))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
