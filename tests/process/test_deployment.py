"""What stands around a bot: the image, Caddy, Prometheus and a proxy."""

import asyncio
import base64
import json
import os
import re
import shlex
import shutil
import ssl
import sys
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
import yaml

import bot
from bot.demo.sandbox import environment
from bot.sim.anchor import SimAnchor
from bot.sim.local_server import free_port
from bot.sim.slack import SimSlack
from harness import SESSION, paused, single_workspace_process
from harness.bots import PATIENT
from harness.connect_proxy import connect_proxy, forward, serving
from harness.process import ProcessHarness, bot_process, run_command, scrape
from harness.programs import needs
from test_deployment_files import BUILD, IMAGE, all_of, environment_of

ROOT = Path(bot.__file__).parents[1]
DEPLOY = ROOT / "deploy"
SERVICE, CADDYFILE = DEPLOY / "anchor-bot.service", DEPLOY / "Caddyfile"
INSTALLED = "/opt/anchor-bot"


async def run(*command: str | Path, variables: Mapping[str, str] | None = None, cwd: Path = ROOT) -> str:
    return await run_command(*command, cwd=cwd, env={"PATH": os.environ["PATH"], **(variables or {})})


async def test_the_health_check_tells_a_bot_that_answers_from_one_that_does_not() -> None:
    (check,) = all_of(IMAGE, "HEALTHCHECK")
    command = [sys.executable, *json.loads(check.partition("CMD ")[2])[1:]]
    async with single_workspace_process() as at:
        port = at.bot.url.rpartition(":")[2]
        process = await asyncio.create_subprocess_exec(*command, env={"PORT": port})
        assert await process.wait() == 0
        await at.bot.stop()
        nowhere = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(*command, env={"PORT": port}, stderr=nowhere)
        assert await process.wait() != 0


@pytest.mark.long
async def test_the_steps_of_the_image_install_a_bot_that_runs(tmp_path: Path) -> None:
    """In an empty directory, with what is copied there and nothing else. It downloads the pinned packages."""
    source, installed, state = tmp_path / "src", tmp_path / "opt", tmp_path / "state"
    for directory in (source, state):
        directory.mkdir()
    pip = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "HOME"))}
    for instruction, arguments in BUILD[2:]:
        if instruction == "COPY":
            *names, target = arguments.split()
            for name in names:
                (source / name).parent.mkdir(exist_ok=True)
                copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
                copy(ROOT / name, source / (target if (ROOT / name).is_dir() else name))
        else:
            python = f"{shlex.quote(sys.executable)} -m"
            command = arguments.replace(INSTALLED, str(installed)).replace("python -m", python)
            await run("sh", "-c", command, cwd=source, variables=pip)
    async with SimSlack() as slack, SimAnchor() as anchor:
        own = {**environment_of(IMAGE), "HOST": "127.0.0.1", "PATH": f"{installed / 'bin'}:{os.environ['PATH']}"}
        environ = environment(slack, anchor) | own | {"PORT": str(free_port()), "DATABASE_URL": ""}
        program = (str(installed / "bin/anchor-bot"),)
        async with bot_process(environ, command=program, directory=state, covered=False) as started:
            await started.says("ready")
            assert await started.stop() == 0
    assert (state / "anchor-bot.db").exists()
    assert (installed / "share/anchor-chatops/manifest.yml").exists()


@needs("caddy")
async def test_caddy_forwards_what_is_for_the_public_and_limits_it(tmp_path: Path) -> None:
    """With its configuration but for TLS, which needs a public name."""
    port, home = free_port(), {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    async with single_workspace_process({"ALERTS_TOKEN": "s3cret-of-the-alerts"}) as at:
        target = at.bot.url.removeprefix("http://")
        variables = home | {"DOMAIN": "bot.test", "BOT": target}
        await run("caddy", "validate", "--config", CADDYFILE, "--adapter", "caddyfile", variables=variables)
        own = {**home, "DOMAIN": f"http://127.0.0.1:{port}", "BOT": target, "PATH": os.environ["PATH"]}
        text = CADDYFILE.read_text().replace("{\n\tservers", "{\n\tadmin off\n\tservers", 1)
        (tmp_path / "Caddyfile").write_text(text)
        arguments = ("run", "--config", str(tmp_path / "Caddyfile"), "--adapter", "caddyfile")
        caddy = await asyncio.create_subprocess_exec("caddy", *arguments, env=own, stderr=asyncio.subprocess.DEVNULL)
        try:
            statuses = [await status_of(port, path, length) for path, length in REQUESTS]
        finally:
            caddy.terminate()
            await caddy.wait()
    assert statuses == [401, 401, 401, 404, 404, 431]


REQUESTS = (
    ("/slack/events", 10),
    ("/alerts", 10),
    ("/alerts/alertmanager", 10),
    ("/readyz", 10),
    ("/metrics", 10),
    ("/slack/events", 30_000),
)
"""A path, and the length of a header."""


async def status_of(port: int, path: str, length: int) -> int:
    """The status of a POST with a header of this length, once somebody answers."""
    headers = {"X-Header": "x" * length}
    async with aiohttp.ClientSession(headers=headers) as session, asyncio.timeout(30):
        while True:
            try:
                async with session.post(f"http://127.0.0.1:{port}{path}") as response:
                    return response.status
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.05)


@needs("systemd")
async def test_systemd_understands_the_service(tmp_path: Path) -> None:
    command = f"{INSTALLED}/bin/anchor-bot"
    text = SERVICE.read_text()
    assert command in text
    own = tmp_path / "anchor-bot.service"
    own.write_text(text.replace(command, f'"{Path(sys.executable).with_name("anchor-bot")}"'))
    assert await run("systemd-analyze", "verify", "--man=no", own) == ""
    await run("systemd-analyze", "security", "--offline=true", "--threshold=15", SERVICE)  # tenths


RULES = DEPLOY / "prometheus-rules.yml"
TESTS = DEPLOY / "prometheus-rules-test.yml"
DASHBOARD = DEPLOY / "grafana-dashboard.json"
NAME = re.compile(r"\b(?:anchor_bot|process)_\w+")


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return list(group["rules"])


@needs("promtool")
async def test_each_rule_fires_when_it_should_and_only_then() -> None:
    assert f"{len(rules())} rules found" in await run_command("promtool", "check", "rules", RULES)
    await run_command("promtool", "test", "rules", TESTS)
    cases = [
        (check["alertname"], bool(check["exp_alerts"]))
        for test in yaml.safe_load(TESTS.read_text())["tests"]
        for check in test["alert_rule_test"]
    ]
    assert set(cases) == {(rule["alert"], fires) for rule in rules() for fires in (True, False)}


async def test_the_rules_and_the_dashboard_name_each_metric_that_there_is_and_no_other() -> None:
    """In Socket Mode there are the most."""
    port = free_port()
    async with single_workspace_process({"METRICS_PORT": str(port)}, socket_mode=True) as at:
        await at.command()
        await at.slack.until(at.messages)  # soon after a connection has opened it does not come in the ack
        exported = (await scrape(port)).names
    texts, panels = [rule["expr"] for rule in rules()], json.loads(DASHBOARD.read_text())["panels"]
    texts += [target["expr"] for panel in panels for target in panel["targets"]]
    assert [panel["title"] for panel in panels if not panel["description"]] == []
    named = {name for text in texts for name in NAME.findall(text)}
    assert named - exported == set()
    ours = {name for name in exported if name.startswith("anchor_bot")}
    assert {family(name) for name in ours} == {family(name) for name in named if name.startswith("anchor_bot")}


def family(name: str) -> str:
    return re.sub("_(?:bucket|count|sum)$", "", name)


PASSWORD = "s3cret-of-the-proxy"
CREDENTIALS = f"bot:{PASSWORD}"
SLACK, ANCHOR = "slack.test", "anchor.test"  # no DNS server knows them: https://www.rfc-editor.org/rfc/rfc6761


def tls_server(certificate: trustme.LeafCert, port: int, *, to: int) -> AbstractAsyncContextManager[int]:
    """Serve by TLS what is on the port `to`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return serving(lambda one, other: forward(one, other, asyncio.open_connection("127.0.0.1", to)), port, context)


async def test_slack_and_anchor_are_called_through_the_proxy(tmp_path: Path) -> None:
    """Only the proxy knows `anchor.test` and `slack.test`. The answer to a click goes to a response_url."""
    authority, slack_port, anchor_port = trustme.CA(), free_port(), free_port()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    hosts = {f"{SLACK}:443": slack_port, f"{ANCHOR}:443": anchor_port}
    async with (
        SimSlack(socket_mode=True, ack_deadline=PATIENT, origin=f"https://{SLACK}") as slack,
        SimAnchor() as anchor,
        tls_server(authority.issue_cert(SLACK), slack_port, to=slack.port),
        tls_server(authority.issue_cert(ANCHOR), anchor_port, to=anchor.port),
        connect_proxy(hosts, CREDENTIALS) as (port, requests),
    ):
        anchor.add_session(session_id=SESSION)
        environ = environment(slack, anchor) | {
            "ANCHOR_API_URL": f"https://{ANCHOR}",
            "HTTPS_PROXY": f"http://{CREDENTIALS}@127.0.0.1:{port}",
            "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
            "LOG_LEVEL": "DEBUG",
        }
        async with bot_process(environ) as bot:
            await bot.says("connected to Slack")
            at = ProcessHarness(slack, anchor, slack.home, slack.alice, slack.alerts, SESSION, bot)
            assert [await at.answer(by) for by in ("a command", "a click")]
            assert {message.text for message in at.answers()} == {paused()}
            before = len(anchor.requests)
            async with bot_process(environ, arguments=("pause", SESSION)) as command:
                assert await command.exit_code() == 0
            assert len(anchor.requests) > before
        assert slack.violations == []
    written = "\n".join(bot.lines)
    assert [secret for secret in (PASSWORD, base64.b64encode(CREDENTIALS.encode()).decode()) if secret in written] == []
    assert set(requests) == {f"{SLACK}:443 200", f"{ANCHOR}:443 200"}
    assert bot.log[0]["proxy"] == f"http://127.0.0.1:{port}"
