"""Pauses of many sessions at once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from bot import app
from bot.container import Container, build
from bot.core.fields import Secret
from bot.core.requests import Actor, ReplyAddress
from bot.core.session_ids import SessionId
from bot.usecases.batches import Batch, Batches
from harness.conversation import Conversation


@dataclass(slots=True)
class Built:
    """The containers of the bots that were started meanwhile."""

    containers: list[Container] = field(default_factory=list)

    @property
    def batches(self) -> Batches:
        return self.containers[-1].batches


@contextmanager
def watching_bots() -> Iterator[Built]:
    """Look on while bots are built."""
    built = Built()

    def build_and_keep(*parts: Any) -> Container:
        built.containers.append(build(*parts))
        return built.containers[-1]

    with patch.object(app, "build", build_and_keep):
        yield built


def batch(at: Conversation, sessions: Sequence[str], *, url: str | None = None, **fields: Any) -> Batch:
    """A batch of Alice's in #alerts."""
    actor = Actor(at.workspace.team_id, fields.pop("channel", at.channel.id), at.person.id, at.workspace.team_id)
    address = ReplyAddress(actor, Secret(url) if url else None)
    return Batch(address=address, session_ids=tuple(map(SessionId, sessions)), **fields)
