"""Read the frames of Socket Mode, and write acks.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.core.fields import parse_object
from bot.inbound.rejections import Rejected
from bot.inbound.slack.payload_schema import BadPayloadError, as_object, pick_command, pick_event, pick_interaction
from bot.messages.blocks import as_response
from bot.messages.results import unreadable_message


@dataclass(frozen=True, slots=True)
class Hello:
    """The connection is open: envelopes can follow."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Slack closes this connection, immediately or soon: open another."""

    reason: str
    is_immediate: bool


@dataclass(frozen=True, slots=True)
class LinkDisabled:
    """Socket Mode is disabled in the app's settings: a new connection would probably get no envelopes."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """An envelope with a validated payload."""

    envelope_id: str
    payload: dict[str, object]
    accepts_response_payload: bool


@dataclass(frozen=True, slots=True)
class BadEnvelope:
    """An envelope with an invalid payload; `ack` is the frame that acknowledges it."""

    rejected: Rejected
    ack: str


Frame = Hello | Disconnect | LinkDisabled | Envelope | BadEnvelope | Rejected

_MOST_BYTES = 20_480  # Slack closes a connection that gets more; json.dumps writes ASCII
_WARNING = "warning"  # Slack closes immediately after the other documented reasons
_REASONS = (_WARNING, "refresh_requested", "too_many_websockets")
_PICK: Mapping[str, Callable[[dict[str, Any]], dict[str, object]]] = {
    "slash_commands": pick_command,
    "interactive": pick_interaction,
    "events_api": pick_event,
}


def read_frame(text: str) -> Frame:
    """Parse a frame; return a rejection if it is unreadable. Never raises."""
    frame = parse_object(text)
    if frame is None:
        return _reject("it is not a JSON object")
    match frame.get("type"):
        case "hello":
            return Hello()
        case "disconnect":
            return _read_disconnect(frame.get("reason"))
        case kind:
            return _read_envelope(kind, frame)


def _read_disconnect(reason: object) -> Disconnect | LinkDisabled:
    if reason == "link_disabled":
        return LinkDisabled()
    return Disconnect(str(reason) if reason in _REASONS else "not documented", is_immediate=reason != _WARNING)


def _read_envelope(kind: object, frame: Mapping[str, object]) -> Envelope | BadEnvelope | Rejected:
    envelope_id = frame.get("envelope_id")
    if not isinstance(envelope_id, str):
        return _reject("envelope_id is missing")
    accepts_payload = frame.get("accepts_response_payload") is True
    try:
        return Envelope(envelope_id, _read_payload(kind, frame.get("payload")), accepts_payload)
    except BadPayloadError as error:
        is_shown = kind == "slash_commands" and accepts_payload  # people see nothing of a click's ack
        response = as_response(unreadable_message()) if is_shown else None
        return BadEnvelope(_reject(str(error)), _write(envelope_id, response))


def _read_payload(kind: object, payload: object) -> dict[str, object]:
    pick = _PICK.get(str(kind))
    if pick is None:
        raise BadPayloadError("its type is unknown")
    return pick(as_object(payload))


def ack_frame(envelope: Envelope, payload: Mapping[str, object] | None) -> str | None:
    """Return the frame that acknowledges an envelope, with `payload` if Slack accepts one; None if it is too long."""
    frame = _write(envelope.envelope_id, payload if envelope.accepts_response_payload else None)
    return frame if len(frame) <= _MOST_BYTES else None


def empty_ack_frame(envelope: Envelope) -> str:
    """Return the frame that acknowledges an envelope and carries nothing."""
    return _write(envelope.envelope_id, None)


def _write(envelope_id: str, payload: object) -> str:
    return json.dumps({"envelope_id": envelope_id} | ({} if payload is None else {"payload": payload}))


def _reject(why: str) -> Rejected:
    return Rejected(400, f"This is not a valid Slack request: {why}.")
