"""Slack's signature of a request over HTTP, and the age up to which it is accepted: MOST_SKEW."""

import hmac
import re
from collections.abc import Sequence

from multidict import MultiMapping

from bot.core.fields import MOST_SKEW, Secret

TIMESTAMP, _SIGNATURE = "X-Slack-Request-Timestamp", "X-Slack-Signature"
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
_SIGNED = re.compile(r"v0=[0-9a-f]{64}", re.ASCII)
_UNSIGNED = "The request is not signed by Slack."


def find_problem(body: bytes, headers: MultiMapping[str], *, secrets: Sequence[Secret], now: float) -> str | None:
    """Return None if Slack has signed this request, and recently; `now` is in Unix seconds. Never raises.

    There are two `secrets` while the signing secret is being rotated.
    """
    problem = find_header_problem(headers, now=now)
    if problem != _UNSIGNED:  # an old request is told so only if it is signed
        expected = [_sign(secret, headers[TIMESTAMP], body) for secret in secrets]
        is_signed = any([hmac.compare_digest(one, headers[_SIGNATURE]) for one in expected])  # noqa: C419 - tries all
        problem = problem if is_signed else _UNSIGNED
    return problem


def _sign(secret: Secret, timestamp: str, body: bytes) -> str:
    """Sign a request as Slack does. https://docs.slack.dev/authentication/verifying-requests-from-slack."""
    base = b"v0:%b:%b" % (timestamp.encode(), body)
    return f"v0={hmac.digest(secret.reveal().encode(), base, 'sha256').hex()}"


def find_header_problem(headers: MultiMapping[str], *, now: float) -> str | None:
    """Return None if these headers can be of a recent request of Slack, whatever its body is."""
    timestamps, signatures = headers.getall(TIMESTAMP, ()), headers.getall(_SIGNATURE, ())
    if len(timestamps) != 1 or len(signatures) != 1:
        return _UNSIGNED
    if not _SECONDS.fullmatch(timestamps[0]) or not _SIGNED.fullmatch(signatures[0]):
        return _UNSIGNED
    seconds = int(timestamps[0]) - now
    if abs(seconds) <= MOST_SKEW:
        return None
    side = "ahead of" if seconds > 0 else "behind"
    return (
        f"The time of the request is {abs(seconds):.0f} s {side} this machine's clock, and more than {MOST_SKEW:.0f} s "
        f"are not accepted. It is an old request, or the clock is wrong."
    )
