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

from bot.cli import as_called
from bot.cli.doctor import examine
from bot.demo.sandbox import environment
from bot.sim.anchor import server_error as anchor_error
from bot.sim.local_server import LocalServer, free_port
from bot.sim.slack import Answer, Fault, Hang, ResetAfterReading, api_error
from harness import HTTP_ONLY, SOCKET_ONLY, ManyHarness, SingleHarness, Tenant, single_workspace
from harness.databases import KEY, OTHER_KEY
from harness.order_rows import OrdersOf, order_row
from harness.outages import VERSION
from harness.process import bot_process
from harness.product import Secret, checks, open_store
from harness.secret_scan import leaks
from harness.snapshot import SNAPSHOT

N = checks.CheckName
Good, Wrong, Odd, Skipped, Open = checks.Good, checks.Wrong, checks.Questionable, checks.Skipped, checks.Unanswered
HTML = "text/html"
SCHEDULE, DELETE = "chat.scheduleMessage", "chat.deleteScheduledMessage"
CHANNEL = {"ALERTS_CHANNEL": "C0ALERTS001"}
BROKEN = api_error("internal_error")
SLACK_API = {"who": "Slack", "setting": "SLACK_API_URL"}
ANCHOR_API = {"who": "Anchor", "setting": "ANCHOR_API_URL"}


@dataclass(frozen=True, slots=True)
class Examined:
    found: list[checks.Checked]

    @property
    def code(self) -> int:
        return checks.exit_code(self.found)

    @property
    def lines(self) -> list[str]:
        return [as_called(checks.check_line(one)) for one in self.found]

    def kind(self, name: checks.CheckName, team_id: str = "") -> checks.Kind:
        (kind,) = [one.finding.kind for one in self.found if (one.name, one.team_id) == (name, team_id)]
        return kind

    def failures(self) -> dict[str, checks.Kind]:
        failed = Wrong | Open
        return {one.name: one.finding.kind for one in self.found if isinstance(one.finding.kind, failed)}

    def has(self, name: checks.CheckName, kind: checks.Kind, team_id: str = "", /, **values: str) -> bool:
        return as_called(checks.check_line(checks.Checked(name, checks.Finding(kind, values), team_id))) in self.lines


async def examined(environ: Mapping[str, str], *, env_file: Path = Path("no.env")) -> Examined:
    found = Examined([check async for check in examine(environ, env_file)])
    SNAPSHOT.saw(*found.lines)
    return found


def settings_of(at: SingleHarness, **changes: str) -> dict[str, str]:
    return environment(at.slack, at.anchor, **changes)


@pytest.fixture
async def one() -> AsyncIterator[SingleHarness]:
    async with single_workspace() as at:
        yield at


def assert_found(
    found: Examined, name: checks.CheckName, kind: checks.Kind, values: Mapping[str, str] | None = None
) -> None:
    """Check a finding, and the exit code if nothing else failed: 2 for what somebody has to repair."""
    assert found.kind(name) == kind
    assert not values or found.has(name, kind, **values)
    if found.failures() in ({}, {name: kind}):
        assert found.code == (2 if isinstance(kind, Wrong) else 1 if isinstance(kind, Open) else 0)


@HTTP_ONLY
async def test_all_is_well(one: SingleHarness) -> None:
    found = await examined(settings_of(one, **CHANNEL))
    assert (found.code, found.failures()) == (0, {})
    for changes in (CHANNEL, {}):
        lines = (await examined(settings_of(one, **changes))).lines
        assert [line for line in lines if not line.startswith("✓")] == []
    home = one.slack.home
    assert found.has(N.BOT_TOKEN, Good.TOKEN_ACCEPTED, team=home.team_id, name="Acme", bot="anchor")
    assert found.has(N.SCOPES, Good.SCOPES_GRANTED, scopes="commands, chat:write, users:read")
    assert found.has(N.ANCHOR_KEY, Good.KEY_ACCEPTED)
    assert found.has(N.DATABASE, Good.DATABASE_IN_MEMORY)
    assert found.has(N.ALERT_CHANNEL, Good.CHANNEL_OPEN, channel=one.slack.alerts.id, group="nobody")
    kinds = [found.kind(name) for name in (N.SETTINGS, N.SLACK, N.ANCHOR, N.CLOCK)]
    assert kinds == [Good.SETTINGS_VALID, Good.REACHED, Good.REACHED, Good.CLOCK_RIGHT]


def fails(name: checks.CheckName, kind: checks.Kind, **values: str) -> tuple[object, ...]:
    return name, kind, values


def slack_is(status: int, body: bytes, kind: str = "application/json") -> dict[str, Fault]:
    return {"auth.test": Answer(status, body, kind)}


settings = dict[str, str]
CLOSED, NOWHERE = "http://127.0.0.1:1/", "https://no-such-host.invalid/"
WITH_WEBHOOK = "commands, chat:write, users:read, incoming-webhook"
PROXIED = settings(ANCHOR_API_URL="https://anchor.test")
LONG = "x" * 32
NOT_IN_CHANNEL = fails(N.ALERT_CHANNEL, Wrong.CHANNEL_REFUSED, code="not_in_channel", channel="C0INCIDENT1")

SETTINGS = {
    "token": (settings(SLACK_BOT_TOKEN="xoxb-1"), fails(N.BOT_TOKEN, Wrong.TOKEN_REFUSED, code="invalid_auth")),
    "first": (settings(SLACK_BOT_TOKEN="xoxb-1"), fails(N.SCOPES, Skipped.NOT_CHECKED, why=f"see {N.BOT_TOKEN}")),
    "key": (settings(ANCHOR_API_KEY="sk-wrong"), fails(N.ANCHOR_KEY, Wrong.KEY_REFUSED, status="401")),
    "channel": (settings(ALERTS_CHANNEL="C0INCIDENT1"), NOT_IN_CHANNEL),
    "further channel": (
        settings(ALERTS_TOKEN=LONG, ALERTS_CHANNELS="C0INCIDENT1", ALERTS_GROUP="C0INCIDENT1=S01"),
        fails(N.OTHER_CHANNEL, Odd.CHANNEL_CLOSED, code="not_in_channel", channel="C0INCIDENT1", group="S01"),
    ),
    "no TLS": (settings(BASE_URL="http://bot.example.com"), fails(N.SETTINGS, Wrong.SETTINGS_INVALID)),
    "Slack is closed": (settings(SLACK_API_URL=CLOSED), fails(N.SLACK, Open.NOT_REACHED)),
    "Slack has no name": (settings(SLACK_API_URL=NOWHERE), fails(N.SLACK, Open.NOT_REACHED)),
    "Anchor is closed": (settings(ANCHOR_API_URL=CLOSED), fails(N.ANCHOR, Open.NOT_REACHED)),
    "no clock": (settings(ANCHOR_API_URL=CLOSED, SLACK_API_URL=CLOSED), fails(N.CLOCK, Skipped.NOT_CHECKED)),
    "proxy": (PROXIED | {"HTTPS_PROXY": CLOSED}, fails(N.ANCHOR, Open.PROXY_FAILED)),
    "database": (settings(DATABASE_URL="postgresql://b@127.0.0.1:1/b"), fails(N.DATABASE, Open.DATABASE_DOWN)),
    "database URL": (settings(DATABASE_URL="postgresql://b/b?odd=1"), fails(N.DATABASE, Wrong.DATABASE_UNUSABLE)),
    "directory": (settings(DATABASE_URL="sqlite:////nowhere/bot.db"), fails(N.DATABASE, Wrong.DATABASE_UNUSABLE)),
    "other file": (settings(DATABASE_URL=f"sqlite:///{__file__}"), fails(N.DATABASE, Wrong.DATABASE_UNUSABLE)),
    "automatic pause": (settings(ALERTS_TOKEN=LONG, AUTO_PAUSE="on"), fails(N.SETTINGS, Odd.SETTINGS_ODD)),
    "typo": (settings(ALERT_TOKEN="x"), fails(N.SETTINGS, Odd.SETTINGS_ODD)),
}
FAULTS: dict[str, tuple[dict[str, Any], Any]] = {
    "token": ({"auth.test": BROKEN}, fails(N.BOT_TOKEN, Open.NO_ANSWER, who="Slack", why="internal_error")),
    "channel": ({SCHEDULE: BROKEN}, fails(N.ALERT_CHANNEL, Open.NO_ANSWER, who="Slack", why="internal_error")),
    "gone": ({DELETE: api_error("invalid_scheduled_message_id")}, fails(N.ALERT_CHANNEL, Good.CHANNEL_OPEN)),
    "key": ({"anchor": anchor_error(500)}, fails(N.ANCHOR_KEY, Open.NO_ANSWER, who="Anchor", why="HTTP 500")),
    "gateway": (slack_is(502, b"<html>", HTML), fails(N.BOT_TOKEN, Open.NO_ANSWER)),
    "no scopes": (slack_is(200, b'{"ok":true,"team_id":"T0HOME00001"}'), fails(N.SCOPES, Skipped.NOT_CHECKED)),
    "hangs": ({"api.test": Hang()}, fails(N.SLACK, Open.NOT_REACHED)),
    "hangs up": ({"api.test": ResetAfterReading()}, fails(N.SLACK, Open.NOT_REACHED)),
    "behind": ({"clock": 60}, fails(N.CLOCK, Odd.CLOCK_OFF)),
    "far behind": ({"clock": 400}, fails(N.CLOCK, Wrong.CLOCK_WRONG)),
    "scope": ({"scopes": "commands, chat:write"}, fails(N.SCOPES, Wrong.SCOPES_MISSING, scopes="users:read")),
    "no post": ({"scopes": "commands"}, fails(N.ALERT_CHANNEL, Skipped.NOT_CHECKED, why=f"see {N.SCOPES}")),
    "webhook": ({"scopes": WITH_WEBHOOK}, fails(N.SCOPES, Good.SCOPES_GRANTED)),
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
    assert proxied.has(N.ANCHOR, Open.PROXY_FAILED, host="anchor.test", why="HTTP 404")
    assert found.code == 2
    assert found.has(N.SLACK, Wrong.NOT_API, **SLACK_API, why="HTTP 404")
    assert found.has(N.ANCHOR, Wrong.NOT_API, **ANCHOR_API, why="HTTP 404")


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
    assert_found(found, N.ANCHOR, Open.CERTIFICATE_REFUSED)


@SOCKET_ONLY
async def test_the_token_of_socket_mode_is_tried_without_a_connection(one: SingleHarness) -> None:
    """Slack could send requests to the connection of the doctor."""
    environ = settings_of(one)
    found = await examined(environ)
    assert (found.code, found.kind(N.SOCKET_MODE)) == (0, Good.SOCKET_OFFERED)
    assert one.slack.sockets.count == 1
    for fault, kind in (
        (api_error("invalid_auth"), Wrong.SOCKET_REFUSED),
        (api_error("fatal_error"), Open.NO_ANSWER),
        (Answer(200, b'{"ok":true}'), Open.NO_ANSWER),
    ):
        one.slack.faults["apps.connections.open"] = fault
        assert_found(await examined(environ), N.SOCKET_MODE, kind)
    one.slack.faults.clear()


async def test_a_database_that_works_is_current(one: SingleHarness, database_url: str) -> None:
    if not database_url.startswith("sqlite"):
        assert (await examined(settings_of(one, DATABASE_URL=database_url))).kind(N.DATABASE) == Good.DATABASE_NEW
    async with open_store(Secret(database_url), [KEY], keys_must_fit=False) as store:
        found = await examined(settings_of(one, DATABASE_URL=database_url))
        await OrdersOf(store, "a bot", store.cipher).write(order_row())
    assert found.code == 0
    assert found.has(N.DATABASE, Good.DATABASE_CURRENT, version=VERSION)
    assert any(one.name is N.PROCESSES for one in found.found) is database_url.startswith("postgresql")


@HTTP_ONLY
async def test_processes_with_different_settings_are_counted(postgresql_urls: Iterator[str]) -> None:
    url = next(postgresql_urls)
    async with single_workspace(DATABASE_URL=url) as at:
        await at.answer("a command")
        for changes, expected in (({}, Good.SETTINGS_SAME), ({"RESUME_USERS": "U0ALICE0001"}, Odd.SETTINGS_DIFFER)):
            found = await examined(settings_of(at, DATABASE_URL=url, **changes))
            assert found.has(N.PROCESSES, expected, number="1")


async def test_no_secret_is_printed(one: SingleHarness) -> None:
    secrets = {"ALERTS_TOKEN": "s3cret-of-alerts-and-long", "SLACK_BOT_TOKEN": "xoxb-wrong"}
    found = await examined(settings_of(one, **secrets, DATABASE_URL="postgresql://bot:s3cret@127.0.0.1:1/bot"))
    assert leaks("\n".join(found.lines)) == []


async def test_settings_and_files_that_can_not_be_used_end_it_at_once(one: SingleHarness, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("not a line\n")
    for found, names in (
        (await examined(settings_of(one, ANCHOR_API_KEY="", PORT="none")), ["ANCHOR_API_KEY", "PORT"]),
        (await examined(settings_of(one), env_file=tmp_path / ".env"), [".env"]),
    ):
        assert_found(found, N.SETTINGS, Wrong.SETTINGS_INVALID)
        assert len(found.lines) == 1
        assert [name for name in names if name not in found.lines[0]] == []
    environ = settings_of(one) | {"SSL_CERT_FILE": "/nowhere/ca.pem"}
    async with bot_process(environ, arguments=("doctor",)) as process:
        assert await process.exit_code() == 2
    (line,) = process.printed
    assert "SSL_CERT_FILE" in line


OF_A_WORKSPACE = (N.BOT_TOKEN, N.SCOPES, N.ANCHOR_KEY, N.ALERT_CHANNEL)


async def set_up(at: ManyHarness, *numbers: int) -> list[Tenant]:
    tenants = [await at.set_up(at.add(number)) for number in numbers]
    for tenant in tenants:
        await at.store.rows.set_alerts_channel(tenant.team_id, tenant.channel.id)
    return tenants


async def test_every_workspace_is_checked(at: ManyHarness) -> None:
    none = await examined(at.environ)
    assert (none.code, none.has(N.WORKSPACES, Skipped.NO_WORKSPACES)) == (0, True)
    tenants = await set_up(at, *range(1, 13))
    found = await examined(at.environ)
    assert (found.code, found.failures()) == (0, {})
    for tenant in tenants:
        kinds = [found.kind(name, tenant.team_id) for name in OF_A_WORKSPACE]
        assert kinds == [Good.TOKEN_ACCEPTED, Good.SCOPES_GRANTED, Good.KEY_ACCEPTED, Good.CHANNEL_OPEN]
    assert at.slack.platform.scheduled == {}


async def test_what_is_wrong_in_one_says_nothing_about_the_other(at: ManyHarness) -> None:
    good, bad, damaged = await set_up(at, 1, 2, 3)
    without = at.add(4)
    await at.install(without)
    bad.workspace.installation.refusal = "token_revoked"
    at.anchor.revoke(bad.key)
    await at.execute("UPDATE workspaces SET policy = 'damaged' WHERE team_id = 'T0TENANT003'")
    found = await examined(at.environ)
    assert found.code == 2
    assert found.has(N.BOT_TOKEN, Wrong.TOKEN_REFUSED, bad.team_id, code="token_revoked")
    assert found.has(N.ANCHOR_KEY, Wrong.KEY_REFUSED, bad.team_id, status="401")
    assert found.has(N.SCOPES, Skipped.NOT_CHECKED, bad.team_id, why=f"see {N.BOT_TOKEN}")
    assert found.has(N.ANCHOR_KEY, Wrong.KEY_UNSET, without.team_id)
    assert found.has(N.ALERT_CHANNEL, Good.NO_ALERTS, without.team_id)
    assert found.kind(N.WORKSPACES, damaged.team_id) == Wrong.ROW_UNREADABLE
    assert found.kind(N.ANCHOR_KEY, good.team_id) == Good.KEY_ACCEPTED


async def test_a_database_that_can_not_be_read_is_named(at: ManyHarness) -> None:
    await set_up(at, 1)
    found = await examined(at.environ | {"ENCRYPTION_KEYS": OTHER_KEY.reveal()})
    assert (found.code, found.failures()) == (2, {N.DATABASE: Wrong.KEYS_UNFIT})
    found = await examined(at.environ | {"DATABASE_URL": "postgresql://bot@127.0.0.1:1/bot"})
    assert (found.code, found.failures()) == (1, {N.DATABASE: Open.DATABASE_DOWN})
