"""`anchor-bot doctor` for one workspace: all is well, and each fault, with its line and the exit code."""

import json
import shutil
import signal
import sqlite3
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bot.cli.session_orders import BadWorkspaceError
from bot.core.checks import CheckName, Finding, Good, Kind, Questionable, Skipped, Unanswered, Wrong
from bot.core.secret import Secret
from bot.outbound.slack.client import SocketModeOffError
from bot.outbound.store.migrations import HEAD
from bot.outbound.store.order_rows import OrderRows
from bot.outbound.store.store import open_store
from bot.sim.anchor import server_error as anchor_error
from bot.sim.local_server import LocalServer, free_port
from bot.sim.slack import Answer, Hang, ResetAfterReading, api_error
from bot.usecases.checks.slack import check_socket_mode
from harness import HTTP_ONLY, SOCKET_ONLY, SingleHarness, single_workspace
from harness.connect_proxy import connect_proxy
from harness.databases import KEY
from harness.doctor import Examined, examined, settings_of
from harness.order_rows import order_row
from harness.process import bot_process
from harness.secret_scan import leaks

pytestmark = pytest.mark.anyio

N = CheckName
SAMPLES = Path(__file__).parents[1] / "samples"


@pytest.fixture
async def one() -> AsyncIterator[SingleHarness]:
    async with single_workspace() as at:
        yield at


@HTTP_ONLY
async def test_all_is_well(one: SingleHarness) -> None:
    found = await examined(settings_of(one, ALERTS_CHANNEL=one.slack.alerts.id))
    assert (found.code, found.failures()) == (0, {})
    home, url = one.slack.home, one.bot.url
    assert found.has(N.BOT_TOKEN, Good.TOKEN_ACCEPTED, team=home.team_id, name="Acme", bot="anchor")
    assert found.has(N.SCOPES, Good.SCOPES_GRANTED, scopes="commands, chat:write, users:read")
    assert found.has(N.RUNNING_BOT, Good.BOT_READY, url=url)
    assert found.has(N.PUBLIC_URL, Good.URL_VERIFIED, url=f"{url}/slack/events")
    assert found.has(N.ANCHOR_KEY, Good.KEY_ACCEPTED)
    assert found.has(N.DATABASE, Good.DATABASE_IN_MEMORY)
    assert found.has(N.ALERT_CHANNEL, Good.CHANNEL_OPEN, channel=one.slack.alerts.id)
    kinds = [found.kind(name) for name in (N.SETTINGS, N.SLACK, N.ANCHOR, N.CLOCK)]
    assert kinds == [Good.SETTINGS_VALID, Good.REACHED, Good.REACHED, Good.CLOCK_RIGHT]


async def test_nothing_is_left_in_slack_and_nothing_is_made(one: SingleHarness, tmp_path: Path) -> None:
    file = tmp_path / "bot.db"
    found = await examined(settings_of(one, ALERTS_CHANNEL=one.slack.alerts.id, DATABASE_URL=f"sqlite:///{file}"))
    assert (found.code, found.kind(N.DATABASE)) == (0, Good.DATABASE_NEW)
    assert one.slack.platform.scheduled == {}
    assert one.messages() == []
    assert not file.exists()


# --- Slack's tokens and scopes ---


@pytest.mark.parametrize(
    ("changes", "name", "kind", "values"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-wrong"}, N.BOT_TOKEN, Wrong.TOKEN_REFUSED, {"code": "invalid_auth"}),
        ({"ANCHOR_API_KEY": "sk-wrong"}, N.ANCHOR_KEY, Wrong.KEY_REFUSED, {"status": "401"}),
        (
            {"ALERTS_CHANNEL": "C0NOWHERE01"},
            N.ALERT_CHANNEL,
            Wrong.CHANNEL_REFUSED,
            {"channel": "C0NOWHERE01", "code": "channel_not_found"},
        ),
        (
            {"ALERTS_CHANNEL": "C0INCIDENT1"},
            N.ALERT_CHANNEL,
            Wrong.CHANNEL_REFUSED,
            {"channel": "C0INCIDENT1", "code": "not_in_channel"},
        ),
    ],
)
async def test_a_wrong_setting_is_named_and_ends_with_2(
    one: SingleHarness, changes: dict[str, str], name: CheckName, kind: Kind, values: dict[str, str]
) -> None:
    found = await examined(settings_of(one, **changes))
    assert (found.code, found.failures()) == (2, {name: kind})
    assert found.has(name, kind, **values)


async def test_what_needs_the_token_is_not_checked_without_it(one: SingleHarness) -> None:
    found = await examined(settings_of(one, SLACK_BOT_TOKEN="xoxb-wrong"))
    for name in (N.SCOPES, N.ALERT_CHANNEL):
        assert found.has(name, Skipped.NOT_CHECKED, first=N.BOT_TOKEN)


@pytest.mark.parametrize(
    ("scopes", "code", "kind", "named"),
    [
        ({"commands", "chat:write"}, 2, Wrong.SCOPES_MISSING, "users:read"),
        ({"commands"}, 2, Wrong.SCOPES_MISSING, "chat:write, users:read"),
        ({"commands", "chat:write", "users:read", "im:write"}, 0, Questionable.SCOPES_EXTRA, "im:write"),
    ],
)
async def test_scopes_are_compared_with_the_manifest(
    one: SingleHarness, scopes: set[str], code: int, kind: Kind, named: str
) -> None:
    one.slack.home.installation.scopes = scopes
    found = await examined(settings_of(one))
    assert found.code == code
    assert found.has(N.SCOPES, kind, scopes=named)
    assert (found.kind(N.ALERT_CHANNEL) == Skipped.NOT_CHECKED) is ("chat:write" not in scopes)


async def test_a_slack_that_does_not_name_scopes_is_no_failure(one: SingleHarness) -> None:
    one.slack.faults["auth.test"] = Answer(200, b'{"ok":true,"team_id":"T0HOME00001"}')
    found = await examined(settings_of(one))
    assert (found.code, found.kind(N.SCOPES)) == (0, Skipped.SCOPES_UNKNOWN)


async def test_a_channel_that_was_tried_and_not_cleaned_up_is_told(one: SingleHarness) -> None:
    one.slack.faults["chat.deleteScheduledMessage"] = api_error("internal_error")
    found = await examined(settings_of(one, ALERTS_CHANNEL=one.slack.alerts.id))
    assert found.code == 0
    assert found.has(N.ALERT_CHANNEL, Questionable.MESSAGE_LEFT, channel=one.slack.alerts.id)


@pytest.mark.parametrize(("method", "name"), [("auth.test", N.BOT_TOKEN), ("chat.scheduleMessage", N.ALERT_CHANNEL)])
async def test_a_method_that_fails_ends_with_1(one: SingleHarness, method: str, name: CheckName) -> None:
    one.slack.faults[method] = api_error("internal_error")
    found = await examined(settings_of(one, ALERTS_CHANNEL=one.slack.alerts.id))
    assert (found.code, found.failures()) == (1, {name: Unanswered.NO_ANSWER})
    assert found.has(name, Unanswered.NO_ANSWER, who="Slack", why="internal_error")


async def test_an_anchor_that_fails_says_nothing_about_the_key(one: SingleHarness) -> None:
    one.anchor.fault = anchor_error(500)
    found = await examined(settings_of(one))
    assert (found.code, found.failures()) == (1, {N.ANCHOR_KEY: Unanswered.NO_ANSWER})
    assert found.has(N.ANCHOR_KEY, Unanswered.NO_ANSWER, who="Anchor", why="HTTP 500")


HTML, TEXT = "text/html", "text/plain"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(404, b"<html>", HTML), "HTTP 404"),
        (Answer(404, b'{"ok": false, "error": "no_such_page"}'), "no_such_page"),
        (Answer(200, b"<html>", HTML), "HTTP 200"),
        (Answer(200, b"<html>"), "HTTP 200"),
        (Answer(401, b'{"error": {"message": "no", "type": "x"}}'), "HTTP 401"),
        (Answer(200, b"hello", TEXT), "the answer is not a JSON object"),
        (Answer(200, b"[1]"), "the answer is not a JSON object"),
        (Answer(200, b"\x1f\x8b", "application/gzip"), "the answer is not a JSON object"),
    ],
)
async def test_something_else_than_slack_is_a_wrong_setting(one: SingleHarness, answer: Answer, why: str) -> None:
    one.slack.faults["auth.test"] = answer
    found = await examined(settings_of(one))
    assert (found.code, found.failures()) == (2, {N.BOT_TOKEN: Wrong.NOT_SLACK})
    assert found.has(N.BOT_TOKEN, Wrong.NOT_SLACK, why=why)


@pytest.mark.parametrize("answer", [Answer(502, b"<html>", HTML), Answer(429, b"slow down", HTML)])
async def test_a_gateway_that_fails_says_nothing_about_the_setting(one: SingleHarness, answer: Answer) -> None:
    one.slack.faults["auth.test"] = one.anchor.fault = answer
    found = await examined(settings_of(one))
    failures = {N.BOT_TOKEN: Unanswered.NO_ANSWER, N.ANCHOR_KEY: Unanswered.NO_ANSWER}
    assert (found.code, found.failures()) == (1, failures)


async def test_urls_without_the_apis_are_named(one: SingleHarness) -> None:
    async with LocalServer([]) as elsewhere:
        found = await examined(settings_of(one, SLACK_API_URL=elsewhere.origin, ANCHOR_API_URL=elsewhere.origin))
    assert found.code == 2
    for name in (N.SLACK, N.BOT_TOKEN):
        assert found.has(name, Wrong.NOT_SLACK, why="HTTP 404")
    for name in (N.ANCHOR, N.ANCHOR_KEY):
        assert found.has(name, Wrong.NOT_ANCHOR, why="HTTP 404")


# --- network and clock ---


@pytest.mark.parametrize(("variable", "name"), [("SLACK_API_URL", N.SLACK), ("ANCHOR_API_URL", N.ANCHOR)])
async def test_a_host_that_can_not_be_reached_ends_with_1(one: SingleHarness, variable: str, name: CheckName) -> None:
    closed = f"127.0.0.1:{free_port()}"
    found = await examined(settings_of(one, **{variable: f"http://{closed}/api/"}))
    assert (found.code, found.kind(name)) == (1, Unanswered.NOT_CONNECTED)
    assert found.kind(N.BOT_TOKEN if name is N.SLACK else N.ANCHOR_KEY) == Unanswered.NO_CONNECTION
    assert f"no connection to {closed}" in "\n".join(found.lines)
    unknown = await examined(settings_of(one, **{variable: "https://no-such-host.invalid/api/"}))
    assert (unknown.code, unknown.kind(name)) == (1, Unanswered.NAME_UNKNOWN)


@pytest.mark.parametrize(("credentials", "why"), [("user:wrong", "HTTP 407"), ("user:right", "HTTP 502")])
async def test_a_proxy_that_refuses_is_told_from_the_host(one: SingleHarness, credentials: str, why: str) -> None:
    async with connect_proxy({}, "user:right") as proxy:
        variables = {"HTTPS_PROXY": f"http://{credentials}@127.0.0.1:{proxy.port}"}
        found = await examined(settings_of(one, ANCHOR_API_URL="https://anchor.test", **variables))
    assert found.code == 1
    assert found.has(N.ANCHOR, Unanswered.PROXY_FAILED, host="anchor.test", why=why)


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-proxy.invalid"])
async def test_a_proxy_that_can_not_be_reached_is_told_from_the_host(one: SingleHarness, host: str) -> None:
    variables = {"HTTPS_PROXY": f"http://{host}:{free_port()}"}
    found = await examined(settings_of(one, ANCHOR_API_URL="https://anchor.test", **variables))
    assert (found.code, found.kind(N.ANCHOR)) == (1, Unanswered.PROXY_FAILED)


@asynccontextmanager
async def self_signed(directory: Path) -> AsyncIterator[str]:
    """A server with a certificate of no known authority."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.fromtimestamp(time.time(), UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    dated = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    certificate = dated.sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    raw = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (directory / "both.pem").write_bytes(raw + certificate.public_bytes(pem))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(directory / "both.pem")
    runner = web.AppRunner(web.Application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port := free_port(), ssl_context=context)
    await site.start()
    yield f"https://127.0.0.1:{port}/"
    await runner.cleanup()


async def test_a_certificate_that_is_not_trusted_is_named(one: SingleHarness, tmp_path: Path) -> None:
    async with self_signed(tmp_path) as url:
        found = await examined(settings_of(one, ANCHOR_API_URL=url))
    assert (found.code, found.kind(N.ANCHOR)) == (1, Unanswered.CERTIFICATE_REFUSED)


@pytest.mark.parametrize(
    ("fault", "kind"), [(Hang(), Unanswered.TIMED_OUT), (ResetAfterReading(), Unanswered.CONNECTION_BROKE)]
)
async def test_a_host_that_does_not_answer_is_told_from_one_that_hangs_up(
    one: SingleHarness, monkeypatch: pytest.MonkeyPatch, fault: Any, kind: Kind
) -> None:
    monkeypatch.setattr("bot.outbound.reachability._TIMEOUT", 1.0)
    one.slack.faults["api.test"] = fault
    found = await examined(settings_of(one))
    assert (found.code, found.failures()) == (1, {N.SLACK: kind})


@pytest.mark.parametrize(
    ("ahead", "code", "kind"),
    [(-60, 0, Questionable.CLOCK_OFF), (60, 0, Questionable.CLOCK_OFF), (400, 2, Wrong.CLOCK_WRONG)],
)
async def test_the_clock_is_compared_with_slacks(one: SingleHarness, ahead: int, code: int, kind: Kind) -> None:
    one.slack.clock.advance(ahead)
    found = await examined(settings_of(one))
    assert (found.code, found.kind(N.CLOCK)) == (code, kind)


async def test_without_an_answer_there_is_no_other_clock(one: SingleHarness) -> None:
    closed = f"http://127.0.0.1:{free_port()}/"
    found = await examined(settings_of(one, SLACK_API_URL=closed, ANCHOR_API_URL=closed))
    assert (found.code, found.kind(N.CLOCK)) == (1, Skipped.CLOCK_UNKNOWN)


# --- Slack's way to the bot ---


@HTTP_ONLY
async def test_a_wrong_signing_secret_shows_at_the_public_url(one: SingleHarness) -> None:
    found = await examined(settings_of(one, SLACK_SIGNING_SECRET="0" * 32))
    assert (found.code, found.failures()) == (2, {N.PUBLIC_URL: Wrong.URL_REJECTS})


@HTTP_ONLY
async def test_a_public_url_that_leads_elsewhere_is_named(one: SingleHarness) -> None:
    elsewhere = one.slack.url.removesuffix("/api/")
    found = await examined(settings_of(one, BASE_URL=elsewhere))
    assert (found.code, found.failures()) == (2, {N.PUBLIC_URL: Wrong.URL_FOREIGN})
    assert found.has(N.PUBLIC_URL, Wrong.URL_FOREIGN, url=f"{elsewhere}/slack/events", status="404")


@HTTP_ONLY
async def test_an_answer_counts_only_with_the_challenge(one: SingleHarness) -> None:
    """A page of a proxy can have any status."""

    async def fine(_: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    async with LocalServer([web.post("/slack/events", fine)]) as elsewhere:
        found = await examined(settings_of(one, BASE_URL=elsewhere.origin))
    assert (found.code, found.failures()) == (2, {N.PUBLIC_URL: Wrong.URL_FOREIGN})


@HTTP_ONLY
async def test_a_proxy_whose_bot_is_down_ends_with_1(one: SingleHarness) -> None:
    async def unavailable(_: web.Request) -> web.Response:
        return web.Response(status=502)

    async with LocalServer([web.post("/slack/events", unavailable)]) as proxy:
        found = await examined(settings_of(one, BASE_URL=proxy.origin))
    assert (found.code, found.failures()) == (1, {N.PUBLIC_URL: Unanswered.URL_UNAVAILABLE})
    closed = await examined(settings_of(one, BASE_URL=proxy.origin))
    assert (closed.code, closed.failures()) == (1, {N.PUBLIC_URL: Unanswered.NOT_CONNECTED})


@HTTP_ONLY
@pytest.mark.parametrize(
    ("url", "code", "kind"), [("", 0, Skipped.URL_UNSET), ("http://bot.example.com", 2, Wrong.URL_INVALID)]
)
async def test_a_bot_of_one_workspace_needs_no_public_url(one: SingleHarness, url: str, code: int, kind: Kind) -> None:
    found = await examined(settings_of(one, BASE_URL=url))
    assert (found.code, found.kind(N.PUBLIC_URL)) == (code, kind)


def opened(one: SingleHarness) -> int:
    return [call.method for call in one.slack.api_calls].count("apps.connections.open")


@SOCKET_ONLY
async def test_a_running_bot_keeps_its_requests_in_socket_mode(one: SingleHarness) -> None:
    """Slack could send them to the connection of the doctor."""
    found = await examined(settings_of(one))
    assert found.code == 0
    assert found.has(N.SOCKET_MODE, Good.SOCKET_IN_USE)
    assert opened(one) == 1


@SOCKET_ONLY
async def test_without_a_running_bot_a_connection_is_opened(one: SingleHarness) -> None:
    port = free_port()
    found = await examined(settings_of(one, PORT=str(port), HOST="0.0.0.0"))  # noqa: S104 - no bot listens
    assert found.code == 0
    assert found.has(N.RUNNING_BOT, Skipped.BOT_NOT_RUNNING, url=f"http://127.0.0.1:{port}")
    assert found.has(N.SOCKET_MODE, Good.SOCKET_OPENED)
    await one.slack.until(lambda: one.slack.sockets.count == 1)


@SOCKET_ONLY
@pytest.mark.parametrize(
    ("break_it", "code", "kind"),
    [
        (lambda slack: setattr(slack, "socket_mode", False), 2, Wrong.SOCKET_OFF),
        (lambda slack: setattr(slack.sockets, "claims_off", True), 2, Wrong.SOCKET_OFF),
        (
            lambda slack: slack.faults.__setitem__("apps.connections.open", api_error("invalid_auth")),
            2,
            Wrong.APP_TOKEN_REFUSED,
        ),
        (
            lambda slack: slack.faults.__setitem__("apps.connections.open", api_error("fatal_error")),
            1,
            Unanswered.NO_ANSWER,
        ),
    ],
    ids=["switched off", "called off", "token refused", "fails"],
)
async def test_socket_mode_that_does_not_work_is_explained(
    one: SingleHarness, break_it: Callable[[Any], None], code: int, kind: Kind
) -> None:
    environ = settings_of(one, PORT=str(free_port()))
    break_it(one.slack)
    found = await examined(environ)
    assert (found.code, found.kind(N.SOCKET_MODE)) == (code, kind)


async def test_a_connection_that_slack_ends_before_its_hello_is_off() -> None:
    assert await check_socket_mode(AsyncMock(side_effect=SocketModeOffError)) == Finding(Wrong.SOCKET_OFF)


@pytest.mark.parametrize(
    ("state", "code", "kind"),
    [
        ({"ready": False, "reasons": {"slack": "It is down."}}, 1, Unanswered.BOT_NOT_READY),
        ({"ready": True, "degraded": {"disk": "It is full."}}, 0, Questionable.BOT_DEGRADED),
        ({"hello": "world"}, 2, Wrong.CANNOT_LISTEN),
    ],
)
async def test_the_running_bot_tells_its_own_state(
    one: SingleHarness, state: dict[str, Any], code: int, kind: Kind
) -> None:
    async def readyz(_: web.Request) -> web.Response:
        return web.json_response(state)

    async with LocalServer([web.get("/readyz", readyz)]) as bot:
        found = await examined(settings_of(one, PORT=str(bot.port), BASE_URL=""))
    assert (found.code, found.kind(N.RUNNING_BOT)) == (code, kind)


@pytest.mark.parametrize("setting", ["PORT", "METRICS_PORT"])
async def test_a_port_that_another_program_uses_is_named(one: SingleHarness, setting: str) -> None:
    async with LocalServer([]) as other:
        ports = {"PORT": str(free_port()), "METRICS_PORT": str(free_port()), setting: str(other.port)}
        found = await examined(settings_of(one, **ports, BASE_URL=""))
    assert (found.code, found.failures()) == (2, {N.RUNNING_BOT: Wrong.CANNOT_LISTEN})
    (line,) = [line for line in found.lines if f"127.0.0.1:{other.port}" in line.partition("none can start")[2]]
    assert f"HOST and {setting} " in line


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
async def test_a_host_that_is_not_of_this_machine_is_named(
    one: SingleHarness, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.outbound.reachability._TIMEOUT", 2.0)
    found = await examined(settings_of(one, HOST=host, PORT="3000", METRICS_PORT="9464", BASE_URL=""))
    assert (found.code, found.failures()) == (2, {N.RUNNING_BOT: Wrong.CANNOT_LISTEN})


async def test_ports_that_were_tried_are_free_again(one: SingleHarness) -> None:
    ports = {"PORT": free_port(), "METRICS_PORT": free_port()}
    found = await examined(settings_of(one, **{name: str(port) for name, port in ports.items()}, BASE_URL=""))
    assert (found.code, found.kind(N.RUNNING_BOT)) == (0, Skipped.BOT_NOT_RUNNING)
    for port in ports.values():
        async with LocalServer([], port=port):
            pass


@HTTP_ONLY
async def test_a_bot_over_http_has_no_connection_of_socket_mode(one: SingleHarness) -> None:
    one.slack.socket_mode = True
    found = await examined(settings_of(one, SLACK_APP_TOKEN=one.slack.app_token))
    assert found.code == 0
    assert found.has(N.RUNNING_BOT, Questionable.BOT_OVER_HTTP, url=one.bot.url)
    assert found.has(N.SOCKET_MODE, Good.SOCKET_OPENED)


# --- the database ---


async def in_database(one: SingleHarness, url: str) -> Examined:
    return await examined(settings_of(one, DATABASE_URL=url))


async def test_a_database_that_works_is_current(one: SingleHarness, database_url: str) -> None:
    if not database_url.startswith("sqlite"):
        assert (await in_database(one, database_url)).kind(N.DATABASE) == Good.DATABASE_NEW
    async with open_store(Secret(database_url), [KEY], keys_must_fit=False):
        pass
    found = await in_database(one, database_url)
    assert found.code == 0
    assert found.has(N.DATABASE, Good.DATABASE_CURRENT, revision=HEAD)
    assert found.has(N.ENCRYPTION, Good.KEYS_FIT)


async def test_results_that_another_token_encrypted_are_lost(one: SingleHarness, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    async with open_store(Secret(url), [KEY], keys_must_fit=False) as store:
        await OrderRows(store.database, store.cipher, "a bot").write([order_row()], [])
    found = await in_database(one, url)
    assert found.code == 0
    assert found.has(N.ENCRYPTION, Questionable.RESULTS_LOST)


async def test_a_database_that_is_down_ends_with_1(one: SingleHarness) -> None:
    found = await in_database(one, f"postgresql://bot@127.0.0.1:{free_port()}/bot")
    assert (found.code, found.failures()) == (1, {N.DATABASE: Unanswered.DATABASE_DOWN})


@pytest.mark.parametrize("content", [None, b"no database" * 100], ids=["a directory", "another file"])
async def test_a_file_that_is_no_database_ends_with_2(
    one: SingleHarness, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "bot.db"
    file.mkdir() if content is None else file.write_bytes(content)
    found = await in_database(one, f"sqlite:///{file}")
    assert (found.code, found.failures()) == (2, {N.DATABASE: Wrong.DATABASE_UNUSABLE})


async def test_a_file_that_can_not_be_made_ends_with_2(one: SingleHarness, tmp_path: Path) -> None:
    found = await in_database(one, f"sqlite:///{tmp_path / 'nowhere' / 'bot.db'}")
    assert (found.code, found.failures()) == (2, {N.DATABASE: Wrong.DATABASE_UNUSABLE})


@pytest.mark.parametrize(("revision", "kind"), [("0002", Wrong.DATABASE_OLD), ("9999", Wrong.DATABASE_NEWER)])
async def test_tables_of_another_version_end_with_2_and_stay_as_they_are(
    one: SingleHarness, tmp_path: Path, revision: str, kind: Kind
) -> None:
    file = tmp_path / "bot.db"
    shutil.copy(SAMPLES / "anchor-bot-0002.db", file)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    found = await in_database(one, f"sqlite:///{file}")
    assert (found.code, found.failures()) == (2, {N.DATABASE: kind})
    assert found.has(N.DATABASE, kind, revision=revision, head=HEAD)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (revision,)


# --- settings ---


async def test_settings_that_can_not_be_used_end_it_at_once(one: SingleHarness) -> None:
    found = await examined(settings_of(one, ANCHOR_API_KEY="", PORT="none"))
    assert (found.code, found.failures()) == (2, {N.SETTINGS: Wrong.SETTINGS_INVALID})
    assert len(found.lines) == 1
    assert "ANCHOR_API_KEY" in found.lines[0]
    assert "PORT" in found.lines[0]


@pytest.mark.parametrize(
    ("name", "changes", "text"),
    [(".env", {}, "not a line\n"), ("SSL_CERT_FILE", {"SSL_CERT_FILE": "/nowhere/ca.pem"}, "")],
)
async def test_files_that_can_not_be_used_are_a_finding_too(
    one: SingleHarness, tmp_path: Path, name: str, changes: dict[str, str], text: str
) -> None:
    (tmp_path / ".env").write_text(text)
    environ, arguments = settings_of(one) | changes, ("doctor", "--json")
    async with bot_process(environ, arguments=arguments, directory=tmp_path) as process:
        assert await process.exit_code() == 2
    (check,) = json.loads("".join(process.printed))["checks"]
    assert (check["check"], check["code"]) == (N.SETTINGS, Wrong.SETTINGS_INVALID)
    assert name in check["found"]


async def test_settings_that_are_probably_not_meant_are_no_failure(one: SingleHarness) -> None:
    found = await examined(settings_of(one) | {"ALERT_TOKEN": "x"})
    assert (found.code, found.kind(N.SETTINGS)) == (0, Questionable.SETTINGS_ODD)
    assert "ALERT_TOKEN" in found.lines[0]


async def test_a_bot_of_one_workspace_can_not_choose_one(one: SingleHarness) -> None:
    with pytest.raises(BadWorkspaceError):
        await examined(settings_of(one), "--workspace", "T0HOME00001")


async def test_no_secret_is_printed(one: SingleHarness) -> None:
    environ = settings_of(
        one,
        ALERTS_TOKEN="s3cret-of-alerts-and-long",
        SLACK_BOT_TOKEN="xoxb-wrong",
        DATABASE_URL="postgresql://bot:s3cret@127.0.0.1:1/bot",
    )
    found = await examined(environ)
    assert leaks("\n".join(found.lines)) == []
    assert leaks(str(found.records)) == []


async def test_a_terminal_without_the_signs_gets_the_rest(one: SingleHarness) -> None:
    environ = settings_of(one) | {"PYTHONIOENCODING": "ascii"}
    async with bot_process(environ, arguments=("doctor",)) as process:
        assert await process.exit_code() == 0
    assert len(process.printed) == len((await examined(settings_of(one))).lines)


async def test_ctrl_c_says_nothing_of_orders(one: SingleHarness) -> None:
    one.slack.faults["auth.test"] = Hang()
    before = len(one.slack.api_calls)
    async with bot_process(settings_of(one), arguments=("doctor",)) as process:
        await one.slack.until(lambda: one.slack.api_calls[before:])
        assert await process.stop(signal.SIGINT) == 1
    assert process.sentences == ["anchor-bot: Interrupted."]


async def test_it_is_a_command(one: SingleHarness) -> None:
    arguments = ("doctor", "--workspace", "T0HOME00001")
    for environ, code in (({}, 2), (settings_of(one), 2)):
        async with bot_process(environ, arguments=arguments) as process:
            assert await process.exit_code() == code
    async with bot_process(settings_of(one), arguments=("doctor",)) as process:
        assert await process.exit_code() == 0
    assert len(process.printed) == len((await examined(settings_of(one))).lines)
