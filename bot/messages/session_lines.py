"""One session on one line: its beginning, tags, hosts, who made it, steps, age and cost.

All names are code spans: people and programs choose them, and Slack would make links of host names.
"""

from collections.abc import Sequence
from dataclasses import replace

from bot.core.session import Life, Session
from bot.messages.markup import code, moment

_MOST_TAGS = 3
_MOST_HOSTS = 1
_LONGEST_NAME = 24
_LONGEST_HOST = 40
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def session_line(session: Session, *, now: float) -> str:
    """Return the line of a session in a list; `now` is in Unix seconds."""
    parts = (code(session.short_id), *_facts(session, now))
    return " · ".join(part for part in parts if part)


def session_facts(session: Session, *, now: float) -> str:
    """Return what is known of a session, for everybody in a channel; "" if that is nothing."""
    facts = [fact for fact in _facts(replace(session, key_name=""), now) if fact]
    if session.life is not Life.ENDED and session.ends_at is not None and session.ends_at > now:
        facts.append(f"ends at the latest {moment(session.ends_at)}")
    return " · ".join(facts)


def card_facts(session: Session, *, has_ended: bool) -> str:
    """Return what a card says of a session; "" if that is nothing. It has no age: a card stays as it is for long."""
    ends_at = None if has_ended else session.ends_at
    facts = [
        *_lasting_facts(session),
        "" if session.created_at is None else f"started {moment(session.created_at)}",
        "" if ends_at is None else f"ends at the latest {moment(ends_at)}",
    ]
    return " · ".join(fact for fact in facts if fact)


def _lasting_facts(session: Session) -> list[str]:
    hosts = _some(session.domains, most=_MOST_HOSTS, limit=_LONGEST_HOST)
    tags = _some(session.tags, most=_MOST_TAGS, limit=_LONGEST_NAME)
    return [tags, f"on {hosts}" if hosts else "", _maker(session)]


def _facts(session: Session, now: float) -> list[str]:
    is_stated = session.life is not Life.RUNNING and session.status
    return [
        *_lasting_facts(session),
        "" if session.steps is None else f"{session.steps} step{'' if session.steps == 1 else 's'}",
        "" if session.created_at is None else age(now - session.created_at),
        "" if session.credits is None else f"{session.credits:.4g} credits",
        f"status {code(session.status, limit=_LONGEST_NAME)}" if is_stated else "",
    ]


def _maker(session: Session) -> str:
    """Return who made the session, and whether a task of Anchor's or another program drives it."""
    by_key = f"by key {code(session.key_name, limit=_LONGEST_NAME)}" if session.key_name else ""
    driver = {True: "task", False: "external program", None: ""}[session.is_task]
    return f"{driver} {by_key}".strip()


def age(seconds: float) -> str:
    """Return an age in its two largest units."""
    if seconds < _MINUTE:
        return "under 1 min"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min"
    if seconds < _DAY:
        return f"{seconds // _HOUR:.0f} h {seconds % _HOUR // _MINUTE:.0f} min"
    return f"{seconds // _DAY:.0f} d {seconds % _DAY // _HOUR:.0f} h"


def _some(names: Sequence[str], *, most: int, limit: int) -> str:
    more = f" +{len(names) - most}" if len(names) > most else ""
    return ", ".join(code(name, limit=limit) for name in names[:most]) + more
