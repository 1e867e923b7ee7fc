"""A program posts alerts: the card that people see, and the answer that the program gets."""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import NoReturn

import aiohttp
import pytest

from bot.core.alert import Alert, Severity
from bot.core.session_id import SessionId
from bot.inbound.alerts.generic import BadAlert, read_alert
from bot.messages import alert_errors as say
from bot.messages.alert_card import alert_message
from bot.outbound.store.card_rows import CardRows
from bot.outbound.store.errors import StoreUnreachableError
from bot.sim.slack import (
    Fault,
    Hang,
    ResetAfterReading,
    ResetBeforeReading,
    Source,
    api_error,
    rate_limited,
    server_error,
)
from bot.usecases.alert_cards import AlertCards
from harness import BOTH_TRANSPORTS, SESSION, SingleHarness, paused, single_workspace
from harness.conversation import post_json

pytestmark = pytest.mark.anyio

TOKEN = "s3cret-of-the-alerts"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
ALERT = {"session_id": SESSION, "text": "It spent $40 in a minute.", "title": "High spend", "severity": "critical"}
POST = "chat.postMessage"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    json: dict[str, object]
    headers: Mapping[str, str]


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tables of cards fail: then an alert is posted by its request alone."""

    async def fail(*_: object, **__: object) -> NoReturn:
        raise StoreUnreachableError("gone")

    monkeypatch.setattr(CardRows, "exchange", fail)


def takes_alerts() -> AbstractAsyncContextManager[SingleHarness]:
    """Run a bot that takes alerts, for #alerts unless they name another channel."""
    return single_workspace(ALERTS_TOKEN=TOKEN, ALERTS_CHANNEL="C0ALERTS001")


async def post(
    at: SingleHarness, alert: object = ALERT, *, body: bytes | None = None, headers: Mapping[str, str] = BEARER
) -> Answer:
    return Answer(*await post_json(f"{at.bot.url}/alerts", alert, data=body, headers=headers))


async def test_the_answer_warns_about_unknown_fields() -> None:
    async with takes_alerts() as at:
        known, unknown = await post(at), await post(at, ALERT | {"chanel": "C0123456789"})
    assert "warnings" not in known.json
    assert (unknown.status, "chanel" in str(unknown.json["warnings"])) == (200, True)


@BOTH_TRANSPORTS
async def test_an_alert_becomes_a_card_with_a_button_that_pauses_the_session(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "bot")
    async with takes_alerts() as at:
        answer = await post(at, ALERT | {"url": "https://spend.example/?a=1&b=2"})
        (card,) = at.messages()
        assert at.anchor.requests == []
        (line,) = [vars(record) for record in caplog.records if record.message == "alert"]
        await at.click(card)
        changed, posted = await at.wait_for_messages(2, updates=1)
        assert [order.verb for order in at.orders] == ["pause"]
    expected = Alert(
        SessionId(SESSION), ALERT["text"], "High spend", Severity.CRITICAL, "https://spend.example/?a=1&b=2"
    )
    assert (answer.status, answer.json) == (200, {"ok": True, "channel": "C0ALERTS001", "ts": card.ts})
    assert (card.source, card.text) == (Source.POST_MESSAGE, alert_message(expected).text)
    assert (line["outcome"], line["session"], line["channel"]) == ("Posted", SESSION, "C0ALERTS001")
    assert [block["type"] for block in changed.blocks] == ["section", "section", "context", "actions", "section"]
    assert (posted.text, posted.thread_ts) == (paused(), card.ts)


async def test_an_alert_names_another_channel_or_the_only_one() -> None:
    async with single_workspace(ALERTS_TOKEN=TOKEN) as at:
        nowhere = await post(at)
        answer = await post(at, ALERT | {"channel": at.channel.id}, headers={"Authorization": f"bearer  {TOKEN}"})
        assert len(at.messages()) == 1
    assert answer.status == 200
    assert (nowhere.status, nowhere.json) == (400, {"error": say.NO_CHANNEL, "field": "channel"})


async def test_without_an_alerts_token_the_bot_has_no_such_route() -> None:
    async with single_workspace(ALERTS_CHANNEL="C0ALERTS001") as at:
        assert (await post(at, headers={"Authorization": "Bearer "})).status == 404
        assert at.calls(POST) == 0


WRONG = ["", "Bearer", "Bearer ", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer clé"]


async def test_a_wrong_token_is_refused_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    async with takes_alerts() as at:
        for given in WRONG:
            answer = await post(at, headers={"Authorization": given})
            assert (answer.status, answer.json) == (401, {"error": say.WRONG_TOKEN})
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert at.calls(POST) == 0
    (line,) = [vars(record) for record in caplog.records if record.levelno == logging.WARNING]
    assert (line["status"], line["why"], line["count"]) == (401, say.WRONG_TOKEN, 1)


async def test_a_token_in_bytes_that_are_no_text_is_only_wrong() -> None:
    async with takes_alerts() as at:
        answer = await _send_head(at, b"Authorization: Bearer \xff\xfe", b"Content-Length: 2")
    assert answer.startswith(b"HTTP/1.1 401")


async def _send_head(at: SingleHarness, *headers: bytes) -> bytes:
    """Send the head of a request, without any body, and return the whole answer."""
    host, port = at.bot.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"\r\n".join([b"POST /alerts HTTP/1.1", b"Host: a", *headers, b"", b""]))
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_the_problem_with_an_alert_is_named() -> None:
    bad: tuple[object, ...] = ({"text": "x"}, {"session_id": SESSION}, ALERT | {"severity": "fatal"}, [ALERT])
    async with takes_alerts() as at:
        answers = [await post(at, alert) for alert in bad]
        assert at.calls(POST) == 0
    problems = [problem for alert in bad if isinstance(problem := read_alert(alert), BadAlert)]
    assert [one.status for one in answers] == [400] * len(bad)
    assert [(one.json["error"], one.json.get("field")) for one in answers] == [(one.why, one.field) for one in problems]


async def test_a_body_that_is_no_json_is_refused() -> None:
    async with takes_alerts() as at:
        for body in (b"", b"{", b"\xff", b"[" * 100_000, b"session_id=x&text=y"):
            answer = await post(at, body=body)
            assert (answer.status, answer.json) == (400, {"error": say.NO_JSON})


async def test_a_body_that_is_too_large_or_compressed_is_refused(wording: Callable[[str, str], None]) -> None:
    async with takes_alerts() as at:
        token = f"Authorization: Bearer {TOKEN}".encode()
        head, _, body = (await _send_head(at, token, b"Content-Length: 1048577")).partition(b"\r\n\r\n")
        compressed = await post(at, headers=BEARER | {"Content-Encoding": "identity"})
    assert head.startswith(b"HTTP/1.1 413")
    assert compressed.status == 415
    wording("too large a body", json.loads(body)["error"])
    wording("a compressed body", str(compressed.json["error"]))


@pytest.mark.parametrize(
    ("channel", "fault", "code"),
    [
        ("C0INCIDENT1", None, "not_in_channel"),
        ("C0PRIVATE01", None, "channel_not_found"),
        ("C0ARCHIVED1", None, "is_archived"),
        ("C0ALERTS001", api_error("missing_scope"), "missing_scope"),
        ("C0ALERTS001", api_error("restricted_action"), "restricted_action"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
async def test_an_error_of_slack_is_explained(channel: str, fault: Fault | None, code: str) -> None:
    async with takes_alerts() as at:
        at.slack.faults[POST] = fault
        answer = await post(at, ALERT | {"channel": channel})
        assert at.calls(POST) == 1
    error = say.refused_by_slack(code, channel)
    assert (answer.status, answer.json) == (502, {"error": error, "slack_error": code})


async def test_a_rate_limit_is_waited_out() -> None:
    async with takes_alerts() as at:
        at.slack.faults[POST] = rate_limited(1, times=2)
        answer = await post(at)
        assert len(at.messages()) == 1
    assert answer.status == 200


async def test_an_alert_that_slack_does_not_take_in_time_is_queued_and_posted_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.usecases.alert_cards._POST_WAIT", 0.5)
    async with takes_alerts() as at:
        at.slack.faults[POST] = server_error(503, times=1)
        answer = await post(at)
        await at.wait_for_messages()
        again = await post(at)
    assert (answer.status, answer.json) == (202, {"ok": True, "channel": "C0ALERTS001", "queued": True, "count": 1})
    assert (again.status, again.json["count"]) == (200, 2)


@pytest.mark.slow
@pytest.mark.usefixtures("no_database")
@pytest.mark.parametrize(
    ("retry_after", "posts", "header"),
    [(30, 1, "30"), (10.5, 1, "11"), (None, 5, "60")],
    ids=["30 s", "10.5 s", "none"],
)
async def test_a_rate_limit_longer_than_ten_seconds_is_passed_on(
    retry_after: float | None, posts: int, header: str
) -> None:
    async with takes_alerts() as at:
        at.slack.faults[POST] = rate_limited(retry_after)
        answer = await post(at)
        assert at.calls(POST) == posts
    assert (answer.status, answer.json, answer.headers["Retry-After"]) == (503, {"error": say.LIMITED}, header)


@pytest.mark.usefixtures("no_database")
@pytest.mark.parametrize(
    ("fault", "why"), [(server_error(503), "HTTP 503"), (api_error("internal_error"), "internal_error")]
)
async def test_a_failing_slack_is_tried_three_times(fault: Fault, why: str) -> None:
    async with takes_alerts() as at:
        at.slack.faults[POST] = fault
        answer = await post(at)
        assert at.calls(POST) == 3
    assert (answer.status, answer.json) == (502, {"error": say.not_taken_by_slack(why)})


@pytest.mark.slow
@pytest.mark.parametrize("fault", [ResetAfterReading(applied=True), ResetBeforeReading(), Hang(applied=True)], ids=repr)
async def test_an_alert_that_slack_does_not_answer_is_sent_once_and_called_doubtful(fault: Fault) -> None:
    async with takes_alerts() as at:
        at.slack.faults[POST] = fault
        answer = await post(at)
        assert at.calls(POST) <= 1
    assert (answer.status, answer.json) == (504, {"error": say.DOUBTFUL})


async def test_a_bot_that_is_stopped_answers_what_it_has_begun_and_refuses_more() -> None:
    async with takes_alerts() as at:
        at.slack.faults[POST] = rate_limited(2, times=1)
        waiting = asyncio.create_task(post(at))
        await at.slack.until(lambda: at.calls(POST))
        late = asyncio.create_task(_post_once_stopping(at))
    answer, refused = await waiting, await late
    assert answer.status == 200
    assert len(at.messages()) == 1
    assert (refused.status, refused.json) == (503, {"error": say.STOPPING})
    assert refused.headers["Retry-After"] == "30"


async def _post_once_stopping(at: SingleHarness) -> Answer:
    async with aiohttp.ClientSession() as session:
        while (await session.get(f"{at.bot.url}/readyz")).status != 503:
            pass
    return await post(at)


@pytest.mark.slow
async def test_an_alert_that_is_cut_short_at_the_end_is_called_doubtful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.app._DRAIN_TIMEOUT", 0.1)
    async with takes_alerts() as at:
        at.slack.faults[POST] = Hang()
        waiting = asyncio.create_task(post(at))
        await at.slack.until(lambda: at.calls(POST))
    answer = await waiting
    assert (answer.status, answer.json) == (504, {"error": say.CUT_SHORT})


async def test_an_exception_is_answered_and_logged_under_one_id(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> NoReturn:
        raise ZeroDivisionError

    monkeypatch.setattr(AlertCards, "post", broken)
    async with takes_alerts() as at:
        answer = await post(at)
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.exc_info is not None
    assert (answer.status, answer.json) == (500, {"error": say.broken(vars(record)["incident"])})


@pytest.mark.slow
@pytest.mark.usefixtures("no_database")
async def test_a_thousand_alerts_at_once_leave_room_for_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.inbound.alerts.endpoint._MAX_RUNNING", 100)
    async with takes_alerts() as at:
        at.slack.faults[POST] = Hang()
        waiting = [asyncio.create_task(post(at)) for _ in range(100)]
        await at.slack.until(lambda: at.calls(POST) == 100)
        answer = await post(at)
        pause = await at.command()
        assert {one.status for one in await asyncio.gather(*waiting)} == {504}
    assert pause.ack is not None
    assert pause.ack.text == paused()
    assert (answer.status, answer.json, answer.headers["Retry-After"]) == (503, {"error": say.BUSY}, "5")


async def test_an_alert_that_was_posted_without_the_database_becomes_a_card_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(*_: object, **__: object) -> NoReturn:
        raise StoreUnreachableError("gone")

    async with takes_alerts() as at:
        with monkeypatch.context() as patch:
            patch.setattr(CardRows, "exchange", fail)
            answer = await post(at)
        (card,) = at.messages()
        await at.command()
        await at.wait_for_update(card)
    assert (answer.status, answer.json["ts"]) == (200, card.ts)


@pytest.mark.usefixtures("no_database")
async def test_without_the_database_a_resolved_alert_is_not_posted() -> None:
    async with takes_alerts() as at:
        answer = await post(at, ALERT | {"status": "resolved"})
        assert at.calls(POST) == 0
    assert (answer.status, answer.json) == (200, {"ok": True, "channel": "C0ALERTS001", "ignored": True})
