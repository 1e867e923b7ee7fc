"""Send an alert to the /alerts of a running bot, from another process."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

import bot
from bot.core.printable import printable
from bot.core.secret import Secret
from bot.outbound.delivery import Posted

_TIMEOUT = httpx.Timeout(30.0, connect=5.0)  # the bot waits up to 15 s for Slack
_OURS = {400, 401}
_LONGEST_SENTENCE = 500


@dataclass(frozen=True, slots=True)
class NotPosted:
    """It was not posted, or not for sure; a sentence says why. `is_ours`: what we sent can't be used."""

    why: str
    is_ours: bool = False


def send_alert(url: str, token: Secret, fields: Mapping[str, object]) -> Posted | NotPosted:
    """Post `fields` to the alerts of a bot at `url`."""
    headers = {
        "Authorization": f"Bearer {token.reveal()}",
        "Content-Type": "application/json",
        "User-Agent": f"anchor-chatops/{bot.__version__}",
    }
    body = json.dumps(fields).encode()  # in ASCII, which even an argument that is no UTF-8 can be written in
    try:
        certificates = httpx.create_ssl_context()
    except OSError as error:
        return NotPosted(f"The certificates of SSL_CERT_FILE or SSL_CERT_DIR can't be read: {error}.")
    try:
        answer = httpx.post(url, content=body, headers=headers, timeout=_TIMEOUT, verify=certificates, trust_env=False)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        return NotPosted(f"No bot is at {url} ({error}): nothing was posted. Is it running, is ANCHOR_BOT_URL right?")
    except httpx.HTTPError as error:
        return NotPosted(
            f"The bot at {url} did not answer ({type(error).__name__}): the alert may have been posted. "
            "Look into the channel."
        )
    return read_answer(answer.status_code, answer.content, url)


def read_answer(status_code: int, body: bytes, url: str) -> Posted | NotPosted:
    """What the answer of whatever is at `url` means."""
    answer = _read_object(body)
    channel, ts, why = answer.get("channel"), answer.get("ts"), answer.get("error")
    if status_code == httpx.codes.OK and isinstance(channel, str) and isinstance(ts, str):
        return Posted(channel=_printable(channel), ts=_printable(ts))
    if status_code == httpx.codes.UNAUTHORIZED:
        return NotPosted(f"The bot at {url} refuses ALERTS_TOKEN: use the one of its alerts.", is_ours=True)
    if isinstance(why, str):
        return NotPosted(f"{_printable(why)} ({status_code})", is_ours=status_code in _OURS)
    if status_code == httpx.codes.NOT_FOUND:
        return NotPosted(
            f"There is no {url} (404): the bot was started without ALERTS_TOKEN, or ANCHOR_BOT_URL is another's, or "
            "the bot serves many workspaces and ALERTS_WORKSPACE does not say which."
        )
    return NotPosted(f"What answered at {url} is no bot of this kind ({status_code}): is ANCHOR_BOT_URL right?")


def _read_object(body: bytes) -> dict[str, object]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _printable(text: str) -> str:
    return printable(text, longest=_LONGEST_SENTENCE)
