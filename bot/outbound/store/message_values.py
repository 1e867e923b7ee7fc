"""The parts of messages as rows: the kinds of content, and facts of sessions, in JSON."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any, TypeVar

from bot.core import cards
from bot.core.fields import known_fields
from bot.core.requests import Verb
from bot.core.session_ids import SessionId
from bot.core.sessions import Phase, Session, state_at_anchor
from bot.outbound.store.connections import Row, storable

_T = TypeVar("_T")

ALERT, REPLY, RESULT, HELD, BATCH = "alert", "reply", "result", "held", "batch"
"""The kinds of parts."""
_KINDS = {cards.ResultContent: RESULT, cards.HeldContent: HELD, cards.BatchContent: BATCH}

UNREADABLE = (ValueError, TypeError, LookupError, AttributeError)
"""The exceptions of a row that cannot be decoded: a newer version of the bot can have written it."""


def write_content(content: cards.CardContent) -> str:
    """Return the content as JSON, without what a database refuses."""
    return storable(json.dumps(asdict(content))) or ""


def readable(rows: Iterable[Row], read: Callable[[Row], _T]) -> Iterator[tuple[Row, _T]]:
    """Yield the rows that can be decoded, each with what is read."""
    for row in rows:
        with suppress(*UNREADABLE):
            yield row, read(row)


def read_content(kind: str, text: str) -> cards.CardContent:
    """Decode a content. Raises one of UNREADABLE."""
    fields = json.loads(text)
    if kind == BATCH:
        return cards.BatchContent(**known_fields(cards.BatchContent, fields | {"verb": Verb(fields["verb"])}))
    if kind == RESULT:
        return cards.ResultContent(**known_fields(cards.ResultContent, fields | {"blocks": tuple(fields["blocks"])}))
    if kind == HELD:
        return cards.HeldContent(**known_fields(cards.HeldContent, fields))
    if kind not in {ALERT, REPLY}:
        raise ValueError(f"unknown kind {kind}")
    reply = cards.Reply(**known_fields(cards.Reply, fields["reply"])) if fields.get("reply") else None
    read = {"alert": _read_alert(fields["alert"]), "firing": tuple(cards.Firing(*one) for one in fields["firing"])}
    return cards.AlertContent(**known_fields(cards.AlertContent, fields | read | {"reply": reply}))


def _read_alert(fields: dict[str, Any]) -> cards.Alert:
    read = {
        "session_id": SessionId(fields["session_id"]),
        "severity": cards.Severity(fields["severity"]),
        "fields": tuple((name, value) for name, value in fields["fields"]),
        "warnings": tuple(fields["warnings"]),
    }
    return cards.Alert(**known_fields(cards.Alert, fields | read))


def write_facts(session: Session | None) -> str | None:
    """Return what is known of a session as JSON, without its id."""
    return None if session is None else json.dumps(session.stated())


def read_facts(session_id: str, text: str | None) -> Session | None:
    """Decode what is known of a session. Raises one of UNREADABLE."""
    if text is None:
        return None
    fields: dict[str, Any] = json.loads(text)
    lists = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
    return Session(id=SessionId(session_id), **known_fields(Session, fields | lists))


def part_values(part: cards.Part, card: cards.Card) -> dict[str, Any]:
    """Return the columns of a new part of a card."""
    is_reply = isinstance(part.content, cards.AlertContent) and part.content.reply
    return {
        "id": part.id,
        "message_id": card.id,
        "team_id": card.team_id,
        "channel_id": card.channel_id,
        "session_id": part.session_id,
        "kind": REPLY if is_reply else _KINDS.get(type(part.content), ALERT),
        "content": write_content(part.content),
        "facts": write_facts(part.facts),
        "ts": card.ts,
    }


def read_part(row: Row, message_changed_at: float) -> cards.Part:
    """Return the part of a row. Raises one of UNREADABLE."""
    session_id = SessionId(row.session_id)
    content, facts = read_content(row.kind, row.content), read_facts(session_id, row.facts)
    seen = state_at_anchor(Phase(row.missing), row.checked_at) if row.missing else None
    if row.ended_at is not None:
        seen = state_at_anchor(Phase.ENDED, row.ended_at, status=row.ended_status)
    return cards.Part(row.id, session_id, content, facts, seen, is_news=row.changed_at >= message_changed_at)


def read_card(row: Row, parts: Sequence[Row], now: float) -> cards.Card:
    """Return the card of the row of a message, and of those of its parts. Raises one of UNREADABLE."""
    same = {name: getattr(row, name) for name in ("id", "team_id", "channel_id", "ts", "shown", "version", "more")}
    read = tuple(read_part(part, row.changed_at) for part in parts)
    mentions, sender = row.mentioned_at is not None, row.sender or ""
    return cards.Card(**same, parts=read, mentions=mentions, age=now - row.created_at, sender=sender)
