"""Orders straight to Anchor, and reads of its sessions, without Slack."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bot.core.fields import Proxy, Secret
from bot.core.outcomes import AnchorOutcome
from bot.core.requests import Verb
from bot.core.retries import combine
from bot.core.session_ids import SessionId
from bot.core.sessions import Session
from bot.core.workspace import NewKeyRejected, NewKeyUnverified
from bot.outbound.anchor.orders import AnchorClient, AnchorHttp
from bot.outbound.anchor.sessions import AnchorSessions
from bot.sim.anchor import DEFAULT_KEY
from harness.texts import SESSION
from harness.values import http_transport


@asynccontextmanager
async def anchor_client(
    url: str, *, attempt: float = 10.0, deadline: float = 20.0, proxy: Proxy | None = None
) -> AsyncIterator[AnchorClient]:
    async with http_transport(proxy) as transport:
        yield AnchorClient(AnchorHttp(transport, url), timeout=attempt, deadline=deadline)


async def send(client: AnchorClient, verb: Verb = Verb.PAUSE, *, once: bool = False) -> AnchorOutcome:
    """Order something for SESSION, and return the outcome of all attempts; `once`: it may not be repeated."""

    async def may_repeat() -> bool:
        return not once

    return combine(await client.send(verb, Secret(DEFAULT_KEY), SessionId(SESSION), may_repeat))


async def pause(url: str, *, attempt: float = 10.0, deadline: float = 20.0) -> AnchorOutcome:
    async with anchor_client(url, attempt=attempt, deadline=deadline) as client:
        return await send(client)


async def pause_once(url: str, *, attempt: float = 10.0, proxy: Proxy | None = None) -> AnchorOutcome:
    async with anchor_client(url, attempt=attempt, proxy=proxy) as client:
        return await send(client, once=True)


async def resume(url: str, *, attempt: float = 10.0) -> AnchorOutcome:
    async with anchor_client(url, attempt=attempt) as client:
        return await send(client, Verb.RESUME)


def proxy_at(port: int, authorization: str | None = None) -> Proxy:
    return Proxy(f"http://127.0.0.1:{port}", Secret(authorization) if authorization else None)


def session(**fields: Any) -> Session:
    return Session(id=SessionId(SESSION), **fields)


@asynccontextmanager
async def anchor_sessions(url: str, *, within: float = 5.0) -> AsyncIterator[AnchorSessions]:
    async with http_transport() as transport:
        yield AnchorSessions(AnchorHttp(transport, url), within)


key_rejected = NewKeyRejected
key_unverified = NewKeyUnverified
