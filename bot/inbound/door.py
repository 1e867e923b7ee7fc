"""Decide on a request before Bolt sees it: whose it is, and what is in it.

Bolt 1.30 reads the body before it is trusted, drops commands in which the word "payload" occurs, fails on malformed
headers, and logs bodies. So the door hands it a checked dict, the same that Socket Mode delivers.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from bot.core.secret import Secret
from bot.inbound.payloads import BadPayloadError, as_object, pick_command, pick_event, pick_interaction
from bot.inbound.signature import is_signed

_MOST_FIELDS = 100


@dataclass(frozen=True, slots=True)
class Letter:
    """A request as it came in: the raw body, and all values of the headers that count."""

    body: bytes
    content_type: str
    timestamps: Sequence[str]
    signatures: Sequence[str]


@dataclass(frozen=True, slots=True)
class Admitted:
    """A payload of Slack's, in the shape that Bolt takes."""

    payload: dict[str, object]


@dataclass(frozen=True, slots=True)
class Challenge:
    """Slack asks whether this is the URL of the app; the answer is its own text."""

    text: str


@dataclass(frozen=True, slots=True)
class Probe:
    """Slack checks the certificate of a command's URL: an empty answer will do."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The HTTP status and the sentence of a refusal."""

    status: int
    why: str


Verdict = Admitted | Challenge | Probe | Rejected


def admit(letter: Letter, *, secrets: Sequence[Secret], now: float) -> Verdict:
    """What to do with a request; `now` is in Unix seconds. Never raises."""
    signed = is_signed(
        letter.body, timestamps=letter.timestamps, signatures=letter.signatures, secrets=secrets, now=now
    )
    if not signed:
        if _is_ssl_check(letter.body):
            return Probe()
        return Rejected(401, "The request is not signed by Slack, or its timestamp is more than 5 minutes away.")
    try:
        return _read(letter)
    except BadPayloadError as error:
        return Rejected(400, f"This is no request of Slack's: {error}.")


def _is_ssl_check(body: bytes) -> bool:
    """https://docs.slack.dev/interactivity/implementing-slash-commands: `ssl_check=1` may come at any time."""
    return b"ssl_check=1" in body.split(b"&")


def _read(letter: Letter) -> Verdict:
    if letter.content_type == "application/json":
        event = _parse_json(letter.body)
        if event.get("type") == "url_verification":
            return _read_challenge(event)
        return Admitted(pick_event(event))
    if letter.content_type != "application/x-www-form-urlencoded":
        raise BadPayloadError("its content type is neither a form nor JSON")
    form = _parse_form(letter.body)
    if form.get("ssl_check") == "1":
        return Probe()
    if "payload" in form:
        return Admitted(pick_interaction(_parse_json(form["payload"].encode())))
    return Admitted(pick_command(form))


def _read_challenge(event: dict[str, object]) -> Challenge:
    challenge = event.get("challenge")
    if not isinstance(challenge, str):
        raise BadPayloadError("challenge is missing")
    return Challenge(challenge)


def _parse_form(body: bytes) -> dict[str, str]:
    try:
        return dict(
            parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
        )
    except ValueError:
        raise BadPayloadError("its form can't be read") from None


def _parse_json(body: bytes) -> dict[str, object]:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        raise BadPayloadError("its JSON can't be read") from None
    return as_object(parsed)
