"""The list of a command, and Home: what runs, what this app paused, and the buttons for both."""

from typing import Any

import pytest

from bot.sim.slack import Message, View
from harness import (
    BOTH_TRANSPORTS,
    SESSION,
    Conversation,
    paused,
    single_workspace,
)
from harness.conversation import until
from harness.texts import (
    REFRESH,
    is_about,
)

pytestmark = pytest.mark.anyio


def buttons(shown: Message | View | None) -> list[tuple[str, str]]:
    """The buttons of sessions, from the top: their action and the beginning of their value."""
    assert shown is not None
    blocks: list[Any] = [*shown.blocks]
    found = [one for block in blocks for one in (*block.get("elements", ()), block.get("accessory", {}))]
    own = [one for one in found if one.get("action_id") in {"anchor_pause", "anchor_resume_confirmed"}]
    return [(one["action_id"], one["value"][:36]) for one in own]


PAUSE, RESUME = ("anchor_pause", SESSION), ("anchor_resume_confirmed", SESSION)


async def overview(at: Conversation, **fields: Any) -> Message:
    before = len(at.ephemerals(fields.get("user")))
    await at.command("", **fields)
    await at.slack.until(lambda: len(at.ephemerals(fields.get("user"))) > before)
    return at.ephemerals(fields.get("user"))[-1]


async def overview_with(at: Conversation, text: str, **fields: Any) -> Message:
    """Ask until the text is there: the journal is written in the background."""

    async def is_there() -> bool:
        return text in (await overview(at, **fields)).text

    await until(is_there)
    return at.ephemerals(fields.get("user"))[-1]


# --- Home ---


@BOTH_TRANSPORTS
async def test_home_shows_the_sessions_and_a_click_pauses_one() -> None:
    async with single_workspace() as at:
        view = await at.open_home()
        assert buttons(view) == [PAUSE]
        await at.slack.act(at.person, view, "anchor_pause")
        await at.slack.until(lambda: buttons(at.slack.home_of(at.person)) == [RESUME])
        shown = at.slack.home_of(at.person)
        assert shown is not None
        assert paused().splitlines()[0] in shown.text
        (told,) = await at.wait_for_direct_messages()
        assert is_about(told, paused())
        await at.slack.act(at.person, shown, REFRESH)
        await at.slack.until(lambda: (now := at.slack.home_of(at.person)) and now.hash != shown.hash)


async def test_where_and_why_are_shown_only_to_those_who_may_know() -> None:
    async with single_workspace() as at:
        at.workspace.change_user(at.slack.bob, is_admin=False)
        await at.command(f"{SESSION} secret reason", channel=at.slack.private)
        assert at.slack.private.id in (await overview_with(at, "secret reason", user=at.slack.carol)).text
        other = await overview(at, user=at.slack.bob, channel=at.slack.alerts)
        assert f"<@{at.person.id}>" in other.text
        assert "secret reason" not in str(other.blocks)
        assert at.slack.private.id not in str(other.blocks)
