"""Pauses of many sessions at once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

from bot import app
from bot.core.cards import BatchContent, Card, Part
from bot.core.fields import Secret
from bot.core.outcomes import Outcome
from bot.core.requests import Actor, ReplyAddress, State
from bot.core.session_ids import SessionId
from bot.usecases.several import Batch, Batches
from harness.cards import messages_of
from harness.conversation import Conversation, post_json
from harness.order_rows import order_row, rows_of, settled, told
from harness.restarts import Remains


@dataclass(slots=True)
class Built:
    """The bots that were started meanwhile."""

    bots: list[app.Bot] = field(default_factory=list)

    @property
    def batches(self) -> Batches:
        return self.bots[-1].batches


@contextmanager
def watching_bots() -> Iterator[Built]:
    """Look on while bots are built."""
    built = Built()

    def build_and_keep(bot: app.Bot, *parts: Any) -> None:
        built.bots.append(bot)
        build(bot, *parts)

    build = app.Bot.build
    with patch.object(app.Bot, "build", build_and_keep):
        yield built


def batch(at: Conversation, sessions: Sequence[str], *, url: str | None = None, **fields: Any) -> Batch:
    """A batch of Alice's in #alerts."""
    actor = Actor(at.workspace.team_id, fields.pop("channel", at.channel.id), at.person.id, at.workspace.team_id)
    address = ReplyAddress(actor, Secret(url) if url else None)
    return Batch(address=address, session_ids=tuple(map(SessionId, sessions)), **fields)


async def leave_batch(
    at: Remains, *parts: tuple[int, State, Outcome | None], all_told: int = 0, posted: bool, age: float = 1.0
) -> list[str]:
    """Leave a batch in the journal, as if a process had come so far with so many of its orders; `all_told` were told.

    Its result has been posted with other numbers, or not even recorded. Return the sessions.
    """
    states = [(state, outcome) for count, state, outcome in parts for _ in range(count)]
    sessions = [at.anchor.add_session() for _ in states]
    given = batch(at, sessions, reason="they loop")
    rows = [
        replace(order_row(state=state, age=age), order=order, address=ReplyAddress(order.actor))
        for (state, _), order in zip(states, given.orders(), strict=True)
    ]
    for number, (_, outcome) in enumerate(states):
        if outcome is not None:
            settle = told if number < all_told else settled
            rows[number] = settle(rows[number], outcome, settled_at=rows[number].given_at)
    await rows_of(at.store, "a killed process").write(*rows)
    if posted:
        token = {"Authorization": f"Bearer {at.environ['SLACK_BOT_TOKEN']}"}
        message = {"channel": at.channel.id, "text": "⏳ Pausing…", "unfurl_links": False, "unfurl_media": False}
        ts = (await post_json(f"{at.environ['SLACK_API_URL']}chat.postMessage", message, headers=token))[1]["ts"]
        team, content = at.workspace.team_id, BatchContent(at.person.id, at.channel.id)
        whole = (Part(given.id, SessionId(given.id), content),)
        async with messages_of(at.store) as messages:
            await messages.add([Card(id=given.id, team_id=team, channel_id=at.channel.id, parts=whole, ts=ts)])
    return sessions
