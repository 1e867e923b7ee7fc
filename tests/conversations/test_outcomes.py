"""For each answer of Anchor, the outcome that the channel reads."""

import json

import pytest

from bot.sim.anchor import Answer, Fault, html, rate_limited, server_error, unauthorized
from harness import BOTH_TRANSPORTS, outcome_text, single_workspace
from harness.product import outcomes as about

pytestmark = [pytest.mark.anyio, BOTH_TRANSPORTS]

HOSTILE = "<!channel> `rm` *now* &amp; " + "x" * 500


def error(status: int, message: str) -> Answer:
    return Answer(status, json.dumps({"error": {"code": status, "message": message}}).encode())


TABLE: dict[str, tuple[Fault, about.Outcome, str]] = {
    "paused without a status": (Answer(200, b"{}"), about.Paused(), "INFO"),
    "not running": (error(400, "Session is not running"), about.NotRunning("Session is not running"), "INFO"),
    "not found": (error(404, "Session not found"), about.NotFound("Session not found"), "INFO"),
    "failed": (server_error(), about.Failed(500, "Failed to pause agent"), "WARNING"),
    "key refused": (unauthorized(), about.KeyRejected(401, "Invalid API key"), "WARNING"),
    "rate limited": (rate_limited(30), about.RateLimited(30, "Too many requests"), "WARNING"),
    "out of service": (server_error(503), about.Unavailable(503), "WARNING"),
    "gateway": (html(503), about.Unconfirmed(about.Doubt.NO_ANSWER, 503), "WARNING"),
    "a page instead of an answer": (html(200), about.Unconfirmed(about.Doubt.NOT_UNDERSTOOD, 200), "WARNING"),
    "a hostile message": (error(404, HOSTILE), about.NotFound(HOSTILE), "INFO"),
    "an invisible message": (error(404, "\u0000\u202e"), about.NotFound("\u202e"), "INFO"),
}


@pytest.mark.parametrize(("fault", "outcome", "level"), TABLE.values(), ids=TABLE)
async def test_the_channel_reads_the_outcome_within_the_ack_and_an_agent_left_running_is_a_warning(
    fault: Fault, outcome: about.Outcome, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with single_workspace() as at:
        at.anchor.fault = fault
        delivery = await at.command()
        (message,) = at.messages()
        await at.command(verb="resume")
    assert message.text == outcome_text(outcome)
    assert delivery.elapsed < 2.5
    levels = {record.msg: record.levelname for record in caplog.records if "outcome" in vars(record)}
    assert levels == {"pause": level, "resume": "INFO"}


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
