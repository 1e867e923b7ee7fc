"""Check the public URL: send the bot a signed request as Slack does, and read what comes back."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable

import aiohttp

from bot.core.checks import Finding, Good, Unanswered, Wrong
from bot.core.fields import Secret, parse_object, text_field
from bot.outbound.reachability import NotReached, send
from bot.usecases.checks.network import reach

_EVENTS_PATH = "/slack/events"
_OK = 200
_REJECTED = frozenset({400, 401})
_GATEWAY = frozenset({502, 503, 504})


async def check_public_url(
    session: aiohttp.ClientSession, base_url: str, signing_secret: Secret, now: Callable[[], float]
) -> Finding:
    """Let the bot at `base_url` verify its URL, which has no effect; `now` gives Unix seconds.

    Only a bot that accepts the signature repeats the challenge. https://docs.slack.dev/reference/events/url_verification
    """
    url, challenge = base_url.rstrip("/") + _EVENTS_PATH, secrets.token_hex()
    body = json.dumps({"type": "url_verification", "challenge": challenge}).encode()
    headers = {"Content-Type": "application/json"} | _sign(signing_secret, str(int(now())), body)
    result = await send(session, url, method="POST", headers=headers, body=body, now=now)
    if isinstance(result, NotReached):
        return reach(result, url)
    answer = parse_object(result.body) or {}
    values = {"url": url, "status": str(result.status), "why": text_field(answer, "error")}
    if result.status == _OK and hmac.compare_digest(text_field(answer, "challenge").encode(), challenge.encode()):
        return Finding(Good.URL_VERIFIED, values)
    if result.status in _REJECTED and values["why"]:
        return Finding(Wrong.URL_REJECTS, values)
    return Finding(Unanswered.URL_UNAVAILABLE if result.status in _GATEWAY else Wrong.URL_FOREIGN, values)


def _sign(secret: Secret, timestamp: str, body: bytes) -> dict[str, str]:
    """Return the headers of a request of Slack.

    https://docs.slack.dev/authentication/verifying-requests-from-slack
    """
    base = b"v0:%b:%b" % (timestamp.encode(), body)
    signature = hmac.new(secret.reveal().encode(), base, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={signature}"}
