"""A bot that reaches Slack and Anchor through a proxy: HTTPS_PROXY and NO_PROXY."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from bot.demo.sandbox import environment
from bot.sim.anchor import SimAnchor
from bot.sim.local_server import free_port
from bot.sim.slack import SimSlack
from harness import SESSION, paused
from harness.connect_proxy import ConnectProxy, connect_proxy, forward, serving
from harness.process import ProcessHarness, bot_process
from harness.single_workspace import PATIENT

pytestmark = pytest.mark.anyio

PASSWORD = "s3cret-of-the-proxy"
CREDENTIALS = f"bot:{PASSWORD}"
SLACK, ANCHOR = "slack.test", "anchor.test"  # no DNS server knows them: https://www.rfc-editor.org/rfc/rfc6761


@dataclass(frozen=True, slots=True)
class ProxyHarness(ProcessHarness):
    """A bot with a proxy, and its settings."""

    proxy: ConnectProxy
    environ: Mapping[str, str]


def tls_server(certificate: trustme.LeafCert, port: int, *, to: int) -> AbstractAsyncContextManager[int]:
    """Serve by TLS what is on the port `to`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return serving(lambda one, other: forward(one, other, asyncio.open_connection("127.0.0.1", to)), port, context)


@asynccontextmanager
async def bot_with_proxy(
    directory: Path, *, slack_host: str = SLACK, socket_mode: bool = False, **settings: str
) -> AsyncIterator[ProxyHarness]:
    """Run a bot. Only the proxy knows `anchor.test` and `slack.test`; `localhost` can be called without it."""
    authority, slack_port, anchor_port = trustme.CA(), free_port(), free_port()
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    origin = f"https://{slack_host}" if slack_host == SLACK else f"https://{slack_host}:{slack_port}"
    hosts = {f"{SLACK}:443": slack_port, f"{ANCHOR}:443": anchor_port}
    async with (
        SimSlack(socket_mode=socket_mode, ack_deadline=PATIENT, origin=origin) as slack,
        SimAnchor() as anchor,
        tls_server(authority.issue_cert(slack_host), slack_port, to=slack.port),
        tls_server(authority.issue_cert(ANCHOR), anchor_port, to=anchor.port),
        connect_proxy(hosts, CREDENTIALS) as proxy,
    ):
        anchor.add_session(session_id=SESSION)
        own = {
            "ANCHOR_API_URL": f"https://{ANCHOR}",
            "HTTPS_PROXY": f"http://{CREDENTIALS}@127.0.0.1:{proxy.port}",
            "SSL_CERT_FILE": str(directory / "ca.pem"),
            "LOG_LEVEL": "DEBUG",
        }
        environ = environment(slack, anchor) | own | settings
        async with bot_process(environ) as bot:
            await bot.says("connected to Slack" if socket_mode else "ready")
            slack.request_url = None if socket_mode else f"{bot.url}/slack/events"
            yield ProxyHarness(slack, anchor, slack.home, slack.alice, slack.alerts, SESSION, bot, proxy, environ)
        assert slack.violations == []
        written = "\n".join(bot.lines)
        assert PASSWORD not in written
        assert base64.b64encode(CREDENTIALS.encode()).decode() not in written


async def test_slack_and_anchor_are_called_through_the_proxy(tmp_path: Path) -> None:
    """Also by the command line. The answer to a click goes to a response_url."""
    async with bot_with_proxy(tmp_path, socket_mode=True) as at:
        assert [await at.answer(by) for by in ("a command", "a click")]
        assert {message.text for message in at.answers()} == {paused()}
        before = len(at.anchor.requests)
        async with bot_process(at.environ, arguments=("pause", SESSION)) as command:
            assert await command.exit_code() == 0
        assert len(at.anchor.requests) > before
    assert set(at.proxy.requests) == {f"{SLACK}:443 200", f"{ANCHOR}:443 200"}
    assert at.bot.log[0]["proxy"] == f"http://127.0.0.1:{at.proxy.port}"
