"""The two transports to the app: signed requests to its URL, or in Socket Mode envelopes over its websockets."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

from bot.sim.slack.http_transport import Answered, HttpTransport
from bot.sim.slack.socket_mode import Envelope, Sockets

Kind = Literal["slash_commands", "interactive", "events_api"]

_WITHOUT_RESPONSE = {"message_action", "shortcut"}


@dataclass(frozen=True, slots=True)
class Request:
    """A request to the app; `headers` are those of a form, an envelope has none."""

    kind: Kind
    body: bytes
    headers: Mapping[str, str]
    envelope: Envelope | None = None


class Dispatch:
    """Uses the transport that is set for the app; `sign` makes the headers for a form."""

    def __init__(self, http: HttpTransport, sockets: Sockets, sign: Callable[[bytes], dict[str, str]]) -> None:
        self.request_url: str | None = None
        self._http = http
        self._sockets = sockets
        self._sign = sign

    @property
    def has_transport(self) -> bool:
        """False if the app never said where to reach it."""
        return self._sockets.enabled or self.request_url is not None

    def pack(self, kind: Kind, payload: Mapping[str, object]) -> Request:
        """Make the form, an event's JSON, or the envelope."""
        if self._sockets.enabled:
            shows_ack = kind != "events_api" and payload.get("type") not in _WITHOUT_RESPONSE
            envelope = Envelope.of(kind, payload, accepts_response_payload=shows_ack)
            return Request(kind, envelope.frame.encode(), {}, envelope)
        if kind == "events_api":
            event = json.dumps(payload).encode()
            return Request(kind, event, self._sign(event) | {"Content-Type": "application/json"})
        fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
        body = urlencode(fields).encode()
        return Request(kind, body, self._sign(body))

    async def send(self, request: Request) -> Answered:
        """Send it, once more if it was sent before, and wait for the ack."""
        if request.envelope is not None:
            return await self._sockets.deliver(request.envelope)
        return await self._http.post(self.request_url, request.body, request.headers)
