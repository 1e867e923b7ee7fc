"""Encode what a card is about, and decode it."""

import json
from dataclasses import asdict
from typing import Any

from bot.core.cards import Alert, AlertContent, CardContent, ResultContent, Severity
from bot.core.session_ids import SessionId
from bot.core.sessions import Session
from bot.outbound.store.order_row import storable

ALERT, RESULT = "alert", "result"
"""The kinds of cards."""


def kind_of(content: CardContent) -> str:
    """Return the kind of a card."""
    return ALERT if isinstance(content, AlertContent) else RESULT


def write_content(content: CardContent) -> str:
    """Return the content as JSON, without what a database refuses."""
    return storable(json.dumps(asdict(content))) or ""


def read_content(kind: str, text: str) -> CardContent:
    """Decode a content."""
    fields = json.loads(text)
    if kind == ALERT:
        return AlertContent(**fields | {"alert": _read_alert(fields["alert"]), "firing": tuple(fields["firing"])})
    return ResultContent(**fields | {"blocks": tuple(fields["blocks"])})


def write_facts(session: Session) -> str:
    """Return what is known of a session as JSON, without its id."""
    return json.dumps(session.stated())


def read_facts(session_id: str, text: str | None) -> Session | None:
    """Decode what is known of a session."""
    if text is None:
        return None
    fields: dict[str, Any] = json.loads(text)
    lists = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
    return Session(id=SessionId(session_id), **fields | lists)


def _read_alert(fields: dict[str, Any]) -> Alert:
    read = {
        "session_id": SessionId(fields["session_id"]),
        "severity": Severity(fields["severity"]),
        "fields": tuple((name, value) for name, value in fields["fields"]),
        "warnings": tuple(fields["warnings"]),
    }
    return Alert(**fields | read)
