"""Orders by command, button and shortcut: what each outcome says, and where."""

import asyncio
import json
import logging
import re
import time

import pytest

from bot.sim import anchor as sim
from bot.sim.slack import Channel, Message, Source, User
from bot.sim.slack.content import Part, parts
from conversations.test_alert_cards import PAUSE, alert, buttons, taking_alerts, until_shown
from conversations.test_alert_cards import RESUME as RESUMES
from harness import ALICE, BOTH_TRANSPORTS, SingleHarness, outcome_text, paused, single_workspace
from harness.blocks import actions, attachment, button, context, image, legacy_button, mrkdwn, section
from harness.outages import execute
from harness.product import outcomes
from harness.product import outcomes as about
from harness.texts import HELP, SESSION, UNKNOWN_ACTION, broken_button_text, incident_text


@BOTH_TRANSPORTS
async def test_a_command_pauses_the_session_and_the_channel_sees_the_outcome() -> None:
    async with single_workspace() as at:
        delivery = await at.command(f"{SESSION.upper()} spending &amp; spending")
        (posted,) = at.orders
        (message,) = at.messages()
        state = at.anchor.session(SESSION).state
    assert delivery.status == 200
    assert message.source is Source.ACK
    assert message.text == paused(reason="spending & spending")
    assert "anchor_resume" in str(message.blocks)
    assert state is sim.SessionState.PAUSED
    assert (posted.path, posted.key, posted.body) == (f"/v1/sessions/{SESSION}/agent/pause", sim.DEFAULT_KEY, b"")
    assert "Content-Type" not in posted.headers


@pytest.mark.parametrize("verb", ["pause", "resume"])
async def test_help_is_for_the_person_alone_and_names_both_commands_and_the_window(verb: str) -> None:
    async with single_workspace() as at:
        await at.command(" Help ", verb=verb)
        (seen,) = at.ephemerals()
        assert (at.messages(), at.anchor.requests) == ([], [])
    assert seen.text == HELP
    assert all(word in HELP for word in ("/anchor-pause", "/anchor-resume", "*Pause several…*"))


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
        at.anchor.fault = sim.Slow(3.0)
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
    assert "anchor_resume_confirmed" in str(posted.blocks)
    assert (posted.text, posted.thread_ts) == (paused(), message.ts)


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


INVALID_BLOCKS = sim.Answer(400, b"invalid_blocks", "text/plain")


async def test_images_stay_and_a_message_whose_blocks_slack_refuses_stays() -> None:
    def images(message: Message) -> int:
        return str(message.blocks).count("'image_url'")

    async with single_workspace() as at:
        blocks = [section("Chart", accessory=image("a")), context(image("b"), mrkdwn("Spend")), context(image("c"))]
        blocks += [image("d"), actions(button())]
        messages = [at.post_alert(*blocks) for _ in range(2)]
        for times, message in enumerate(messages):
            at.slack.faults["response_url"] = INVALID_BLOCKS if times else None
            await at.click(message)
            await at.wait_for_messages(3 + times, updates=1)
        kept, unchanged = map(at.current, messages)
    assert (images(kept), unchanged) == (4, messages[1])
    assert (at.messages()[-1].text, "anchor_resume_confirmed" in str(at.messages()[-1].blocks)) == (paused(), True)


async def test_an_exception_after_the_ack_is_reported_to_the_person(caplog: pytest.LogCaptureFixture) -> None:
    async with single_workspace() as at:
        message = at.post_alert(section("Spend", block_id="x"), actions(button()))
        await at.slack.click(at.person, message, message={"blocks": [{"type": "actions", "elements": 5}]})
        seen = await at.wait_for_ephemeral()
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert seen.text == incident_text(vars(record)["incident"])


def post(at: SingleHarness, value: str = SESSION, *, thread_ts: str | None = None) -> Message:
    """Post an alert of another program with a button."""
    attached = attachment(legacy_button("Pause", value=value), callback_id="anchor_pause_legacy", text="High spend")
    return at.slack.post(at.channel, "", attachments=[attached], thread_ts=thread_ts)


@BOTH_TRANSPORTS
async def test_a_press_pauses_once_and_posts_to_the_thread_and_an_outsider_is_refused_alone() -> None:
    async with single_workspace() as at:
        message, outsider = post(at), at.slack.outsider
        await at.slack.press(outsider, message)
        denial = outcomes.Refusal(outcomes.Why.NOT_MEMBER)
        assert (await at.wait_for_ephemeral(outsider)).text == outcome_text(denial, user=outsider.id)
        assert at.orders == []
        at.anchor.fault = sim.Slow(1.0)
        pressed = await at.slack.press(at.person, message)
        assert (pressed.error, at.messages()) == (None, [message])
        await at.slack.resend(pressed)
        unchanged, posted = await at.wait_for_messages(2)
        await asyncio.sleep(0.3)
        assert ([order.verb for order in at.orders], len(at.messages())) == (["pause"], 2)
    assert (unchanged, posted.text, posted.thread_ts) == (message, paused(), message.ts)


@pytest.mark.parametrize("value", ["", f"{SESSION} 9c0d7e11-2222-4333-8444-555566667777"])
async def test_a_value_that_is_not_one_id_is_answered(value: str) -> None:
    async with single_workspace() as at:
        await at.slack.press(at.person, post(at, value))
        assert (await at.wait_for_ephemeral()).text == broken_button_text(value)
        assert at.orders == []


LINK = f"look at <https://anchor.example.com/sessions/{SESSION}|this session> please"


async def result(at: SingleHarness, about: Message, channel: Channel | None = None) -> Message:
    """Wait for the one message after the one that the shortcut was used on."""
    await at.slack.until(lambda: len(at.messages(channel)) > 1 + at.messages(channel).index(at.current(about)))
    return at.messages(channel)[-1]


@BOTH_TRANSPORTS
async def test_the_session_is_paused_once_and_the_thread_gets_the_result_and_the_ack_does_not_wait() -> None:
    async with single_workspace() as at:
        at.anchor.fault = sim.Slow(3.0)
        parent = at.slack.post(at.channel, "What is it doing?", user=at.slack.bob)
        message = at.slack.post(at.channel, LINK, user=at.slack.bob, thread_ts=parent.ts)
        used = await at.slack.use_shortcut(at.person, message)
        assert (used.error, at.messages()) == (None, [parent, message])
        again = await at.slack.resend(used)
        posted = await result(at, message)
        await asyncio.sleep(0.3)
        assert ([order.verb for order in at.orders], len(at.messages()), again.error) == (["pause"], 3, None)
    assert (posted.text, posted.thread_ts) == (paused(), parent.ts)
    assert posted.source is Source.POST_MESSAGE
    assert posted.blocks[-1]["elements"][0]["action_id"] == "anchor_resume_confirmed"  # type: ignore[index]


async def test_people_without_permission_in_its_channel_are_told_alone() -> None:
    async with single_workspace(ALLOWED_CHANNELS="C0ALERTS001", PAUSE_USERS="U0BOB000001,U0GUEST0001") as at:
        for person, channel, refusal in (
            (at.slack.bob, at.slack.private, outcomes.Refusal(outcomes.Why.NOT_HERE, ids=frozenset({"C0ALERTS001"}))),
            (
                at.slack.alice,
                at.channel,
                outcomes.Refusal(outcomes.Why.NOT_NAMED, ids=frozenset({"U0BOB000001", "U0GUEST0001"})),
            ),
            (at.slack.guest, at.channel, outcomes.Refusal(outcomes.Why.NOT_MEMBER)),
        ):
            await at.slack.use_shortcut(person, at.slack.post(channel, LINK, user=at.slack.bob))
            await at.slack.until(lambda: at.ephemerals(person, channel))  # noqa: B023 - awaited here
            assert at.ephemerals(person, channel)[0].text == outcome_text(refusal, user=person.id)
        assert at.orders == []


async def click_as_seen(at: SingleHarness, seen: Message, user: User) -> None:
    """Click the button of a message as somebody has seen it before: their client does not show the newest state yet."""
    (clicked,) = [one for block in seen.blocks for one in parts(block.get("elements")) if "action_id" in one]
    (action,) = buttons(at.current(seen))
    message = {"text": seen.text, "blocks": list(seen.blocks)}
    await at.slack.click(user, at.current(seen), str(action), actions=[{**clicked}], message=message)


SINCE = {"somebody else": ("carol", True), "own": ("bob", False)}
"""Who paused since, and whether Bob is asked about that when he clicks."""


@pytest.mark.parametrize("is_kept", [True, False], ids=["", "its order is gone"])
@pytest.mark.parametrize(("paused_by", "is_asked"), SINCE.values(), ids=SINCE)
async def test_a_resume_button_asks_again_if_somebody_else_paused_since_the_order_that_it_knows(
    database_url: str, paused_by: str, *, is_asked: bool, is_kept: bool
) -> None:
    async with taking_alerts(database_url) as at:
        card, other, person = await alert(at), getattr(at.slack, paused_by), at.slack.bob
        await at.command()
        seen = await until_shown(at, card, RESUMES, "Paused")
        await at.command(f"{SESSION} it loops", user=other)
        await until_shown(at, card, RESUMES, f"<@{other.id}>")
        if not is_kept:
            await execute(database_url, "DELETE FROM orders WHERE user_id = 'U0ALICE0001' AND reason = ''")
        await click_as_seen(at, seen, person)
        if is_asked:
            question = await at.wait_for_ephemeral(person)
            assert [order.verb for order in at.orders] == ["pause", "pause"]
            assert (f"<@{other.id}>" in question.text, "it loops" in question.text) == (True, False)
            await at.click(question, verb="resume", user=person)
        await until_shown(at, card, PAUSE, "Resumed", f"<@{person.id}>")


@BOTH_TRANSPORTS
async def test_a_click_on_a_link_beside_the_pause_button_is_not_answered() -> None:
    """The browser opens it, and Slack reports the click like any other, without the URL in the action."""
    async with single_workspace() as at:
        link = button("open_dashboard", url="https://dashboard.example/1")
        message = at.post_alert(section("Spend"), actions(button(), link))
        clicked = await at.slack.click(at.person, message, "open_dashboard")
        await asyncio.sleep(0.3)
        assert at.ephemerals() == []
    assert (clicked.status, clicked.answer.body, at.orders) == (200, b"", [])


async def test_an_unknown_button_with_a_session_is_answered_with_a_button_that_works() -> None:
    async with single_workspace() as at:
        message = at.post_alert(section("Spend"), actions(button("anchor_stop")))
        await at.slack.click(at.person, message, "anchor_stop")
        told = await at.wait_for_ephemeral()
        assert at.orders == []
        await at.click(told)
        await at.slack.until(lambda: at.messages()[-1].text == paused())
    assert (told.text, buttons(told)) == (UNKNOWN_ACTION, PAUSE)


HOSTILE = "<!channel> `rm` *now* &amp; " + "x" * 500


def error(status: int, message: str) -> sim.Answer:
    return sim.Answer(status, json.dumps({"error": {"code": status, "message": message}}).encode())


TABLE: dict[str, tuple[sim.Fault, about.Outcome, str]] = {
    "paused without a status": (sim.Answer(200, b"{}"), about.Paused(), "INFO"),
    "not running": (error(400, "Session is not running"), about.NotRunning(400, "Session is not running"), "INFO"),
    "not found": (error(404, "Session not found"), about.NotFound(404, "Session not found"), "WARNING"),
    "failed": (sim.server_error(), about.Failed(500, "Failed to pause agent"), "WARNING"),
    "key refused": (sim.unauthorized(), about.KeyRejected(401, "Invalid API key"), "WARNING"),
    "rate limited": (sim.rate_limited(30), about.RateLimited(429, "Too many requests", 30), "WARNING"),
    "out of service": (sim.server_error(503), about.Unavailable(503), "WARNING"),
    "gateway": (sim.html(503), about.Unconfirmed(about.Doubt.NO_ANSWER, 503), "WARNING"),
    "a page instead of an answer": (sim.html(200), about.Unconfirmed(about.Doubt.NOT_UNDERSTOOD, 200), "WARNING"),
    "a hostile message": (error(404, HOSTILE), about.NotFound(404, HOSTILE), "WARNING"),
    "an invisible message": (error(404, "\u0000\u202e"), about.NotFound(404, "\u202e"), "WARNING"),
}


@BOTH_TRANSPORTS
@pytest.mark.parametrize(("fault", "outcome", "level"), TABLE.values(), ids=TABLE)
async def test_the_channel_reads_the_outcome_within_the_ack_and_an_agent_left_running_is_a_warning(
    fault: sim.Fault, outcome: about.Outcome, level: str, caplog: pytest.LogCaptureFixture
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


@BOTH_TRANSPORTS
@pytest.mark.parametrize("status", [400, 401, 500])
@pytest.mark.parametrize("key", ["sk-of/home-0123456789", 'sk-"quoted"-0123456789'], ids=["slash", "quotes"])
async def test_a_key_that_anchor_repeats_is_not_shown(status: int, key: str) -> None:
    async with single_workspace(ANCHOR_API_KEY=key) as at:
        body = json.dumps({"error": {"message": f"Invalid API key provided: {key}"}})
        for spelling in (body, body.replace("/", "\\/")):
            at.anchor.fault = sim.Answer(status, spelling.encode())
            await at.command()
        texts = [message.text for message in at.messages()]
    assert len(texts) == 2
    assert all("`Invalid API key provided: (key)`" in text for text in texts)
