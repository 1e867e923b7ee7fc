"""`anchor-bot drill`: it pauses and resumes a session beside a running bot, unless somebody else acts."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from unittest.mock import AsyncMock

import pytest

from bot.demo.sandbox import environment
from bot.sim.anchor import Slow, server_error, unauthorized
from bot.sim.slack import Hang
from conversations.test_alert_cards import alert, posts
from conversations.test_auto_pause import age_orders, braking, send
from harness import SESSION, SingleHarness
from harness.databases import KEY
from harness.doctor import drilled, give_order
from harness.order_rows import OrderHistory
from harness.outages import execute
from harness.product import Secret, Settings, errors, history, open_store

Check = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Site:
    """A bot with an alert channel, whose alerts may pause."""

    at: SingleHarness
    url: str

    def settings(self, **changes: str) -> Settings:
        own = {"DATABASE_URL": self.url, "ENCRYPTION_KEYS": KEY.reveal(), "ALERTS_CHANNEL": self.at.channel.id}
        return Settings.from_env(environment(self.at.slack, self.at.anchor, **own | changes))

    async def drill(self, *, asks: bool = False, **changes: str) -> int:
        return await drilled(self.settings(**changes), SESSION, *([] if asks else ["--yes"]))

    async def refused(self, **changes: str) -> str:
        with pytest.raises(Exception, match="Nothing was sent") as why:
            await drilled(self.settings(**changes), SESSION, "--yes")
        assert why.typename == "NotDoneError"
        return str(why.value)

    @property
    def sent(self) -> list[str | None]:
        return [order.verb for order in self.at.orders]

    async def rows(self) -> list[history.PastOrder]:
        async with open_store(Secret(self.url), [KEY]) as store:
            return await OrderHistory(store.database).next_page(None, most=100, session_id=SESSION)


@pytest.fixture
async def site(sqlite_url: str) -> AsyncIterator[Site]:
    async with braking(sqlite_url, REMIND_BEFORE="5") as at:
        yield Site(at, sqlite_url)


def without_times(printed: str) -> str:
    return re.sub(r"\d+\.\d\d s", "0.00 s", re.sub(r"by \S+ \(", "by NAME (", printed))


async def test_the_session_is_paused_and_resumed_and_only_the_journal_tells_it(
    site: Site, capsys: pytest.CaptureFixture[str], wording: Check
) -> None:
    site.at.anchor.fault = Slow(0.25)
    assert await site.drill() == 0
    printed = capsys.readouterr().out
    wording("it works", without_times(printed))
    assert [float(one) > 0.2 for one in re.findall(r"(?:Anchor|Resumed): (\d+\.\d\d) s", printed)] == [True, True]
    assert site.sent == ["pause", "resume"]
    stored = [(row.verb, row.source, row.outcome, row.delivered_by) for row in await site.rows()]
    assert stored == [("pause", "drill", "Paused", "terminal"), ("resume", "drill", "Resumed", "terminal")]
    await asyncio.sleep(3)
    assert (posts(site.at), site.at.direct_messages()) == ([], [])
    answer = await send(site.at)
    assert answer["pause"] == "Paused"  # the resume of a drill is nobody's decision


@pytest.mark.parametrize(("typed", "code"), [(None, 2), ("3f2b", 1), (SESSION[:8].upper(), 0)])
async def test_it_asks_for_the_first_digits(
    site: Site, monkeypatch: pytest.MonkeyPatch, typed: str | None, code: int, wording: Check
) -> None:
    asked = list[str]()

    def answer(question: str) -> str | None:
        asked.append(question)
        return typed

    monkeypatch.setattr("sys.stdin.isatty", lambda: typed is not None)
    monkeypatch.setattr("builtins.input", answer)
    if code == 0:
        assert await site.drill(asks=True) == 0
        wording("the question", *asked)
        return
    with pytest.raises(Exception, match="Nothing was sent") as why:
        await site.drill(asks=True)
    assert (getattr(why.value, "code", None), site.sent, await site.rows()) == (code, [], [])


async def test_without_a_record_nothing_is_sent_and_of_a_pause_nothing_undone(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wording: Check
) -> None:
    fail = AsyncMock(side_effect=errors.StoreUnreachableError("gone"))
    wording("no database", await site.refused(DATABASE_URL="sqlite:////nowhere/bot.db"))
    with monkeypatch.context() as patch:
        patch.setattr("bot.cli.orders.SessionStates.of", fail)
        wording("a database that fails", await site.refused())
    assert site.sent == []
    monkeypatch.setattr("bot.outbound.store.database.Database.change_orders", fail)
    capsys.readouterr()
    assert await site.drill() == 1
    assert site.sent == ["pause"]
    printed = capsys.readouterr()
    assert "Recorded" not in printed.out
    wording("not recorded", printed.err)


async def test_a_session_on_which_somebody_works_is_refused(site: Site, wording: Check) -> None:
    await alert(site.at)
    wording("an alert", await site.refused())
    assert "sqlite://" in await site.refused(DATABASE_URL="sqlite://")
    await execute(site.url, "UPDATE parts SET changed_at = changed_at - 3700")
    await site.at.command()
    await age_orders(site.url, seconds=4_000)
    wording("paused", await site.refused())
    await site.at.command(verb="resume")
    await asyncio.sleep(0.5)
    await execute(site.url, "UPDATE parts SET changed_at = changed_at - 3700")
    site.at.anchor.read_fault = server_error()
    wording("not read", await site.refused())
    site.at.anchor.read_fault = None
    await age_orders(site.url, seconds=10)
    assert site.sent == ["pause", "resume"]
    assert await site.drill() == 0


@pytest.mark.parametrize("who", ["alice", "the same user"])
async def test_a_pause_that_is_no_drill_is_not_undone(site: Site, capsys: pytest.CaptureFixture[str], who: str) -> None:
    site.at.anchor.fault = Slow(8.0)
    drill = asyncio.create_task(site.drill())
    await site.at.anchor.until(lambda: site.sent == ["pause"])
    await asyncio.sleep(1.0)
    if who == "the same user":
        assert await give_order(site.settings(), "pause", SESSION) == 0
    else:
        await site.at.command()
    assert await drill == 1
    (fields,) = [row.outcome_fields for row in await site.rows() if (row.verb, row.source) == ("resume", "drill")]
    await site.at.slack.until(lambda: len(site.sent) == 2)
    assert (site.sent[1], "PausedSince" in (fields or "")) == ("pause", True)
    assert "Somebody gave another order meanwhile" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("fault", "sent", "outcomes"),
    [
        (unauthorized(), ["pause"], ["KeyRejected"]),
        (Hang(times=1), ["pause", "resume"], ["Unconfirmed", "Unconfirmed"]),
    ],
    ids=["known", "unconfirmed"],
)
async def test_a_pause_that_failed_is_told_first_and_undone_only_if_it_may_have_had_an_effect(
    site: Site, capsys: pytest.CaptureFixture[str], fault: Any, sent: list[str], outcomes: list[str]
) -> None:
    site.at.anchor.read_fault = Slow(1.0)
    drill = asyncio.create_task(site.drill(ANCHOR_TIMEOUT="5", ANCHOR_DEADLINE="5"))
    await asyncio.sleep(0.5)  # the read is at Anchor, and shows a session that runs
    site.at.anchor.fault = fault
    assert await drill == 1
    assert (site.sent, [row.outcome for row in await site.rows()]) == (sent, outcomes)
    assert "The brake works" not in capsys.readouterr().out


async def test_ctrl_c_between_the_steps_says_that_the_agent_is_paused_and_how_to_resume_it(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wording: Check
) -> None:
    async def hang(*_: Any, **__: Any) -> None:
        await asyncio.sleep(3)  # the pause is told by then, without its record
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(30)

    monkeypatch.setattr("bot.outbound.store.database.Database.change_orders", hang)
    assert await asyncio.create_task(site.drill()) == 130
    assert site.sent == ["pause"]
    wording("interrupted", capsys.readouterr().err)
