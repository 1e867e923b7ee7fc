"""`anchor-bot doctor`: what it checks, finds and says, for one workspace and for many."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bot.cli.doctor import GOOD, ODD, SKIPPED, WRONG, Check, examine
from bot.cli.terminal import as_called
from bot.demo.sandbox import environment
from bot.sim.anchor import server_error as anchor_error
from bot.sim.local_server import LocalServer, free_port
from bot.sim.slack import Answer, Fault, Hang, ResetAfterReading, api_error
from harness import HTTP_ONLY, SOCKET_ONLY, ManyHarness, SingleHarness, Tenant, single_workspace
from harness.databases import KEY, OTHER_KEY
from harness.order_rows import OrdersOf, order_row
from harness.outages import VERSION
from harness.process import bot_process
from harness.product import Secret, open_store
from harness.secret_scan import leaks
from harness.snapshot import SNAPSHOT

HTML = "text/html"
SCHEDULE, DELETE = "chat.scheduleMessage", "chat.deleteScheduledMessage"
CHANNEL = {"ALERTS_CHANNEL": "C0ALERTS001"}
BROKEN = api_error("internal_error")
OF_A_BOT = ["settings", "Slack", "Anchor", "clock", "database"]
OF_A_WORKSPACE = ["bot token", "scopes", "alert channel", "Anchor key"]


@dataclass(frozen=True, slots=True)
class Examined:
    found: list[Check]

    @property
    def lines(self) -> list[str]:
        return [as_called(one.line) for one in self.found]

    def failures(self) -> list[str]:
        return [one.name for one in self.found if one.sign == WRONG]

    def of(self, name: str) -> Check:
        """The check of this name."""
        (check,) = [one for one in self.found if one.name == name]
        return check


async def examined(environ: Mapping[str, str]) -> Examined:
    found = Examined([check async for check in examine(environ, Path("no.env"))])
    SNAPSHOT.saw(*found.lines)
    assert all(line.isprintable() for line in found.lines)  # nothing steers a terminal
    return found


def settings_of(at: SingleHarness, **changes: str) -> dict[str, str]:
    return environment(at.slack, at.anchor, **changes)


@pytest.fixture
async def one() -> AsyncIterator[SingleHarness]:
    async with single_workspace() as at:
        yield at


def assert_found(found: Examined, name: str, sign: str, *values: str) -> None:
    """Check a finding, whose line has these values."""
    check = found.of(name)
    assert (check.sign, [value for value in values if value not in check.text]) == (sign, [])
    assert check.fix or sign not in {WRONG, ODD} or name in {"database", "settings"}  # they say it themselves


@HTTP_ONLY
async def test_all_is_well(one: SingleHarness) -> None:
    for changes in (CHANNEL, {}):
        found = await examined(settings_of(one, **changes))
        assert [line for line in found.lines if not line.startswith(GOOD)] == []
    found, home = await examined(settings_of(one, **CHANNEL)), one.slack.home
    names = [check.name for check in found.found]
    assert names == [*OF_A_BOT, *OF_A_WORKSPACE]
    assert_found(found, "bot token", GOOD, home.team_id, "Acme", "@anchor")
    assert_found(found, "scopes", GOOD, "commands, chat:write, users:read")
    assert_found(found, "alert channel", GOOD, one.slack.alerts.id)


def slack_is(status: int, body: bytes, kind: str = "application/json") -> dict[str, Fault]:
    return {"auth.test": Answer(status, body, kind)}


settings = dict[str, str]
CLOSED, NOWHERE = "http://127.0.0.1:1/", "https://no-such-host.invalid/"
WITH_WEBHOOK = "commands, chat:write, users:read, incoming-webhook"
PROXIED = settings(ANCHOR_API_URL="https://anchor.test")
LONG = "x" * 32

SETTINGS: dict[str, tuple[settings, tuple[str, ...]]] = {
    "token": (settings(SLACK_BOT_TOKEN="xoxb-1"), ("bot token", WRONG, "invalid_auth")),
    "key": (settings(ANCHOR_API_KEY="sk-wrong"), ("Anchor key", WRONG, "HTTP 401")),
    "channel": (settings(ALERTS_CHANNEL="C0INCIDENT1"), ("alert channel", WRONG, "not_in_channel", "C0INCIDENT1")),
    "further channel": (
        settings(ALERTS_TOKEN=LONG, ALERTS_CHANNELS="C0INCIDENT1", ALERTS_GROUP="C0INCIDENT1=S01"),
        ("other alert channel", ODD, "not_in_channel", "C0INCIDENT1"),
    ),
    "no channel": (settings(ALERTS_TOKEN=LONG, ALERTS_CHANNEL=""), ("alert channel", WRONG)),
    "Slack is closed": (settings(SLACK_API_URL=CLOSED), ("Slack", WRONG, "127.0.0.1:1")),
    "Slack has no name": (settings(SLACK_API_URL=NOWHERE), ("Slack", WRONG, "no-such-host.invalid")),
    "Anchor is closed": (settings(ANCHOR_API_URL=CLOSED), ("Anchor", WRONG, "127.0.0.1:1")),
    "no clock": (settings(ANCHOR_API_URL=CLOSED, SLACK_API_URL=CLOSED), ("clock", SKIPPED)),
    "proxy": (PROXIED | {"HTTPS_PROXY": CLOSED}, ("Anchor", WRONG, "anchor.test", "proxy")),
    "database": (settings(DATABASE_URL="postgresql://b@127.0.0.1:1/b"), ("database", WRONG, "DATABASE_URL")),
    "database URL": (settings(DATABASE_URL="postgresql://b/b?odd=1"), ("database", WRONG, "DATABASE_URL")),
    "directory": (settings(DATABASE_URL="sqlite:////nowhere/bot.db"), ("database", WRONG, "/nowhere/bot.db")),
    "other file": (settings(DATABASE_URL=f"sqlite:///{__file__}"), ("database", WRONG, __file__)),
    "automatic pause": (settings(ALERTS_TOKEN=LONG, AUTO_PAUSE="on"), ("settings", ODD, "AUTO_PAUSE_TOKENS")),
    "typo": (settings(ALERT_TOKEN="x"), ("settings", ODD, "ALERTS_TOKEN")),
}
FAULTS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "token": ({"auth.test": BROKEN}, ("bot token", WRONG, "internal_error")),
    "channel": ({SCHEDULE: BROKEN}, ("alert channel", WRONG, "internal_error")),
    "gone": ({DELETE: api_error("invalid_scheduled_message_id")}, ("alert channel", GOOD)),
    "key": ({"anchor": anchor_error(500)}, ("Anchor key", WRONG, "HTTP 500")),
    "gateway": (slack_is(502, b"<html>", HTML), ("bot token", WRONG)),
    "no scopes": (slack_is(200, b'{"ok":true,"team_id":"T0HOME00001"}'), ("scopes", SKIPPED)),
    "hangs": ({"api.test": Hang()}, ("Slack", WRONG, "TimeoutError")),
    "elsewhere": ({"api.test": Answer(302, headers={"Location": "/nowhere"})}, ("Slack", GOOD)),
    "hangs up": ({"api.test": ResetAfterReading()}, ("Slack", WRONG)),
    "behind": ({"clock": 60}, ("clock", GOOD)),
    "far behind": ({"clock": 400}, ("clock", WRONG)),
    "scope": ({"scopes": "commands, chat:write"}, ("scopes", WRONG, "users:read")),
    "no post": ({"scopes": "commands"}, ("alert channel", WRONG, "missing_scope")),
    "webhook": ({"scopes": WITH_WEBHOOK}, ("scopes", GOOD)),
    "control characters": ({"auth.test": api_error("x\x1b[2J\ny")}, ("bot token", WRONG)),
}


@HTTP_ONLY
@pytest.mark.parametrize(("changes", "expected"), SETTINGS.values(), ids=SETTINGS)
async def test_a_setting_that_is_wrong_is_named(one: SingleHarness, changes: dict[str, str], expected: Any) -> None:
    assert_found(await examined(settings_of(one, **CHANNEL | changes)), *expected)


@HTTP_ONLY
@pytest.mark.parametrize(("faults", "expected"), FAULTS.values(), ids=FAULTS)
async def test_a_fault_of_slack_or_anchor_is_named(one: SingleHarness, faults: dict[str, Any], expected: Any) -> None:
    for name, fault in faults.items():
        if name == "anchor":
            one.anchor.fault = fault
        elif name == "clock":
            one.slack.clock.advance(fault)
        elif name == "scopes":
            one.slack.home.installation.scopes = set(fault.split(", "))
        else:
            one.slack.faults[name] = fault
    assert_found(await examined(settings_of(one, **CHANNEL)), *expected)


async def test_urls_without_the_apis_are_named(one: SingleHarness) -> None:
    async with LocalServer([]) as elsewhere:
        found = await examined(settings_of(one, SLACK_API_URL=elsewhere.origin, ANCHOR_API_URL=elsewhere.origin))
        proxied = await examined(settings_of(one, **PROXIED, HTTPS_PROXY=elsewhere.origin))
    assert_found(proxied, "Anchor", WRONG, "anchor.test", "HTTP 404 of the proxy")
    for name in ("Slack", "Anchor"):
        assert_found(found, name, WRONG, "HTTP 404")


async def test_a_certificate_that_is_not_trusted_is_named(one: SingleHarness, tmp_path: Path) -> None:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    dated = builder.not_valid_before(datetime(2026, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2036, 1, 1, tzinfo=UTC))
    pem, own = serialization.Encoding.PEM, (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "both").write_bytes(key.private_bytes(pem, *own) + dated.sign(key, hashes.SHA256()).public_bytes(pem))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "both")
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", port := free_port(), ssl=context):
        found = await examined(settings_of(one, ANCHOR_API_URL=f"https://127.0.0.1:{port}/"))
    assert_found(found, "Anchor", WRONG, "certificate")


@SOCKET_ONLY
async def test_the_token_of_socket_mode_is_tried_without_a_connection(one: SingleHarness) -> None:
    """Slack could send requests to the connection of the doctor."""
    environ = settings_of(one)
    found = await examined(environ)
    assert_found(found, "Socket Mode", GOOD)
    assert one.slack.sockets.count == 1
    for fault, why in (
        (api_error("invalid_auth"), "SLACK_APP_TOKEN (invalid_auth)"),
        (api_error("fatal_error"), "fatal_error"),
        (Answer(200, b'{"ok":true}'), "URL"),
    ):
        one.slack.faults["apps.connections.open"] = fault
        assert_found(await examined(environ), "Socket Mode", WRONG, why)
    one.slack.faults.clear()


async def test_a_database_that_works_is_current(one: SingleHarness, database_url: str) -> None:
    if not database_url.startswith("sqlite"):
        assert_found(await examined(settings_of(one, DATABASE_URL=database_url)), "database", GOOD)
    async with open_store(Secret(database_url), [KEY], keys_must_fit=False) as store:
        found = await examined(settings_of(one, DATABASE_URL=database_url))
        await OrdersOf(store, "a bot", store.cipher).write(order_row())
    assert found.failures() == []
    assert_found(found, "database", GOOD, VERSION)
    assert any(one.name == "processes" for one in found.found) is database_url.startswith("postgresql")


@HTTP_ONLY
async def test_processes_with_different_settings_are_counted(postgresql_urls: Iterator[str]) -> None:
    url = next(postgresql_urls)
    async with single_workspace(DATABASE_URL=url) as at:
        await at.answer("a command")
        for changes, sign in (({}, GOOD), ({"RESUME_USERS": "U0ALICE0001"}, ODD)):
            found = await examined(settings_of(at, DATABASE_URL=url, **changes))
            assert_found(found, "processes", sign, "1 on")


async def test_no_secret_is_printed(one: SingleHarness) -> None:
    secrets = {"ALERTS_TOKEN": "s3cret-of-alerts-and-long", "SLACK_BOT_TOKEN": "xoxb-wrong"}
    found = await examined(settings_of(one, **secrets, DATABASE_URL="postgresql://bot:s3cret@127.0.0.1:1/bot"))
    assert leaks("\n".join(found.lines)) == []


async def test_settings_and_files_that_can_not_be_used_end_it_at_once(one: SingleHarness) -> None:
    for changes, code, names in (
        ({"ANCHOR_API_KEY": "", "PORT": "none"}, 2, ("ANCHOR_API_KEY", "PORT")),
        ({"SSL_CERT_FILE": "/nowhere/ca.pem"}, 1, ("SSL_CERT_FILE",)),
        ({"ANCHOR_API_KEY": "sk-wrong"}, 1, ("Anchor key",)),
        ({}, 0, ()),
    ):
        async with bot_process(settings_of(one) | changes, arguments=("doctor",)) as process:
            assert await process.exit_code() == code
        printed = "\n".join([*process.sentences, *(line for line in process.printed if not line.startswith(GOOD))])
        assert [name for name in names if name not in printed] == []


async def set_up(at: ManyHarness, *numbers: int) -> list[Tenant]:
    tenants = [await at.set_up(at.add(number)) for number in numbers]
    for tenant in tenants:
        await at.store.rows.set_alerts_channel(tenant.team_id, tenant.channel.id)
    return tenants


async def test_every_workspace_is_checked(at: ManyHarness) -> None:
    none = await examined(at.environ)
    assert_found(none, "workspaces", SKIPPED)
    tenants = await set_up(at, *range(1, 13))
    found = await examined(at.environ)
    assert found.failures() == []
    for tenant in tenants:
        signs = [found.of(f"{name} of {tenant.team_id}").sign for name in OF_A_WORKSPACE]
        assert signs == [GOOD] * len(OF_A_WORKSPACE)
    assert at.slack.platform.scheduled == {}


async def test_what_is_wrong_in_one_says_nothing_about_the_other(at: ManyHarness) -> None:
    good, bad, damaged = await set_up(at, 1, 2, 3)
    without = at.add(4)
    await at.install(without)
    bad.workspace.installation.refusal = "token_revoked"
    at.anchor.revoke(bad.key)
    await at.execute("UPDATE workspaces SET policy = 'damaged' WHERE team_id = 'T0TENANT003'")
    found = await examined(at.environ)
    assert_found(found, f"bot token of {bad.team_id}", WRONG, "token_revoked")
    assert_found(found, f"Anchor key of {bad.team_id}", WRONG, "HTTP 401")
    assert_found(found, f"Anchor key of {without.team_id}", WRONG)
    assert_found(found, f"workspace {damaged.team_id}", WRONG)
    assert len(found.failures()) == 4
    assert_found(found, f"Anchor key of {good.team_id}", GOOD)


async def test_a_database_that_can_not_be_read_is_named(at: ManyHarness) -> None:
    await set_up(at, 1)
    for changes, why in (
        ({"ENCRYPTION_KEYS": OTHER_KEY.reveal()}, "ENCRYPTION_KEYS"),
        ({"DATABASE_URL": "postgresql://bot@127.0.0.1:1/bot"}, "DATABASE_URL"),
    ):
        found = await examined(at.environ | changes)
        assert found.failures() == ["database"]
        assert_found(found, "database", WRONG, why)
    await at.rename_table("workspaces", "elsewhere")
    assert (await examined(at.environ)).failures() == ["database"]
    await at.rename_table("elsewhere", "workspaces")
