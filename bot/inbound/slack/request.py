"""Verify and parse an HTTP request of Slack before Bolt sees it.

Bolt 1.30 reads the body before the signature is checked, drops commands with the word "payload", fails on malformed
headers, and logs bodies. So Bolt gets a validated dict, the same as from Socket Mode.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from bot.core.fields import Secret
from bot.inbound.rejections import Rejected
from bot.inbound.slack.payload_schema import (
    BadPayloadError,
    IncompletePayloadError,
    as_object,
    pick_command,
    pick_event,
    pick_interaction,
)

_MAX_FIELDS = 100


@dataclass(frozen=True, slots=True)
class RawRequest:
    """An unverified request: the raw body, and all values of the relevant headers."""

    body: bytes
    content_type: str
    timestamps: Sequence[str]
    signatures: Sequence[str]


@dataclass(frozen=True, slots=True)
class UrlVerification:
    """Slack verifies the app's URL: the answer repeats `challenge`."""

    challenge: str


@dataclass(frozen=True, slots=True)
class SslCheck:
    """Slack checks the certificate of a command's URL: the answer is empty."""


ParsedRequest = dict[str, object] | UrlVerification | SslCheck | Rejected
"""A dict is a payload in the shape that Bolt takes."""


def verify_and_parse(raw: RawRequest, *, secrets: Sequence[Secret], now: float) -> ParsedRequest:
    """Return the payload of a signed request, or a rejection; `now` is in Unix seconds. Never raises."""
    if problem := _find_problem(raw, secrets, now):
        # Slack can send an unsigned check at any time
        # https://docs.slack.dev/interactivity/implementing-slash-commands
        if b"ssl_check=1" in raw.body.split(b"&"):
            return SslCheck()
        return Rejected(401, problem)
    try:
        return _parse(raw)
    except IncompletePayloadError as error:
        return Rejected(200, f"Slack sent something that the bot has nothing for: {error}.")
    except BadPayloadError as error:
        return Rejected(400, f"This is not a valid Slack request: {error}.")


def _parse(raw: RawRequest) -> ParsedRequest:
    if raw.content_type == "application/json":
        event = _parse_json(raw.body)
        if event.get("type") != "url_verification":
            return pick_event(event)
        challenge = event.get("challenge")
        if not isinstance(challenge, str):
            raise BadPayloadError("challenge is missing")
        return UrlVerification(challenge)
    if raw.content_type != "application/x-www-form-urlencoded":
        raise BadPayloadError("its content type is neither a form nor JSON")
    form = _parse_form(raw.body)
    if form.get("ssl_check") == "1":
        return SslCheck()
    if "payload" in form:
        return pick_interaction(_parse_json(form["payload"].encode()))
    return pick_command(form)


def _parse_form(body: bytes) -> dict[str, str]:
    try:
        text = body.decode("ascii")
        return dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS))
    except ValueError:
        raise BadPayloadError("its form can't be read") from None


def _parse_json(body: bytes) -> dict[str, object]:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        raise BadPayloadError("its JSON can't be read") from None
    return as_object(parsed)


MAX_AGE = 300  # seconds
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


def _find_problem(raw: RawRequest, secrets: Sequence[Secret], now: float) -> str | None:
    """Return None if the only signature fits one of `secrets`, and the only timestamp is recent."""
    if not _is_signed(raw, secrets):
        return "The request is not signed by Slack."
    seconds = int(raw.timestamps[0]) - now
    if abs(seconds) <= MAX_AGE:
        return None
    side = "ahead of" if seconds > 0 else "behind"
    return (
        f"The request is signed, but its time is {abs(seconds):.0f} s {side} this machine's clock, and more than "
        f"{MAX_AGE} s are not accepted. It is an old request, or the clock is wrong."
    )


def _is_signed(raw: RawRequest, secrets: Sequence[Secret]) -> bool:
    """Return whether the signature fits. There are two secrets while the signing secret is being rotated."""
    if len(raw.timestamps) != 1 or len(raw.signatures) != 1 or not _TIMESTAMP.fullmatch(raw.timestamps[0]):
        return False
    signature = raw.signatures[0].encode(errors="surrogateescape")
    base = b"v0:%b:%b" % (raw.timestamps[0].encode(), raw.body)
    return any([hmac.compare_digest(_sign(base, secret), signature) for secret in secrets])  # noqa: C419 - tries all


def _sign(base: bytes, secret: Secret) -> bytes:
    return b"v0=" + hmac.new(secret.reveal().encode(), base, hashlib.sha256).hexdigest().encode()
