"""Everything that Slack may send is accepted: in any order, with other fields, signed by either secret."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from harness.texts import SESSION
from inbound.bad_requests.case import UNSIGNED, Case, Signature
from inbound.bad_requests.raw_http import Answer, send
from inbound.bad_requests.target_bot import TargetBot, target_bot
from inbound.bad_requests.valid_requests import (
    FORM,
    JSON,
    LARGEST,
    MARK,
    NOW,
    OLDER_SECRET,
    click,
    command,
    event,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def bot() -> AsyncIterator[TargetBot]:
    async with target_bot() as bot:
        yield bot


async def send_case(bot: TargetBot, **case: Any) -> Answer:
    return await send(bot.url, Case(name="", **case).request(await bot.addresses()))


_OPTIONAL = ("token", "team_domain", "channel_name", "user_name", "api_app_id", "response_url")

FIELDS: dict[str, dict[str, str | None]] = {
    "as Slack sends it": {},
    "with optional fields missing": dict.fromkeys(_OPTIONAL),
    "without a trigger": {"trigger_id": None},
    "with optional fields empty": {**dict.fromkeys(_OPTIONAL, ""), "trigger_id": ""},
    "in a channel called payload": {"channel_name": "payload-alerts"},
    **{
        f"with the reason {reason}": {"text": f"{SESSION} {reason}"}
        for reason in ("payload=", "the payload={} was odd", "&payload={}", "ssl_check=1", "%00")
    },
    "of a grid": {"enterprise_id": "E0GRID00001", "enterprise_name": "<A> & Ö", "is_enterprise_install": "true"},
    "in a thread": {"thread_ts": "1785000000.000100"},
    "with a type": {"type": "block_actions", "event": "{}"},
    "with a nameless field": {"": "nameless"},
    "with 80 more fields": {f"field_{number}": MARK for number in range(80)},
    "with a large field": {"message": "x" * 500_000},
}

REQUESTS: dict[str, dict[str, Any]] = {
    "signed in 5 minutes": {"signature": Signature(at=str(NOW + 300))},
    "signed by the older secret": {"signature": Signature(secret=OLDER_SECRET)},
    "in chunks": {"chunked": True},
    "with a charset": {"content_type": f"{FORM};charset=UTF-8"},
    "with a content type in capitals": {"content_type": FORM.upper()},
}


async def assert_it_pauses(bot: TargetBot, body: bytes, **case: Any) -> None:
    answer = await send_case(bot, body=body, **case)
    assert answer.status == 200, answer.text
    assert json.loads(answer.text)["response_type"] == "in_channel"
    assert [(one.verb, one.session_id) for one in bot.anchor.orders] == [("pause", SESSION)]
    bot.anchor.requests.clear()
    bot.assert_no_effect(body)


@pytest.mark.parametrize("name", FIELDS)
async def test_a_command_pauses_whatever_its_other_fields_are(bot: TargetBot, name: str) -> None:
    await assert_it_pauses(bot, command(**{"trigger_id": name} | FIELDS[name]))


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_command_pauses_however_it_is_sent(bot: TargetBot, name: str) -> None:
    await assert_it_pauses(bot, command(trigger_id=name), **REQUESTS[name])


async def test_a_request_that_was_signed_five_minutes_ago_is_accepted(bot: TargetBot) -> None:
    answer = await send_case(bot, body=command(text="help"), signature=Signature(at=str(NOW - 300)))
    assert (answer.status, json.loads(answer.text)["response_type"]) == (200, "ephemeral")


async def test_fields_may_come_in_any_order(bot: TargetBot) -> None:
    fields = parse_qsl(command(trigger_id="reversed").decode())
    await assert_it_pauses(bot, urlencode(fields[::-1]).encode())


async def test_the_largest_body_is_accepted(bot: TargetBot) -> None:
    body = command(response_url=None, trigger_id="largest") + b"&filler="
    await assert_it_pauses(bot, body + b"a" * (LARGEST - len(body)))


async def test_a_challenge_is_answered_if_it_is_signed(bot: TargetBot) -> None:
    challenge = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"
    body = json.dumps({"token": MARK, "challenge": challenge, "type": "url_verification"}).encode()
    signed = await send_case(bot, body=body, content_type=JSON)
    unsigned = await send_case(bot, body=body, content_type=JSON, signature=UNSIGNED)
    assert (signed.status, json.loads(signed.text)) == (200, {"challenge": challenge})
    assert unsigned.status == 401
    assert challenge not in unsigned.text


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(event(), JSON), (event(), f"{JSON}; charset=utf-8"), (click(channel={"id": "C1", "name": "payload"}), FORM)],
    ids=["an event", "an event with a charset", "a click in a channel called payload"],
)
async def test_events_and_clicks_are_acknowledged(bot: TargetBot, body: bytes, content_type: str) -> None:
    answer = await send_case(bot, body=body, content_type=content_type)
    assert (answer.status, answer.text) == (200, "")
    bot.assert_no_effect(body)
