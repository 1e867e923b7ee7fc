"""What the door lets in: all that Slack may send, in any order, with other fields, and signed by either secret."""

import json
import random
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlencode

import pytest

from inbound.bad_requests.case import SIGNED, UNSIGNED, Case, Signature
from inbound.bad_requests.ingredients import (
    FORM,
    JSON,
    LARGEST,
    MARK,
    NOW,
    OLDER_SECRET,
    SESSION,
    click,
    command,
    event,
)
from inbound.bad_requests.line import Answer, ask
from inbound.bad_requests.victim import Victim, victim

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return ("asyncio", {"use_uvloop": True})


@pytest.fixture(scope="module")
async def bot() -> AsyncIterator[Victim]:
    async with victim() as bot:
        yield bot


_triggers = iter(range(10**6))


async def send(
    bot: Victim, body: bytes, *, signature: Signature = SIGNED, content_type: str | None = FORM, chunked: bool = False
) -> Answer:
    case = Case(name="", status=200, body=body, signature=signature, content_type=content_type, chunked=chunked)
    return await ask(bot.url, case.request(await bot.addresses()))


def a_command(**changes: str | None) -> bytes:
    """One that was not sent before."""
    return command(**{"trigger_id": f"{next(_triggers)}.2.3"} | changes)


async def assert_it_pauses(
    bot: Victim, body: bytes, *, signature: Signature = SIGNED, content_type: str = FORM, chunked: bool = False
) -> None:
    answer = await send(bot, body, signature=signature, content_type=content_type, chunked=chunked)

    assert answer.status == 200, answer.text
    assert json.loads(answer.text)["response_type"] == "in_channel"
    assert [(one.verb, one.session_id) for one in bot.anchor.requests] == [("pause", SESSION)]
    bot.anchor.requests.clear()
    bot.assert_no_effect()
    bot.assert_log_is_clean(body)


async def test_a_command_pauses(bot: Victim) -> None:
    await assert_it_pauses(bot, a_command())


@pytest.mark.parametrize("seconds", [-300, -299, 0, 299, 300])
async def test_a_clock_may_be_five_minutes_off(bot: Victim, seconds: int) -> None:
    await assert_it_pauses(bot, a_command(), signature=Signature(at=str(NOW + seconds)))


async def test_while_the_signing_secret_is_rotated_both_are_good(bot: Victim) -> None:
    await assert_it_pauses(bot, a_command(), signature=Signature(secret=OLDER_SECRET))


async def test_a_body_may_come_in_chunks(bot: Victim) -> None:
    await assert_it_pauses(bot, a_command(), chunked=True)


@pytest.mark.parametrize("content_type", [f"{FORM}; charset=utf-8", f"{FORM};charset=UTF-8", FORM.upper()])
async def test_the_content_type_may_be_written_otherwise(bot: Victim, content_type: str) -> None:
    await assert_it_pauses(bot, a_command(), content_type=content_type)


@pytest.mark.parametrize("field", ["channel_name", "user_name", "team_domain", "channel_id_is_called", "trigger_id"])
async def test_the_word_payload_may_occur_anywhere(bot: Victim, field: str) -> None:
    await assert_it_pauses(bot, a_command(**{field: f"payload-alerts{next(_triggers)}"}))


@pytest.mark.parametrize(
    "reason", ["payload", "payload=", "the payload={} was odd", "&payload={}", "ssl_check=1", "%00"]
)
async def test_a_reason_may_have_any_words(bot: Victim, reason: str) -> None:
    await assert_it_pauses(bot, a_command(text=f"{SESSION} {reason}"))


@pytest.mark.parametrize("seed", range(5))
async def test_fields_may_come_in_any_order(bot: Victim, seed: int) -> None:
    fields = parse_qsl(a_command().decode())
    random.Random(seed).shuffle(fields)  # noqa: S311 - no secret

    await assert_it_pauses(bot, urlencode(fields).encode())


@pytest.mark.parametrize(
    "field",
    [
        "token",
        "team_domain",
        "channel_name",
        "user_name",
        "api_app_id",
        "is_enterprise_install",
        "response_url",
        "trigger_id",
    ],
)
async def test_fields_that_are_not_needed_may_be_missing(bot: Victim, field: str) -> None:
    await assert_it_pauses(bot, a_command(**{field: None}))


@pytest.mark.parametrize("field", ["token", "channel_name", "response_url", "trigger_id", "thread_ts"])
async def test_fields_that_are_not_needed_may_be_empty(bot: Victim, field: str) -> None:
    await assert_it_pauses(bot, a_command(**{field: ""}))


@pytest.mark.parametrize(
    "more",
    [
        {"enterprise_id": "E0GRID00001", "enterprise_name": "Acme <Holding> & Söhne"},
        {"is_enterprise_install": "true"},
        {"thread_ts": "1785000000.000100"},
        {"new_field": "\N{PILE OF POO}"},
        {"channel_name": "privategroup"},
        {"type": "block_actions"},
        {"event": "{}"},
        {"": "nameless"},
        {f"field_{number}": MARK for number in range(80)},
        {"message": "x" * 500_000},
    ],
    ids=lambda more: next(iter(more)) or "nameless",
)
async def test_unknown_fields_do_no_harm(bot: Victim, more: dict[str, str]) -> None:
    await assert_it_pauses(bot, a_command(**more))


async def test_a_challenge_is_answered(bot: Victim) -> None:
    challenge = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"
    body = json.dumps({"token": MARK, "challenge": challenge, "type": "url_verification"}).encode()

    signed = await send(bot, body, content_type=JSON)
    unsigned = await send(bot, body, content_type=JSON, signature=UNSIGNED)

    assert (signed.status, json.loads(signed.text)) == (200, {"challenge": challenge})
    assert unsigned.status == 401
    assert challenge not in unsigned.text


@pytest.mark.parametrize("content_type", [JSON, f"{JSON}; charset=utf-8"])
async def test_an_event_is_taken(bot: Victim, content_type: str) -> None:
    answer = await send(bot, event(), content_type=content_type)

    assert (answer.status, answer.text) == (200, "")
    bot.assert_no_effect()
    bot.assert_log_is_clean(event())


async def test_a_click_says_payload_in_its_payload(bot: Victim) -> None:
    answer = await send(bot, click(channel={"id": "C0ALERTS001", "name": "payload-alerts"}))

    assert (answer.status, answer.text) == (200, "")


async def test_the_largest_body_is_taken(bot: Victim) -> None:
    body = a_command(response_url=None) + b"&filler="

    await assert_it_pauses(bot, body + b"a" * (LARGEST - len(body)))
