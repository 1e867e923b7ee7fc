"""What a frame of Socket Mode asks for, and the frame that acknowledges it. Pure.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.core.messages.message import as_response
from bot.core.messages.notices import unreadable_message
from bot.inbound.door import Rejected
from bot.inbound.payloads import BadPayloadError, as_object, pick_command, pick_event, pick_interaction


@dataclass(frozen=True, slots=True)
class Hello:
    """The connection is open: from now on envelopes may come."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Slack closes this connection, `at_once` or after a while in which it still works: open another."""

    reason: str
    at_once: bool


@dataclass(frozen=True, slots=True)
class SwitchedOff:
    """Socket Mode was switched off in the app's settings: another connection would get nothing."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A checked payload; `takes_answer` says whether its ack may carry one."""

    envelope_id: str
    payload: dict[str, object]
    takes_answer: bool


@dataclass(frozen=True, slots=True)
class BadEnvelope:
    """An envelope with something in it that Slack does not send; `ack` is the frame to send back."""

    rejected: Rejected
    ack: str


@dataclass(frozen=True, slots=True)
class Noise:
    """A frame that asks for nothing, as far as can be read."""

    rejected: Rejected


Frame = Hello | Leave | SwitchedOff | Envelope | BadEnvelope | Noise

_WARNING = "warning"  # the others that are documented come right before the close
_REASONS = (_WARNING, "refresh_requested", "too_many_websockets")
_PICK: Mapping[object, Callable[[dict[str, Any]], dict[str, object]]] = {
    "slash_commands": pick_command,
    "interactive": pick_interaction,
    "events_api": pick_event,
}


def read_frame(text: str) -> Frame:
    """What to do about a frame. Never raises."""
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        return Noise(_reject("its JSON can't be read"))
    if not isinstance(frame, dict):
        return Noise(_reject("its JSON is no object"))
    match frame.get("type"):
        case "hello":
            return Hello()
        case "disconnect":
            return _read_disconnect(frame.get("reason"))
        case kind:
            return _read_envelope(kind, frame)


def _read_disconnect(reason: object) -> Leave | SwitchedOff:
    if reason == "link_disabled":
        return SwitchedOff()
    return Leave(str(reason) if reason in _REASONS else "not documented", at_once=reason != _WARNING)


def _read_envelope(kind: object, frame: Mapping[str, object]) -> Envelope | BadEnvelope | Noise:
    envelope_id = frame.get("envelope_id")
    if not isinstance(envelope_id, str):
        return Noise(_reject("envelope_id is missing"))
    takes_answer = frame.get("accepts_response_payload") is True
    try:
        return Envelope(envelope_id, _read_payload(kind, frame.get("payload")), takes_answer)
    except BadPayloadError as error:
        shown = kind == "slash_commands" and takes_answer  # of a click's ack, people see nothing
        return BadEnvelope(
            _reject(str(error)), _write(envelope_id, as_response(unreadable_message()) if shown else None)
        )


def _read_payload(kind: object, payload: object) -> dict[str, object]:
    pick = _PICK.get(kind) if isinstance(kind, str) else None
    if pick is None:
        raise BadPayloadError("its type is unknown")
    return pick(as_object(payload))


def ack_of(envelope: Envelope, body: str) -> str:
    """The frame that acknowledges an envelope, with the body of the ack over HTTP where it may carry one."""
    if not (body and envelope.takes_answer):
        return _write(envelope.envelope_id, None)
    return _write(envelope.envelope_id, json.loads(body))


def _write(envelope_id: str, payload: object) -> str:
    return json.dumps({"envelope_id": envelope_id} | ({} if payload is None else {"payload": payload}))


def _reject(why: str) -> Rejected:
    return Rejected(400, f"This is no request of Slack's: {why}.")
