"""Webhooks of Alertmanager: what becomes a card, what is refused, and bodies of any size."""

import asyncio
import base64
import http.client
import io
import json
import logging
import re
import time
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import pytest

from bot.messages import alert_tokens as say
from bot.messages.cards import NO_JSON, elsewhere, moved
from bot.sim.local_server import free_port
from bot.sim.slack import Message, Source, rate_limited
from bot.sim.slack.markup import ON_CALL
from conversations import test_alert_cards
from conversations.test_alert_cards import PAUSE, RESUME, TOKEN, about_session, ops, taking_alerts, until_shown
from harness import OTHER_SESSION, SESSION, SingleHarness, Tenant, single_workspace
from harness.conversation import post_json, until
from harness.product import alerts
from harness.programs import Server, needs, program
from harness.stored import until_found
from harness.webhooks import alertmanager_alert, alertmanager_body

Lost = alerts.Lost
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
    channel: str | None = None,
) -> tuple[int, Mapping[str, Any]]:
    """Send a webhook with these alerts, or with another body, to a URL that can name a channel."""
    sent = json.dumps(alertmanager_body(*alerts) if body is None else body).encode() if data is None else data
    query = "" if channel is None else f"?channel={quote(channel)}"
    there = f"{at.bot.url}/alerts/alertmanager{query}"
    async with aiohttp.ClientSession() as session, session.post(there, data=io.BytesIO(sent), headers=headers) as got:
        return got.status, await got.json()


def posted(at: SingleHarness) -> list[Message]:
    return [message for message in at.messages() if message.source is Source.POST_MESSAGE and message.blocks]


async def until_told(at: SingleHarness, text: str) -> None:
    """Wait until an admin is told this alone, or the channel if none is known yet."""
    await at.slack.until(lambda: text in [one.text for one in (*at.messages(), *at.direct_messages())])
    assert [one.text for one in (*at.messages(), *at.direct_messages())].count(text) == 1


async def until_posted(at: SingleHarness, count: int = 1) -> list[Message]:
    await at.slack.until(lambda: len(posted(at)) >= count)
    return posted(at)


def ok(taken: int, *channels: str) -> tuple[int, dict[str, Any]]:
    return 200, {"ok": True, "channels": [*(channels or ["C0ALERTS001"])], "taken": taken}


async def until_sent(url: str) -> None:
    """Wait until Slack has been told all changes of cards."""
    await until_found(url, "SELECT id FROM messages WHERE due IS NOT NULL", exists=False)


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


OPS, CLOSED, HOME = "C0OPS000001", "C0CLOSED001", "C0ALERTS001"
CHANNELS: list[tuple[str, str | None, str, str]] = [
    (OPS, None, OPS, ""),
    ("", OPS, OPS, ""),
    (f" {OPS} ", CLOSED, OPS, ""),
    (HOME, OPS, HOME, ""),
    ("", "", HOME, ""),
    ("", "C0OTHER0001", HOME, "C0OTHER0001"),
    ("#ops", OPS, HOME, "#ops"),
    ("", "<!here>\n", HOME, "<!here>"),
    ("D0ALICE0001", None, HOME, "D0ALICE0001"),
    ("x" * 30_000, None, HOME, "x" * 49 + "…"),
]


def is_shown(at: SingleHarness, channel: str, text: str) -> bool:
    return any(text in message.text for message in at.messages(at.workspace.channels[channel]))


async def test_a_label_or_the_url_names_the_channel_and_what_is_none_is_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "bot")
    async with taking_alerts(ALERTS_CHANNELS=f"{OPS},D0ALICE0001") as at:
        for label, channel, there, named in CHANNELS:
            session = at.anchor.add_session()
            one = alertmanager_alert(session=session, labels={"anchor_channel": label})
            status, answer = await send(at, one, channel=channel)
            assert (status, answer["channels"]) == (200, [there])
            warnings = [say.about_alert("AnchorSpendHigh", moved(named, HOME))] if named else []
            assert answer.get("warnings", []) == warnings
            (line,) = [vars(one) for one in caplog.records if one.message == "alerts"]
            assert (line["channel"], "warnings" in line) == (there, bool(named))
            caplog.clear()
            await at.slack.until(partial(is_shown, at, there, session))
        assert not any(is_shown(at, there, "anchor_channel") for there in (HOME, OPS))


async def test_what_slack_refuses_for_a_channel_is_posted_in_that_for_alerts_and_admins_are_told_once(
    database_url: str,
) -> None:
    async with taking_alerts(database_url, ALERTS_CHANNELS=CLOSED, ALERTS_GROUP=ON_CALL) as at:
        at.workspace.add_channel(CLOSED, "closed", at.person)
        critical = {"anchor_channel": CLOSED, "severity": "critical"}
        one = alertmanager_alert(labels=critical)
        assert await send(at, one) == ok(1, CLOSED)
        (card,) = await until_posted(at)
        meant = elsewhere(say.closed_message(CLOSED), CLOSED).text.rpartition("\n")[2]
        assert meant in card.text
        for _ in range(2):
            await send(at, one)  # the same firing changes nothing
        other = alertmanager_alert(session=OTHER_SESSION, labels=critical)
        await send(at, alertmanager_alert(), other)
        await until_posted(at, 3)
        await until_sent(database_url)
        assert (len(posted(at)), at.current(card).revision, sum(test_alert_cards.mentions(at))) == (3, 0, 1)
        await until_told(at, say.closed_message(CLOSED).text)
        body = {"session_id": at.anchor.add_session(), "text": "It spends.", "channel": CLOSED}
        status, answer, _ = await post_json(f"{at.bot.url}/alerts", body, headers=BEARER)
        assert (status, answer.get("slack_error"), len(posted(at))) == (400, "not_in_channel", 3)
        await at.click(card)
        await until_shown(at, card, RESUME, "Paused", meant)
        await send(at, alertmanager_alert(status="resolved"), channel=OPS)
        await until_shown(at, card, RESUME, "resolved", meant)


@pytest.mark.parametrize("resolved_for", [None, OPS, "C0OTHER0001"])
async def test_a_firing_for_several_channels_is_one_pause_and_a_card_in_each_which_resolved_settles(
    database_url: str, resolved_for: str | None
) -> None:
    own = {"AUTO_PAUSE": "on", "AUTO_PAUSE_TOKENS": "default", "ALERTS_CHANNELS": f"{OPS},{CLOSED}"}
    async with taking_alerts(database_url, **own) as at:
        third = at.workspace.add_channel(CLOSED, "third", at.person, at.workspace.installation.bot_user_id)
        before, asks = len(at.orders), {"anchor_action": "pause"}
        await asyncio.gather(*(send(at, alertmanager_alert(labels=asks), channel=one) for one in (HOME, OPS)))
        await asyncio.sleep(3.0)
        await send(at, alertmanager_alert(labels=asks | {"anchor_channel": CLOSED}))  # no new firing
        places = [at.channel, ops(at), third]
        await at.slack.until(lambda: all(about_session(at, one) for one in places))
        cards_of_it = [about_session(at, one) for one in places]
        assert [len(one) for one in cards_of_it] == [1] * 3
        found = [await until_shown(at, one, RESUME, "Paused automatically") for (one,) in cards_of_it]
        assert (len(at.orders) - before, [again for one in found if (again := "again" in one.text)]) == (1, [])
        await send(at, alertmanager_alert(status="resolved"), channel=resolved_for)
        for one in found:
            await until_shown(at, one, RESUME, "resolved")


async def test_a_body_of_another_kind_or_size_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    wrong: list[object] = [None, 7, {}, {"version": "4", "alerts": {}}, {"version": ["4"], "alerts": []}]
    large = json.dumps(alertmanager_body(alertmanager_alert()) | {"x": "y" * 4 * MIB}).encode()
    async with taking_alerts() as at:
        for body in (*wrong, {"session_id": SESSION, "text": "x"}):
            assert await send(at, data=json.dumps(body).encode()) == (400, {"error": say.NO_WEBHOOK})
        assert await send(at, data=b"[" * 20_000) == (400, {"error": NO_JSON})
        assert await send(at, data=b"[%b0]" % (b"0," * 199_999)) == (400, {"error": say.NO_WEBHOOK})
        for headers in ({}, basic("x" * 30), {"Authorization": "Basic !"}, {"Authorization": f"Basic {TOKEN}"}):
            assert (await send(at, data=large, headers=headers))[0] == 401
        assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
        for data in (large, b"{[" * 10_000 + b"{", b"," * 200_001):
            status, answer = await send(at, data=data)
            assert (status, say.SEND_LESS in answer["error"]) == (400, True)
        told = say.lost_message(Lost.TOO_LARGE, ["default"]).text
        await until_told(at, told)
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
        found = await until_posted(at, 2)
        labels = [[label in one.text for label in ("label-8", "label-9")] for one in found]
        assert sorted(labels) == [[False, False], [True, False]]
    ignored = say.about_alert("AnchorSpendHigh", say.ignored("starts_at"))
    assert (len(answer["warnings"]), answer["warnings"].count(ignored)) == (4, 1)


async def test_alerts_that_are_left_out_are_told_and_the_first_500_are_taken() -> None:
    alerts = [alertmanager_alert(fingerprint=str(number)) for number in range(503)]
    async with taking_alerts() as at:
        status, answer = await send(at, body=alertmanager_body(*alerts, truncated=2))
        assert (status, answer["taken"], answer["warnings"]) == (200, 500, [say.SEND_LESS])
        told = say.lost_message(Lost.TOO_LARGE, ["default"]).text
        await until_told(at, told)
        (card,) = await until_posted(at)
        await until_shown(at, card, PAUSE, "×500")
        await send(at, body=alertmanager_body(*alerts, truncated=2))
        await asyncio.sleep(5.0)
        assert "×500" in at.current(card).text


async def test_a_workspace_of_many_has_a_route_and_its_admins_are_told(team: Tenant) -> None:
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
    told = say.lost_message(Lost.NO_SESSION, ["AnchorSpendHigh"]).text
    assert await team.wait_for_direct_messages(user=team.admin) == [told]
    await team.slack.until(lambda: any(team.session in message.text for message in team.messages()))
    await at.rename_table("messages", "gone")
    assert (await post_json(url, alertmanager_body(one), headers=BEARER))[0] == 503
    await at.rename_table("gone", "messages")


async def test_alerts_that_find_no_room_in_their_channel_are_counted_by_its_last_message() -> None:
    async with taking_alerts() as at:
        at.slack.faults[POST] = rate_limited(60)
        alerts = [alertmanager_alert(session=f"{number:08}{SESSION[8:]}") for number in range(1_200)]
        sent = [alerts[first : first + 400] for first in (0, 400, 800)]
        assert [(await send(at, *some))[0] for some in sent] == [200, 200, 200]
        assert (await test_alert_cards.send(at, SESSION))[1].keys() == {"ok", "channel", "queued"}
        del at.slack.faults[POST]
        await at.slack.until(lambda: any("*12*" in one.text for one in at.messages()), within=300.0)
        last = at.messages()[-1]
        await at.slack.click(at.slack.bob, last, "anchor_read_list")
        await at.slack.until(lambda: bool(at.ephemerals(at.slack.bob)))


async def test_too_many_alerts_or_too_slow_a_body_are_asked_to_come_again() -> None:
    token = {"ALERTS_TOKEN": TOKEN, "ALERTS_CHANNEL": HOME}
    async with single_workspace(alerts_at_once=9, **token) as at:  # type: ignore[arg-type]
        assert (await send(at, *(alertmanager_alert(fingerprint=one) for one in "abc")))[0] == 503
        assert await send(at, alertmanager_alert()) == ok(1)
        host, port = at.bot.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = ("POST /alerts/alertmanager HTTP/1.1", "Host: a", f"Authorization: Bearer {TOKEN}", "Content-Length: 9")
        writer.write("\r\n".join([*head, "", ""]).encode())
        with closing(writer):
            answer = await reader.read()
        assert (answer[:12], b"\r\nRetry-After: " in answer) == (b"HTTP/1.1 503", True)


def in_labels() -> bytes:
    """A body whose labels are not visible, so that none of them is one of the first that a card shows."""
    names = (f"{number:b}".translate({ord("0"): "\u200b", ord("1"): "\u200c"}) for number in range(390))
    alerts = [alertmanager_alert(labels=dict.fromkeys(names, "x"))] * 300
    return json.dumps(alertmanager_body(*alerts), ensure_ascii=False).encode()


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
        connection.request("POST", parts.path, body=body, headers={"Authorization": f"Bearer {TOKEN}"})
        return connection.getresponse().status


@pytest.mark.realtime
@pytest.mark.no_cover
async def test_the_costliest_body_does_not_hold_up_the_event_loop() -> None:
    """It would take it 0.35 s if it was read there."""
    body = in_labels()
    assert 3_000_000 < len(body) <= 4 * MIB
    stalls = Stalls()
    async with taking_alerts() as at:
        watching = asyncio.create_task(stalls.watch())
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(post, f"{at.bot.url}/alerts/alertmanager", body)
            assert await asyncio.wrap_future(sending) == 200
        watching.cancel()
    assert stalls.longest < 0.2


DEPLOY = Path(__file__).parents[2] / "deploy"
MANAGER_TOKEN = "s3cret-of-the-alerts"
ROUTES = "  routes: [{receiver: anchor, continue: true}, {receiver: other}]\n"
RECEIVER = """
  - name: other
    webhook_configs:
      - url: {bot}/alerts/alertmanager?channel={channel}
        http_config: {{authorization: {{credentials_file: anchor-alert-token}}}}
"""
SPENDS = {"alertname": "AnchorSpendHigh", "session_id": SESSION}


async def fire(manager: Server, labels: Mapping[str, str], ends: str | None = None) -> None:
    """Send an alert as Prometheus does, which fires or is resolved since a time."""
    end = {} if ends is None else {"endsAt": ends}
    alert = {"labels": labels, "annotations": {"summary": "$40 of $5"}} | end
    status, _, _ = await post_json(f"http://127.0.0.1:{manager.port}/api/v2/alerts", [alert])
    assert status == 200


@asynccontextmanager
async def alertmanager(directory: Path, bot: str, *, other: str = "") -> AsyncIterator[Server]:
    """Run it with the configuration of deploy/ for a bot, and an `other` channel; it sends again every two seconds."""
    text = (DEPLOY / "alertmanager.yml").read_text().replace("https://bot.example.com", bot)
    if other:
        text = text.replace("receivers:\n", f"{ROUTES}receivers:\n{RECEIVER.format(bot=bot, channel=other)}", 1)
    for name, value in {"group_by": "[alertname]", "group_interval": "1s", "repeat_interval": "2s"}.items():
        text = re.sub(rf"^  {name}: .*", f"  {name}: {value}", text, count=1, flags=re.MULTILINE)
    for name, content in {
        "alertmanager.yml": text,
        "anchor-slack-webhook": "",
        "anchor-alert-token": MANAGER_TOKEN,
    }.items():
        (directory / name).write_text(content)
    own = ("--config.file=alertmanager.yml", "--storage.path=data", "--cluster.listen-address=")
    port = free_port()
    manager = Server((program("alertmanager"), *own, f"--web.listen-address=127.0.0.1:{port}"), port, directory)
    async with manager:
        yield manager


@needs("alertmanager")
async def test_alerts_become_cards_and_those_that_are_sent_again_change_nothing(tmp_path: Path) -> None:
    other = SPENDS | {"session_id": OTHER_SESSION}
    token = {"ALERTS_TOKEN": MANAGER_TOKEN, "ALERTS_CHANNEL": "C0ALERTS001"}
    async with (
        single_workspace(**token) as at,  # type: ignore[arg-type]
        alertmanager(tmp_path, at.bot.url) as manager,
    ):
        await fire(manager, SPENDS)
        (card,) = await at.wait_for_messages()
        await fire(manager, other)  # it joins the group, so both are sent
        await at.wait_for_messages(2)
        await asyncio.sleep(5.0)  # and again
        assert [message.revision for message in at.messages()] == [0, 0]
        await fire(manager, SPENDS, ends=datetime.now(UTC).isoformat())
        await until(lambda: "Resolved" in at.current(card).text)
        assert [("×" in one.text, "Resolved" in one.text) for one in at.messages()] == [(False, True), (False, False)]
    assert "AnchorSpendHigh" in card.text
    assert at.anchor.requests == []


@needs("alertmanager")
async def test_two_receivers_and_a_label_name_channels_and_a_firing_is_one_pause(tmp_path: Path) -> None:
    asks, ends = {"anchor_action": "pause"}, datetime.now(UTC).isoformat
    named = SPENDS | {"session_id": OTHER_SESSION, "anchor_channel": OPS}
    own = {"ALERTS_TOKEN": MANAGER_TOKEN, "AUTO_PAUSE": "on", "AUTO_PAUSE_TOKENS": "default"}
    async with taking_alerts(**own) as at, alertmanager(tmp_path, at.bot.url, other=OPS) as manager:
        before, places = len(at.orders), [at.channel, ops(at)]
        await fire(manager, SPENDS | asks)
        await fire(manager, named)
        await until(lambda: all(about_session(at, one) for one in places) and is_shown(at, OPS, OTHER_SESSION))
        await asyncio.sleep(5.0)  # and again
        found = [at.current(card) for one in places for card in about_session(at, one)]
        assert ["Paused automatically" in one.text and "×" not in one.text for one in found] == [True, True]
        assert (len(at.orders) - before, is_shown(at, HOME, OTHER_SESSION)) == (1, False)
        await fire(manager, SPENDS | asks, ends=ends())
        await until(lambda: all("resolved" in at.current(one).text for one in found))
