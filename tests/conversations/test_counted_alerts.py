"""Very many sessions with an alert: beyond those that can wait, the last message of a channel counts them."""

import asyncio
import time

import pytest

from bot.sim.local_server import free_port
from bot.sim.slack import ResetAfterReading, rate_limited
from bot.sim.slack.content import parts
from conversations.test_cards import PAUSE, RESUME, ops, taking_alerts
from conversations.test_repeated_alerts import POST, on_cards, send
from harness import SingleHarness
from harness.process import scrape

pytestmark = pytest.mark.anyio

MOST_WAITING, MOST_IN_SUMMARY = "bot.outbound.store.alerts.MOST_WAITING", 12
READ_LIST = "anchor_read_list"


def counting(at: SingleHarness) -> list[str]:
    """The texts of the messages that count sessions."""
    return [message.text.splitlines()[0] for message in at.messages() if "more session" in message.text]


async def until_counted(at: SingleHarness, sessions: str) -> None:
    await at.slack.until(lambda: any(f"*{sessions}*" in text for text in counting(at)))


async def test_beyond_those_that_can_wait_one_message_counts_sessions_lists_the_newest_and_reads_the_list(
    database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(MOST_WAITING, 2)
    port = free_port()
    async with taking_alerts(database_url, METRICS_PORT=str(port)) as at:
        at.slack.faults[POST] = rate_limited(3, times=1)
        sessions = [at.anchor.add_session() for _ in range(22)]
        waiting = [asyncio.ensure_future(send(at, session)) for session in sessions[:2]]
        await asyncio.sleep(0.2)
        began = time.monotonic()
        answers = [await send(at, session, title=f"Loop {n}") for n, session in enumerate(sessions[2:])]
        assert time.monotonic() - began < 2.5  # none of them waits for Slack
        assert [(status, answer["counted"]) for status, answer in answers] == [(200, n) for n in range(1, 21)]
        assert all("counts this one" in answer["warnings"][0] for _, answer in answers)
        assert (await send(at, sessions[0]))[0] == 202  # it has a card, which waits
        await until_counted(at, "20 more sessions")
        assert {status for status, _ in await asyncio.gather(*waiting)} <= {200, 202}
        shown = {session: (action, message) for session, action, message in on_cards(at)}
        last = shown[sessions[-1]][1]
        assert last == at.messages()[-1]
        assert [one for one in sessions if one in shown and shown[one][1] == last] == sessions[-MOST_IN_SUMMARY:]
        below = [one["action_id"] for one in parts(last.blocks[-1].get("elements"))]
        assert below == ["anchor_pause_several", READ_LIST]
        await at.slack.click(at.slack.bob, last, READ_LIST)
        await at.slack.until(
            lambda: any("anchor_pause_several" in str(one.blocks) for one in at.ephemerals(at.slack.bob))
        )
        await at.click(last, value=sessions[-1])
        await at.slack.until(lambda: (sessions[-1], *RESUME) in [one[:2] for one in on_cards(at)])
        monkeypatch.setattr(MOST_WAITING, 0)
        posts, new = at.calls(POST), at.anchor.add_session()
        status, answer = await send(at, new)
        assert (status, answer["counted"], answer["ts"]) == (200, 21, last.ts)
        assert (await send(at, sessions[-2], status="resolved"))[0] == 200
        await until_counted(at, "21 more sessions")
        await at.slack.until(lambda: "resolved" in at.current(last).text)
        assert (new, *PAUSE) in [one[:2] for one in on_cards(at)]
        assert (at.calls(POST), len(counting(at))) == (posts, 1)
        counted = (await scrape(port))("anchor_bot_alerts_total", outcome="Counted")
    assert counted == 21
    logged = [record for record in caplog.records if "too many sessions wait" in record.message]
    assert [(record.levelname, vars(record)["channel"]) for record in logged] == [("WARNING", "C0ALERTS001")]
    assert [vars(one).get("outcome") for one in caplog.records if one.message == "alert"].count("Counted") == 21


async def test_after_a_restart_the_message_goes_on_counting(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MOST_WAITING, 0)
    url = f"sqlite:///{tmp_path}/bot.db"
    async with taking_alerts(url) as at:
        await send(at, at.anchor.add_session())
        await until_counted(at, "1 more session")
    async with taking_alerts(url) as at:
        status, answer = await send(at, at.anchor.add_session())
    assert (status, answer["counted"]) == (200, 2)


async def test_a_counting_message_that_slack_does_not_answer_is_posted_again_and_other_channels_have_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(MOST_WAITING, 0)
    async with taking_alerts() as at:
        at.slack.faults[POST] = ResetAfterReading(times=1)
        assert [(await send(at, at.anchor.add_session()))[1]["counted"] for _ in range(3)] == [1, 2, 3]
        await until_counted(at, "3 more sessions")
        assert (await send(at, at.anchor.add_session(), channel=ops(at).id))[1]["counted"] == 1
        await at.slack.until(lambda: any("1 more session" in message.text for message in at.messages(ops(at))))
