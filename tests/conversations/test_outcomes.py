"""What the channel reads for each thing that can happen at Anchor: what is known, and what to do next."""

import json

import pytest

from bot.sim.anchor import Answer, Fault, SessionState, html, rate_limited, server_error, unauthorized
from harness import SESSION, workplace

pytestmark = pytest.mark.anyio

WHO = f"session `{SESSION}`, asked for by <@U0ALICE0001>."
STOP_IT = "If it can't wait, do it in Anchor's dashboard."
AGAIN = "Send the command again (pausing twice does no harm), or look at the session in Anchor's dashboard."


def said(status: int, words: str) -> Answer:
    return Answer(status, b'{"error":{"code":%d,"message":"%s"}}' % (status, words.encode()))


TABLE: dict[str, tuple[Fault, str]] = {
    "paused without a status": (
        Answer(200, b"{}"),
        (f"⏸️ *Paused*: {WHO}\nAnchor confirmed it and named no status.\nTo let it go on: `/anchor-resume {SESSION}`."),
    ),
    "not running": (
        said(400, "Session is not running"),
        (
            f"🔹 *Not running, nothing to pause*: {WHO}\n"
            "Anchor says that this session is not running. It said: `Session is not running`\n"
            "If an agent is still acting, it belongs to another session: check the id."
        ),
    ),
    "not found": (
        said(404, "Session not found"),
        (
            f"⚠️ *Not paused*: {WHO}\n"
            "Anchor knows no such session under this workspace's API key. It said: `Session not found`\n"
            "Check the id, and whether the session belongs to the Anchor account of that key."
        ),
    ),
    "failed": (
        server_error(),
        (
            f"⚠️ *Not paused*: {WHO}\nAnchor answered that it failed (500). It said: `Failed to pause agent`\n"
            f"Try again. {STOP_IT}"
        ),
    ),
    "key refused": (
        unauthorized(),
        (
            f"⚠️ *Not paused*: {WHO}\n"
            "Anchor refused this workspace's API key (401); nothing was done. It said: `Invalid API key`\n"
            f"Whoever runs this bot must give it a valid key for this workspace. {STOP_IT}"
        ),
    ),
    "rate limited": (
        rate_limited(30),
        (
            f"⚠️ *Not paused*: {WHO}\n"
            "Anchor takes no more requests for now (429); nothing was done. It said: `Too many requests`\n"
            f"Try again in 30 s. {STOP_IT}"
        ),
    ),
    "out of service": (
        html(503),
        f"⚠️ *Not paused*: {WHO}\nAnchor is out of service (503); nothing was done.\nTry again in a moment. {STOP_IT}",
    ),
    "gateway": (
        html(504),
        (
            f"❓ *Unconfirmed, it may or may not be paused*: {WHO}\n"
            f"The request was sent, but a gateway lost Anchor's answer (504).\n{AGAIN}"
        ),
    ),
    "a page instead of an answer": (
        html(200),
        (
            f"❓ *Unconfirmed, it may or may not be paused*: {WHO}\n"
            f"The request was sent, but what came back is no answer of Anchor's (200).\n{AGAIN}"
        ),
    ),
    "hostile words": (
        said(404, "<!channel> `rm` *now* &amp; " + "x" * 500),
        (
            f"⚠️ *Not paused*: {WHO}\n"
            "Anchor knows no such session under this workspace's API key. "
            f"It said: `&lt;!channel&gt; 'rm' *now* &amp;amp; {'x' * 171}…`\n"
            "Check the id, and whether the session belongs to the Anchor account of that key."
        ),
    ),
    "words of nothing but control characters": (
        Answer(404, b'{"error":{"message":"\\u0000\\u202e"}}'),
        (
            f"⚠️ *Not paused*: {WHO}\n"
            "Anchor knows no such session under this workspace's API key. It said: `(nothing readable)`\n"
            "Check the id, and whether the session belongs to the Anchor account of that key."
        ),
    ),
}


@pytest.mark.parametrize(("fault", "text"), TABLE.values(), ids=TABLE)
async def test_the_channel_reads_what_is_known_and_what_to_do(fault: Fault, text: str) -> None:
    async with workplace() as at:
        at.anchor.fault = fault
        delivery = await at.type(SESSION)
        (message,) = at.results()
    assert message.text == text
    assert delivery.elapsed < 2.5


async def test_anchor_being_down_is_told_as_nothing_sent() -> None:
    async with workplace() as at:
        await at.anchor.stop()
        await at.type(SESSION)
        (message,) = at.results()
    assert message.text == (
        f"⚠️ *Not paused*: {WHO}\nAnchor can't be reached; nothing was sent.\nTry again in a moment. {STOP_IT}"
    )


async def test_no_answer_in_time_is_told_as_unconfirmed() -> None:
    async with workplace(ANCHOR_TIMEOUT="0.3", ANCHOR_DEADLINE="0.3") as at:
        at.anchor.fault = Answer(200, headers={"Content-Length": "10"})
        await at.type(SESSION)
        (message,) = at.results()
    assert message.text.splitlines()[0] == f"❓ *Unconfirmed, it may or may not be paused*: {WHO}"


async def test_a_session_that_has_ended_is_told_as_not_running() -> None:
    async with workplace() as at:
        at.anchor.session(SESSION).state = SessionState.ENDED
        await at.type(SESSION)
        (message,) = at.results()
    assert message.text.startswith("🔹 *Not running, nothing to pause*")


@pytest.mark.parametrize("status", [400, 401, 500])
@pytest.mark.parametrize("key", ["sk-of/home-0123456789", 'sk-"quoted"-0123456789'], ids=["slash", "quotes"])
async def test_a_key_that_anchor_repeats_is_not_told_to_the_channel(status: int, key: str) -> None:
    async with workplace(ANCHOR_API_KEY=key) as at:
        said = json.dumps({"error": {"message": f"Invalid API key provided: {key}"}})
        for body in (said, said.replace("/", "\\/")):
            at.anchor.fault = Answer(status, body.encode())
            await at.type(SESSION)
        texts = [message.text for message in at.results()]
    assert len(texts) == 2
    assert all("It said: `Invalid API key provided: (key)`" in text for text in texts)
