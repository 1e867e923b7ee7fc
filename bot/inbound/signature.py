"""Slack's request signature, checked over the raw bytes.

slack_sdk's verifier decodes the body first and raises on malformed headers; here any bytes and any header get an
answer. https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import hashlib
import hmac
import re
from collections.abc import Sequence

from bot.core.secret import Secret

_MAX_AGE = 300
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


def is_signed(
    raw: bytes, *, timestamps: Sequence[str], signatures: Sequence[str], secrets: Sequence[Secret], now: float
) -> bool:
    """Whether exactly one timestamp, within 5 minutes of `now` (Unix seconds), and one signature fit the body.

    Any of `secrets` may have signed it: there are two while the signing secret is being rotated.
    """
    if len(timestamps) != 1 or len(signatures) != 1 or not _TIMESTAMP.fullmatch(timestamps[0]):
        return False
    if abs(now - int(timestamps[0])) > _MAX_AGE:
        return False
    given = signatures[0].encode(errors="surrogateescape")
    base = b"v0:%b:%b" % (timestamps[0].encode(), raw)
    return any([hmac.compare_digest(_sign(base, secret), given) for secret in secrets])  # noqa: C419 - tries all


def _sign(base: bytes, secret: Secret) -> bytes:
    return b"v0=" + hmac.new(secret.reveal().encode(), base, hashlib.sha256).hexdigest().encode()
