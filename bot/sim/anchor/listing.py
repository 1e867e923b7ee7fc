"""The list of sessions, newest first: the filters, pages and limits that the product uses."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from bot.sim.anchor.session import Session

_LIMITS = (10, 20, 50)
FILTERS: Mapping[str, Callable[[Session, str], bool]] = {
    "status": lambda session, wanted: session.status == wanted,
    "created_from": lambda session, wanted: session.began_at >= datetime.fromisoformat(wanted),
}
_ORDER = {"sort_by": "created_at", "sort_order": "desc"}
PARAMETERS = frozenset({"page", "limit", *_ORDER, *FILTERS})


class QueryError(Exception):
    """A query that the API does not understand."""


def page_of(sessions: Iterable[Session], query: Mapping[str, str]) -> dict[str, object]:
    """Return a page of the sessions that the query chooses, in Anchor's shape. Raises QueryError."""
    try:
        page, limit = int(query.get("page", "1")), int(query.get("limit", "10"))
        chosen = [one for one in sessions if all(FILTERS[name](one, query[name]) for name in FILTERS if name in query)]
    except ValueError as error:
        raise QueryError(f"not understood: {error}") from None
    if page < 1 or limit not in _LIMITS or any(query.get(name, value) != value for name, value in _ORDER.items()):
        raise QueryError(f"not understood: {dict(query)}")
    chosen.sort(key=lambda session: session.began_at, reverse=True)
    shown = [session.listed() for session in chosen[(page - 1) * limit : page * limit]]
    pages = -(-len(chosen) // limit)
    return {"total": len(chosen), "page": page, "total_pages": pages, "sessions": shown}
