"""Alertmanager and Grafana send alerts by their webhooks: one card and one count for each firing, whatever fails."""

import asyncio
import base64
import io
import json
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from typing import Any

import aiohttp
import pytest

from bot.messages import senders as say
from bot.sim.local_server import free_port
from bot.sim.slack import Message, Source
from conversations.test_cards import PAUSE, TOKEN, taking_alerts, until_shown
from harness import OTHER_SESSION, SESSION, AdminHarness, SingleHarness
from harness.conversation import post_json, until
from harness.outages import execute
from harness.process import scrape
from harness.product import cards
from harness.stored import until_sent
from harness.webhooks import alertmanager_alert, alertmanager_body

pytestmark = pytest.mark.anyio

Lost = cards.Lost
POST = "chat.postMessage"
MIB = 1024 * 1024
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()}


async def send(
    at: SingleHarness,
    *alerts: object,
    headers: Mapping[str, str] = BEARER,
    body: object = None,
    data: bytes | None = None,
) -> tuple[int, Mapping[str, Any]]:
    """Send a webhook with these alerts, or with another body."""
    sent = json.dumps(alertmanager_body(*alerts) if body is None else body).encode() if data is None else data
    there = f"{at.bot.url}/alerts/alertmanager"
    async with aiohttp.ClientSession() as session, session.post(there, data=io.BytesIO(sent), headers=headers) as got:
        return got.status, await got.json()


def posted(at: SingleHarness) -> list[Message]:
    return [message for message in at.messages() if message.source is Source.POST_MESSAGE]


async def until_posted(at: SingleHarness, count: int = 1) -> list[Message]:
    await at.slack.until(lambda: len(posted(at)) >= count)
    return posted(at)


def ok(taken: int) -> tuple[int, dict[str, Any]]:
    return 200, {"ok": True, "channel": "C0ALERTS001", "taken": taken}


async def test_an_alert_becomes_a_card_and_the_same_firing_changes_nothing(database_url: str) -> None:
    async with taking_alerts(database_url) as at:
        one, other = alertmanager_alert(), alertmanager_alert(session=OTHER_SESSION)
        assert await send(at, one, headers=basic(TOKEN)) == ok(1)
        (card,) = await until_posted(at)
        shown = ("AnchorSpendHigh", "It spent $40", "of $5 in a minute", "Open on prom.example", "model", SESSION, "⚠️")
        assert [text for text in shown if text not in card.text] == []
        await at.command()
        paused = await at.wait_for_update(card)
        assert await send(at, one, other) == ok(2)  # as if another one joined the group
        assert await send(at, other, one) == ok(2)
        await until_sent(database_url)
        assert (at.current(card), at.calls(POST)) == (paused, 2)


async def test_a_new_firing_counts_and_resolved_ones_settle_those_with_their_fingerprint(database_url: str) -> None:
    async with taking_alerts(database_url) as at:
        one, other = alertmanager_alert(fingerprint="a"), alertmanager_alert(fingerprint="b")
        late = alertmanager_alert(fingerprint="a", starts="2026-11-29T01:00:00Z")
        assert await send(at, one, other) == ok(2)
        (card,) = await until_posted(at)
        await send(at, late)
        await until_shown(at, card, PAUSE, "×3")
        await send(at, alertmanager_alert(fingerprint="a", status="resolved"), other)  # the group still fires
        await until_sent(database_url)
        assert "Resolved" not in at.current(card).text
        await send(at, alertmanager_alert(fingerprint="b", status="resolved"))
        await until_shown(at, card, PAUSE, "Resolved", "×3")
        await send(at, other)  # Alertmanager lost and found its Prometheus
        await until_shown(at, card, PAUSE, "×4")
        nobody = alertmanager_alert(session=at.anchor.add_session(), status="resolved")
        assert await send(at, nobody) == ok(1)
        assert {SESSION in message.text for message in posted(at)} == {True}


@asynccontextmanager
async def without_cards(url: str) -> AsyncIterator[None]:
    await execute(url, "ALTER TABLE messages RENAME TO gone")
    yield
    await execute(url, "ALTER TABLE gone RENAME TO messages")


async def test_while_the_database_fails_it_is_asked_to_come_again_and_nothing_is_posted(database_url: str) -> None:
    alerts = [alertmanager_alert(), alertmanager_alert(session=OTHER_SESSION)]
    async with taking_alerts(database_url) as at:
        async with without_cards(database_url):
            answers = [await send(at, *alerts) for _ in range(3)]
            assert at.calls(POST) == 0
        assert {(status, answer["error"]) for status, answer in answers} == {(503, say.NOT_RECORDED)}

        async def is_taken() -> bool:
            return await send(at, *alerts) == ok(2)

        await until(is_taken)
        assert await send(at, *alerts) == ok(2)
        await until_sent(database_url)
        assert at.calls(POST) == 2
        assert {"×" in message.text for message in posted(at)} == {False}


async def test_a_body_of_another_kind_or_size_is_refused_and_never_breaks_the_bot(
    caplog: pytest.LogCaptureFixture,
) -> None:
    wrong: list[object] = [
        None,
        [],
        7,
        {},
        {"version": "4"},
        {"version": "4", "alerts": {}},
        {"version": ["4"], "alerts": []},
    ]
    large = json.dumps(alertmanager_body(alertmanager_alert()) | {"x": "y" * 4 * MIB}).encode()
    async with taking_alerts() as at:
        for body in (*wrong, {"session_id": SESSION, "text": "x"}):
            assert await send(at, data=json.dumps(body).encode()) == (400, {"error": say.NO_WEBHOOK})
        assert await send(at, data=b"[" * 20_000) == (400, {"error": say.NO_WEBHOOK})
        assert await send(at, data=b"[%b0]" % (b"0," * 199_999)) == (400, {"error": say.NO_WEBHOOK})
        for headers in ({}, basic("x" * 30), {"Authorization": "Basic !"}, {"Authorization": f"Basic {TOKEN}"}):
            assert (await send(at, data=large, headers=headers))[0] == 401
        assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
        for data in (large, b"{[" * 10_000 + b"{", b"," * 200_001):
            status, answer = await send(at, data=data)
            assert (status, say.SEND_LESS in answer["error"]) == (400, True)
        told = say.lost_message(Lost.TOO_LARGE, 1, ["default"]).text
        assert [one.text for one in await until_posted(at)] == [told]
        assert (await send(at, alertmanager_alert(annotations={"summary": "x" * 3 * MIB})))[0] == 200
    lines = [vars(record) for record in caplog.records if record.levelno >= logging.ERROR]
    assert [(say.SEND_LESS in line["why"], line["sender"]) for line in lines] == [(True, "default")] * 3


BAD: list[Any] = [
    *(None, 7, [], {}, {"labels": [1]}, {"labels": {"session_id": 5}}, {"labels": {"session_id": "x" * 30_000}}),
    alertmanager_alert(labels={"session_id": f"{SESSION} {OTHER_SESSION}"}),
    alertmanager_alert(labels={"session_id": SESSION[:-1]}, annotations={"session_id": SESSION}),
    alertmanager_alert(labels={"session_id": SESSION.rjust(501)}),
]


async def test_bad_alerts_are_warnings_and_their_neighbours_are_taken() -> None:
    many = {f"label-{n}": "x" for n in range(10_000)} | {"session_id": "", "other": 7}
    good = [
        alertmanager_alert(labels=many, annotations={"session_id": SESSION}),
        alertmanager_alert(session=OTHER_SESSION.rjust(500), starts="yesterday", url="javascript:alert(1)"),
    ]
    async with taking_alerts() as at:
        status, answer = await send(at, *BAD[:4], *good, *BAD[4:])
        assert (status, answer["taken"]) == (200, 2)
        found = [one for one in await until_posted(at, 3) if one.blocks]
        labels = [[label in one.text for label in ("label-8", "label-9")] for one in found]
        assert sorted(labels) == [[False, False], [True, False]]
    assert len(answer["warnings"]) == 7
    assert sum(f"AnchorSpendHigh: {say.NO_TIME}." == one for one in answer["warnings"]) == 1


async def test_alerts_without_a_session_are_told_at_once_and_then_once_a_day(
    caplog: pytest.LogCaptureFixture, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.usecases.notices.QUIET_PERIOD", 1.0)
    port = free_port()
    nameless = alertmanager_alert(labels={"alertname": "AnchorDown", "session_id": ""})
    async with taking_alerts(database_url, METRICS_PORT=str(port)) as at:
        for _ in range(4):
            status, answer = await send(at, nameless, nameless)
            assert (status, answer["taken"], "AnchorDown: session_id" in str(answer["warnings"])) == (200, 0, True)
            told = say.lost_message(Lost.NO_SESSION, 2, ["AnchorDown"]).text
            assert [one.text for one in await until_posted(at)] == [told]
        assert (await scrape(port))("anchor_bot_alerts_without_session_total", alertname="AnchorDown") == 8
        await asyncio.sleep(1.1)  # until it looks again whether it is time
        await send(at, nameless)
        await asyncio.sleep(1.1)
        assert len(posted(at)) == 1
        await execute(database_url, "UPDATE marks SET until = until - 86400 WHERE name LIKE 'notice alerts%'")
        await send(at, nameless)
        assert (await until_posted(at, 2))[1].text == say.lost_message(Lost.NO_SESSION, 8, ["AnchorDown"]).text
    assert "AnchorDown" in [vars(record).get("alertnames") for record in caplog.records]


async def test_alerts_that_are_left_out_are_told_and_the_first_500_are_taken() -> None:
    alerts = [alertmanager_alert(fingerprint=str(number)) for number in range(503)]
    async with taking_alerts() as at:
        began = time.monotonic()
        status, answer = await send(at, body=alertmanager_body(*alerts, truncated=2))
        assert (status, answer["taken"], answer["warnings"]) == (200, 500, [say.left_out(5)])
        assert time.monotonic() - began < 2.0
        told = say.lost_message(Lost.LEFT_OUT, 5, ()).text
        await at.slack.until(lambda: told in [message.text for message in posted(at)])
        (card,) = [message for message in await until_posted(at, 2) if message.blocks]
        await until_shown(at, card, PAUSE, "×500")
        await send(at, body=alertmanager_body(*alerts, truncated=2))
        await asyncio.sleep(5.0)
        assert "×500" in at.current(card).text


async def test_a_workspace_of_many_has_a_route_and_its_admins_are_told(team: AdminHarness) -> None:
    at = team.at
    await at.take_alerts(team, TOKEN)
    await team.open_home()
    await asyncio.sleep(1.0)  # until the admin is recorded
    one = alertmanager_alert(session=team.session)
    nameless = alertmanager_alert(labels={"session_id": ""})
    url = f"{at.bot.url}/alerts/{team.team_id}/alertmanager"
    assert (await post_json(url, alertmanager_body(one), headers=basic("x" * 30)))[0] == 401
    for _ in range(2):
        status, answer, _ = await post_json(url, alertmanager_body(one, nameless), headers=basic(TOKEN))
        assert (status, answer["taken"]) == (200, 1)
    told = say.lost_message(Lost.NO_SESSION, 1, ["AnchorSpendHigh"]).text
    assert await team.wait_for_direct_messages(user=team.admin) == [told]
    await team.slack.until(lambda: any(team.session in message.text for message in team.messages()))
    await at.rename_table("messages", "gone")
    assert (await post_json(url, alertmanager_body(one), headers=BEARER))[0] == 503
    await at.rename_table("gone", "messages")


async def test_too_many_alerts_or_too_slow_a_body_are_asked_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.inbound.alerts.endpoint.MOST_IN_WEBHOOKS", 3)
    async with taking_alerts() as at:
        assert (await send(at, alertmanager_alert(), alertmanager_alert(fingerprint="b")))[0] == 503
        assert await send(at, alertmanager_alert()) == ok(1)
        host, port = at.bot.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = ("POST /alerts/alertmanager HTTP/1.1", "Host: a", f"Authorization: Bearer {TOKEN}", "Content-Length: 9")
        writer.write("\r\n".join([*head, "", ""]).encode())
        with closing(writer):
            answer = await reader.read()
        assert (answer[:12], b"\r\nRetry-After: " in answer) == (b"HTTP/1.1 503", True)
