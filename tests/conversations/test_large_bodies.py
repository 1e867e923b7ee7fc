"""Bodies of alerts that take long to read: none holds up the event loop, or the commands of another workspace."""

import asyncio
import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import cycle
from statistics import median
from urllib.parse import urlsplit

import pytest

from conversations.test_cards import TOKEN, taking_alerts
from harness import SESSION
from harness.conversation import until
from harness.many_workspaces import many_workspaces
from harness.webhooks import alertmanager_alert, alertmanager_body

pytestmark = [pytest.mark.anyio, pytest.mark.realtime, pytest.mark.no_cover]

LARGEST = 4 * 1024 * 1024
CONNECTIONS = 8


def of_alerts(*alerts: object) -> bytes:
    return json.dumps(alertmanager_body(*alerts), ensure_ascii=False).encode()


def in_ids(unit: str) -> bytes:
    """A body whose session ids consist of this: as many as fit with 20,000 characters, the others with 500."""
    share = 3_000_000 // len((unit * 20_000)[:20_000].encode())
    alerts = [alertmanager_alert(session=(unit * 20_000)[:length]) for length in [20_000] * share + [500] * 500]
    return of_alerts(*alerts[:500])


def in_labels() -> bytes:
    """A body whose labels are not visible, so that none of them is one of the first that a card shows."""
    names = (f"{number:b}".translate({ord("0"): "\u200b", ord("1"): "\u200c"}) for number in range(390))
    return of_alerts(*[alertmanager_alert(labels=dict.fromkeys(names, "x"))] * 300)


def in_json(unit: str) -> bytes:
    return b'{"version": "4", "alerts": [%b0]}' % (unit * (LARGEST // len(unit) - 20)).encode()


KINDS: dict[str, tuple[int, Callable[[], bytes]]] = {
    "words": (200, lambda: in_ids("a ")),
    "escaped percents": (200, lambda: in_ids("%25")),
    "escaped digits": (200, lambda: in_ids("%33")),
    "entities": (200, lambda: in_ids("&#51;")),
    "near-ids": (200, lambda: in_ids(f"{SESSION[:-1]} ")),
    "fullwidth digits": (200, lambda: in_ids("\N{FULLWIDTH DIGIT THREE}")),
    "invisible labels": (200, in_labels),
    "empty lists and objects": (400, lambda: in_json("[],{},")),
    "nested lists": (400, lambda: in_json("[[]],")),
    "zeros": (400, lambda: in_json("0,0,")),
}


class Stalls:
    """The longest time without a turn of the event loop, in seconds of the processor: other programs do not count."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def watch(self) -> None:
        while True:
            began = time.process_time()
            await asyncio.sleep(0.001)
            self.longest = max(self.longest, time.process_time() - began)


def post(url: str, body: bytes) -> int:
    """Send a body, in a thread that takes hardly any time of the processor."""
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port)) as connection:
        try:
            connection.request("POST", parts.path, body=body, headers={"Authorization": f"Bearer {TOKEN}"})
            return connection.getresponse().status
        except OSError:  # it was refused before all of it was sent
            return 0


COSTLIEST = "invisible labels"  # it takes the event loop 0.35 s if it is read there


@pytest.mark.parametrize(
    ("kind", "longest"), [(COSTLIEST, 0.2), *(pytest.param(kind, 0.1, marks=pytest.mark.long) for kind in KINDS)]
)
async def test_no_body_holds_up_the_event_loop(kind: str, longest: float) -> None:
    status, make = KINDS[kind]
    body = make()
    assert 3_000_000 < len(body) <= LARGEST
    stalls = Stalls()
    async with taking_alerts() as at:
        watching = asyncio.create_task(stalls.watch())
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(post, f"{at.bot.url}/alerts/alertmanager", body)
            assert await asyncio.wrap_future(sending) == status
        watching.cancel()
    assert stalls.longest < longest


@pytest.mark.long
async def test_one_token_that_sends_all_of_them_delays_no_command_of_another_workspace(database_url: str) -> None:
    bodies, ends, got = [make() for _, make in KINDS.values()], threading.Event(), Counter[int]()

    def flood(url: str) -> None:
        for body in cycle(bodies):
            got[post(url, body)] += 1
            if ends.wait(0.1):  # over a network, a body takes longer than that
                break

    async with many_workspaces(database_url) as at:
        ours, busy = await at.set_up_two()
        await at.take_alerts(busy, TOKEN)  # which may not pause
        url = f"{at.bot.url}/alerts/{busy.team_id}/alertmanager"

        async def seconds() -> float:
            await asyncio.sleep(0.1)
            began = time.monotonic()
            await ours.command()
            return time.monotonic() - began

        usual = median([await seconds() for _ in range(20)])
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            flooding = [asyncio.get_running_loop().run_in_executor(pool, flood, url) for _ in range(CONNECTIONS)]
            await until(lambda: got.total() >= CONNECTIONS)
            took = sorted([await seconds() for _ in range(20)])
            ends.set()
            await asyncio.wait(flooding)
    assert took[18] < usual + 1.0
    assert got[200] > 0
