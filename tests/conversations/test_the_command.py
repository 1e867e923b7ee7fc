"""`/anchor-pause`, as the people in the channel see it."""

import pytest

from bot.sim.anchor import DEFAULT_KEY, SessionState
from bot.sim.slack import Source
from harness import HTTP_ONLY, OTHER_SESSION, SESSION, single_workspace

pytestmark = pytest.mark.anyio

USAGE = (
    "Usage: `/anchor-pause &lt;session_id&gt; [reason]`\n"
    "Example: `/anchor-pause 3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b spending too fast`"
)
WHERE = "The session id is in the alert, in the session's URL and in Anchor's dashboard."


async def test_a_pause_is_asked_of_anchor_and_told_in_the_channel() -> None:
    async with single_workspace() as at:
        delivery = await at.command(f"{SESSION} spending &amp; spending")
        (posted,) = at.anchor.posts(SESSION)
        (message,) = at.messages()
        state = at.anchor.session(SESSION).state
    assert delivery.status == 200
    assert message.source is Source.ACK
    assert message.text == (
        f"⏸️ *Paused*: session `{SESSION}`, asked for by <@U0ALICE0001>.\n"
        "Anchor's status: `paused`.\n"
        f"To let it go on: `/anchor-resume {SESSION}`.\n"
        "Reason: spending &amp; spending"
    )
    assert state is SessionState.PAUSED
    assert posted.key == DEFAULT_KEY
    assert posted.body == b""
    assert "Content-Type" not in posted.headers
    assert posted.path == f"/v1/sessions/{SESSION}/agent/pause"


async def test_without_a_reason_none_is_shown() -> None:
    async with single_workspace() as at:
        await at.command(SESSION.upper())
        (message,) = at.messages()
    assert "Reason" not in message.text


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("", f"*Nothing was paused:* which session? Put its id behind the command.\n{WHERE}"),
        (
            "help",
            (
                "I pause the AI agent of an Anchor Browser session at once and post the result in this channel.\n"
                f"{WHERE} It may be pasted in any form. Pausing a paused agent does no harm."
            ),
        ),
        (
            SESSION[:-1],
            (
                f"*Nothing was paused:* there is no session id in `{SESSION[:-1]}`.\n"
                "An id has 32 hexadecimal digits; this has 31. Copy it again, whole."
            ),
        ),
        (
            "the `checkout` &lt;agent&gt;",
            (
                "*Nothing was paused:* there is no session id in `the 'checkout' &lt;agent&gt;`.\n"
                f"An id has 32 hexadecimal digits in groups of 8-4-4-4-12. {WHERE}"
            ),
        ),
        (
            f"{SESSION} {OTHER_SESSION}",
            (
                f"*Nothing was paused:* this names 2 different sessions: `{SESSION}`, `{OTHER_SESSION}`.\n"
                "Send one command for each session."
            ),
        ),
    ],
    ids=["no id", "help", "a digit short", "no id at all", "two ids"],
)
async def test_a_command_without_one_session_is_explained_to_the_person_alone(text: str, answer: str) -> None:
    async with single_workspace() as at:
        await at.command(text)
        (whisper,) = at.ephemerals()
        assert at.messages() == []
        assert at.anchor.requests == []
    assert whisper.text == f"{answer}\n{USAGE}"


async def test_many_ids_are_not_all_repeated() -> None:
    async with single_workspace() as at:
        await at.command(" ".join(f"{number}{SESSION[1:]}" for number in range(7)))
        (whisper,) = at.ephemerals()
    assert "names 7 different sessions" in whisper.text
    assert "`4f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b`, …." in whisper.text
    assert "`5f2b" not in whisper.text


async def test_what_people_write_cannot_ping_or_format_or_hide() -> None:
    async with single_workspace() as at:
        await at.command(
            f"{SESSION} &lt;!channel&gt; <!here> &amp;lt;!everyone&amp;gt; \u202egnp\u0000 {'long ' * 200}"
        )
        (message,) = at.messages()
    reason = message.text.rpartition("Reason: ")[2]
    assert reason.startswith("!channel !here &amp;lt;!everyone&amp;gt; gnp long long")
    assert reason.endswith("lo…")
    assert len(reason) < 350


@pytest.mark.parametrize("channel", ["private", "alice_and_bob", "incidents"])
async def test_it_works_where_the_bot_is_no_member(channel: str) -> None:
    async with single_workspace() as at:
        at.anchor.fault = None
        there = getattr(at.slack, channel)
        await at.command(SESSION, channel=there)
        (message,) = at.messages(there)
    assert "*Paused*" in message.text


async def test_an_unknown_command_gets_a_polite_answer() -> None:
    async with single_workspace() as at:
        delivery = await at.command(SESSION, command="/anchor-stop")
        (whisper,) = at.ephemerals()
        assert at.anchor.requests == []
    assert delivery.status == 200
    assert whisper.text == ("I don't know the command `/anchor-stop`; nothing was done.\nTry `/anchor-pause help`.")


async def test_a_command_from_another_workspace_is_not_served_with_this_ones_key() -> None:
    async with single_workspace() as at:
        await at.command(SESSION, team_id="T0PARTNER01")
        (whisper,) = at.ephemerals()
        assert at.anchor.requests == []
    assert whisper.text == (
        f"*Not paused:* this bot holds no Anchor API key for your workspace, so it left session `{SESSION}` alone.\n"
        "Ask whoever runs the bot to set it up for this workspace."
    )


async def test_a_command_from_a_grid_workspace_is_served() -> None:
    async with single_workspace() as at:
        await at.command(SESSION, enterprise_id="E0GRID00001", enterprise_name="Acme Grid")
        assert "*Paused*" in at.messages()[0].text


@HTTP_ONLY
async def test_two_secrets_serve_while_one_is_being_rotated() -> None:
    async with single_workspace(SLACK_SIGNING_SECRET=" new-secret , 8f742231b10e8888abcd99yyyzzz85a5 ") as at:
        await at.command(SESSION)
        assert "*Paused*" in at.messages()[0].text
