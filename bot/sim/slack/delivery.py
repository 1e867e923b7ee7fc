"""A request to the app, and its ack."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import urlencode

from bot.sim.slack.content import CONTENT_KEYS, Content, Part, is_json, json_object, mistakes, read_content, refusal
from bot.sim.slack.history import Place
from bot.sim.slack.http_transport import Answered, HttpTransport
from bot.sim.slack.rules import Rule, Violation
from bot.sim.slack.socket_mode import Envelope, Sockets

# The display of an ack, which depends on what it acknowledges.
# https://docs.slack.dev/interactivity/implementing-slash-commands#responding_to_commands
# https://api.slack.com/legacy/interactive-messages

RESPONSE_TYPES = ("ephemeral", "in_channel")
_ACK_KEYS = CONTENT_KEYS | {"response_type", "replace_original"}


@dataclass(frozen=True, slots=True)
class Ack:
    """The displayed ack: nothing if `content` is empty; in_channel shows a typed command to everyone as well.

    With `replaces` it takes the place of the message that held the button.
    """

    content: Content = field(default_factory=Content)
    response_type: str = "ephemeral"
    replaces: bool = False

    @property
    def text(self) -> str:
        """The displayed text."""
        return self.content.text

    @property
    def blocks(self) -> tuple[Part, ...]:
        """The displayed blocks."""
        return self.content.blocks

    def place(self, channel_id: str, user_id: str, trigger_id: str) -> Place:
        """Return where a new message goes, given who acted in which channel."""
        return Place(channel_id, None if self.response_type == "in_channel" else user_id, trigger_id=trigger_id)


Reading = tuple[Ack, list[Violation]]
Reader = Callable[[str, bytes], Reading]
"""Reads the body of a 200, given its content type."""


def read_ack(content_type: str, body: bytes) -> Reading:
    """Read the ack of a command: a text or JSON, which only the typist sees unless it says otherwise."""
    text = body.decode(errors="replace")
    if not text.strip():
        return Ack(), []
    if not is_json(content_type):
        wrong = [Violation(Rule.ACK_JSON_AS_TEXT, f"{content_type}: {text:.80}")] if json_object(text) else []
        return Ack(read_content({"text": text})), wrong
    raw, wrong = _message(text)
    if raw.get("replace_original"):
        wrong.append(Violation(Rule.REPLACES_SLASH_COMMAND, "in an ack"))
    return Ack(_content(raw), _response_type(raw, "ephemeral")), wrong


def read_replacement(content_type: str, body: bytes) -> Reading:
    """Read the ack of a legacy button: JSON replaces the message for all who see it, unless it says otherwise."""
    if not (body.strip() and is_json(content_type)):
        return ignore_ack(content_type, body)  # of a text nothing is documented
    raw, wrong = _message(body.decode(errors="replace"))
    content = _content(raw)
    replaces = raw.get("replace_original") is not False and not content.is_empty
    if replaces:
        wrong.append(Violation(Rule.ACK_OVERWRITES_ALERT, f"{body[:80]!r}"))
    return Ack(content, _response_type(raw, "in_channel"), replaces), wrong


def ignore_ack(_content_type: str, body: bytes) -> Reading:
    """Read an ack at whose body Slack does not look."""
    return Ack(), [Violation(Rule.ACK_BODY_IGNORED, f"{body[:80]!r}")] if body.strip() else []


def _message(text: str) -> tuple[Part, list[Violation]]:
    raw = json_object(text)
    if raw is None:
        return {}, [Violation(Rule.ACK_NOT_JSON, f"{text:.80}")]
    return raw, list(_mistakes_of_ack(raw))


def _content(raw: Part) -> Content:
    return Content() if refusal(raw) else read_content(raw)


def _response_type(raw: Part, default: str) -> str:
    return next((known for known in RESPONSE_TYPES if known == raw.get("response_type")), default)


def _mistakes_of_ack(raw: Part) -> Iterator[Violation]:
    yield from mistakes(raw, _ACK_KEYS)
    if raw.get("response_type", "ephemeral") not in RESPONSE_TYPES:
        yield Violation(Rule.UNKNOWN_RESPONSE_TYPE, repr(raw["response_type"]))


# The two transports to the app: signed requests to its URL, or in Socket Mode envelopes over its websockets.

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
            envelope = Envelope(kind, payload, shows_ack)
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


@dataclass(frozen=True, slots=True)
class Invocation:
    """The values that Slack makes for each command and click; in views `response_url` is empty."""

    response_url: str
    trigger_id: str


@dataclass(frozen=True, slots=True)
class Delivery(Invocation):
    """A sent request and its answer; `reader` reads an ack of this kind."""

    sent: Request
    answer: Answered
    reader: Reader

    @property
    def ack(self) -> Ack | None:
        """Return what Slack displays; None unless a 200 came in time."""
        return self._reading[0]

    @property
    def mistakes(self) -> list[Violation]:
        """Return the violations of the answer."""
        return self._reading[1]

    @property
    def _reading(self) -> tuple[Ack | None, list[Violation]]:
        if self.answer.error:
            return None, list(_mistakes_of_failure(self.answer))
        return self.reader(self.answer.content_type, self.answer.body)

    @property
    def request(self) -> bytes:
        """The bytes that were sent: a form, or in Socket Mode the text of the envelope."""
        return self.sent.body

    @property
    def headers(self) -> Mapping[str, str]:
        """The signed headers; none in Socket Mode."""
        return self.sent.headers

    @property
    def status(self) -> int | None:
        """The HTTP status of the ack, in Socket Mode always 200; None if no complete answer came in time."""
        return self.answer.status

    @property
    def elapsed(self) -> float:
        """Seconds until the complete ack, or until Slack gave up."""
        return self.answer.elapsed

    @property
    def error(self) -> str | None:
        """Return the error: operation_timeout, dispatch_failed, http_client_error or http_service_error."""
        return self.answer.error

    def again(self, answer: Answered) -> "Delivery":
        """Return the same delivery, answered another time."""
        return replace(self, answer=answer)


def _mistakes_of_failure(answer: Answered) -> Iterator[Violation]:
    """Yield what is wrong with an answer that is no ack; an app that is away did nothing wrong."""
    if answer.status is not None:
        yield Violation(Rule.ACK_NOT_200, f"{answer.status} {answer.body[:80]!r}")
    elif answer.error == "operation_timeout":
        yield Violation(Rule.ACK_LATE, f"{answer.elapsed:.3f} s")
