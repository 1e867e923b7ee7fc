"""Envelopes, and the acks that come back for them over whichever connection."""

import asyncio
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from bot.sim.slack.rules import Rule, Violation


@dataclass(frozen=True, slots=True)
class Envelope:
    """A delivery: a payload of some kind, such as slash_commands or interactive."""

    envelope_id: str
    kind: str
    payload: Mapping[str, object]
    accepts_response_payload: bool

    @classmethod
    def of(cls, kind: str, payload: Mapping[str, object], *, accepts_response_payload: bool) -> Self:
        """Make a new envelope."""
        return cls(str(uuid.uuid4()), kind, payload, accepts_response_payload)

    @property
    def frame(self) -> str:
        """The JSON text that goes over the websocket."""
        return json.dumps(
            {
                "envelope_id": self.envelope_id,
                "type": self.kind,
                "accepts_response_payload": self.accepts_response_payload,
                "payload": self.payload,
            }
        )


@dataclass(frozen=True, slots=True)
class _Sent:
    envelope: Envelope
    answer: asyncio.Future[bytes]


class Envelopes:
    """All that were sent. An ack that comes too late is dropped: the person has already seen an error."""

    def __init__(self) -> None:
        self._sent: dict[str, _Sent] = {}

    def expect(self, envelope: Envelope) -> asyncio.Future[bytes]:
        """Return what the JSON of the ack's payload will be put into; empty if it has none."""
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._sent[envelope.envelope_id] = _Sent(envelope, answer)
        return answer

    def acknowledge(self, frame: str) -> Iterator[Violation]:
        """Take a frame of the app's, and yield what is wrong with it."""
        ack = _read(frame)
        envelope_id = ack.get("envelope_id")
        if not isinstance(envelope_id, str):
            yield Violation(Rule.ACK_WITHOUT_ENVELOPE, f"{frame:.80}")
        elif envelope_id not in self._sent:
            yield Violation(Rule.ACK_UNKNOWN_ENVELOPE, envelope_id)
        else:
            yield from _settle(self._sent[envelope_id], ack.get("payload"))


def _settle(sent: _Sent, payload: object) -> Iterator[Violation]:
    if payload and not sent.envelope.accepts_response_payload:
        yield Violation(Rule.ACK_PAYLOAD_NOT_ACCEPTED, f"{payload!r:.80}")
        payload = None
    if not sent.answer.done():
        sent.answer.set_result(json.dumps(payload).encode() if payload else b"")
    elif not sent.answer.cancelled():
        yield Violation(Rule.ACK_TWICE, sent.envelope.envelope_id)


def _read(frame: str) -> dict[str, object]:
    try:
        ack = json.loads(frame)
    except ValueError:
        return {}
    return ack if isinstance(ack, dict) else {}
