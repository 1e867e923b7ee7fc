"""For each answer of Anchor, the outcome that the channel reads."""

import json

import pytest

from bot.core.outcomes import (
    Doubt,
    Failed,
    KeyRejected,
    NotFound,
    NotRunning,
    Outcome,
    Paused,
    RateLimited,
    Unavailable,
    Unconfirmed,
    Unreachable,
)
from bot.sim.anchor import Answer, Fault, SessionState, html, rate_limited, server_error, unauthorized
from harness import BOTH_TRANSPORTS, SESSION, outcome_text, single_workspace

pytestmark = [pytest.mark.anyio, BOTH_TRANSPORTS]

HOSTILE = "<!channel> `rm` *now* &amp; " + "x" * 500


def error(status: int, message: str) -> Answer:
    return Answer(status, json.dumps({"error": {"code": status, "message": message}}).encode())


TABLE: dict[str, tuple[Fault, Outcome]] = {
    "paused without a status": (Answer(200, b"{}"), Paused()),
    "not running": (error(400, "Session is not running"), NotRunning("Session is not running")),
    "not found": (error(404, "Session not found"), NotFound("Session not found")),
    "failed": (server_error(), Failed(500, "Failed to pause agent")),
    "key refused": (unauthorized(), KeyRejected(401, "Invalid API key")),
    "rate limited": (rate_limited(30), RateLimited(30, "Too many requests")),
    "out of service": (html(503), Unavailable(Unreachable.OUT_OF_SERVICE)),
    "gateway": (html(504), Unconfirmed(Doubt.GATEWAY, 504)),
    "a page instead of an answer": (html(200), Unconfirmed(Doubt.UNREADABLE, 200)),
    "a hostile message": (error(404, HOSTILE), NotFound(HOSTILE)),
    "an invisible message": (error(404, "\u0000\u202e"), NotFound("\u202e")),
}


LEFT_RUNNING = {"Failed", "KeyRejected", "RateLimited", "Unavailable", "Unconfirmed"}


@pytest.mark.parametrize(("fault", "outcome"), TABLE.values(), ids=TABLE)
async def test_a_pause_that_leaves_an_agent_running_is_logged_as_a_warning(
    fault: Fault, outcome: Outcome, caplog: pytest.LogCaptureFixture
) -> None:
    async with single_workspace(ANCHOR_DEADLINE="1") as at:
        at.anchor.fault = fault
        await at.command()
        await at.command(verb="resume")
    levels = {record.msg: record.levelname for record in caplog.records if "outcome" in vars(record)}
    is_warning = type(outcome).__name__ in LEFT_RUNNING
    assert levels == {"pause": "WARNING" if is_warning else "INFO", "resume": "INFO"}


@pytest.mark.parametrize(("fault", "outcome"), TABLE.values(), ids=TABLE)
async def test_the_channel_reads_the_outcome_within_the_ack(fault: Fault, outcome: Outcome) -> None:
    async with single_workspace() as at:
        at.anchor.fault = fault
        delivery = await at.command()
        (message,) = at.messages()
    assert message.text == outcome_text(outcome)
    assert delivery.elapsed < 2.5


async def test_if_anchor_is_down_nothing_was_sent() -> None:
    async with single_workspace() as at:
        await at.anchor.stop()
        await at.command()
        (message,) = at.messages()
    assert message.text == outcome_text(Unavailable(Unreachable.NO_CONNECTION))


async def test_if_anchor_does_not_answer_in_time_the_outcome_is_unconfirmed() -> None:
    async with single_workspace(ANCHOR_TIMEOUT="3", ANCHOR_DEADLINE="3") as at:
        at.anchor.fault = Answer(200, headers={"Content-Length": "10"})
        await at.command()
        (message,) = await at.wait_for_messages()
    assert message.text in {outcome_text(Unconfirmed(doubt)) for doubt in (Doubt.TIMED_OUT, Doubt.CONNECTION_LOST)}


async def test_a_session_that_has_ended_is_not_running() -> None:
    async with single_workspace() as at:
        at.anchor.session(SESSION).state = SessionState.ENDED
        await at.command()
        (message,) = at.messages()
    assert message.text == outcome_text(NotRunning("Session is not running"))


@pytest.mark.parametrize("status", [400, 401, 500])
@pytest.mark.parametrize("key", ["sk-of/home-0123456789", 'sk-"quoted"-0123456789'], ids=["slash", "quotes"])
async def test_a_key_that_anchor_repeats_is_not_shown(status: int, key: str) -> None:
    async with single_workspace(ANCHOR_API_KEY=key) as at:
        body = json.dumps({"error": {"message": f"Invalid API key provided: {key}"}})
        for spelling in (body, body.replace("/", "\\/")):
            at.anchor.fault = Answer(status, spelling.encode())
            await at.command()
        texts = [message.text for message in at.messages()]
    assert len(texts) == 2
    assert all("`Invalid API key provided: (key)`" in text for text in texts)
