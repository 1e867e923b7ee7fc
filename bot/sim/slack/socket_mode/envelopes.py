"""Envelopes, and the acks that come back for them over whichever connection.

An envelope whose connection ends without an ack is delivered again over another one. A command or an action is then
the very same envelope. An event is a retry: the same event in a new envelope.
"""

import asyncio
import json
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from bot.sim.slack.content import json_object
from bot.sim.slack.rules import Rule, Violation
from bot.sim.slack.socket_mode.connection import Connection


@dataclass(frozen=True, slots=True)
class Envelope:
    """A delivery: a payload of some kind, such as slash_commands or interactive."""

    envelope_id: str
    kind: str
    payload: Mapping[str, object]
    accepts_response_payload: bool
    retry_attempt: int = 0  # of an event

    @classmethod
    def of(cls, kind: str, payload: Mapping[str, object], *, accepts_response_payload: bool) -> Self:
        """Make a new envelope."""
        return cls(str(uuid.uuid4()), kind, payload, accepts_response_payload)

    @property
    def frame(self) -> str:
        """The JSON text that goes over the websocket."""
        retry = {"retry_attempt": self.retry_attempt, "retry_reason": "timeout" if self.retry_attempt else ""}
        return json.dumps(
            {
                "envelope_id": self.envelope_id,
                "type": self.kind,
                "accepts_response_payload": self.accepts_response_payload,
                **(retry if self.is_event else {}),
                "payload": self.payload,
            }
        )

    @property
    def is_event(self) -> bool:
        """Whether it is an event, the only kind that has retries."""
        return self.kind == "events_api"

    def again(self) -> "Envelope":
        """Return what Slack sends if there was no ack."""
        if not self.is_event:
            return self
        return replace(self, envelope_id=str(uuid.uuid4()), retry_attempt=self.retry_attempt + 1)


@dataclass(slots=True)
class Sent:
    """A delivery, repeated or not; the latest `envelope` went over the connection `over` at the time `at`."""

    envelope: Envelope
    answer: asyncio.Future[bytes]
    over: Connection
    at: float = field(default_factory=time.monotonic)
    deliveries: int = 1
    acks: int = 0


class Envelopes:
    """All that were sent. An ack that comes too late is dropped: the person has already seen an error."""

    def __init__(self) -> None:
        self._sent: dict[str, Sent] = {}

    def expect(self, envelope: Envelope, over: Connection) -> asyncio.Future[bytes]:
        """Return what the JSON of the ack's payload will be put into; empty if it has none."""
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._sent[envelope.envelope_id] = Sent(envelope, answer, over)
        return answer

    def unacknowledged(self) -> list[Sent]:
        """Return all for which no ack came, in the order in which they were sent."""
        return sorted((sent for sent in self._sent.values() if not sent.acks), key=lambda sent: sent.at)

    def again(self, sent: Sent, over: Connection) -> Envelope:
        """Return what to send over another connection; its ack counts for `sent`."""
        sent.envelope, sent.over, sent.at = sent.envelope.again(), over, time.monotonic()
        sent.deliveries += 1
        self._sent[sent.envelope.envelope_id] = sent
        return sent.envelope

    def acknowledge(self, frame: str) -> Iterator[Violation]:
        """Take a frame of the app's, and yield what is wrong with it."""
        ack = json_object(frame) or {}
        envelope_id = ack.get("envelope_id")
        if not isinstance(envelope_id, str):
            yield Violation(Rule.ACK_WITHOUT_ENVELOPE, f"{frame:.80}")
        elif envelope_id not in self._sent:
            yield Violation(Rule.ACK_UNKNOWN_ENVELOPE, envelope_id)
        else:
            yield from _settle(self._sent[envelope_id], ack.get("payload"))


def _settle(sent: Sent, payload: object) -> Iterator[Violation]:
    if payload and not sent.envelope.accepts_response_payload:
        yield Violation(Rule.ACK_PAYLOAD_NOT_ACCEPTED, f"{payload!r:.80}")
        payload = None
    sent.acks += 1
    if not sent.answer.done():
        sent.answer.set_result(json.dumps(payload).encode() if payload else b"")
    elif sent.acks > sent.deliveries and not sent.answer.cancelled():
        yield Violation(Rule.ACK_TWICE, sent.envelope.envelope_id)
