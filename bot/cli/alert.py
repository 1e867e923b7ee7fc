"""`anchor-bot alert`: post an alert."""

import json
import sys
from collections.abc import Mapping

import httpx

import bot
from bot.cli.parser import UNUSABLE_SETTINGS, NotDoneError
from bot.config.settings import AlertClientSettings
from bot.core.fields import parse_object
from bot.messages.markup import printable

_TIMEOUT = httpx.Timeout(30.0, connect=5.0)  # the bot waits up to 10 s for its database, and 15 s for Slack
_MAX_LENGTH = 500
_MOST_WARNINGS = 20


def send_alert(settings: AlertClientSettings, fields: Mapping[str, object]) -> str:
    """Post `fields` to the alerts endpoint of the settings, print its warnings to stderr, and return what became of it.

    Raises NotDoneError, also if it is unknown whether it was posted.
    """
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
        raise NotDoneError(f"The certificates of SSL_CERT_FILE or SSL_CERT_DIR can't be read: {error}.") from None
    try:
        answer = httpx.post(url, content=body, headers=headers, timeout=_TIMEOUT, verify=certificates, trust_env=False)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        why = f"Nothing was posted: no bot at {url} ({error}). Is it running, is ANCHOR_BOT_URL right?"
        raise NotDoneError(why) from None
    except httpx.HTTPError as error:
        why = f"The bot at {url} did not answer ({type(error).__name__}): the alert may have been posted."
        raise NotDoneError(f"{why} Check the channel.") from None
    for warning in read_warnings(answer.content):
        print(f"anchor-bot: {warning}", file=sys.stderr)  # noqa: T201 - output of a command
    return read_answer(answer.status_code, answer.content, url, has_workspace=bool(settings.workspace))


def read_warnings(body: bytes) -> list[str]:
    """Return what the bot says that it did not do as it was told."""
    warnings = (parse_object(body) or {}).get("warnings")
    listed = warnings[:_MOST_WARNINGS] if isinstance(warnings, list) else []
    return [printable(one, limit=_MAX_LENGTH) for one in listed if isinstance(one, str)]


def read_answer(status_code: int, body: bytes, url: str, *, has_workspace: bool) -> str:
    """Interpret the answer of the server at `url`, and return what became of the alert.

    `has_workspace`: the URL names a workspace, that of ALERTS_WORKSPACE. Raises NotDoneError; its exit code is 2 if the
    bot rejected the request.
    """
    answer = parse_object(body) or {}
    channel, ts, why = answer.get("channel"), answer.get("ts"), answer.get("error")
    is_told = isinstance(answer.get("counted", ts), str | int)
    is_taken = status_code == httpx.codes.ACCEPTED or (status_code == httpx.codes.OK and is_told)
    if is_taken and isinstance(channel, str):
        return _taken(channel, ts, answer.get("count"))
    if status_code == httpx.codes.UNAUTHORIZED:
        refused = "ALERTS_TOKEN, or ALERTS_WORKSPACE is wrong" if has_workspace else "ALERTS_TOKEN"
        raise NotDoneError(f"The bot at {url} refuses {refused}. Use its alerts token.", code=UNUSABLE_SETTINGS)
    if isinstance(why, str):
        code = UNUSABLE_SETTINGS if status_code == httpx.codes.BAD_REQUEST else 1
        raise NotDoneError(f"{printable(why, limit=_MAX_LENGTH)} ({status_code})", code=code)
    if status_code == httpx.codes.NOT_FOUND:
        raise NotDoneError(
            f"{url} does not exist (404). Possible causes: the bot has no ALERTS_TOKEN; ANCHOR_BOT_URL is wrong; the "
            "bot serves many workspaces and ALERTS_WORKSPACE is not set."
        )
    raise NotDoneError(f"The server at {url} is not this bot ({status_code}). Is ANCHOR_BOT_URL right?")


def _taken(channel: str, ts: object, count: object) -> str:
    where = printable(channel, limit=_MAX_LENGTH)
    on_card = f", ts {printable(ts, limit=_MAX_LENGTH)}" if isinstance(ts, str) else ""
    if isinstance(count, int) and count > 1:
        return f"Added to the card in {where} ({count} alerts){on_card}"
    return f"Posted in {where}{on_card}" if on_card else f"Queued for {where}"
