"""The faults, each with the bot that it happens to."""

import asyncio
import resource
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.faults import rooted
from bench.faults.people import Measured
from bench.faults.stage import ALERTS_TOKEN, Machine, Stage, measure, stage
from bot.sim.anchor import Slow
from harness.conversation import post_json
from harness.databases import PostgreSQL
from harness.outages import locked, network

_RATE = 10.0  # pauses per second

_FILES = 64
_MEMORY = 25 << 20  # bytes beyond what an idle bot has
_ALERTS = 2_000
_ORDERS = 1_200
_KNOWN = 11.0  # seconds; the bot's HTTP client knows an address for 10: https://docs.aiohttp.org/en/stable/client_reference.html
_DOWN = 5.0  # seconds until a PostgreSQL that crashed is started again


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault: its name, its title, and how it is made. `run` can raise NotPossibleError."""

    name: str
    title: str
    made: str
    run: Callable[[Machine], Coroutine[None, None, Measured]]


async def _pause(at: Stage, fault: AbstractAsyncContextManager[None] | None = None, *, rate: float = _RATE) -> Measured:
    """Let people pause while there is a fault."""
    if fault is None:
        await at.people.pause_often(per_second=rate, seconds=at.machine.seconds)
        return await measure(at)
    async with fault:
        await at.people.pause_often(per_second=rate, seconds=at.machine.seconds)
    return await measure(at)


async def _nothing(machine: Machine) -> Measured:
    async with stage(machine, machine.file) as at:
        return await _pause(at)


async def _nothing_on_server(machine: Machine) -> Measured:
    async with stage(machine, machine.database) as at:
        return await _pause(at)


async def _disk_full(machine: Machine) -> Measured:
    async with stage(machine, machine.file) as at:
        return await _pause(at, _limited(at, resource.RLIMIT_FSIZE, _largest(machine.directory)))


async def _disk_hangs(machine: Machine) -> Measured:
    with rooted.disk(machine.directory) as mounted:
        async with stage(machine, f"sqlite:///{mounted / 'bot.db'}") as at:
            return await _pause(at, rooted.hanging(mounted))


async def _file_locked(machine: Machine) -> Measured:
    async with stage(machine, machine.file) as at:
        return await _pause(at, locked(machine.file))


async def _server_hangs(machine: Machine) -> Measured:
    async with network(machine.database) as way, stage(machine, way.url) as at:
        return await _pause(at, way.cut())


async def _server_crashes(machine: Machine) -> Measured:
    async with stage(machine, machine.database) as at:
        return await _pause(at, _crashed(machine.server))


async def _no_connection(machine: Machine) -> Measured:
    url = machine.database
    async with stage(machine, url) as at:
        return await _pause(at, _taken(url))


async def _no_name_server(machine: Machine) -> Measured:
    with rooted.names(machine.directory) as names:
        urls = {"SLACK_API_URL": "http://localhost:{slack_port}/api/", "ANCHOR_API_URL": "http://localhost:{port}"}
        async with stage(machine, machine.file, command=names.command, urls=urls) as at:
            return await _pause(at, _all_new(at, names))


async def _few_files(machine: Machine) -> Measured:
    async with stage(machine, machine.file) as at:
        at.anchor.fault = Slow(1.0)
        return await _pause(at, _limited(at, resource.RLIMIT_NOFILE, _FILES), rate=40.0)


async def _little_memory(machine: Machine) -> Measured:
    async with stage(machine, machine.file) as at:
        pages = int(Path(f"/proc/{at.pid}/statm").read_text().split()[0])  # noqa: ASYNC240 - no disk behind it
        most = pages * resource.getpagesize() + _MEMORY
        return await _pause(at, _limited(at, resource.RLIMIT_AS, most), rate=40.0)


async def _storm(machine: Machine) -> Measured:
    async with stage(machine, machine.file) as at:
        alerting = asyncio.create_task(_post_alerts(at))
        measured = await _pause(at)
        await alerting
        return measured


async def _kill(machine: Machine) -> Measured:
    return await _kill_with(machine, machine.file)


async def _kill_on_server(machine: Machine) -> Measured:
    return await _kill_with(machine, machine.database)


async def _kill_with(machine: Machine, url: str) -> Measured:
    async with stage(machine, url) as at:
        at.anchor.fault = Slow(30.0)
        giving = [asyncio.create_task(at.people.pause()) for _ in range(_ORDERS)]
        await at.anchor.until(lambda: len(at.anchor.orders) >= _ORDERS + 4, within=30)
        await asyncio.wait(giving)
        await at.kill()
        at.anchor.fault = None
        await at.start()
        return await measure(at)


async def _post_alerts(at: Stage) -> None:
    """Post all alerts within two thirds of the time, each about another session."""
    headers = {"Authorization": f"Bearer {ALERTS_TOKEN}"}

    async def post() -> None:
        alert = {"session_id": at.anchor.add_session(), "text": "High spend"}
        await post_json(f"{at.bot.url}/alerts", alert, headers=headers)

    posting = []
    for _ in range(_ALERTS):
        posting.append(asyncio.create_task(post()))
        await asyncio.sleep(at.machine.seconds / 1.5 / _ALERTS)
    await asyncio.gather(*posting, return_exceptions=True)


@asynccontextmanager
async def _limited(at: Stage, kind: int, most: int) -> AsyncIterator[None]:
    before = resource.prlimit(at.pid, kind)
    resource.prlimit(at.pid, kind, (most, before[1]))
    yield
    resource.prlimit(at.pid, kind, before)


@asynccontextmanager
async def _all_new(at: Stage, names: rooted.Names) -> AsyncIterator[None]:
    """Let names be looked up: none is known from before, and no connection is open."""
    async with names.silent():
        await asyncio.sleep(_KNOWN)
        for server in (at.anchor, at.slack):
            await server.stop()
            await server.start()
        yield


@asynccontextmanager
async def _crashed(server: PostgreSQL) -> AsyncIterator[None]:
    await asyncio.to_thread(server.stop_at_once)

    async def start_again() -> None:
        await asyncio.sleep(_DOWN)
        await asyncio.to_thread(server.start)

    starting = asyncio.create_task(start_again())
    yield
    await starting


@asynccontextmanager
async def _taken(url: str) -> AsyncIterator[None]:
    """Let others have all connections of the server, also those that the bot had."""
    others: list[psycopg.Connection[tuple[object, ...]]] = []

    def take() -> None:
        try:
            while True:
                others.append(psycopg.connect(url, autocommit=True))
        except psycopg.OperationalError:
            return

    def take_all() -> None:
        take()
        others[0].execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND NOT pid = ANY (%s)",
            ([one.info.backend_pid for one in others],),
        )
        take()

    await asyncio.to_thread(take_all)
    try:
        yield
    finally:
        for one in others:
            one.close()


def _largest(directory: Path) -> int:
    return max(path.stat().st_size for path in directory.iterdir())


FAULTS = (
    Fault("none", "none, SQLite", "–", _nothing),
    Fault("none-postgresql", "none, PostgreSQL", "–", _nothing_on_server),
    Fault("disk-full", "the disk is full", "the process can write no file beyond the size of its largest", _disk_full),
    Fault("disk-hangs", "the disk hangs", "`fsfreeze` of a disk that has nothing but the SQLite file", _disk_hangs),
    Fault("file-locked", "the SQLite file is locked", "another program is in the middle of a change", _file_locked),
    Fault("server-hangs", "PostgreSQL hangs", "its packets are kept back", _server_hangs),
    Fault(
        "failover",
        "PostgreSQL crashes, and is there again",
        f"stopped at once, and started after {_DOWN:g} s: as a failover that loses no commit",
        _server_crashes,
    ),
    Fault(
        "no-connection", "PostgreSQL has no connection left", "others have all of them, also the bot's", _no_connection
    ),
    Fault(
        "no-names",
        "no name server answers",
        "all connections break, and the name of Slack and Anchor is looked up at a server that is silent",
        _no_name_server,
    ),
    Fault("few-files", f"{_FILES} open files", "`RLIMIT_NOFILE`; 40 pauses per second, Anchor takes 1 s", _few_files),
    Fault(
        "little-memory",
        "25 MB of memory left",
        "`RLIMIT_AS`, 25 MB above the idle bot; 40 pauses per second",
        _little_memory,
    ),
    Fault("storm", f"a storm of {_ALERTS:,} alerts", "in 10 s, each about another session, in one channel", _storm),
    Fault("kill", f"killed with {_ORDERS:,} orders at Anchor, SQLite", "SIGKILL, and started again", _kill),
    Fault("kill-postgresql", f"killed with {_ORDERS:,} orders at Anchor, PostgreSQL", "the same", _kill_on_server),
)
