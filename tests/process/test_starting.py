"""The beginning: what the bot needs before it serves, and what it says where something is missing."""

import socket

import pytest

from bot.demo.stage import environment
from bot.sim.anchor import SimAnchor
from bot.sim.slack import SimSlack, api_error, server_error
from harness import SESSION
from harness.process import CONSOLE_SCRIPT, MODULE, Ended, bot_process, run_to_exit, single_workspace_process

pytestmark = pytest.mark.anyio

BAD = {"SLACK_BOT_TOKEN": "xoxp-a-persons", "SLACK_SIGNING_SECRET": "", "ANCHOR_API_KEY": "two words"}
SAID_OF_THEM = """\
anchor-bot: SLACK_BOT_TOKEN does not begin with xoxb-: \
it must be the bot token from OAuth & Permissions of your Slack app.
anchor-bot: ANCHOR_API_KEY has spaces or characters that no key has: \
copy it again (the workspace's API key from Anchor's dashboard).
anchor-bot: SLACK_SIGNING_SECRET is not set: put the signing secret from Basic Information of your Slack app there, \
or an app-level token from Basic Information of your Slack app in SLACK_APP_TOKEN for Socket Mode.
anchor-bot: See .env.example for every setting."""


def refused(error: str) -> str:
    return f"anchor-bot: SLACK_BOT_TOKEN is refused by Slack ({error}): reinstall the app and copy its bot token again."


@pytest.mark.parametrize("command", [MODULE, CONSOLE_SCRIPT], ids=["python -m bot", "anchor-bot"])
async def test_both_ways_to_start_it_serve_slack(command: tuple[str, ...]) -> None:
    async with single_workspace_process(command=command) as at:
        assert await at.bot.get("/healthz") == (200, {"ok": True})
        assert await at.bot.get("/readyz") == (200, {"ready": True, "reasons": {}})
        delivery = await at.command(SESSION)
        assert await at.bot.stop() == 0
    assert delivery.ack is not None
    assert delivery.ack.text.startswith(f"⏸️ *Paused*: session `{SESSION}`")


def not_even_tried_to_listen(ended: Ended) -> bool:
    """On a port that is taken, whoever tries to listen says so."""
    return not any("listen" in line for line in [*ended.sentences, *(entry["message"] for entry in ended.log)])


async def test_three_bad_settings_are_all_named_before_any_port_is_opened() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = await run_to_exit(BAD | {"PORT": str(taken.getsockname()[1])})
    assert ended.code == 2
    assert "\n".join(ended.sentences) == SAID_OF_THEM
    assert not_even_tried_to_listen(ended)


async def test_without_a_signing_secret_and_an_app_token_it_does_not_start() -> None:
    ended = await run_to_exit({"SLACK_BOT_TOKEN": "xoxb-1", "ANCHOR_API_KEY": "sk-1", "PORT": "0"})
    assert ended.code == 2
    assert ended.log == []
    assert [line.partition(":")[2].split()[0] for line in ended.sentences] == ["SLACK_SIGNING_SECRET", "See"]


async def test_a_port_that_is_taken_is_named() -> None:
    async with SimSlack() as slack, SimAnchor() as anchor:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            ended = await run_to_exit(environment(slack, anchor, PORT=str(port)))
    assert ended.code == 1
    (sentence,) = ended.sentences
    assert sentence.startswith(f"anchor-bot: HOST and PORT (127.0.0.1:{port}) can't be listened on:")
    assert "address already in use" in sentence
    assert ended.log == []


@pytest.mark.parametrize("host", ["a" * 70, "no-such-host.invalid"])
async def test_a_host_that_cannot_be_listened_on_ends_it_with_one_sentence(host: str) -> None:
    async with SimSlack() as slack, SimAnchor() as anchor:
        ended = await run_to_exit(environment(slack, anchor, HOST=host))
    assert ended.code == 1
    (sentence,) = ended.sentences
    assert sentence.startswith(f"anchor-bot: HOST and PORT ({host}:0) can't be listened on:")


async def test_certificates_that_cannot_be_read_end_it_with_one_sentence() -> None:
    async with SimSlack() as slack, SimAnchor() as anchor:
        ended = await run_to_exit(environment(slack, anchor, SSL_CERT_FILE="/nowhere/ca.pem"))
    assert ended.code == 1
    (sentence,) = ended.sentences
    assert sentence.startswith("anchor-bot: The certificates of SSL_CERT_FILE or SSL_CERT_DIR can't be read:")


async def test_a_token_that_slack_refuses_ends_it_with_one_sentence() -> None:
    async with SimSlack() as slack, SimAnchor() as anchor:
        ended = await run_to_exit(environment(slack, anchor, SLACK_BOT_TOKEN="xoxb-of-nobody", LOG_LEVEL="DEBUG"))
    assert ended.code == 2
    assert ended.sentences == [refused("invalid_auth")]
    assert "xoxb-of-nobody" not in repr(ended)
    assert [entry["message"] for entry in ended.log] == ["listening"]


@pytest.mark.parametrize("error", ["invalid_auth", "not_allowed_token_type", "missing_scope"])
async def test_an_app_token_that_slack_refuses_ends_it_with_one_sentence(error: str) -> None:
    async with SimSlack(socket_mode=True) as slack, SimAnchor() as anchor:
        slack.faults["apps.connections.open"] = api_error(error)
        ended = await run_to_exit(environment(slack, anchor, LOG_LEVEL="DEBUG"))
    assert ended.code == 2
    (sentence,) = ended.sentences
    assert sentence == (
        f"anchor-bot: SLACK_APP_TOKEN is refused by Slack ({error}): generate an app-level token with the scope "
        "connections:write (Basic Information > App-Level Tokens) and put it there."
    )
    assert "xapp-" not in repr(ended)
    assert [entry["message"] for entry in ended.log] == ["listening", "ready"]


async def test_with_socket_mode_switched_off_in_slack_it_says_so_and_waits_for_its_operator() -> None:
    async with SimSlack(socket_mode=True) as slack, SimAnchor() as anchor:
        environ = environment(slack, anchor)
        slack.socket_mode = False
        async with bot_process(environ) as bot:
            error = await bot.says("Socket Mode is switched off")
            assert await bot.get("/healthz") == (200, {"ok": True})
            assert await bot.get("/readyz") == (503, {"ready": False, "reasons": {"socket": error["what_to_do"]}})
            assert await bot.stop() == 0
    assert "Settings > Socket Mode" in error["what_to_do"]


async def test_a_slack_that_is_down_is_waited_for() -> None:
    async with SimSlack() as slack, SimAnchor() as anchor:
        anchor.add_session(session_id=SESSION)
        await slack.stop()
        async with bot_process(environment(slack, anchor)) as bot:
            warning = await bot.says("Slack can't be reached")
            assert await bot.get("/healthz") == (200, {"ok": True})
            reason = f"Slack can't be reached ({warning['why']}); trying again."
            assert await bot.get("/readyz") == (503, {"ready": False, "reasons": {"slack": reason}})
            await slack.start()
            assert (await bot.says("ready"))["team"] == slack.home.team_id
            assert await bot.get("/readyz") == (200, {"ready": True, "reasons": {}})
            slack.request_url = f"{bot.url}/slack/events"
            delivery = await slack.command(slack.alice, slack.alerts, SESSION)
            assert await bot.stop() == 0
    assert delivery.ack is not None
    assert delivery.ack.text.startswith("⏸️ *Paused*")


async def test_a_token_that_is_refused_once_slack_is_back_ends_it() -> None:
    async with SimSlack() as slack, SimAnchor() as anchor:
        slack.home.installation.refusal = "account_inactive"
        await slack.stop()
        async with bot_process(environment(slack, anchor)) as bot:
            await bot.says("Slack can't be reached")
            await slack.start()
            assert await bot.exit_code() == 2
    assert bot.sentences == [refused("account_inactive")]


async def test_a_slack_that_has_troubles_of_its_own_is_asked_again() -> None:
    async with SimSlack() as slack, SimAnchor() as anchor:
        slack.faults["auth.test"] = server_error(times=1)
        async with bot_process(environment(slack, anchor)) as bot:
            assert (await bot.says("ready"))["team"] == slack.home.team_id
            assert await bot.stop() == 0
    assert [entry["message"] for entry in bot.log] == ["listening", "Slack can't be reached", "ready", "stopping"]
