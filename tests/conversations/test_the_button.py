"""The Pause and Resume buttons, on messages as teams really have them."""

import asyncio
from typing import Any

import pytest

from bot.sim.anchor import SessionState, Slow, html, rate_limited, server_error, unauthorized
from bot.sim.slack import Enterprise, Installation, Message, SimSlack, Source, Workspace, api_error, expired_url
from harness import OTHER_SESSION, SESSION, SingleHarness, single_workspace

pytestmark = pytest.mark.anyio


def button(session: str = SESSION, action_id: str = "anchor_pause", **more: Any) -> dict[str, Any]:
    text = {"type": "plain_text", "text": "Pause"}
    return {"type": "button", "action_id": action_id, "text": text, "value": session} | more


def section(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}} | more


def actions(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(buttons)}


def alert(slack: SimSlack, *blocks: dict[str, Any], **more: Any) -> Message:
    return slack.post(slack.alerts, "High spend", blocks=blocks or (section("High spend"), actions(button())), **more)


def now_of(at: SingleHarness, message: Message) -> Message:
    current = at.slack.current(message)
    assert current is not None
    return current


def texts(message: Message) -> list[str]:
    """What each block says, and which buttons it has."""
    said = []
    for block in message.blocks:
        elements = [block.get("accessory"), *block.get("elements", ())]  # type: ignore[misc]
        buttons = [f"[{one['action_id']} {one['value'][:4]}]" for one in elements if one]
        text = block.get("text", {}).get("text", "")  # type: ignore[attr-defined]
        said.append(" ".join([text.split(",")[0], *buttons]).strip())
    return said


async def test_a_click_pauses_changes_the_message_and_tells_the_thread() -> None:
    async with single_workspace() as at:
        message = alert(at.slack)
        click = await at.slack.click(at.slack.alice, message)
        await at.slack.until(lambda: len(at.messages()) == 2)
        assert [post.verb for post in at.anchor.posts(SESSION)] == ["pause"]
        changed, told = at.messages()
    assert click.error is None
    assert texts(changed) == ["High spend", "Paused by <@U0ALICE0001> [anchor_resume 3f2b]"]
    assert changed.text.startswith("High spend\nPaused by <@U0ALICE0001>, <!date^")
    assert told.thread_ts == message.ts
    assert told.text.startswith(f"⏸️ *Paused*: session `{SESSION}`, asked for by <@U0ALICE0001>.")
    assert [button["action_id"] for button in told.blocks[1]["elements"]] == ["anchor_resume"]  # type: ignore[attr-defined]


async def test_the_ack_does_not_wait_for_anchor() -> None:
    async with single_workspace(ANCHOR_TIMEOUT="3", ANCHOR_DEADLINE="3") as at:
        at.anchor.fault = Slow(1.9)
        click = await at.slack.click(at.slack.alice, alert(at.slack))
        assert click.elapsed < 1.5
        await at.slack.until(lambda: len(at.messages()) == 2)


async def test_resume_on_the_message_lets_the_agent_go_on_and_offers_pause_again() -> None:
    async with single_workspace() as at:
        message = alert(at.slack)
        await at.slack.click(at.slack.alice, message)
        await at.slack.until(lambda: len(at.messages()) == 2)
        await at.slack.click(at.slack.bob, now_of(at, message), "anchor_resume")
        await at.slack.until(lambda: len(at.messages()) == 3)
        assert [post.verb for post in at.anchor.posts(SESSION)] == ["pause", "resume"]
        changed = now_of(at, message)
    assert texts(changed) == ["High spend", "Resumed by <@U0BOB000001> [anchor_pause 3f2b]"]
    assert "Paused by" not in changed.text


async def test_resume_on_the_message_of_a_command_works_too() -> None:
    async with single_workspace() as at:
        await at.command(SESSION)
        (told,) = at.messages()
        await at.slack.click(at.slack.alice, told, "anchor_resume")
        await at.slack.until(lambda: len(at.messages()) == 2)
        first, second = texts(now_of(at, told))
    assert first.startswith("⏸️ *Paused*")
    assert second == "Resumed by <@U0ALICE0001> [anchor_pause 3f2b]"


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        (
            [section("Spend", accessory=button()), section("end")],
            ["Spend", "Paused by <@U0ALICE0001> [anchor_resume 3f2b]", "end"],
        ),
        (
            [actions(button(), button(OTHER_SESSION, "graph"), button("x", "silence")), section("end")],
            ["[graph 9c0d] [silence x]", "Paused by <@U0ALICE0001> [anchor_resume 3f2b]", "end"],
        ),
        (
            [*(section(str(number)) for number in range(49)), actions(button())],
            [*map(str, range(49)), "Paused by <@U0ALICE0001> [anchor_resume 3f2b]"],
        ),
        (
            [*(section(str(number)) for number in range(49)), section("full", accessory=button())],
            [*map(str, range(49)), "full [anchor_resume 3f2b]"],
        ),
        (
            [*(section(str(number)) for number in range(49)), actions(button("x", "silence"), button())],
            [*map(str, range(49)), "[silence x] [anchor_resume 3f2b]"],
        ),
    ],
    ids=[
        "an accessory",
        "among other buttons",
        "full but for the button",
        "a full message",
        "full, in a row of buttons",
    ],
)
async def test_everything_else_in_the_message_stays(blocks: list[dict[str, Any]], expected: list[str]) -> None:
    async with single_workspace() as at:
        message = alert(at.slack, *blocks)
        await at.slack.click(at.slack.alice, message)
        await at.slack.until(lambda: len(at.messages()) == 2)
        changed, told = at.messages()
    assert texts(changed) == expected
    assert ("Paused by" in told.text) is (expected[-1].startswith(("full", "[silence")))
    assert "anchor_resume" in str(told.blocks)


async def test_a_button_inside_an_attachment() -> None:
    async with single_workspace() as at:
        attachment = {"color": "#d00", "blocks": [section("Spend"), actions(button())]}
        old = {"text": "old", "fallback": "old"}
        message = at.slack.post(at.slack.alerts, "High spend", attachments=[attachment, old])
        await at.slack.click(at.slack.alice, message)
        await at.slack.until(lambda: len(at.messages()) == 2)
        changed = now_of(at, message)
    first, second = changed.attachments
    assert first["color"] == "#d00"
    assert [block["type"] for block in first["blocks"]] == ["section", "section"]  # type: ignore[attr-defined]
    assert second["text"] == "old"


async def test_a_button_in_a_thread_is_answered_there() -> None:
    async with single_workspace() as at:
        parent = at.slack.post(at.slack.alerts, "parent")
        message = alert(at.slack, thread_ts=parent.ts)
        await at.slack.click(at.slack.alice, message)
        await at.slack.until(lambda: len(at.messages()) == 3)
        *_, told = at.messages()
    assert told.thread_ts == parent.ts


async def test_a_message_for_one_person_is_answered_in_the_channel() -> None:
    async with single_workspace() as at:
        message = alert(at.slack, ephemeral_to=at.slack.alice)
        await at.slack.click(at.slack.alice, message)
        (told,) = await at.wait_for_messages()
    assert told.thread_ts is None
    assert "*Paused*" in told.text


async def test_two_buttons_of_one_message_pressed_together_keep_each_others_change() -> None:
    async with single_workspace() as at:
        at.anchor.add_session(session_id=OTHER_SESSION)
        at.anchor.fault = Slow(1.0)
        message = alert(at.slack, section("a", accessory=button()), section("b", accessory=button(OTHER_SESSION)))
        await asyncio.gather(
            at.slack.click(at.slack.alice, message, value=SESSION),
            at.slack.click(at.slack.bob, message, value=OTHER_SESSION),
        )
        await at.slack.until(lambda: len(at.messages()) == 3)
        changed = now_of(at, message)
    assert texts(changed) == [
        "a",
        "Paused by <@U0ALICE0001> [anchor_resume 3f2b]",
        "b",
        "Paused by <@U0BOB000001> [anchor_resume 9c0d]",
    ]


async def test_clicks_and_a_command_at_once_are_one_call_and_all_are_answered() -> None:
    async with single_workspace() as at:
        at.anchor.fault = Slow(1.5)
        message = alert(at.slack)
        await asyncio.gather(
            at.slack.click(at.slack.alice, message),
            at.slack.click(at.slack.alice, message),
            at.slack.click(at.slack.bob, message),
            at.command(SESSION),
        )
        await at.slack.until(lambda: len(at.messages()) == 5)
        assert len(at.anchor.posts(SESSION)) == 1
        again = alert(at.slack)
        await at.slack.click(at.slack.alice, again)
        await at.slack.until(lambda: len(at.anchor.posts(SESSION)) == 2)


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        (server_error(), "⚠️ *Not paused*"),
        (rate_limited(60), "⚠️ *Not paused*"),
        (unauthorized(), "⚠️ *Not paused*"),
        (html(503), "⚠️ *Not paused*"),
        (html(502), "❓ *Unconfirmed"),
    ],
    ids=["failed", "rate limited", "key refused", "unavailable", "unconfirmed"],
)
async def test_after_a_failure_the_button_stays_and_the_channel_is_told(fault: Any, verdict: str) -> None:
    async with single_workspace() as at:
        at.anchor.fault = fault
        message = alert(at.slack)
        await at.slack.click(at.slack.alice, message)
        await at.slack.until(lambda: len(at.messages()) == 2)
        unchanged, told = at.messages()
    assert unchanged.revision == 0
    assert told.text.startswith(verdict)
    assert told.thread_ts is None


@pytest.mark.parametrize(
    ("session", "line"), [(SESSION, "Found not running by"), (OTHER_SESSION, "Not found in Anchor, looked for by")]
)
async def test_where_there_is_nothing_to_pause_the_button_goes(session: str, line: str) -> None:
    async with single_workspace() as at:
        at.anchor.session(SESSION).state = SessionState.ENDED
        message = alert(at.slack, section("Spend"), actions(button(session)))
        await at.slack.click(at.slack.alice, message)
        await at.slack.until(lambda: len(at.messages()) == 2)
        changed, told = at.messages()
    assert changed.text.split("\n")[1].startswith(line)
    assert "anchor_pause" not in str(changed.blocks)
    assert told.thread_ts is None


async def test_somebody_of_another_company_is_refused() -> None:
    async with single_workspace() as at:
        await at.slack.click(at.slack.outsider, alert(at.slack))
        await at.slack.until(lambda: at.ephemerals(at.slack.outsider))
        (whisper,) = at.ephemerals(at.slack.outsider)
        assert at.anchor.requests == []
    assert whisper.text == (
        "*Not paused:* only members of the workspace that installed this app may do that, so the bot left session "
        f"`{SESSION}` alone.\n"
        "Ask somebody of that workspace; they can press the same button."
    )


@pytest.mark.parametrize("value", ["", "no id", f"{SESSION} {OTHER_SESSION}"])
async def test_a_button_without_one_session_is_explained(value: str) -> None:
    async with single_workspace() as at:
        message = alert(at.slack, section("Spend"), actions(button(value or "x")))
        await at.slack.click(at.slack.alice, message)
        await at.slack.until(at.ephemerals)
        (whisper,) = at.ephemerals()
        assert at.anchor.requests == []
    assert whisper.text.startswith("*Nothing was paused:* this button carries no single session id, but `")


async def test_the_same_signed_click_again_is_not_carried_out_again() -> None:
    async with single_workspace() as at:
        first = await at.slack.click(at.slack.alice, alert(at.slack))
        await at.slack.until(lambda: len(at.messages()) == 2)
        await at.slack.resend(first)
        await at.slack.until(at.ephemerals)
        assert len(at.anchor.posts(SESSION)) == 1
    assert at.ephemerals()[0].text.startswith("This very request was handled already")


async def test_a_click_without_a_way_to_answer_is_answered_by_a_post() -> None:
    async with single_workspace() as at:
        await at.slack.click(at.slack.alice, alert(at.slack), response_url=None)
        await at.slack.until(lambda: len(at.messages()) == 2)
        unchanged, told = at.messages()
    assert unchanged.revision == 0
    assert told.source is Source.POST_MESSAGE


async def test_a_message_that_can_no_longer_be_changed_does_not_hold_the_outcome_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with single_workspace() as at:
        at.slack.faults["response_url"] = expired_url()
        await at.slack.click(at.slack.alice, alert(at.slack))
        await at.slack.until(lambda: len(at.messages()) == 2)
        *_, told = at.messages()
    assert told.source is Source.POST_MESSAGE
    assert "a message could not be changed" in [record.message for record in caplog.records]


async def from_the_sister(at: SingleHarness, *, same_company: bool) -> None:
    """A click by Carol, whose workspace is of the same enterprise or not."""
    at.slack.home.enterprise = Enterprise("E0GRID00001", "Acme Grid")
    own = at.slack.home.enterprise if same_company else None
    at.slack.add_workspace(Workspace("T0SISTER001", "sister", Installation("xoxb-sister"), own))
    carol = at.slack.home.add_user("U0COLLEAG01", "carol", team_id="T0SISTER001")
    at.slack.alerts.members.add(carol.id)
    await at.slack.click(carol, alert(at.slack))


async def test_a_colleague_from_another_workspace_of_the_company_may_click() -> None:
    async with single_workspace() as at:
        await from_the_sister(at, same_company=True)
        await at.slack.until(lambda: len(at.messages()) == 2)
        assert len(at.anchor.posts(SESSION)) == 1
        assert [call.method for call in at.slack.api_calls].count("users.info") == 1


async def test_somebody_of_another_company_is_refused_on_a_grid_too() -> None:
    async with single_workspace() as at:
        await from_the_sister(at, same_company=False)
        await at.slack.until(lambda: at.ephemerals(at.slack.home.users["U0COLLEAG01"]))
        assert at.anchor.requests == []


async def test_where_slack_does_not_say_who_somebody_is_they_are_refused(caplog: pytest.LogCaptureFixture) -> None:
    async with single_workspace() as at:
        at.slack.faults["users.info"] = api_error("internal_error")
        await from_the_sister(at, same_company=True)
        await at.slack.until(lambda: at.ephemerals(at.slack.home.users["U0COLLEAG01"]))
        assert at.anchor.requests == []
    assert "Slack does not say who somebody is" in [record.message for record in caplog.records]


async def test_an_accident_after_the_ack_is_told_to_the_one_who_clicked() -> None:
    async with single_workspace() as at:
        message = alert(at.slack, section("Spend", block_id="x"), actions(button()))
        odd = {"blocks": [{"type": "actions", "elements": 5}]}
        await at.slack.click(at.slack.alice, message, message=odd)
        await at.slack.until(at.ephemerals)
    assert at.ephemerals()[0].text.startswith("*Something broke in the bot itself*")
