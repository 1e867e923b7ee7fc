"""Only response URLs of Slack are called, and its answers are read."""

import httpx
import pytest

from bot.outbound.slack.response_url import ResponseUrls, read_response
from bot.sim.slack import Answer, SimSlack, rate_limited, server_error
from harness.cards import client
from harness.product import Secret
from harness.values import FOR_ONE, MessageContent, http_transport

pytestmark = pytest.mark.anyio

SLACKS = [
    "https://hooks.slack.com/commands/T0HOME00001/1/x",
    "https://hooks.slack-gov.com/commands/T0HOME00001/1/x",
    "https://HOOKS.SLACK.COM/actions/T0HOME00001/1/x",
    "http://127.0.0.1:8000/commands/T0HOME00001/1/x",
]
OTHERS = [
    "",
    "http://hooks.slack.com/commands/T0HOME00001/1/x",
    "https://hooks.slack.com:8443/x",
    "https://slack.com.evil.example/x",
    "https://evilslack.com/x",
    "https://evil.example/hooks.slack.com",
    "https://evil.example?.slack.com",
    "https://hooks.slack.com@evil.example/x",
    "https://evil.example\\.slack.com/x",
    "https://hooks.slack.com.",
    "https://[::1].slack.com/",
    "https://127.0.0.1:8000/x",
    "http://127.0.0.1:8001/x",
    "file:///etc/passwd",
    "//hooks.slack.com/x",
    "https://hooks.slack.com:99999/x",
    "https://.slack.com/x",
    "https://\u0440slack.com/x",
]


async def test_only_slacks_own_urls_are_called() -> None:
    async with http_transport() as transport:
        urls = ResponseUrls(transport, api_url="http://127.0.0.1:8000/api/")
        assert [url for url in (*SLACKS, *OTHERS) if urls.trusted(url)] == SLACKS
        assert isinstance(await urls.post(Secret("https://evil.example/"), FOR_ONE), client.Refused)


async def test_slack_takes_three_messages_by_a_url_and_one_use_is_left_for_the_card() -> None:
    async with SimSlack() as slack, http_transport() as transport:
        delivery = await slack.command(slack.alice, slack.alerts)
        urls = ResponseUrls(transport, api_url=slack.url)
        url, card = Secret(delivery.response_url), MessageContent("x")
        for fault in (server_error(), rate_limited(1)):
            slack.faults["response_url"] = fault
            assert [type(await urls.post(url, FOR_ONE)) for _ in range(4)] == [client.TryAgain] * 4
        slack.faults.clear()
        posted = [type(await urls.post(url, FOR_ONE)) for _ in range(4)]
        replaced = [type(await urls.replace(url, card, FOR_ONE.visibility)) for _ in range(2)]
    assert (posted, replaced) == ([client.Posted] * 3 + [client.Refused], [client.Posted, client.Refused])


async def test_an_unknown_word_counts_as_delivered_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async with SimSlack() as slack, http_transport() as transport:
        slack.faults["response_url"] = Answer(200, b"accepted", "text/plain")
        urls = ResponseUrls(transport, api_url=slack.url)
        url = Secret((await slack.command(slack.alice, slack.alerts)).response_url)
        assert [type(await urls.post(url, FOR_ONE)) for _ in range(2)] == [client.Posted] * 2
    assert [vars(record)["word"] for record in caplog.records if record.levelname == "WARNING"] == ["accepted"]


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (httpx.Response(200, text="ok"), client.Posted()),
        (httpx.Response(200, json={"ok": True}), client.Posted()),
        (httpx.Response(200, text="accepted"), client.Posted()),
        (httpx.Response(200, json=["ok"]), client.Doubtful("response_url status 200")),
        (httpx.Response(200, json={"status": "ok"}), client.Doubtful("response_url status 200")),
        (httpx.Response(200, text="<html>"), client.Doubtful("response_url status 200")),
        (httpx.Response(200, text="x" * 101), client.Doubtful("response_url status 200")),
        (httpx.Response(404, text="<html>"), client.Doubtful("response_url status 404")),
        (httpx.Response(200, json={"ok": False, "error": "used_url"}), client.Refused("response_url error used_url")),
        (httpx.Response(404, json={"ok": False, "error": "Expired url"}), client.Refused("response_url status 404")),
        (httpx.Response(302, headers={"Location": "/"}), client.Doubtful("response_url status 302")),
        (httpx.Response(410, text="no_service"), client.Refused("response_url status 410")),
        (httpx.Response(429, headers={"Retry-After": "7"}), client.TryAgain("response_url status 429", 7.0)),
        (httpx.Response(503), client.TryAgain("response_url status 503")),
    ],
    ids=repr,
)
def test_slacks_answers(answer: httpx.Response, meaning: client.PostResult) -> None:
    assert read_response(answer, answer.content) == meaning
