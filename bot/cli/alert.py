"""`anchor-bot alert`: post an alert."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

import bot
from bot.config.settings import AlertClientSettings
from bot.core.fields import parse_object
from bot.messages.markup import printable
from bot.outbound.slack.client import Posted

_TIMEOUT = httpx.Timeout(30.0, connect=5.0)  # the bot waits up to 10 s for its database, and 15 s for Slack
_CLIENT_ERRORS = {400, 401}
_MAX_LENGTH = 500


@dataclass(frozen=True, slots=True)
class NotPosted:
    """The alert was not posted, or this is unknown. `is_client_error` means that the bot rejected the request."""

    why: str
    is_client_error: bool = False


def send_alert(settings: AlertClientSettings, fields: Mapping[str, object]) -> Posted | NotPosted:
    """Post `fields` to the alerts endpoint of the settings."""
    url = settings.url
    headers = {
        "Authorization": f"Bearer {settings.alerts_token.reveal()}",
        "Content-Type": "application/json",
        "User-Agent": f"anchor-chatops/{bot.__version__}",
    }
    body = json.dumps(fields).encode()  # ASCII, so that arguments with invalid UTF-8 can be sent
    try:
        certificates = httpx.create_ssl_context()
    except OSError as error:
        return NotPosted(f"The certificates of SSL_CERT_FILE or SSL_CERT_DIR can't be read: {error}.")
    try:
        answer = httpx.post(url, content=body, headers=headers, timeout=_TIMEOUT, verify=certificates, trust_env=False)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        return NotPosted(f"Nothing was posted: no bot at {url} ({error}). Is it running, is ANCHOR_BOT_URL right?")
    except httpx.HTTPError as error:
        return NotPosted(
            f"The bot at {url} did not answer ({type(error).__name__}): the alert may have been posted. "
            "Check the channel."
        )
    return read_answer(answer.status_code, answer.content, url, has_workspace=bool(settings.workspace))


def read_answer(status_code: int, body: bytes, url: str, *, has_workspace: bool = False) -> Posted | NotPosted:
    """Interpret the answer of the server at `url`; the `ts` of an alert that will be posted is "".

    `has_workspace`: the URL names a workspace, that of ALERTS_WORKSPACE.
    """
    answer = parse_object(body) or {}
    channel, ts, why = answer.get("channel"), answer.get("ts"), answer.get("error")
    if status_code == httpx.codes.OK and isinstance(channel, str) and isinstance(ts, str):
        return Posted(channel=printable(channel, limit=_MAX_LENGTH), ts=printable(ts, limit=_MAX_LENGTH))
    if status_code == httpx.codes.ACCEPTED and isinstance(channel, str):
        return Posted(channel=printable(channel, limit=_MAX_LENGTH), ts="")
    if status_code == httpx.codes.UNAUTHORIZED:
        refused = "ALERTS_TOKEN, or ALERTS_WORKSPACE is wrong" if has_workspace else "ALERTS_TOKEN"
        return NotPosted(f"The bot at {url} refuses {refused}. Use its alerts token.", is_client_error=True)
    if isinstance(why, str):
        sentence = f"{printable(why, limit=_MAX_LENGTH)} ({status_code})"
        return NotPosted(sentence, is_client_error=status_code in _CLIENT_ERRORS)
    if status_code == httpx.codes.NOT_FOUND:
        return NotPosted(
            f"{url} does not exist (404). Possible causes: the bot has no ALERTS_TOKEN; ANCHOR_BOT_URL is wrong; the "
            "bot serves many workspaces and ALERTS_WORKSPACE is not set."
        )
    return NotPosted(f"The server at {url} is not this bot ({status_code}). Is ANCHOR_BOT_URL right?")
