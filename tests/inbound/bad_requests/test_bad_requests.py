"""Hundreds of requests that nobody should send: none does anything, breaks anything or shows up in a log."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from bot.sim.slack.signing import signature
from inbound.bad_requests.case import Case, fill_in
from inbound.bad_requests.corpus import CASES, NOISES, SLOW
from inbound.bad_requests.ingredients import LARGEST, MARK, RESPONSE_URL, TRAP, command
from inbound.bad_requests.line import Answer, ask, break_off
from inbound.bad_requests.slow import Slow
from inbound.bad_requests.victim import Victim, victim
from inbound.bad_requests.wire import Noise

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return ("asyncio", {"use_uvloop": True})


@pytest.fixture(scope="module")
async def bot() -> AsyncIterator[Victim]:
    async with victim() as bot:
        yield bot


def test_the_corpus_has_more_than_two_hundred_distinct_requests() -> None:
    addresses = {RESPONSE_URL.encode(): "http://127.0.0.1/a", TRAP.encode(): "127.0.0.1:1"}
    requests = {case.request(addresses) for case in CASES}
    names = [*(case.name for case in CASES), *(noise.name for noise in NOISES), *(slow.name for slow in SLOW)]

    assert len(requests) == len(CASES) >= 200
    assert len(set(names)) == len(names)


def test_requests_are_signed_as_slack_signs_them() -> None:
    case = Case(name="a good one", status=200)

    assert dict(case.signature.headers(command()))["X-Slack-Signature"] == signature(
        case.signature.secret, case.signature.at, command()
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_bad_request_is_refused_or_politely_answered(bot: Victim, case: Case) -> None:
    addresses = await bot.addresses()
    before = len(bot.told(case.told_to))

    answer = await asyncio.wait_for(ask(bot.url, case.request(addresses)), 4)
    if case.tells:
        await bot.slack.until(lambda: len(bot.told(case.told_to)) > before)

    bot.assert_log_is_clean(fill_in(case.body, addresses))
    bot.assert_no_effect()
    assert answer.status in case.statuses, answer.text
    assert MARK not in answer.text or answer.status == 200
    assert_is_harmless(answer, says=case.says)
    told = bot.told(case.told_to)[before:]
    assert len(told) <= 1
    assert case.tells in "".join(told)
    assert "<!" not in "".join(told)


def assert_is_harmless(answer: Answer, *, says: str) -> None:
    """What is said is said to one person, has the right words, and calls nobody."""
    assert says in answer.text
    if says:
        ack = json.loads(answer.text)
        assert ack["response_type"] == "ephemeral"
        assert "<" not in ack["text"]
        assert len(ack["text"]) <= 4000


@pytest.mark.parametrize("noise", NOISES, ids=lambda noise: noise.name)
async def test_noise_is_never_an_error_of_the_bot_and_never_keeps_it_waiting(bot: Victim, noise: Noise) -> None:
    answer = await asyncio.wait_for(ask(bot.url, *noise.parts, ends=noise.ends), 4)

    bot.assert_log_is_clean()
    bot.assert_no_effect()
    assert answer.status is None or 400 <= answer.status < 500, answer.text


async def test_slow_bodies_are_cut_off_after_five_seconds(bot: Victim) -> None:
    async def run(case: Slow) -> tuple[str, int | None]:
        try:
            async with asyncio.timeout(case.within):
                return case.name, (await ask(bot.url, case.first, *case.rest, pause=0.4)).status
        except TimeoutError:
            return case.name, None

    assert dict(await asyncio.gather(*map(run, SLOW))) == {case.name: case.status for case in SLOW}
    bot.assert_no_effect()
    bot.assert_log_is_clean(command())


@pytest.mark.parametrize("kept", [0, 100, 300])
async def test_somebody_who_leaves_in_the_middle_of_a_body_is_no_error_of_the_bot(bot: Victim, kept: int) -> None:
    request = Case(name="", status=200).request(await bot.addresses())
    head, _, body = request.partition(b"\r\n\r\n")

    await break_off(bot.url, head + b"\r\n\r\n", body[:kept])

    bot.assert_no_effect()
    bot.assert_log_is_clean(command())


async def test_somebody_who_leaves_in_the_middle_of_a_large_body_is_no_error_of_the_bot(bot: Victim) -> None:
    head = b"POST /slack/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

    await break_off(bot.url, head, b"80000\r\n" + b"a" * (LARGEST // 2) + b"\r\n")

    bot.assert_log_is_clean()


async def test_after_all_this_the_bot_still_works(bot: Victim) -> None:
    typed = await bot.slack.command(bot.slack.alice, bot.slack.alerts, "help")

    assert typed.status == 200
    assert typed.ack is not None
    assert "I pause the AI agent" in typed.ack.content.text
