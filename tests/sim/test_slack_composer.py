"""What simulated Slack makes of a line when a person presses Enter in the composer."""

import asyncio
from urllib.parse import parse_qsl

import aiohttp
import pytest

from bot.sim.slack import NotPossibleError, SimSlack, Source, User
from sim.sample_app import App
from sim.socket_app import SocketApp

pytestmark = pytest.mark.anyio

ID = "3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b"


def sent(app: App) -> dict[str, str]:
    """What the one command that arrived said."""
    [(body, _)] = app.received
    fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
    return {name: fields[name] for name in ("user_id", "channel_id", "command", "text")}


async def told(slack: SimSlack, user: User, line: str, *, thread_ts: str | None = None) -> str:
    """What the client itself says about a line in #alerts, to this person only."""
    await slack.enter(user, slack.alerts, line, thread_ts=thread_ts)
    [message] = slack.seen_by(user, slack.alerts)
    assert (message.source, message.user, message.ephemeral_to) == (Source.CLIENT, "USLACKBOT", user.id)
    assert message.thread_ts == thread_ts
    return message.text


@pytest.mark.parametrize(
    ("line", "command", "text"),
    [
        (f"/anchor-pause {ID}", "/anchor-pause", ID),
        (f"/anchor-resume {ID} it was R&D <again>", "/anchor-resume", f"{ID} it was R&amp;D &lt;again&gt;"),
        ("/anchor-pause", "/anchor-pause", ""),
        ("/anchor-pause ", "/anchor-pause", ""),
        ("/anchor-pause  two  spaces ", "/anchor-pause", " two  spaces "),
        ("/anchor-pause /anchor-resume", "/anchor-pause", "/anchor-resume"),
        ('/anchor-pause "quoted"\nand more', "/anchor-pause", '"quoted"\nand more'),
    ],
)
async def test_a_line_that_begins_with_a_slash_is_a_command(
    slack: SimSlack, app: App, line: str, command: str, text: str
) -> None:
    await slack.enter(slack.alice, slack.alerts, line)

    assert sent(app) == {"user_id": "U0ALICE0001", "channel_id": "C0ALERTS001", "command": command, "text": text}


async def test_people_see_a_command_acknowledged(slack: SimSlack, app: App) -> None:
    app.says(text="Paused.", response_type="in_channel")

    await slack.enter("U0ALICE0001", "C0ALERTS001", f"/anchor-pause {ID} & more")

    typed, answer = slack.channel_messages(slack.alerts)
    assert (typed.text, typed.user, typed.source) == (f"/anchor-pause {ID} &amp; more", "U0ALICE0001", Source.TYPED)
    assert slack.render(typed) == f"/anchor-pause {ID} & more"
    assert (answer.text, answer.source) == ("Paused.", Source.ACK)
    assert slack.violations == []


async def test_a_command_that_fails_is_told_as_ever(slack: SimSlack) -> None:
    text = await told(slack, slack.alice, f"/anchor-pause {ID}")

    assert text == '/anchor-pause failed with the error "dispatch_failed"'


async def test_a_command_goes_over_the_websocket_too(slack: SimSlack, client: aiohttp.ClientSession) -> None:
    slack.socket_mode = True
    async with SocketApp(slack, client) as sockets:
        link = await sockets.connect()
        entering = asyncio.create_task(slack.enter(slack.alice, slack.alerts, f"/anchor-pause {ID}"))
        envelope = await link.receive()
        await link.ack(envelope)
        await entering

    assert envelope["type"] == "slash_commands"


async def test_there_are_no_commands_in_threads(slack: SimSlack, app: App) -> None:
    text = await told(slack, slack.alice, f"/anchor-pause {ID}", thread_ts="1785000000.000009")

    assert text == "/anchor-pause is not supported in threads. Sorry!"
    assert app.received == []


@pytest.mark.parametrize("line", ["/foo", "/foo bar", "/foo /anchor-pause"])
async def test_a_command_that_no_app_has_is_refused(slack: SimSlack, app: App, line: str) -> None:
    text = await told(slack, slack.alice, line)

    assert text == "/foo is not a valid command. To send it as a message, put a space before the slash."
    assert slack.seen_by(slack.bob, slack.alerts) == []
    assert app.received == []


@pytest.mark.parametrize("name", ["/", "/anchor-pause/", "/Anchor-Pause"])
async def test_a_command_is_known_by_its_whole_name(slack: SimSlack, app: App, name: str) -> None:
    assert (await told(slack, slack.alice, f"{name} {ID}")).startswith(f"{name} is not a valid command.")
    assert app.received == []


async def test_what_is_no_command_is_told_escaped(slack: SimSlack, app: App) -> None:
    assert (await told(slack, slack.alice, "/<!here> all")).startswith("/&lt;!here&gt; is not a valid command.")
    assert app.received == []


async def test_people_of_other_workspaces_have_no_commands(slack: SimSlack, app: App) -> None:
    text = await told(slack, slack.outsider, f"/anchor-pause {ID}")

    assert text.startswith("/anchor-pause is not a valid command.")
    assert app.received == []


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("I am on it", "I am on it"),
        (" /anchor-pause is the command", "/anchor-pause is the command"),
        ("\t/anchor-pause\n", "/anchor-pause"),
        ('a < b & b > c, "isn\'t" it?', 'a &lt; b &amp; b &gt; c, "isn\'t" it?'),
        ("<!channel>", "&lt;!channel&gt;"),
        ("first\n\nsecond", "first\n\nsecond"),
        ("and/or", "and/or"),
    ],
)
@pytest.mark.parametrize("thread_ts", [None, "1785000000.000009"])
async def test_any_other_line_is_a_message(
    slack: SimSlack, app: App, line: str, text: str, thread_ts: str | None
) -> None:
    await slack.enter(slack.outsider, slack.alerts, line, thread_ts=thread_ts)

    [message] = slack.channel_messages(slack.alerts)
    assert (message.text, message.user, message.bot_id) == (text, "U0MALLORY01", None)
    assert (message.source, message.thread_ts) == (Source.POSTED, thread_ts)
    assert app.received == []


@pytest.mark.parametrize("line", ["", " ", "\n \t"])
async def test_a_blank_line_is_nothing(slack: SimSlack, app: App, line: str) -> None:
    await slack.enter(slack.alice, slack.alerts, line)

    assert slack.seen_by(slack.alice, slack.alerts) == []
    assert app.received == []


@pytest.mark.parametrize("line", ["I am on it", f"/anchor-pause {ID}", "/foo", ""])
async def test_who_cannot_be_there_writes_nothing(slack: SimSlack, app: App, line: str) -> None:
    slack.home.change_user(slack.guest, deleted=True)
    for user, channel, why in [
        (slack.guest, slack.alerts, "deactivated"),
        (slack.outsider, slack.incidents, "not in the channel"),
        (slack.alice, slack.archived, "archived"),
    ]:
        with pytest.raises(NotPossibleError, match=why):
            await slack.enter(user, channel, line)
        assert slack.seen_by(user, channel) == []

    assert app.received == []


async def test_nothing_can_be_typed_where_the_app_only_speaks(slack: SimSlack, app: App) -> None:
    for line in ("hello", f"/anchor-pause {ID}"):
        with pytest.raises(NotPossibleError, match="takes no messages"):
            await slack.enter(slack.alice, slack.alice_and_bot, line)
    slack.home.installation.messages_tab_is_read_only = False
    await slack.enter(slack.alice, slack.alice_and_bot, "hello")
    await slack.enter(slack.alice, slack.alice_and_bob, "hello")
    assert [message.text for message in slack.channel_messages(slack.alice_and_bot)] == ["hello"]
    assert app.received == []
