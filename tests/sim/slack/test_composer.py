"""What simulated Slack makes of a line when a person presses Enter in the composer."""

import pytest

from bot.sim.slack import SimSlack, Source
from harness.texts import SESSION
from sim.recording_app import RecordingApp

pytestmark = pytest.mark.anyio

THREAD = "1785000000.000009"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("/anchor-pause", ""),
        ("/anchor-pause it was R&D <again>", "it was R&amp;D &lt;again&gt;"),
        ("/anchor-pause  two  spaces ", " two  spaces "),
        ('/anchor-pause "quoted"\nand more', '"quoted"\nand more'),
    ],
)
async def test_a_line_with_a_slash_is_a_command(slack: SimSlack, app: RecordingApp, line: str, text: str) -> None:
    await slack.enter(slack.alice, slack.alerts, line)
    assert (app.last["command"], app.last["text"]) == ("/anchor-pause", text)


@pytest.mark.parametrize(
    ("name", "line", "thread_ts", "answer"),
    [
        ("alice", f"/anchor-pause {SESSION}", THREAD, "/anchor-pause is not supported in threads. Sorry!"),
        ("alice", "/foo /anchor-pause", None, "/foo is not a valid command."),
        ("alice", "/Anchor-Pause", None, "/Anchor-Pause is not a valid command."),
        ("alice", "/<!here> all", None, "/&lt;!here&gt; is not a valid command."),
        ("outsider", "/anchor-pause", None, "/anchor-pause is not a valid command."),
    ],
)
async def test_a_command_that_does_not_exist_here_is_explained_to_the_typist(
    slack: SimSlack, app: RecordingApp, *, name: str, line: str, thread_ts: str | None, answer: str
) -> None:
    person = getattr(slack, name)
    await slack.enter(person, slack.alerts, line, thread_ts=thread_ts)
    [message] = slack.seen_by(person, slack.alerts)
    assert message.text.startswith(answer)
    assert (message.source, message.user, message.thread_ts) == (Source.CLIENT, "USLACKBOT", thread_ts)
    assert (slack.seen_by(slack.bob, slack.alerts), app.requests) == ([], [])


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        (" /anchor-pause is the command", ["/anchor-pause is the command"]),
        ('<!channel> a & b > c, "isn\'t" it?\n', ['&lt;!channel&gt; a &amp; b &gt; c, "isn\'t" it?']),
        ("\n \t", []),
    ],
)
@pytest.mark.parametrize("thread_ts", [None, THREAD])
async def test_any_other_line_is_a_message_unless_it_is_blank(
    slack: SimSlack, app: RecordingApp, line: str, texts: list[str], thread_ts: str | None
) -> None:
    await slack.enter(slack.outsider, slack.alerts, line, thread_ts=thread_ts)
    messages = slack.channel_messages(slack.alerts)
    assert [(message.text, message.thread_ts) for message in messages] == [(text, thread_ts) for text in texts]
    assert {(message.user, message.bot_id) for message in messages} <= {("U0MALLORY01", None)}
    assert app.requests == []
