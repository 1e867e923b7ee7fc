"""`/anchor-pause`, as the people in the channel see it."""

import pytest

from bot.sim.anchor import DEFAULT_KEY, SessionState
from bot.sim.slack import Source
from harness import BOTH_TRANSPORTS, outcome_text, paused, resumed, single_workspace
from harness.product import outcomes
from harness.texts import HELP, SESSION, result_texts

pytestmark = pytest.mark.anyio


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
    assert state is SessionState.PAUSED
    assert (posted.path, posted.key, posted.body) == (f"/v1/sessions/{SESSION}/agent/pause", DEFAULT_KEY, b"")
    assert "Content-Type" not in posted.headers


@pytest.mark.parametrize("verb", ["pause", "resume"])
async def test_help_is_for_the_person_alone_and_names_both_commands_and_the_window(verb: str) -> None:
    async with single_workspace() as at:
        await at.command(" Help ", verb=verb)
        (seen,) = at.ephemerals()
        assert (at.messages(), at.anchor.requests) == ([], [])
    assert seen.text == HELP
    assert all(word in HELP for word in ("/anchor-pause", "/anchor-resume", "*Pause several…*"))


@pytest.mark.parametrize("text", ["{} for 10m", "{} until noon", "end {}"])
async def test_a_pause_that_is_to_end_by_itself_is_done_and_says_that_it_does_not(text: str) -> None:
    async with single_workspace() as at:
        for verb in ("pause", "resume"):
            await at.command(text.format(at.session), verb=verb)
        pause, resume = at.messages()
    reason = " ".join(text.replace("{}", "").split())
    assert (pause.text, resume.text) == (paused(reason=reason), resumed(reason=reason))
    assert ["by itself" in one.text for one in (pause, resume)] == [True, False]
    assert [order.verb for order in at.orders] == ["pause", "resume"]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"command": "/anchor-stop"}, result_texts.unknown_command_message("/anchor-stop").text),
        ({"team_id": "T0PARTNER01"}, outcome_text(outcomes.Refusal(outcomes.Why.WRONG_WORKSPACE))),
    ],
)
async def test_a_command_that_is_unknown_or_of_another_workspace_is_refused(fields: dict[str, str], text: str) -> None:
    async with single_workspace() as at:
        delivery = await at.command(**fields)  # type: ignore[arg-type]
        (seen,) = at.ephemerals()
        assert (delivery.status, seen.text, at.anchor.requests) == (200, text, [])
