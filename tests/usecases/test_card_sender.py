"""One attempt to send a card, and what follows from its result."""

from typing import Any

import pytest

from bot.core.alert import Alert
from bot.core.alert_fold import first
from bot.core.secret import Secret
from bot.core.session_id import SessionId
from bot.core.session_state import SessionState
from bot.core.workspace import Workspace
from bot.outbound.slack.delivery import Doubtful, Posted, PostResult, Refused, TryAgain
from bot.outbound.store.card_changes import CardPart, ClaimedCard
from bot.outbound.store.errors import StoreUnreachableError
from bot.usecases.card_sender import Attempt, CardSender
from harness.texts import SESSION

pytestmark = pytest.mark.anyio

ID = SessionId(SESSION)
POSTED = Posted("C1", "1.1")


class World:
    """A Slack that answers with `result`, the workspace, and a journal without orders."""

    def __init__(self, result: PostResult | Exception = POSTED) -> None:
        self.result = result
        self.workspace: Workspace | None = Workspace("T1", Secret("xoxb-1"), None)
        self.failure: Exception | None = None
        self.calls = 0

    async def of(self, *_: object) -> dict[str, SessionState]:
        if self.failure:
            raise self.failure
        return {}

    async def find(self, _: str) -> Workspace | None:
        return self.workspace

    async def post_message(self, *_: object, **__: object) -> PostResult:
        self.calls += 1
        if isinstance(self.result, Exception):
            raise self.result
        return self.result

    update_message = post_message

    async def send(self, ts: str | None = "1.1", *, attempts: int = 0, shown: str | None = None) -> Attempt:
        part = CardPart("card", ID, first(Alert(ID, "It spends."), 0.0), 0)
        card = ClaimedCard(team_id="T1", channel_id="C1", ts=ts, shown=shown, attempts=attempts, parts=(part,))
        world: Any = self
        return await CardSender(world, world, world).send(card)


async def test_a_message_that_slack_has_is_not_sent_again() -> None:
    world = World()
    sent = (await world.send()).sent
    again = (await world.send(shown=sent.shown)).sent
    assert (world.calls, again.ts, again.shown) == (1, "1.1", sent.shown)


@pytest.mark.parametrize("ts", [None, "1.1"], ids=["a post", "an update"])
async def test_slacks_wait_is_kept_and_other_failures_back_off(ts: str | None) -> None:
    limited = await World(TryAgain("ratelimited", 30.0, limited=True)).send(ts)
    failed = [await World(TryAgain("HTTP 503")).send(ts, attempts=number) for number in (0, 1, 2, 20)]
    assert (limited.sent.retry_after, limited.sent.held_for) == (30.0, 30.0)
    assert [(one.sent.retry_after, one.sent.held_for) for one in failed] == [
        (1.0, None),
        (2.0, None),
        (4.0, None),
        (60.0, None),
    ]


async def test_a_post_without_an_answer_is_not_repeated_but_an_update_is() -> None:
    assert (await World(Doubtful("timeout")).send(None)).failure == Doubtful("timeout")
    assert (await World(Doubtful("timeout")).send()).sent.retry_after == 1.0


async def test_what_slack_refuses_is_given_up_and_a_post_that_it_never_takes() -> None:
    refused, tired = Refused("message_not_found"), TryAgain("HTTP 503")
    assert (await World(refused).send()).failure == refused
    assert (await World(tired).send(None, attempts=40)).failure == tired
    assert (await World(tired).send(attempts=40)).sent.retry_after == 900.0
    gone = World()
    gone.workspace = None
    assert isinstance((await gone.send()).failure, Refused)


async def test_a_database_that_fails_and_a_bug_end_in_another_attempt(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.failure = StoreUnreachableError("gone")
    assert (await world.send()).sent.retry_after == 1.0
    assert caplog.records == []
    assert (await World(ZeroDivisionError()).send()).sent.retry_after == 1.0
    assert [record.message for record in caplog.records] == ["card not sent"]
