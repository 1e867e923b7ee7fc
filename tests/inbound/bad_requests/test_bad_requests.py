"""Hundreds of requests that nobody should send: none has an effect, breaks anything or shows up in a log."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from bot.config.settings import DASHBOARD_URL
from bot.core.requests import Help
from harness import usage_text
from inbound.bad_requests import (
    bodies,
    broken_http,
    commands,
    events,
    interactions,
    signatures,
    ssrf,
    unknown_requests,
)
from inbound.bad_requests.broken_http import SLOW_CASES, RawCase
from inbound.bad_requests.case import Case, fill_in
from inbound.bad_requests.raw_http import Answer, send, send_and_reset
from inbound.bad_requests.target_bot import TargetBot, target_bot
from inbound.bad_requests.valid_requests import LARGEST, MARK, command

pytestmark = pytest.mark.anyio

CASES = [
    case
    for theme in (signatures, bodies, commands, interactions, events, unknown_requests, ssrf)
    for case in theme.CASES
]


@pytest.fixture(scope="module")
async def bot() -> AsyncIterator[TargetBot]:
    async with target_bot() as bot:
        yield bot


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_bad_request_is_refused_or_answered_politely(bot: TargetBot, case: Case) -> None:
    addresses = await bot.addresses()
    before = len(bot.direct_messages(case.dm_user))

    answer = await asyncio.wait_for(send(bot.url, case.request(addresses)), 20)
    if case.dm_text:
        await bot.slack.until(lambda: len(bot.direct_messages(case.dm_user)) > before)

    bot.assert_no_effect(fill_in(case.body, addresses))
    assert answer.status == case.status, answer.text
    assert MARK not in answer.text or case.ack
    if case.ack:
        ack = json.loads(answer.text)
        assert (ack["response_type"], ack["text"]) == ("ephemeral", case.ack)
        assert "<" not in ack["text"].replace(f"<{DASHBOARD_URL}|", "")
        assert len(ack["text"]) <= 4000
    assert bot.direct_messages(case.dm_user)[before:] == [case.dm_text] * bool(case.dm_text)


async def send_raw(bot: TargetBot, case: RawCase) -> Answer:
    async with asyncio.timeout(case.within):
        return await send(bot.url, *case.parts, ends=case.ends, pause=case.pause)


@pytest.mark.parametrize("case", broken_http.CASES, ids=lambda case: case.name)
async def test_broken_http_is_never_an_error_of_the_bot(bot: TargetBot, case: RawCase) -> None:
    answer = await send_raw(bot, case)
    bot.assert_no_effect()
    if case.status is None:
        assert answer.status is None or 400 <= answer.status < 500, answer.text
    else:
        assert answer.status == case.status


async def test_slow_bodies_are_cut_off_after_five_seconds(bot: TargetBot) -> None:
    answers = await asyncio.gather(*(send_raw(bot, case) for case in SLOW_CASES), return_exceptions=True)
    found = {case.name: getattr(answer, "status", answer) for case, answer in zip(SLOW_CASES, answers, strict=True)}
    assert found == {case.name: case.status for case in SLOW_CASES}
    bot.assert_no_effect(command())


@pytest.mark.parametrize("sent_bytes", [0, 300])
async def test_a_client_that_disconnects_within_a_body_is_no_error_of_the_bot(bot: TargetBot, sent_bytes: int) -> None:
    head, _, body = Case(name="").request(await bot.addresses()).partition(b"\r\n\r\n")
    await send_and_reset(bot.url, head + b"\r\n\r\n", body[:sent_bytes])
    bot.assert_no_effect(command())


async def test_a_client_that_disconnects_within_a_large_body_is_no_error_of_the_bot(bot: TargetBot) -> None:
    head = b"POST /slack/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    await send_and_reset(bot.url, head, b"80000\r\n" + b"a" * (LARGEST // 2) + b"\r\n")
    bot.assert_no_effect()


async def test_after_all_this_the_bot_still_works(bot: TargetBot) -> None:
    typed = await bot.slack.command(bot.slack.alice, bot.slack.alerts, "help")
    assert typed.ack is not None
    assert typed.ack.content.text == usage_text(Help())
