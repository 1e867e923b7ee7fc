"""The alert rules and the dashboard in deploy/: with the real Prometheus, and with the names that the bot exports."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

import bot
from bot.sim.local_server import free_port
from harness.metrics import read
from harness.process import fetch, run_command, single_workspace_process
from harness.programs import needs

pytestmark = pytest.mark.anyio

DEPLOY = Path(bot.__file__).parents[1] / "deploy"
RULES = DEPLOY / "prometheus-rules.yml"
TESTS = DEPLOY / "prometheus-rules-test.yml"
DASHBOARD = DEPLOY / "grafana-dashboard.json"
NAME = re.compile(r"\b(?:anchor_bot|process)_\w+")


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return list(group["rules"])


@needs("prometheus")
async def test_each_rule_fires_when_it_should_and_only_then() -> None:
    assert f"{len(rules())} rules found" in await run_command("promtool", "check", "rules", RULES)
    await run_command("promtool", "test", "rules", TESTS)
    cases = [
        (check["alertname"], bool(check["exp_alerts"]))
        for test in yaml.safe_load(TESTS.read_text())["tests"]
        for check in test["alert_rule_test"]
    ]
    assert set(cases) == {(rule["alert"], fires) for rule in rules() for fires in (True, False)}


@asynccontextmanager
async def prometheus(directory: Path, target: str) -> AsyncIterator[str]:
    """Run a Prometheus with the rules, which scrapes a target each 0.2 s. Yield its URL."""
    configuration = {
        "global": {"scrape_interval": "200ms", "evaluation_interval": "200ms"},
        "rule_files": [str(RULES)],
        "scrape_configs": [{"job_name": "anchor-bot", "static_configs": [{"targets": [target]}]}],
    }
    (directory / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    address = f"127.0.0.1:{free_port()}"
    process = await asyncio.create_subprocess_exec(
        "prometheus",
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address={address}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        await process.wait()


async def ask(url: str, path: str, **parameters: str) -> Any:
    """Ask Prometheus until it answers with something."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(60):
        while True:
            try:
                async with session.get(f"{url}/api/v1/{path}", params=parameters) as response:
                    data = (await response.json())["data"]
            except aiohttp.ClientError:
                data = {}
            if any(data.values() if path == "rules" else data.get("result", ())):
                return data
            await asyncio.sleep(0.1)


@needs("prometheus")
async def test_prometheus_reads_the_bot_and_evaluates_the_rules(tmp_path: Path) -> None:
    port = free_port()
    async with single_workspace_process({"METRICS_PORT": str(port)}) as at:
        await at.command()
        async with prometheus(tmp_path, f"127.0.0.1:{port}") as url:
            counted = await ask(url, "query", query='anchor_bot_orders_total{verb="pause",outcome="Paused"} > 0')
            (group,) = (await ask(url, "rules"))["groups"]
    assert [sample["value"][1] for sample in counted["result"]] == ["1"]
    assert [rule["name"] for rule in group["rules"]] == [rule["alert"] for rule in rules()]
    assert {rule["health"] for rule in group["rules"]} <= {"ok", "unknown"}


async def test_the_rules_and_the_dashboard_name_each_metric_that_there_is_and_no_other() -> None:
    """In Socket Mode there are the most."""
    port = free_port()
    async with single_workspace_process({"METRICS_PORT": str(port)}, socket_mode=True) as at:
        await at.command()
        exported = read(await fetch(f"http://127.0.0.1:{port}/metrics")).names
    texts = [rule["expr"] for rule in rules()]
    texts += [target["expr"] for panel in json.loads(DASHBOARD.read_text())["panels"] for target in panel["targets"]]
    named = {name for text in texts for name in NAME.findall(text)}
    assert named - exported == set()
    ours = {name for name in exported if name.startswith("anchor_bot")}
    assert {family(name) for name in ours} == {family(name) for name in named if name.startswith("anchor_bot")}


def family(name: str) -> str:
    return re.sub("_(?:bucket|count|sum)$", "", name)
