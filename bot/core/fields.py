"""Values that other systems send: fields of JSON, Slack's ids, and secrets that cannot be printed by accident."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

SLACK_ID = re.compile(r"[A-Z0-9]{2,40}", re.ASCII)  # any id
TEAM_ID = re.compile(r"T[A-Z0-9]{2,30}", re.ASCII)  # the id of a workspace
CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{2,30}", re.ASCII)  # the id of a conversation
USER_ID = re.compile(r"[UW][A-Z0-9]{2,30}", re.ASCII)  # the id of a person
GROUP_ID = re.compile(r"S[A-Z0-9]{2,30}", re.ASCII)  # the id of a user group

MOST_SKEW = 300.0  # seconds by which clocks can differ, and the age up to which signatures of Slack are accepted
SHOWN = 4  # the last characters of a key or a token that people read


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A key or token. Only `reveal()` gives the text; `repr`, `str` and formatting hide it."""

    _value: str

    def reveal(self) -> str:
        """Return the secret, for the one place that sends it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(hidden)"


def digest(token: str) -> str:
    """Return the SHA-256 of a random token in hex. It needs no slow hash, since it cannot be guessed."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def derive_key(secret: Secret, purpose: str) -> bytes:
    """Return 32 bytes that are always the same for this secret and purpose, and reveal neither: HKDF with SHA-256.

    https://www.rfc-editor.org/rfc/rfc5869
    """
    extracted = hmac.digest(bytes(hashlib.sha256().digest_size), secret.reveal().encode(), "sha256")
    return hmac.digest(extracted, purpose.encode() + b"\1", "sha256")


def is_token(given: str, known: str | None) -> bool:
    """Return whether `given` has the digest `known`, in constant time; always False without a digest."""
    return hmac.compare_digest(digest(given), known or "")


def parse_object(text: str | bytes) -> dict[str, Any] | None:
    """Parse a JSON object; return None if the text is anything else."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def text_field(holder: object, name: str) -> str:
    """Return a string field of an object; "" if it is absent."""
    value = holder.get(name) if isinstance(holder, dict) else None
    return value if isinstance(value, str) else ""


def object_field(holder: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an object field; {} if it is absent."""
    value = holder.get(name)
    return value if isinstance(value, dict) else {}


def object_list_field(holder: Mapping[str, Any], name: str) -> tuple[dict[str, Any], ...]:
    """Return the objects in a list field; () if it is absent."""
    value = holder.get(name)
    return tuple(one for one in value if isinstance(one, dict)) if isinstance(value, list) else ()


def objects_in(value: object) -> Iterator[dict[str, Any]]:
    """Yield every object in JSON, at any depth."""
    values = [value]
    while values:
        one = values.pop()
        if isinstance(one, dict):
            yield one
            values.extend(one.values())
        elif isinstance(one, list):
            values.extend(one)


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy; `url` has no credentials, but the header `authorization`."""

    url: str
    authorization: Secret | None = None


def known_fields(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a dataclass has fields for: a newer version of the bot can have stored others."""
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in values.items() if name in names}
