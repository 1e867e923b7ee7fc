"""Requests that nobody should send: none has an effect, breaks anything or shows up in a log.

`slack/test_request.py` has the matrix of what is refused; here each kind goes through the server, Bolt and the
listeners. MARK in a body must never show up in a log; valid requests have it.
"""

import gzip
import json
import re
import zlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest

from harness.texts import OTHER_SESSION, SESSION
from inbound.slack_requests import (
    FORM,
    JSON,
    LARGEST,
    MARK,
    NOW,
    OLDER_SECRET,
    RESPONSE_URL,
    action,
    click,
    command,
    event,
    http_request,
    inner_event,
    interaction,
    send,
    send_and_reset,
    signed,
)
from inbound.target_bot import TargetBot, target_bot

pytestmark = pytest.mark.anyio

COMMAND = command()
MODAL, SHORTCUT = "view_submission.set_key", "message_action.two_ids"


@pytest.fixture(scope="module")
async def bot() -> AsyncIterator[TargetBot]:
    async with target_bot() as bot:
        yield bot


def fill_in(body: bytes, url: str) -> bytes:
    return body.replace(RESPONSE_URL.encode(), quote(url, safe="").encode())


async def post(bot: TargetBot, body: bytes, status: int, **request: Any) -> str:
    """Send a request, expect this status and no effect, and return the text of the answer."""
    answer = await send(bot.url, http_request(body, **request))
    assert answer.status == status, answer.text
    bot.assert_no_effect(body)
    return answer.text


# --- refused ---


REFUSED: dict[str, tuple[int, bytes, dict[str, Any]]] = {
    "unsigned": (401, COMMAND, {"headers": []}),
    "an older request": (401, COMMAND, {"headers": signed(COMMAND, at=str(NOW - 301))}),
    "signed with another secret": (401, COMMAND, {"headers": signed(COMMAND, secret="not the secret")}),
    "signed twice": (401, COMMAND, {"headers": [*signed(COMMAND), signed(COMMAND)[1]]}),
    "at two times": (401, COMMAND, {"headers": [signed(COMMAND)[0], *signed(COMMAND)]}),
    "a signature that is no text": (401, COMMAND, {"headers": [*signed(COMMAND)[:1], ("X-Slack-Signature", "\udc80")]}),
    "unsigned, the largest body": (401, b"a" * LARGEST, {"headers": []}),
    "unsigned JSON of many lists": (401, b"[" * 100_000, {"headers": [], "content_type": JSON}),
    "unsigned, a broken type": (401, COMMAND, {"headers": [], "content_type": f"{FORM}; charset=\udcff"}),
    "a form of the largest size": (400, b"text=" + b"a" * (LARGEST - 5), {}),
    "JSON of many lists": (400, b"[" * 100_000 + b"]" * 100_000, {"content_type": JSON}),
    "no type": (400, COMMAND, {"content_type": None}),
    "a type that is no text": (400, COMMAND, {"content_type": "\udcff/\udcfe"}),
    "two types in one": (400, COMMAND, {"content_type": f"{FORM}, {JSON}"}),
    "a body that is too large": (413, b"a" * (LARGEST + 1), {}),
    "a body that is too large, in chunks": (413, b"a" * (LARGEST + 1), {"chunked": True}),
    "unsigned, too large": (413, b"a" * (LARGEST + 1), {"headers": []}),
    "unsigned, too large, in chunks": (413, b"a" * (LARGEST + 1), {"headers": [], "chunked": True}),
    **{
        f"encoded with {name!r}": (415, body, {"headers": [*signed(body), ("Content-Encoding", name)]})
        for name, body in {"gzip": gzip.compress(COMMAND), "deflate": zlib.compress(COMMAND), "": COMMAND}.items()
    },
    "unsigned, a bomb": (415, gzip.compress(b"a" * 50 * LARGEST), {"headers": [("Content-Encoding", "Gzip")]}),
    "unsigned, no gzip": (415, b"not gzip", {"headers": [("Content-Encoding", "gzip")]}),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_request_that_is_not_slacks_is_refused(bot: TargetBot, name: str) -> None:
    status, body, request = REFUSED[name]
    assert MARK not in await post(bot, body, status, **request)


# --- answered politely ---


TEXTS = {
    "missing": None,
    "a NUL": "\0",
    "control characters": "".join(map(chr, range(32))),
    "a call to everybody": "<!channel> <!here> <!subteam^S0GROUP0001|@oncall>",
    "a link with another text": "<https://evil.example.com|Click to resume>",
    "bidirectional overrides": "\u202e\u2066\u2069\u200f" + MARK,
    "combining characters without end": "e" + "\u0301" * 5000,
    "line breaks of all kinds": "a\nb\rc\x0bd\x0ce\x85f\u2028g\u2029h",
    "hexadecimal digits without end": "a-" * 20_000,
    "an id that is too short": SESSION[:-1],
    "two ids": f"{SESSION} {OTHER_SESSION}",
    "a thousand ids": " ".join(f"{number:08x}{SESSION[8:]}" for number in range(1000)),
    "a URL without a session": "https://app.example.com/sessions/none?token=" + MARK,
}
NAMES = ("/remind", "/ANCHOR-PAUSE", "/anchor-pause\0", "/<!channel>", "/<https://evil.example.com|pause>", "/```")


@pytest.mark.parametrize(
    "body",
    [
        *(command(text=text) for text in TEXTS.values()),
        *(command(command=name) for name in (*NAMES, "/anchor-pause\n/anchor-pause", "/" + "a" * 39_999)),
    ],
    ids=[*TEXTS, *map(repr, NAMES), "two lines", "a long name"],
)
async def test_a_command_that_names_no_session_is_answered_to_the_person_alone(bot: TargetBot, body: bytes) -> None:
    ack = json.loads(await post(bot, fill_in(body, await bot.response_url()), 200))
    assert ack["response_type"] == "ephemeral"
    assert re.findall(r"<(?!https://[\w.]*anchorbrowser\.\w+/\w+\|)", ack["text"]) == []
    assert 0 < len(ack["text"]) <= 4000


MESSAGES: dict[str, dict[str, Any]] = {
    "nothing": {"message": None, "team": {"id": "T0HOME00001", "domain": 5}},
    "odd fields": {"message": {"text": 5, "blocks": MARK, "attachments": [5, None], "thread_ts": []}},
    "a million characters": {"message": {"text": "a " * 200_000}},
    "many blocks": {"message": {"blocks": [[]] * 50_000}},
    "an odd time": {"message": {"text": "a"}, "message_ts": MARK, "action_ts": MARK},
}


def on_message(**fields: Any) -> bytes:
    return interaction(SHORTCUT, callback_id="anchor_pause_from_message", **fields)


CLICKS = {
    "unknown": click(),
    "whose value is an object": click(actions=[action(value={"id": MARK})]),
    "whose value has a million characters": click(actions=[action(value="a" * 1_000_000)]),
    "whose action_id has 100,000 characters": click(actions=[action(action_id="a" * 100_000)]),
    "of 1,000 actions": click(actions=[action(action_id=f"no_such_action_{number}") for number in range(1000)]),
    "of a person whose team is a list": click(user={"id": "U0ALICE0001", "team_id": ["T0HOME00001"]}),
    "on an odd message": click(message={"text": 5, "thread_ts": 5, "blocks": [MARK, 5, None]}),
    "in a menu": click(actions=[action(type="static_select", selected_option={"value": MARK})]),
    "on an unknown element": click(actions=[action(type="no_such_element", block_id={})]),
    "that calls everybody": click(actions=[action(action_id="<!channel>")]),
    "like a regular expression": click(actions=[action(action_id=".*")]),
    "without a channel": click(channel=None),
    "of a whole organisation": click(team=None),
    "in a legacy attachment": interaction("interactive_message.alertmanager"),
    "that is a message shortcut": interaction(SHORTCUT),
    **{f"on a message of {name}": on_message(**fields) for name, fields in MESSAGES.items()},
}


@pytest.mark.parametrize("name", CLICKS)
async def test_a_click_on_something_unknown_or_odd_is_answered_to_the_person(bot: TargetBot, name: str) -> None:
    body, before = fill_in(CLICKS[name], await bot.response_url()), len(bot.told())
    assert not await post(bot, body, 200)
    await bot.slack.until(lambda: len(bot.told()) > before)
    bot.assert_no_effect(body)
    (told,) = bot.told()[before:]
    assert MARK not in told


UNANSWERABLE = {
    "a button without a response_url": click(response_url=None),
    **{f"a {kind}": click(type=kind, actions=None) for kind in ("<!channel>", "event_callback", "shortcut")},
    "a submitted modal": interaction(MODAL),
    "a closed modal": interaction("view_closed"),
    "a modal whose name is a number": interaction(MODAL, view={"type": "modal", "callback_id": 5}),
    "a modal without a type or a name": interaction(MODAL, view={}),
    "a modal without an id": interaction(MODAL, view={"type": "modal", "callback_id": "anchor_set_key"}),
    "a click without an action_id": click(actions=[{"name": "anchor_pause", "value": SESSION, "type": "button"}]),
}
EVENTS = {
    **{f"an event of the type {kind}": event(event=inner_event(type=kind)) for kind in ("x", "function_executed")},
    "an event with junk in it": event(event=inner_event(channel=5, item=[5], view=True, message="x")),
    "an unknown envelope": event(type="no_such_envelope"),
    "a shortcut with an event": event(type="message_action", message={"text": SESSION}),
    "a rate limit": json.dumps({"type": "app_rate_limited", "team_id": "T0HOME00001"}).encode(),
}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        *((body, FORM) for body in UNANSWERABLE.values()),
        *((body, f"{JSON}; charset=utf-8") for body in EVENTS.values()),
    ],
    ids=[*UNANSWERABLE, *EVENTS],
)
async def test_what_can_not_be_answered_is_acknowledged(bot: TargetBot, body: bytes, content_type: str) -> None:
    before = len(bot.told())
    await post(bot, fill_in(body, await bot.response_url()), 200, content_type=content_type)
    assert len(bot.told()) == before


async def test_a_check_of_the_certificate_pauses_nothing(bot: TargetBot) -> None:
    assert not await post(bot, b"ssl_check=1&" + COMMAND, 200, headers=[])


@pytest.mark.parametrize(
    "url", ["http://{}/commands/T0HOME00001/1/a", "http://{}\\@hooks.slack.com/x", "file:///etc/x"]
)
async def test_no_other_host_is_called_as_a_response_url_and_the_person_gets_a_direct_message(
    bot: TargetBot, url: str
) -> None:
    before = len(bot.told())
    await post(bot, click(response_url=url.format(bot.trap)), 200)
    await bot.slack.until(lambda: len(bot.told()) > before)
    bot.assert_no_effect()


# --- accepted ---


ACCEPTED: dict[str, dict[str, Any]] = {
    "as Slack sends it": {},
    "signed by the older secret": {"secret": OLDER_SECRET},
    "signed for in five minutes": {"at": str(NOW + 300)},
    "in chunks": {"chunked": True},
    "with a charset, in capitals": {"content_type": f"{FORM.upper()};charset=UTF-8"},
    "of the largest size": {},
}


@pytest.mark.parametrize("name", ACCEPTED)
async def test_a_command_pauses_however_it_is_sent(bot: TargetBot, name: str) -> None:
    request = dict(ACCEPTED[name])
    body = command(trigger_id=name, response_url=None)
    if name == "of the largest size":
        body += b"&filler=" + b"a" * (LARGEST - len(body) - 8)
    headers = signed(body, **{option: request.pop(option) for option in ("secret", "at") if option in request})
    answer = await send(bot.url, http_request(body, headers, **request))
    assert (answer.status, json.loads(answer.text)["response_type"]) == (200, "in_channel")
    assert [(one.verb, one.session_id) for one in bot.anchor.orders] == [("pause", SESSION)]
    bot.anchor.requests.clear()
    bot.assert_no_effect(body)


async def test_a_challenge_is_answered(bot: TargetBot) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "x"}).encode()
    assert json.loads(await post(bot, body, 200, content_type=JSON)) == {"challenge": "x"}


# --- cut short ---


CHUNKED = b"POST /slack/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
HEAD, _, BODY = http_request(COMMAND).partition(b"\r\n\r\n")


@pytest.mark.parametrize(
    "parts",
    [
        (HEAD + b"\r\n\r\n",),
        (HEAD + b"\r\n\r\n", BODY[:300]),
        (CHUNKED, b"80000\r\n" + b"a" * (LARGEST // 2) + b"\r\n"),
    ],
    ids=["before its body", "within its body", "within a large body"],
)
async def test_a_client_that_disconnects_is_no_error_of_the_bot(bot: TargetBot, parts: tuple[bytes, ...]) -> None:
    await send_and_reset(bot.url, *parts)
    bot.assert_no_effect(COMMAND)
