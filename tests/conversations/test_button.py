"""The Pause and Resume buttons, on messages as teams really have them."""

import logging
import re
import time
from dataclasses import replace

import pytest

from bot.sim.anchor import Answer, Slow
from bot.sim.slack import Message, Source
from bot.sim.slack.content import Part, parts
from harness import ALICE, BOTH_TRANSPORTS, paused, single_workspace
from harness.blocks import actions, button, context, image, mrkdwn, section
from harness.product import outcomes
from harness.texts import CARD_NOT_UPDATED, incident_text

pytestmark = pytest.mark.anyio

BOB = "U0BOB000001"
RESUME = "[anchor_resume_confirmed 3f2b]"
BY_ALICE = f"by <@{ALICE}>"


def shape(message: Message) -> list[str]:
    """Each block's text, or whom the bot's line mentions, and its buttons."""
    return [_shape(block) for block in message.blocks]


def _shape(block: Part) -> str:
    buttons = [f"[{one['action_id']} {one['value']!s:.4}]" for one in _buttons(block)]
    text = "\n".join(str(one["text"]) for one in parts([block.get("text")]))
    mentioned = re.search("<@[A-Z0-9]+>", text)
    return " ".join([f"by {mentioned[0]}" if mentioned else text, *buttons]).strip()


def _buttons(block: Part) -> tuple[Part, ...]:
    return parts([block.get("accessory")]) + parts(block.get("elements"))


@BOTH_TRANSPORTS
async def test_a_click_pauses_changes_the_message_and_posts_to_the_thread() -> None:
    async with single_workspace() as at:
        at.anchor.fault = Slow(3.0)
        message = at.post_alert()
        click = await at.click(message)
        assert at.messages() == [message], "the ack does not wait for Anchor"
        changed, posted = await at.wait_for_messages(2, updates=1)
        assert [order.verb for order in at.orders] == ["pause"]
    assert click.error is None
    assert shape(changed) == ["High spend", RESUME, BY_ALICE]
    assert changed.text.startswith("High spend\n")
    moment = re.search(r"<!date\^(\d+)\^", changed.text)
    assert moment
    assert abs(int(moment[1]) - time.time()) < 60
    assert (posted.text, posted.thread_ts, posted.blocks) == (paused(), message.ts, ())


GONE, UNKNOWN = outcomes.NotRunning("Session is not running"), outcomes.NotFound("Session not found")


@pytest.mark.parametrize("url", [None, "https://xn--.slack.com/actions/x"], ids=["none", "broken"])
async def test_if_the_message_cannot_be_changed_the_outcome_is_posted(
    url: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    async with single_workspace() as at:
        message = at.post_alert()
        await at.click(message, response_url=url)
        unchanged, posted = await at.wait_for_messages(2)
    assert unchanged == message
    assert (posted.source, posted.text) == (Source.POST_MESSAGE, paused())
    assert ("message not updated" in [record.message for record in caplog.records]) is (url is not None)


INVALID_BLOCKS = Answer(400, b"invalid_blocks", "text/plain")


async def test_images_stay_and_a_message_whose_blocks_slack_refuses_stays_as_it_is_and_the_result_says_so() -> None:
    def images(message: Message) -> int:
        return str(message.blocks).count("'image_url'")

    async with single_workspace() as at:
        blocks = [section("Chart", accessory=image("a")), context(image("b"), mrkdwn("Spend")), context(image("c"))]
        blocks += [image("d"), actions(button())]
        messages = [at.post_alert(*blocks) for _ in range(2)]
        for times, message in enumerate(messages):
            at.slack.faults["response_url"] = replace(INVALID_BLOCKS, times=1) if times else None
            await at.click(message)
            await at.wait_for_messages(3 + times, updates=1)
        kept, unchanged = map(at.current, messages)
    assert (images(kept), unchanged) == (4, messages[1])
    assert at.messages()[-1].text == f"{paused()}\n{CARD_NOT_UPDATED}"


async def test_an_exception_after_the_ack_is_reported_to_the_person(caplog: pytest.LogCaptureFixture) -> None:
    async with single_workspace() as at:
        message = at.post_alert(section("Spend", block_id="x"), actions(button()))
        await at.slack.click(at.person, message, message={"blocks": [{"type": "actions", "elements": 5}]})
        seen = await at.wait_for_ephemeral()
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert seen.text == incident_text(vars(record)["incident"])
